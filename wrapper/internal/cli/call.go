package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/mlserver"
)

type callOptions struct {
	app     *app
	service string
	pairs   []string
	json    string
	dir     string
}

func (a *app) serviceCallCmd() *cobra.Command {
	o := &callOptions{app: a}
	c := &cobra.Command{
		Use:   "call NAME[/VERSION] [INPUT=VALUE...]",
		Short: "Call a service and print its outputs",
		Long: `Call a service and print its outputs as a JSON object. What the code prints goes to the standard error.

Values are JSON, else taken as plain text; NAME=@FILE reads JSON from a file. A number that is meant as text needs JSON's
quotes: zip='"12345"'. A vector is a list, a matrix a list of rows, a data frame an object of columns.

With -o json one object holds everything: outputs, console, changed files, and the content of returned files in base64.`,
		Example: `  mls service call transmission/1.0.0 hp=120 wt=2.8
  mls service call transmission hp=120 wt=2.8 -o json
  mls service call transmission/1.0.0 --json '{"hp": 120, "wt": 2.8}'
  echo '{"hp": 120, "wt": 2.8}' | mls service call transmission/1.0.0 --json -
  mls service call plot n=10 --artifacts-dir plots`,
		Args: args(1, -1, "the service"),
		RunE: func(c *cobra.Command, args []string) error {
			o.service, o.pairs = args[0], args[1:]
			if c.Flags().Changed("json") && len(o.pairs) > 0 {
				return usageError(c, "give the inputs as INPUT=VALUE or with --json, not both")
			}
			return o.run(c)
		},
	}
	c.Flags().StringVar(&o.json, "json", "", "all inputs as one JSON object: the text itself, @FILE, or - for the standard input")
	c.Flags().StringVar(&o.dir, "artifacts-dir", "", "save the returned files in this folder, replacing older ones")
	return c
}

func (o *callOptions) run(c *cobra.Command) error {
	inputs, err := parseValues(c, o.pairs)
	if err == nil && o.json != "" {
		inputs, err = o.readJSON()
	}
	if err != nil {
		return err
	}
	return o.app.onService(c, o.service, func(ctx context.Context, s *mlserver.Service) error {
		r, err := s.Consume(ctx, inputs)
		if r == nil {
			return err
		}
		return errors.Join(o.show(r, err), err, o.saveFiles(r.Files))
	})
}

func (o *callOptions) readJSON() (mlserver.Values, error) {
	text, err := o.app.textOf(o.json)
	if err != nil {
		return nil, err
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		return nil, hint(fmt.Errorf("--json is no JSON object: %w", err), `it looks like {"hp": 120, "wt": 2.8}`)
	}
	values := mlserver.Values{}
	for name, value := range raw {
		values[name] = value
	}
	return values, nil
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

// saveFiles writes the returned files where --artifacts-dir says, or tells that there are some.
func (o *callOptions) saveFiles(files map[string][]byte) error {
	names := slices.Sorted(maps.Keys(files))
	if o.dir == "" {
		if len(names) > 0 && o.app.output != "json" {
			o.app.say("returned files: %s (--artifacts-dir saves them)", strings.Join(names, ", "))
		}
		return nil
	}
	if err := os.MkdirAll(o.dir, 0o777); err != nil {
		return err
	}
	for _, name := range names {
		if files[name] == nil {
			o.app.say("the service did not write %s", name)
			continue
		}
		path, err := safeName(o.dir, name)
		if err != nil {
			return err
		}
		err = writeFile(path, func(w io.Writer) error {
			_, err := w.Write(files[name])
			return err
		})
		if err != nil {
			return err
		}
		o.app.say("wrote %s", path)
	}
	return nil
}
