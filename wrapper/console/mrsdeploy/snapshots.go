package mrsdeploy

import (
	"context"
	"io"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
)

// createSnapshot stands behind mrsdeploy's createSnapshot.
func (l *Local) createSnapshot(ctx context.Context, a args) (answer, error) {
	s, err := l.session()
	if err != nil {
		return nil, err
	}
	name, err := a.text("name")
	if err != nil {
		return nil, err
	}
	id, err := s.Snapshot(ctx, name)
	if err != nil {
		return nil, err
	}
	return answer{}.with("id", "character", id), nil
}

// loadSnapshot stands behind mrsdeploy's loadSnapshot.
func (l *Local) loadSnapshot(ctx context.Context, a args) (answer, error) {
	s, err := l.session()
	if err != nil {
		return nil, err
	}
	id, err := a.needed("id")
	if err != nil {
		return nil, err
	}
	return nil, s.LoadSnapshot(ctx, id)
}

// snapshotJSON is a snapshot with the server's own names of the fields.
type snapshotJSON struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	Owner        string `json:"owner"`
	CreationTime string `json:"creationTime"`
	ContentSize  int64  `json:"contentSize"`
}

// listSnapshots stands behind mrsdeploy's listSnapshots.
func (l *Local) listSnapshots(ctx context.Context, _ args) (answer, error) {
	client, err := l.client()
	if err != nil {
		return nil, err
	}
	list, err := client.Snapshots(ctx)
	if err != nil {
		return nil, err
	}
	snapshots := []snapshotJSON{}
	for _, s := range list {
		snapshots = append(snapshots, snapshotJSON{s.ID, s.Name, s.Owner, timeText(s.Created), s.Size})
	}
	return answer{}.with("snapshots", runtimes.AsList, snapshots), nil
}

// downloadSnapshot stands behind mrsdeploy's downloadSnapshot.
func (l *Local) downloadSnapshot(ctx context.Context, a args) (answer, error) {
	client, err := l.client()
	if err != nil {
		return nil, err
	}
	return nil, fetch(a, func(id string, w io.Writer) error { return client.DownloadSnapshot(ctx, id, w) })
}

// deleteSnapshot stands behind mrsdeploy's deleteSnapshot.
func (l *Local) deleteSnapshot(ctx context.Context, a args) (answer, error) {
	client, err := l.client()
	if err != nil {
		return nil, err
	}
	id, err := a.needed("id")
	if err != nil {
		return nil, err
	}
	return nil, client.DeleteSnapshot(ctx, id)
}
