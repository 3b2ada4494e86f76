package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/mlserver"
)

func (a *app) sessionCmd() *cobra.Command {
	return a.group(&cobra.Command{
		Use:   "session",
		Short: "Open R or Python sessions: create, run code, look inside, close",
		Long: `A session is an R or Python process on the server. Its objects, and the files in its working directory, live from one
execution to the next, until it is closed. Sessions cost the server memory: close those you no longer need.

Where a command takes the ID of a session, its name will do if no other session has it.`,
		Example: `  ID=$(mls session create --runtime r)
  mls session exec $ID -e 'x <- rnorm(5)'
  mls session exec $ID -e 'x'
  mls session object list $ID
  mls session close $ID`,
	},
		a.sessionCreateCmd(), a.sessionListCmd(), a.sessionExecCmd(), a.sessionWaitCmd(), a.sessionOutputCmd(), a.sessionCancelCmd(),
		a.sessionHistoryCmd(), a.sessionDiffCmd(), a.sessionCloseCmd(), a.fileCmd(), a.objectCmd(), a.workspaceCmd())
}

// inSession runs do on the session with the given id or name.
func (a *app) inSession(c *cobra.Command, id string, do func(context.Context, *mlserver.Session) error) error {
	return a.connected(c.Context(), func(ctx context.Context, client *mlserver.Client) error {
		id, err := sessionID(ctx, client, id)
		if err != nil {
			return err
		}
		return a.sessionHint(do(ctx, client.Session(id)))
	})
}

func (a *app) sessionHint(err error) error {
	err = hintIf(err, mlserver.ErrNotFound, "`mls session list` shows the open sessions")
	return hintIf(err, mlserver.ErrGone, "the session has ended: `mls session create` opens another one")
}

type sessionCreateOptions struct {
	app      *app
	name     string
	runtime  string
	snapshot string
}

func (a *app) sessionCreateCmd() *cobra.Command {
	o := &sessionCreateOptions{app: a}
	c := &cobra.Command{
		Use:   "create",
		Short: "Open a session and print its id",
		Example: `  mls session create
  mls session create --runtime python --name "iris training"
  mls session create --snapshot $SNAPSHOT`,
		Args: args(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c) },
	}
	c.Flags().StringVar(&o.name, "name", "", "name that lists show")
	c.Flags().StringVar(&o.runtime, "runtime", "r", "r or python")
	c.Flags().StringVar(&o.snapshot, "snapshot", "", "start with the objects and files of this snapshot")
	return c
}

func (o *sessionCreateOptions) run(c *cobra.Command) error {
	lang, err := runtimeFlag(c, o.runtime, "")
	if err != nil {
		return err
	}
	return o.app.connected(c.Context(), func(ctx context.Context, client *mlserver.Client) error {
		snapshot, err := snapshotID(ctx, client, o.snapshot)
		if err != nil {
			return err
		}
		starting, cancel := graceful(ctx) // the id of a session that was started must not get lost
		defer cancel()
		s, err := client.NewSession(starting, mlserver.SessionOptions{Name: o.name, Runtime: lang, SnapshotID: snapshot})
		if err != nil {
			return hintIf(err, mlserver.ErrNotFound, "`mls snapshot list` shows the snapshots")
		}
		return o.app.printLine(map[string]string{"id": s.ID()}, s.ID())
	})
}

func (a *app) sessionListCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List your open sessions",
		Example: `  mls session list
  mls session list -o json`,
		Args: args(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.connected(c.Context(), func(ctx context.Context, client *mlserver.Client) error {
				sessions, err := client.Sessions(ctx)
				if err != nil {
					return err
				}
				t := table{header: []string{"ID", "RUNTIME", "NAME", "OWNER"}, none: "no sessions are open"}
				for _, s := range sessions {
					t.rows = append(t.rows, []string{s.ID, string(s.Runtime), s.Name, s.Owner})
				}
				return a.print(sessions, t)
			})
		},
	}
}

func (a *app) sessionExecCmd() *cobra.Command {
	o := &execOptions{app: a}
	c := &cobra.Command{
		Use:   "exec ID [-e CODE | FILE | -]",
		Short: "Run code in an open session",
		Long:  `Run code in an open session. It is "mls exec" with --session, see there.`,
		Example: `  mls session exec $ID -e 'model <- lm(dist ~ speed, cars)'
  mls session exec $ID -e 'answer <- coef(model)[["speed"]]' --out answer
  mls session exec $ID train.R`,
		Args: args(1, 2, "the session's id"),
		RunE: func(c *cobra.Command, args []string) error {
			o.session, o.hasCode = args[0], c.Flags().Changed("execute")
			if len(args) > 1 {
				o.file = args[1]
			}
			if o.hasCode == (o.file != "") {
				return usageError(c, "give the code with -e, or a file, or - for the standard input")
			}
			return o.run(c)
		},
	}
	o.flags(c)
	return c
}

func (a *app) sessionCancelCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "cancel ID",
		Short: "Interrupt what runs in a session",
		Long: `Interrupt what runs in a session. The session lives on, with its objects and files. Servers do not promise that code ends:
"mls session close --force" ends the session with it.`,
		Example: `  mls session cancel $ID`,
		Args:    args(1, 1, "the session's id"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.inSession(c, args[0], func(ctx context.Context, s *mlserver.Session) error { return s.Cancel(ctx) })
		},
	}
}

func (a *app) sessionHistoryCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "history ID",
		Short: "Print the code that was run in a session, oldest first",
		Example: `  mls session history $ID
  mls session history $ID -o json`,
		Args: args(1, 1, "the session's id"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.inSession(c, args[0], func(ctx context.Context, s *mlserver.Session) error {
				history, err := s.History(ctx)
				if err != nil {
					return err
				}
				return a.printNames(history, "nothing was run yet")
			})
		},
	}
}

// printNames prints texts one per line, or as a JSON list.
func (a *app) printNames(names []string, none string) error {
	if a.output == "json" {
		return a.printJSON(append([]string{}, names...))
	}
	if len(names) == 0 {
		a.say("%s", none)
	}
	for _, name := range names {
		if _, err := a.out.Write([]byte(name + "\n")); err != nil {
			return err
		}
	}
	return nil
}

type sessionCloseOptions struct {
	app   *app
	ids   []string
	all   bool
	force bool
}

func (a *app) sessionCloseCmd() *cobra.Command {
	o := &sessionCloseOptions{app: a}
	c := &cobra.Command{
		Use:   "close ID... | --all",
		Short: "Close sessions; their objects and files are gone",
		Example: `  mls session close $ID
  mls session close --force --all`,
		RunE: func(c *cobra.Command, args []string) error {
			if o.ids = args; o.all == (len(args) > 0) {
				return usageError(c, "give the ids of sessions, or --all")
			}
			return o.run(c)
		},
	}
	c.Flags().BoolVar(&o.all, "all", false, "close all your sessions")
	c.Flags().BoolVar(&o.force, "force", false, "at once, even while code runs")
	return c
}

func (o *sessionCloseOptions) run(c *cobra.Command) error {
	return o.app.connected(c.Context(), func(ctx context.Context, client *mlserver.Client) error {
		if o.all {
			sessions, err := client.Sessions(ctx)
			if err != nil {
				return err
			}
			for _, s := range sessions {
				o.ids = append(o.ids, s.ID)
			}
		}
		var errs []error
		for _, id := range o.ids {
			known, err := sessionID(ctx, client, id)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			s := client.Session(known)
			end := s.Close
			if o.force {
				end = s.ForceClose
			}
			if err := end(ctx); err != nil {
				errs = append(errs, o.app.sessionHint(err))
				continue
			}
			o.app.say("closed %s", id)
		}
		return errors.Join(errs...)
	})
}
