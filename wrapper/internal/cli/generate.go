package cli

import (
	"context"
	"path"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/codegen"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

type generateOptions struct {
	app     *app
	service string
	from    string
	codegen.Options
}

func (a *app) serviceGenerateCmd() *cobra.Command {
	o := &generateOptions{app: a}
	c := &cobra.Command{
		Use:   "generate {NAME[/VERSION] | --from FILE} --out DIR",
		Short: "Generate a typed Go client of a service",
		Long: `Generate a typed Go client of a service from the document that the server has of it, or from a file with that document. The
folder must be inside a Go module, and becomes a package of its own. Only generated files are replaced, and nothing is written
unless the package compiles.

It needs the Go tool chain; its first run fetches and builds the generator, which takes about half a minute.`,
		Example: `  mls service generate transmission/1.0.0 --out transmission
  mls service generate transmission/1.0.0 --out internal/tm --package tm
  mls service swagger transmission/1.0.0 > transmission.json
  mls service generate --from transmission.json --out clients/transmission`,
		Args: args(0, 1, "the service"),
		RunE: func(c *cobra.Command, args []string) error {
			if (len(args) == 0) == (o.from == "") {
				return usageError(c, "give the service, or with --from a file with its document")
			}
			if len(args) > 0 {
				o.service = args[0]
			}
			if o.Dir == "" {
				return usageError(c, "give the package's folder with --out")
			}
			return o.run(c)
		},
	}
	c.Flags().StringVar(&o.from, "from", "", "file with the service's document instead of asking the server, - for the standard input")
	c.Flags().StringVar(&o.Dir, "out", "", "folder of the package, made if need be")
	c.Flags().StringVar(&o.Package, "package", "", "name of the package; by default made from the service's")
	return c
}

// document is the service's own, of the server or the file.
func (o *generateOptions) document(c *cobra.Command) (doc []byte, err error) {
	if o.from != "" {
		text, err := o.app.readText(o.from)
		return []byte(text), err
	}
	err = o.app.onService(c, o.service, func(ctx context.Context, s *mlserver.Service) (err error) {
		doc, err = s.Swagger(ctx)
		return err
	})
	return doc, err
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
	doc, err := o.document(c)
	if err != nil {
		return err
	}
	ctx, cancel := o.app.bounded(c.Context())
	defer cancel()
	o.Progress = func(step string) { o.app.say("%s", step) }
	r, err := codegen.Service(ctx, doc, o.Options)
	if err != nil && o.from != "" {
		return prefix(err, o.from)
	}
	if err != nil {
		return err
	}
	imported := strconv.Quote(r.ImportPath)
	if path.Base(r.ImportPath) != r.Package {
		imported = r.Package + " " + imported
	}
	o.app.say("package %s in %s, %d files changed. Call it with a signed-in mlserver.Client:\n\n\timport %s\n\n\t%s\n",
		r.Package, r.Dir, len(r.Changed), imported, strings.Join(r.Example, "\n\t"))
	g := generated{r.Name, r.Version, r.Dir, r.ImportPath, r.Package, append([]string{}, r.Changed...)}
	return o.app.printLine(g, r.ImportPath)
}
