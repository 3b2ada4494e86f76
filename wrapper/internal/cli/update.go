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

type updateOptions struct {
	publishOptions
	clear []string
}

// clearable are the fields that an update can make empty.
var clearable = []string{"init", "description", "alias", "snapshot", "input", "output", "artifact"}

func (a *app) serviceUpdateCmd() *cobra.Command {
	o := &updateOptions{publishOptions: publishOptions{app: a}}
	c := &cobra.Command{
		Use:   "update NAME[/VERSION]",
		Short: "Change a published service in place",
		Long: `Change a published service in place: calls from then on meet the changed one. Only what a flag gives is changed, and a list
that is given replaces the one before. --clear makes something empty: ` + strings.Join(clearable, ", ") + `.

Objects replace all objects and files that the service has had; with --snapshot they come on top of those of the snapshot.`,
		Example: `  mls service update transmission/1.0.0 --description 'Is it a manual one?'
  mls service update transmission/1.0.0 --code 'answer <- hp > 100' --output answer=logical
  mls service update transmission --clear description --clear artifact`,
		Args: args(1, 1, "the service"),
		RunE: func(c *cobra.Command, args []string) error {
			change, err := o.change(c)
			if err != nil {
				return err
			}
			return a.onService(c, args[0], func(ctx context.Context, s *mlserver.Service) error {
				err := s.Update(ctx, change)
				var left *mlserver.LeftoverError
				if err != nil && !errors.As(err, &left) {
					return err
				}
				a.say("updated %s/%s", s.Name(), s.Version())
				return err
			})
		},
	}
	o.flags(c)
	c.Flags().StringArrayVar(&o.clear, "clear", nil, "make this `FIELD` empty; repeat it for more")
	return c
}

// change is what the flags say that is to change.
func (o *updateOptions) change(c *cobra.Command) (change mlserver.Change, err error) {
	given := func(flags ...string) bool { return slices.ContainsFunc(flags, c.Flags().Changed) }
	if given("code") && given("code-file") {
		return change, usageError(c, "give either --code or --code-file")
	}
	if given("init") && given("init-file") {
		return change, usageError(c, "give either --init or --init-file")
	}
	if err := o.read(c); err != nil {
		return change, err
	}
	d := &o.definition
	for field, given := range map[string]bool{
		"init": given("init", "init-file"), "description": given("description"), "alias": given("alias"), "snapshot": given("snapshot"),
		"input": given("input"), "output": given("output"), "artifact": given("artifact"),
	} {
		if given && slices.Contains(o.clear, field) {
			return change, usageError(c, "%s is both given and cleared", field)
		}
	}
	if i := slices.IndexFunc(o.clear, func(f string) bool { return !slices.Contains(clearable, f) }); i >= 0 {
		return change, usageError(c, "--clear takes %s, not %q", strings.Join(clearable, ", "), o.clear[i])
	}
	changed := func(flags ...string) bool {
		return given(flags...) || slices.Contains(o.clear, flags[0])
	}
	for _, f := range []struct {
		changed bool
		value   *string
		into    **string
	}{
		{given("code", "code-file"), &d.Code, &change.Code},
		{changed("init", "init-file"), &d.InitCode, &change.InitCode},
		{changed("description"), &d.Description, &change.Description},
		{changed("alias"), &d.Alias, &change.Alias},
		{changed("snapshot"), &d.SnapshotID, &change.SnapshotID},
	} {
		if f.changed {
			*f.into = f.value
		}
	}
	if changed("input") {
		change.Inputs = append([]mlserver.Parameter{}, d.Inputs...)
	}
	if changed("output") {
		change.Outputs = append([]mlserver.Parameter{}, d.Outputs...)
	}
	if changed("artifact") {
		change.Artifacts = append([]string{}, d.Artifacts...)
	}
	change.Objects = d.Objects
	if given("runtime") {
		change.Runtime = d.Runtime
	}
	if c.Flags().NFlag() == 0 {
		return change, usageError(c, "say what to change")
	}
	return change, nil
}

type applyOptions struct {
	app    *app
	file   string
	dryRun bool
}

func (a *app) serviceApplyCmd() *cobra.Command {
	o := &applyOptions{app: a}
	c := &cobra.Command{
		Use:   "apply -f FILE",
		Short: "Publish or update a service as a YAML file says",
		Long: `Publish a service, or update the one of that name and version if it differs, as a YAML file says. The difference is shown
first. What the file leaves out is to be empty; name, version and code must be there. Paths are relative to the file.

  name: transmission
  version: 1.0.0
  runtime: r                  # or python; by default what the extension of codeFile says, else r
  description: Is it a manual one?
  codeFile: predict.R         # or code: |
  init: library(stats)        # or initFile: setup.R
  objects:                    # what R's saveRDS or save, or Python's dill, wrote
    model: model.rds
  snapshot: ""                # id of a snapshot that the code works on, too
  inputs:
    hp: numeric               # logical, numeric, integer, character, vector, matrix or data.frame
    wt: numeric
  outputs:
    answer: numeric
  artifacts: [plot.png]       # files that the code writes and calls return
  alias: manualTransmission   # name of the function in generated clients

A server does not tell which objects a service has: they are sent each time.

With --dry-run nothing is changed, and the exit code is 8 when there is a difference.`,
		Example: `  mls service apply -f service.yaml --dry-run || test $? = 8
  mls service apply -f service.yaml`,
		Args: args(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			if o.file == "" {
				return usageError(c, "give the file with -f")
			}
			d, err := a.readDefinition(o.file)
			if err != nil {
				return hint(err, "`%s --help` shows what the file says", c.CommandPath())
			}
			return o.run(c, d)
		},
	}
	c.Flags().StringVarP(&o.file, "file", "f", "", "YAML file with the service, - for the standard input")
	c.Flags().BoolVar(&o.dryRun, "dry-run", false, "only show the difference")
	return c
}

// errDiffers is the end of a dry run that has found a difference.
var errDiffers = errors.New("there is a difference")

func (o *applyOptions) run(c *cobra.Command, d mlserver.Definition) error {
	a := o.app
	return a.connected(c.Context(), func(ctx context.Context, client *mlserver.Client) error {
		diff, err := client.Diff(ctx, d)
		if err != nil {
			return serviceHint(err, d.Name, d.Version)
		}
		if o.dryRun {
			if err := o.show(diff); err != nil || diff.Empty() {
				return err
			}
			return errDiffers
		}
		a.say("%s", strings.TrimSuffix(plain(diff.String()), "\n"))
		_, diff, err = client.Apply(ctx, d)
		var left *mlserver.LeftoverError
		if err != nil && !errors.As(err, &left) {
			return (&publishOptions{app: a, definition: d}).hint(err)
		}
		return errors.Join(err, a.printLine(diff, d.Name+"/"+d.Version))
	})
}

func (o *applyOptions) show(diff *mlserver.Diff) error {
	if o.app.output == "json" {
		return o.app.printJSON(diff)
	}
	_, err := fmt.Fprint(o.app.out, plain(diff.String()))
	return err
}

// plain is text of several lines that steers no terminal.
func plain(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = printable(line)
	}
	return strings.Join(lines, "\n")
}
