package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/internal/temp"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

type callOptions struct {
	app     *app
	service string
	pairs   []string
	json    string
	csv     string
	dir     string
}

func (a *app) serviceCallCmd() *cobra.Command {
	o := &callOptions{app: a}
	c := &cobra.Command{
		Use:   "call NAME[/VERSION] [INPUT=VALUE...]",
		Short: "Call a service and print its outputs",
		Long: `Call a service and print its outputs as a JSON object. What the code prints goes to the standard error.

The inputs are checked first against what the service declares: all that is wrong is told at once, and nothing is sent.

Values are JSON, else taken as plain text, as are all of character inputs; NAME=@FILE reads JSON from a file. A vector is a
list, a matrix a list of rows, a data frame an object of columns.

With --csv a table, with column names in its first line, is the data frame that the service takes; of a service that takes
none, its one row has the inputs. NA is NA.

With -o json one object holds everything: outputs, console, changed files, and the content of returned files in base64.`,
		Example: `  mls service call transmission/1.0.0 hp=120 wt=2.8
  mls service call transmission hp=120 wt=2.8 -o json
  mls service call transmission/1.0.0 --json '{"hp": 120, "wt": 2.8}'
  echo '{"hp": 120, "wt": 2.8}' | mls service call transmission/1.0.0 --json -
  mls service call stops --csv cars.csv
  printf 'hp,wt\n120,2.8\n' | mls service call transmission/1.0.0 --csv -
  mls service call plot n=10 --artifacts-dir plots`,
		Args: args(1, -1, "the service"),
		RunE: func(c *cobra.Command, args []string) error {
			o.service, o.pairs = args[0], args[1:]
			if c.Flags().Changed("json") && (len(o.pairs) > 0 || o.csv != "") {
				return usageError(c, "give the inputs as INPUT=VALUE, with --csv, or all with --json")
			}
			return o.run(c)
		},
	}
	c.Flags().StringVar(&o.json, "json", "", "all inputs as one JSON object: the text itself, @FILE, or - for the standard input")
	c.Flags().StringVar(&o.csv, "csv", "", "CSV file with a data frame, or with one row of inputs; - for the standard input")
	c.Flags().StringVar(&o.dir, "artifacts-dir", "", "save the returned files in this folder or below it, replacing older ones")
	return c
}

func (o *callOptions) run(c *cobra.Command) error {
	return o.app.onService(c, o.service, func(ctx context.Context, s *mlserver.Service) error {
		checked, err := s.Checked(ctx)
		if err != nil {
			return err
		}
		inputs, err := o.inputs(c, checked.Info.Inputs)
		if err != nil {
			return err
		}
		r, err := checked.Consume(ctx, inputs)
		if r == nil {
			return err
		}
		return errors.Join(o.show(r, err), err, o.saveFiles(r.Files))
	})
}

// answer is the JSON form of what a service gave.
type answer struct {
	Success bool              `json:"success"`
	Error   string            `json:"error,omitempty"`
	Outputs mlserver.Outputs  `json:"outputs"`
	Console string            `json:"console"`
	Changed []string          `json:"changedFiles"`
	Files   map[string][]byte `json:"files"`
}

func (o *callOptions) show(r *mlserver.Result, failed error) error {
	if r.Outputs == nil {
		r.Outputs = mlserver.Outputs{}
	}
	if o.app.output == "json" {
		a := answer{
			Success: failed == nil, Outputs: r.Outputs, Console: r.Console,
			Changed: append([]string{}, r.Changed...), Files: map[string][]byte{},
		}
		maps.Copy(a.Files, r.Files)
		if failed != nil {
			a.Error = failed.Error()
		}
		return o.app.printJSON(a)
	}
	if _, err := io.WriteString(o.app.err, lines(r.Console)); err != nil || failed != nil {
		return err
	}
	return o.app.printJSON(r.Outputs)
}

// saveFiles writes the returned files where --artifacts-dir says, or tells that there are some. Their names are the server's:
// none leads out of the folder.
func (o *callOptions) saveFiles(files map[string][]byte) error {
	names := slices.Sorted(maps.Keys(files))
	if o.dir == "" {
		if len(names) > 0 && o.app.output != "json" {
			o.app.say("returned files: %s (--artifacts-dir saves them)", printable(strings.Join(names, ", ")))
		}
		return nil
	}
	if err := os.MkdirAll(o.dir, 0o777); err != nil {
		return err
	}
	root, err := os.OpenRoot(o.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	var errs []error
	for _, name := range names {
		if files[name] == nil {
			o.app.say("the service did not write %s", printable(name))
			continue
		}
		if err := saveIn(root, name, files[name]); err != nil {
			errs = append(errs, err)
			continue
		}
		o.app.say("wrote %s", filepath.Join(o.dir, filepath.FromSlash(name)))
	}
	return errors.Join(errs...)
}

// saveIn writes a file in a folder, or below it; it appears only when whole, readable by its owner alone.
func saveIn(root *os.Root, name string, content []byte) error {
	path := filepath.FromSlash(name)
	if !filepath.IsLocal(path) || path == "." || printable(name) != name {
		return fmt.Errorf("%q is no safe name for a file: it was not saved", name)
	}
	if err := root.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	temp.Sweep(root, filepath.Dir(path))
	return temp.WriteIn(root, path, 0o600, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}
