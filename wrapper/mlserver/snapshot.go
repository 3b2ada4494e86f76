package mlserver

import (
	"context"
	"io"
	"time"

	"github.com/mlserver-go/mls/gen/v930/models"
	"github.com/mlserver-go/mls/gen/v930/snapshots"
)

// SnapshotInfo describes a saved copy of a session: its objects and the files of its working directory. Loaded packages are
// not part of it. Only who made a snapshot sees it.
type SnapshotInfo struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Owner   string    `json:"owner"`
	Created time.Time `json:"created"` // zero when the server's text is no time
	Size    int64     `json:"size"`    // of its zip, in bytes
}

// Snapshot saves the session's objects and files and returns the snapshot's id. It stands for mrsdeploy's createSnapshot.
func (s *Session) Snapshot(ctx context.Context, name string) (id string, err error) {
	ok, err := s.client.api.Snapshots.CreateSnapshotContext(ctx, &snapshots.CreateSnapshotParams{
		ID: s.id, CreateSnapshotRequest: &models.CreateSnapshotRequest{Name: name},
	})
	if err != nil {
		return "", err
	}
	return ok.Payload.SnapshotID, nil
}

// LoadSnapshot merges a snapshot into the session: objects and files of the same name are overwritten. The languages of both
// must be the same. It stands for mrsdeploy's loadSnapshot.
func (s *Session) LoadSnapshot(ctx context.Context, id string) error {
	_, err := s.client.api.Snapshots.LoadSnapshotContext(ctx, &snapshots.LoadSnapshotParams{ID: s.id, SnapshotID: id})
	return err
}

// Snapshots lists the caller's snapshots. It stands for mrsdeploy's listSnapshots.
func (c *Client) Snapshots(ctx context.Context) ([]SnapshotInfo, error) {
	ok, err := c.api.Snapshots.ListSnapshotsContext(ctx, &snapshots.ListSnapshotsParams{})
	if err != nil {
		return nil, err
	}
	infos := make([]SnapshotInfo, 0, len(ok.Payload))
	for _, m := range ok.Payload {
		infos = append(infos, SnapshotInfo{ID: m.ID, Name: m.Name, Owner: m.Owner, Created: parseTime(m.CreationTime), Size: m.ContentSize})
	}
	return infos, nil
}

// DownloadSnapshot streams a snapshot's zip to dst. It stands for mrsdeploy's downloadSnapshot.
func (c *Client) DownloadSnapshot(ctx context.Context, id string, dst io.Writer) error {
	_, err := c.api.Snapshots.GetSnapshotContentContext(ctx, &snapshots.GetSnapshotContentParams{ID: id}, dst)
	return err
}

// DeleteSnapshot deletes a snapshot. Services published from it live on: they have a copy. It stands for mrsdeploy's
// deleteSnapshot.
func (c *Client) DeleteSnapshot(ctx context.Context, id string) error {
	_, err := c.api.Snapshots.DeleteSnapshotContext(ctx, &snapshots.DeleteSnapshotParams{ID: id})
	return err
}

// parseTime reads the server's times: UTC, mostly without a zone, with up to seven digits of a second.
func parseTime(s string) time.Time {
	for _, layout := range []string{"2006-01-02T15:04:05", time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
