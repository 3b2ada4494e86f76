package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/codegen"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

type generateOptions struct {
	app     *app
	service string
	codegen.Options
}

func (a *app) serviceGenerateCmd() *cobra.Command {
	o := &generateOptions{app: a}
	c := &cobra.Command{
		Use:   "generate NAME[/VERSION] --dir DIR",
		Short: "Generate a typed Go client of a service",
		Long: `Generate a typed Go client of a service from the document that the server has of it. The folder must be inside a Go module,
and becomes a package of its own. Only generated files are replaced, and nothing is written unless the package compiles.

It needs the Go tool chain; its first run fetches and builds the generator, which takes about half a minute.`,
		Example: `  mls service generate transmission/1.0.0 --dir transmission
  mls service generate transmission/1.0.0 --dir internal/tm --package tm`,
		Args: args(1, 1, "the service"),
		RunE: func(c *cobra.Command, args []string) error {
			o.service = args[0]
			if o.Dir == "" {
				return usageError(c, "give the package's folder with --dir")
			}
			return o.run(c)
		},
	}
	c.Flags().StringVar(&o.Dir, "dir", "", "folder of the package, made if need be")
	c.Flags().StringVar(&o.Package, "package", "", "name of the package; by default made from the service's")
	return c
}

// generated is the JSON form of what was generated.
type generated struct {
	Service    string   `json:"service"`
	Version    string   `json:"version"`
	Dir        string   `json:"dir"`
	ImportPath string   `json:"importPath"`
	Package    string   `json:"package"`
	Changed    []string `json:"changedFiles"`
}

func (o *generateOptions) run(c *cobra.Command) error {
	var doc []byte
	err := o.app.onService(c, o.service, func(ctx context.Context, s *mlserver.Service) (err error) {
		doc, err = s.Swagger(ctx)
		return err
	})
	if err != nil {
		return err
	}
	ctx, cancel := o.app.bounded(c.Context())
	defer cancel()
	r, err := codegen.Service(ctx, doc, o.Options)
	if err != nil {
		return err
	}
	o.app.say("package %s in %s, %d files changed. Call it with a signed-in mlserver.Client:\n\n\timport %q\n\n\t%s\n",
		r.Package, r.Dir, len(r.Changed), r.ImportPath, strings.Join(r.Example, "\n\t"))
	g := generated{r.Name, r.Version, r.Dir, r.ImportPath, r.Package, append([]string{}, r.Changed...)}
	return o.app.printLine(g, r.ImportPath)
}
