package cli

import (
	"context"
	"fmt"

	"github.com/mlserver-go/mls/wrapper/internal/lazyregexp"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

var guid = lazyregexp.New(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// sessionID is the id of the session that text names: by its id, or by its name if just one has it.
func sessionID(ctx context.Context, client *mlserver.Client, text string) (string, error) {
	if guid().MatchString(text) {
		return text, nil
	}
	sessions, err := client.Sessions(ctx)
	if err != nil {
		return "", err
	}
	var ids []string
	for _, s := range sessions {
		if s.Name == text {
			ids = append(ids, s.ID)
		}
	}
	return only(ids, text, "session")
}

// snapshotID is the id of the snapshot that text names: by its id, or by its name if just one has it.
func snapshotID(ctx context.Context, client *mlserver.Client, text string) (string, error) {
	if text == "" || guid().MatchString(text) {
		return text, nil
	}
	snapshots, err := client.Snapshots(ctx)
	if err != nil {
		return "", err
	}
	var ids []string
	for _, s := range snapshots {
		if s.Name == text {
			ids = append(ids, s.ID)
		}
	}
	return only(ids, text, "snapshot")
}

// only returns the one id. Without any, text may be an id of another form, which the server knows or not.
func only(ids []string, text, what string) (string, error) {
	switch len(ids) {
	case 0:
		return text, nil
	case 1:
		return ids[0], nil
	}
	return "", hint(wrongUsage{fmt.Errorf("%d %ss are called %q", len(ids), what, text)}, "give the id: `mls %s list` shows it", what)
}
