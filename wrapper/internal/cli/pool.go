package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/mlserver"
)

func (a *app) poolCmd() *cobra.Command {
	return a.group(&cobra.Command{
		Use:   "pool",
		Short: "Workers that a service has for itself: set, status, rm",
		Long: `Without a pool, a service's first call waits until a worker is ready for it. A pool keeps workers ready, on every compute node,
for one version of a service, and never has more than its maximum: calls that find them all busy wait. Who may update a service
may set its pool. Since server version 9.3.0.

Servers tell upper and lower case in the service's name apart here.`,
		Example: `  mls pool set transmission/1.0.0 --initial 1 --max 2 --wait
  mls pool status transmission/1.0.0
  mls pool rm transmission/1.0.0 --wait`,
	}, a.poolSetCmd(), a.poolStatusCmd(), a.poolRmCmd())
}

func (a *app) poolSetCmd() *cobra.Command {
	var initial, most int
	var wait bool
	c := &cobra.Command{
		Use:   "set NAME/VERSION --initial N --max M",
		Short: "Give a service a pool, or change its size",
		Long: `Give a service a pool, or change its size. The server starts the workers in the background; --wait waits until they are there.
Workers of a service whose code fails at the start never are: --timeout ends the waiting.`,
		Example: `  mls pool set transmission/1.0.0 --initial 1 --max 2
  mls pool set transmission/1.0.0 --initial 2 --max 2 --wait --timeout 2m`,
		Args: args(1, 1, "the service as NAME/VERSION"),
		RunE: func(c *cobra.Command, args []string) error {
			if _, _, err := exactVersion(c, args[0], "give a pool"); err != nil {
				return err
			}
			if !c.Flags().Changed("initial") || !c.Flags().Changed("max") {
				return usageError(c, "give the size: --initial N --max M")
			}
			if initial < 0 || initial > most {
				return usageError(c, "--initial is %d, it must be between 0 and --max, which is %d", initial, most)
			}
			return a.onService(c, args[0], func(ctx context.Context, s *mlserver.Service) error {
				if err := s.SetPool(ctx, initial, most); err != nil {
					return err
				}
				if wait {
					if err := s.AwaitPool(ctx); err != nil {
						return err
					}
					a.say("the pool of %s is ready", args[0])
					return nil
				}
				a.say("the pool of %s is being set up: mls pool status %s", args[0], args[0])
				return nil
			})
		},
	}
	c.Flags().IntVar(&initial, "initial", 0, "workers to keep ready on every compute node")
	c.Flags().IntVar(&most, "max", 0, "workers at the most on every compute node")
	c.Flags().BoolVar(&wait, "wait", false, "wait until the workers are there")
	return c
}

func (a *app) poolStatusCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "status NAME[/VERSION]",
		Short: "Tell how far a service's pool is on each compute node",
		Long:  `Tell how far a service's pool is on each compute node: Pending, Success, or NotFound if it has none.`,
		Example: `  mls pool status transmission/1.0.0
  mls pool status transmission/1.0.0 -o json`,
		Args: args(1, 1, "the service"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.onService(c, args[0], func(ctx context.Context, s *mlserver.Service) error {
				nodes, err := s.Pool(ctx)
				if err != nil {
					return err
				}
				t := table{header: []string{"NODE", "POOL"}, none: "the server names no compute node"}
				for _, n := range nodes {
					t.rows = append(t.rows, []string{n.Endpoint, string(n.State)})
				}
				return a.print(nodes, t)
			})
		},
	}
}

func (a *app) poolRmCmd() *cobra.Command {
	var wait bool
	c := &cobra.Command{
		Use:   "rm NAME/VERSION",
		Short: "Delete a service's pool; the service stays",
		Long: `Delete a service's pool; the service stays. Servers do it in the background, and are known to forget it: --wait asks again until
every compute node says that there is none.`,
		Example: `  mls pool rm transmission/1.0.0
  mls pool rm transmission/1.0.0 --wait`,
		Args: args(1, 1, "the service as NAME/VERSION"),
		RunE: func(c *cobra.Command, args []string) error {
			if _, _, err := exactVersion(c, args[0], "take the pool from"); err != nil {
				return err
			}
			return a.onService(c, args[0], func(ctx context.Context, s *mlserver.Service) error {
				remove, said := s.DeletePool, fmt.Sprintf("the pool of %s is being deleted: mls pool status %s", args[0], args[0])
				if wait {
					remove, said = s.DeletePoolAndWait, fmt.Sprintf("deleted the pool of %s", args[0])
				}
				if err := remove(ctx); err != nil {
					return err
				}
				a.say("%s", said)
				return nil
			})
		},
	}
	c.Flags().BoolVar(&wait, "wait", false, "wait until it is gone")
	return c
}
