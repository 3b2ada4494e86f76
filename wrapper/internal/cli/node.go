package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/mlserver"
)

func (a *app) nodeCmd() *cobra.Command {
	return a.group(&cobra.Command{
		Use:   "node",
		Short: "Compute nodes that the server runs code on: list, set, add, rm",
		Long: `The addresses of the compute nodes that the server runs code on. Everybody sees them, only owners change them. Since server
version 9.2.1.

The numbers of an IPv4 address, and the port, may be ranges: http://10.0.0.5-9:12805 stands for five nodes.

A development server keeps the addresses and nothing else: it runs all code itself.`,
		Example: `  mls node list
  mls node add http://10.0.0.5-9:12805
  mls node rm http://10.0.0.5-9:12805`,
	},
		a.nodeListCmd(),
		a.nodeChangeCmd(nodeChange{
			verb: "set", least: 0, short: "Replace all addresses; without one there are none", done: "the compute nodes are now",
			example: "  mls node set http://10.0.0.5:12805 http://10.0.0.6:12805",
			do:      (*mlserver.Client).SetComputeNodes,
		}),
		a.nodeChangeCmd(nodeChange{
			verb: "add", least: 1, short: "Add addresses to those that are there", done: "added",
			example: "  mls node add http://10.0.0.5-9:12805",
			do:      (*mlserver.Client).AddComputeNode,
		}),
		a.nodeChangeCmd(nodeChange{
			verb: "rm", least: 1, short: "Remove addresses, as they are listed: a range as a range", done: "removed",
			example: "  mls node add http://10.0.0.7:12805\n  mls node rm http://10.0.0.7:12805",
			do:      (*mlserver.Client).RemoveComputeNode,
		}))
}

func (a *app) nodeListCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the addresses, as they were given",
		Example: `  mls node list
  mls node list -o json`,
		Args: args(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.connected(c.Context(), func(ctx context.Context, client *mlserver.Client) error {
				nodes, err := client.ComputeNodes(ctx)
				if err != nil {
					return err
				}
				return a.printNames(nodes, "no compute nodes are configured")
			})
		},
	}
}

// nodeChange is one of the commands that change the addresses.
type nodeChange struct {
	verb, short, example string
	least                int    // addresses that it takes
	done                 string // what to say, before the addresses
	do                   func(*mlserver.Client, context.Context, ...string) error
}

func (a *app) nodeChangeCmd(n nodeChange) *cobra.Command {
	return &cobra.Command{
		Use:     n.verb + " ADDRESS...",
		Short:   n.short,
		Example: n.example,
		Args:    args(n.least, -1, "the address of a compute node"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.connected(c.Context(), func(ctx context.Context, client *mlserver.Client) error {
				err := n.do(client, ctx, args...)
				err = hintIf(err, mlserver.ErrForbidden, "only owners may change the compute nodes")
				if err := hintIf(err, mlserver.ErrBadRequest, "`mls node list` shows the addresses, `mls node --help` how they look"); err != nil {
					return err
				}
				if len(args) == 0 {
					args = []string{"none"}
				}
				a.say("%s %s", n.done, strings.Join(args, " "))
				return nil
			})
		},
	}
}
