package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/mlserver"
)

func (a *app) sessionWaitCmd() *cobra.Command {
	var ends bool
	c := &cobra.Command{
		Use:   "wait ID",
		Short: "Wait for the code that was detached in a session, and print its outputs",
		Long: `Wait for the code that "mls exec --detach" has started in a session, on whatever machine, and print what it prints. The
outputs that were asked for then are printed as a JSON object on the standard output; the console's text goes to the standard
error, as with "mls exec --out". It may be waited for again, until the session is closed; once the outputs have been fetched
the console's text is gone.

Code that has failed gives exit code 3. An interrupt (Ctrl-C) ends the waiting, not the code.`,
		Example: `  mls session exec $ID --detach -e 'model <- lm(dist ~ speed, cars); r <- summary(model)$r.squared' --out r
  mls session wait $ID`,
		Args: args(1, 1, "the session's id"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.inSession(c, args[0], func(ctx context.Context, s *mlserver.Session) error {
				err := a.waitForSession(ctx, s)
				if ends && ctx.Err() == nil {
					err = errors.Join(err, s.ForceClose(ctx))
				}
				return err
			})
		},
	}
	c.Flags().BoolVar(&ends, "close", false, "close the session afterwards")
	return c
}

func (a *app) waitForSession(ctx context.Context, s *mlserver.Session) error {
	d := s.Detached()
	state, err := d.State(ctx)
	if err != nil {
		return hintIf(err, mlserver.ErrNotFound, "`mls session exec %s --detach` starts one; `mls session list` shows the open sessions", s.ID())
	}
	show := &execOptions{app: a, session: s.ID(), out: state.Outputs}
	r, err := d.Wait(ctx, show.console())
	if ctx.Err() != nil {
		a.say("the code goes on: `mls session wait %s` waits again, `mls session cancel %[1]s` stops it", s.ID())
		return err
	}
	return show.show(r, err)
}

func (a *app) sessionOutputCmd() *cobra.Command {
	var follow bool
	c := &cobra.Command{
		Use:   "output ID",
		Short: "Print what the running or last execution has printed so far",
		Long: `Print what the running or last execution has printed so far. With --follow go on with what is printed next: in a session with
detached code until that has ended, else until an interrupt (Ctrl-C), since servers do not tell whether anything runs.`,
		Example: `  mls session output $ID
  mls session exec $ID --detach -e 'for (i in 1:3) { print(i); Sys.sleep(0.1) }'; mls session output -f $ID`,
		Args: args(1, 1, "the session's id"),
		RunE: func(c *cobra.Command, args []string) error {
			if follow && a.output == "json" {
				return usageError(c, "--follow is for text")
			}
			return a.inSession(c, args[0], func(ctx context.Context, s *mlserver.Session) error {
				if follow {
					return a.followOutput(ctx, s)
				}
				text, err := s.Console(ctx)
				if err != nil {
					return err
				}
				if a.output == "json" {
					return a.printJSON(map[string]string{"console": text})
				}
				_, err = a.out.Write([]byte(lines(text)))
				return err
			})
		},
	}
	c.Flags().BoolVarP(&follow, "follow", "f", false, "go on with what is printed next")
	return c
}

func (a *app) followOutput(ctx context.Context, s *mlserver.Session) error {
	d := s.Detached()
	switch _, err := d.State(ctx); {
	case err == nil:
		return d.Follow(ctx, a.out)
	case errors.Is(err, mlserver.ErrNotFound):
		return s.Follow(ctx, a.out)
	default:
		return err
	}
}
