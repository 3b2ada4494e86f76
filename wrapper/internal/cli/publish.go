package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/mlserver"
)

type publishOptions struct {
	app *app

	definition      mlserver.Definition
	code, codeFile  string
	init, initFile  string
	runtime         string
	inputs, outputs []string
	objects         []string
}

func (a *app) servicePublishCmd() *cobra.Command {
	o := &publishOptions{app: a}
	c := &cobra.Command{
		Use:   "publish NAME",
		Short: "Publish R or Python code as a web service",
		Long: `Publish R or Python code as a web service, and print its NAME/VERSION.

Every call runs the code of --code or --code-file: it finds the inputs as objects of their names, and leaves the outputs
likewise. What is the same for all calls belongs into --init or --init-file; a model that is trained comes from a file
(--object), which R's saveRDS or save, or Python's dill, wrote, or from a snapshot of a session (--snapshot).

Types: logical, numeric, integer, character, vector, matrix, data.frame.

A version that exists is not replaced. Without --version the server makes up one.`,
		Example: `  mls service publish transmission --version 1.0.0 --input hp=numeric --input wt=numeric --output answer=numeric \
      --init 'model <- glm(am ~ hp + wt, data = mtcars, family = binomial)' \
      --code 'answer <- predict(model, data.frame(hp = hp, wt = wt), type = "response")'
  mls service publish double --version 1.0.0 --runtime python --input x=numeric --output y=numeric --code 'y = 2 * x'
  mls service publish stops --version 1.0.0 --object model=model.rds --input cars=data.frame --output dist=vector \
      --code 'dist <- predict(model, cars)'
  mls service publish plot --code-file plot.R --input n=integer --artifact plot.png --alias draw`,
		Args: args(1, 1, "the service's name"),
		RunE: func(c *cobra.Command, args []string) error {
			o.definition.Name = args[0]
			if name, version, ok := strings.Cut(args[0], "/"); ok {
				return usageError(c, "give the version apart: %s %s --version %s", c.CommandPath(), name, version)
			}
			if err := o.complete(c); err != nil {
				return err
			}
			return o.run(c)
		},
	}
	o.flags(c)
	c.Flags().StringVar(&o.definition.Version, "version", "", "version, such as 1.0.0; by default the server makes up one")
	return c
}

// flags are those that publishing and updating share.
func (o *publishOptions) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&o.code, "code", "", "code that every call runs")
	f.StringVar(&o.codeFile, "code-file", "", "file with that code, - for the standard input")
	f.StringVar(&o.init, "init", "", "code that runs before the first call")
	f.StringVar(&o.initFile, "init-file", "", "file with that code")
	f.StringVar(&o.runtime, "runtime", "", "r or python; by default what the code file's extension says, else r")
	f.StringArrayVar(&o.inputs, "input", nil, "an input, as `NAME=TYPE`; repeat it for more")
	f.StringArrayVar(&o.outputs, "output", nil, "an output, as `NAME=TYPE`; repeat it for more")
	f.StringArrayVar(&o.definition.Artifacts, "artifact", nil, "a file that the code writes and calls return; repeat it for more")
	f.StringArrayVar(&o.objects, "object", nil, "an object that the code uses, as `NAME=FILE` (.rds, .RData, .dill); repeat it for more")
	f.StringVar(&o.definition.Alias, "alias", "", "name of the function in generated clients")
	f.StringVar(&o.definition.SnapshotID, "snapshot", "", "id of a snapshot with objects and files that the code uses")
	f.StringVar(&o.definition.Description, "description", "", "what the service is good for")
}

// complete turns the flags into a definition.
func (o *publishOptions) complete(c *cobra.Command) error {
	if c.Flags().Changed("code") == (o.codeFile != "") {
		return usageError(c, "give either --code or --code-file")
	}
	if o.init != "" && o.initFile != "" {
		return usageError(c, "give either --init or --init-file")
	}
	return o.read(c)
}

// read brings what the flags say, and the files that they name, into the definition.
func (o *publishOptions) read(c *cobra.Command) (err error) {
	d := &o.definition
	if d.Runtime, err = runtimeFlag(c, o.runtime, o.codeFile); err != nil {
		return err
	}
	if d.Inputs, err = parseParameters(c, o.inputs); err != nil {
		return err
	}
	if d.Outputs, err = parseParameters(c, o.outputs); err != nil {
		return err
	}
	if d.Code, err = o.text(o.code, o.codeFile); err != nil {
		return err
	}
	if d.InitCode, err = o.text(o.init, o.initFile); err != nil {
		return err
	}
	files := map[string]string{}
	for _, pair := range o.objects {
		name, file, ok := strings.Cut(pair, "=")
		if _, twice := files[name]; !ok || name == "" || file == "" || twice {
			return usageError(c, "--object %q is no NAME=FILE, or not the only one of that name", pair)
		}
		files[name] = file
	}
	d.Objects, err = objectFiles(".", files)
	return err
}

func (o *publishOptions) text(code, file string) (string, error) {
	if file == "" {
		return code, nil
	}
	return o.app.readText(file)
}

func (o *publishOptions) run(c *cobra.Command) error {
	return o.app.connected(c.Context(), func(ctx context.Context, client *mlserver.Client) error {
		var err error
		if o.definition.SnapshotID, err = snapshotID(ctx, client, o.definition.SnapshotID); err != nil {
			return err
		}
		s, err := client.Publish(ctx, o.definition)
		if s == nil {
			return o.hint(err)
		}
		if o.definition.Version == "" {
			o.app.say("the server named the version %s", s.Version())
		}
		id := s.Name() + "/" + s.Version()
		return errors.Join(err, o.app.printLine(map[string]string{"name": s.Name(), "version": s.Version()}, id))
	})
}

func (o *publishOptions) hint(err error) error {
	d := o.definition
	var object *mlserver.ObjectError
	if errors.As(err, &object) {
		err = hint(err, "an object is what R's saveRDS or save, or Python's dill, wrote")
	}
	way := fmt.Sprintf("choose another --version, or change that one: mls service update %s/%s", d.Name, d.Version)
	err = hintIf(err, mlserver.ErrConflict, "%s", way)
	err = hintIf(err, mlserver.ErrForbidden, "your role may not publish, or this version exists already: %s", way)
	err = hintIf(err, mlserver.ErrNotFound, "`mls snapshot list` shows the snapshots")
	return prefix(err, "publishing "+d.Name)
}

var types = []mlserver.Type{
	mlserver.Logical, mlserver.Numeric, mlserver.Integer, mlserver.Character, mlserver.Vector, mlserver.Matrix, mlserver.DataFrame,
}

// parseParameters reads NAME=TYPE pairs.
func parseParameters(c *cobra.Command, pairs []string) ([]mlserver.Parameter, error) {
	var parameters []mlserver.Parameter
	for _, pair := range pairs {
		name, typ, ok := strings.Cut(pair, "=")
		switch {
		case !ok || name == "":
			return nil, usageError(c, "%q is no NAME=TYPE", pair)
		case !slices.Contains(types, mlserver.Type(typ)):
			return nil, usageError(c, "%s: there is no type %q, only %s", name, typ, strings.Trim(fmt.Sprint(types), "[]"))
		case slices.ContainsFunc(parameters, func(p mlserver.Parameter) bool { return p.Name == name }):
			return nil, usageError(c, "%s is given twice", name)
		}
		parameters = append(parameters, mlserver.Parameter{Name: name, Type: mlserver.Type(typ)})
	}
	return parameters, nil
}
