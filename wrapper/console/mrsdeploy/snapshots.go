package mrsdeploy

import (
	"context"
	"io"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// createSnapshot stands behind mrsdeploy's createSnapshot.
func createSnapshot(ctx context.Context, s *mlserver.Session, a args) (answer, error) {
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
func loadSnapshot(ctx context.Context, s *mlserver.Session, a args) (answer, error) {
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
func listSnapshots(ctx context.Context, client *mlserver.Client, _ args) (answer, error) {
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
func downloadSnapshot(ctx context.Context, client *mlserver.Client, a args) (answer, error) {
	return nil, fetch(a, func(id string, w io.Writer) error { return client.DownloadSnapshot(ctx, id, w) })
}

// deleteSnapshot stands behind mrsdeploy's deleteSnapshot.
func deleteSnapshot(ctx context.Context, client *mlserver.Client, a args) (answer, error) {
	id, err := a.needed("id")
	if err != nil {
		return nil, err
	}
	return nil, client.DeleteSnapshot(ctx, id)
}
