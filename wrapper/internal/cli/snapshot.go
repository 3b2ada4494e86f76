package cli

import (
	"context"
	"errors"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/mlserver"
)

func (a *app) snapshotCmd() *cobra.Command {
	return a.group(&cobra.Command{
		Use:   "snapshot",
		Short: "Saved copies of sessions: create, list, load, download, rm",
		Long: `A snapshot is a copy of a session's objects and files. Another session can start from it, and a service can be published
with it. Loaded packages are not part of it. Only you see your snapshots. The commands stand for mrsdeploy's createSnapshot,
listSnapshots, loadSnapshot, downloadSnapshot and deleteSnapshot.

Where a command takes a SNAPSHOT, give its id, or its name if no other snapshot has it.`,
		Example: `  mls session exec $ID -e 'model <- lm(dist ~ speed, cars)'
  SNAPSHOT=$(mls snapshot create $ID --name cars)
  mls session create --snapshot $SNAPSHOT
  mls snapshot rm $SNAPSHOT`,
	}, a.snapshotCreateCmd(), a.snapshotListCmd(), a.snapshotLoadCmd(), a.snapshotDownloadCmd(), a.snapshotRmCmd())
}

func (a *app) snapshotCreateCmd() *cobra.Command {
	var name string
	c := &cobra.Command{
		Use:     "create ID",
		Short:   "Save a session's objects and files, and print the snapshot's id",
		Example: `  mls snapshot create $ID --name "cars, trained"`,
		Args:    args(1, 1, "the session's id"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.inSession(c, args[0], func(ctx context.Context, s *mlserver.Session) error {
				id, err := s.Snapshot(ctx, name)
				if err != nil {
					return err
				}
				return a.printLine(map[string]string{"id": id}, id)
			})
		},
	}
	c.Flags().StringVar(&name, "name", "", "name that lists show")
	return c
}

func (a *app) snapshotListCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List your snapshots",
		Example: `  mls snapshot list
  mls snapshot list -o json`,
		Args: args(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.connected(c.Context(), func(ctx context.Context, client *mlserver.Client) error {
				snapshots, err := client.Snapshots(ctx)
				if err != nil {
					return err
				}
				t := table{header: []string{"ID", "CREATED", "BYTES", "NAME", "OWNER"}, none: "there are no snapshots"}
				for _, s := range snapshots {
					t.rows = append(t.rows, []string{s.ID, timeText(s.Created), strconv.FormatInt(s.Size, 10), s.Name, s.Owner})
				}
				return a.print(snapshots, t)
			})
		},
	}
}

func (a *app) snapshotLoadCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "load ID SNAPSHOT",
		Short:   "Load a snapshot into an open session of the same language",
		Long:    `Load a snapshot into an open session of the same language. Objects and files of the same name are replaced, others stay.`,
		Example: `  mls snapshot load $ID $SNAPSHOT`,
		Args:    args(2, 2, "the session's id and the snapshot's"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.connected(c.Context(), func(ctx context.Context, client *mlserver.Client) error {
				session, err := sessionID(ctx, client, args[0])
				if err != nil {
					return err
				}
				snapshot, err := snapshotID(ctx, client, args[1])
				if err != nil {
					return err
				}
				return hintIf(client.Session(session).LoadSnapshot(ctx, snapshot), mlserver.ErrNotFound,
					"`mls snapshot list` shows the snapshots, `mls session list` the open sessions")
			})
		},
	}
}

func (a *app) snapshotDownloadCmd() *cobra.Command {
	var d download
	c := &cobra.Command{
		Use:     "download SNAPSHOT",
		Short:   "Fetch a snapshot as a zip file",
		Example: `  mls snapshot download $SNAPSHOT --to cars.zip`,
		Args:    args(1, 1, "the snapshot's id"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.connected(c.Context(), func(ctx context.Context, client *mlserver.Client) error {
				id, err := snapshotID(ctx, client, args[0])
				if err != nil {
					return err
				}
				return snapshotHint(d.run(a, args[0]+".zip", func(w io.Writer) error {
					return client.DownloadSnapshot(ctx, id, w)
				}))
			})
		},
	}
	d.flags(c)
	return c
}

func (a *app) snapshotRmCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "rm SNAPSHOT...",
		Short:   "Delete snapshots; services published with them live on",
		Example: `  mls snapshot rm $SNAPSHOT`,
		Args:    args(1, -1, "the snapshot's id"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.connected(c.Context(), func(ctx context.Context, client *mlserver.Client) error {
				var errs []error
				for _, name := range args {
					id, err := snapshotID(ctx, client, name)
					if err == nil {
						err = client.DeleteSnapshot(ctx, id)
					}
					if err != nil {
						errs = append(errs, snapshotHint(err))
					}
				}
				return errors.Join(errs...)
			})
		},
	}
}

func snapshotHint(err error) error {
	return hintIf(err, mlserver.ErrNotFound, "`mls snapshot list` shows the snapshots")
}
