package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/mlserver"
)

func (a *app) serviceCmd() *cobra.Command {
	return a.group(&cobra.Command{
		Use:   "service",
		Short: "Web services: publish, update, list, call, describe, generate a client, delete",
		Long: `A web service is R or Python code with named inputs and outputs that everybody who may sign in can call, at
/api/NAME/VERSION. Commands name it NAME/VERSION; NAME alone will do where there is one version only.`,
		Example: `  mls service publish transmission --version 1.0.0 --input hp=numeric --input wt=numeric --output answer=numeric \
      --init 'model <- glm(am ~ hp + wt, data = mtcars, family = binomial)' \
      --code 'answer <- predict(model, data.frame(hp = hp, wt = wt), type = "response")'
  mls service call transmission/1.0.0 hp=120 wt=2.8
  mls service list
  mls service rm transmission/1.0.0`,
	},
		a.servicePublishCmd(), a.serviceUpdateCmd(), a.serviceApplyCmd(), a.serviceListCmd(), a.serviceShowCmd(), a.serviceCardCmd(), a.serviceCallCmd(), a.serviceSwaggerCmd(),
		a.serviceGenerateCmd(), a.serviceRmCmd())
}

// serviceName splits NAME/VERSION; the version may be missing.
func serviceName(c *cobra.Command, arg string) (name, version string, err error) {
	name, version, given := strings.Cut(arg, "/")
	if name == "" || given && version == "" || strings.Contains(version, "/") {
		return "", "", usageError(c, "%q does not name a service: it looks like NAME/VERSION", arg)
	}
	return name, version, nil
}

// onService runs do on the service that arg names. Without a version it must have exactly one.
func (a *app) onService(c *cobra.Command, arg string, do func(context.Context, *mlserver.Service) error) error {
	name, version, err := serviceName(c, arg)
	if err != nil {
		return err
	}
	return a.connected(c.Context(), func(ctx context.Context, client *mlserver.Client) error {
		if version == "" {
			if version, err = onlyVersion(ctx, client, c, name); err != nil {
				return err
			}
		}
		return serviceHint(do(ctx, client.Service(name, version)), name, version)
	})
}

// serviceHint names the service in err and tells the way out.
func serviceHint(err error, name, version string) error {
	if err == nil {
		return nil
	}
	var inputs *mlserver.InputError
	if errors.As(err, &inputs) {
		return hint(err, "`mls service show %s/%s` tells the inputs and their types", name, version)
	}
	var server *mlserver.Error
	if errors.As(err, &server) && server.Status == http.StatusRequestEntityTooLarge {
		err = hint(err, "send less at a time, or leave the data where the code can read it; a proxy may have a limit of its own")
	}
	err = hintIf(err, mlserver.ErrNotFound, "`mls service list` shows what there is")
	err = hintIf(err, mlserver.ErrBadRequest, "`mls service show %s/%s` tells the inputs and their types", name, version)
	return prefix(err, fmt.Sprintf("service %s/%s", name, version))
}

// onlyVersion is the version of a service that has just one.
func onlyVersion(ctx context.Context, client *mlserver.Client, c *cobra.Command, name string) (string, error) {
	published, err := client.ServiceVersions(ctx, name)
	if err != nil && !errors.Is(err, mlserver.ErrNotFound) {
		return "", err
	}
	switch len(published) {
	case 0:
		return "", hint(&notFound{fmt.Sprintf("there is no service %s", name)}, "`mls service list` shows what there is")
	case 1:
		return published[0].Version, nil
	}
	var versions []string
	for _, s := range published {
		versions = append(versions, s.Version)
	}
	return "", hint(wrongUsage{fmt.Errorf("%s has several versions: %s", name, strings.Join(versions, ", "))},
		"name one: %s %s/%s", c.CommandPath(), name, versions[len(versions)-1])
}

func (a *app) serviceListCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "list [NAME]",
		Short: "List services, or the versions of one",
		Example: `  mls service list
  mls service list transmission
  mls service list -o json`,
		Args: args(0, 1, "one name"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.connected(c.Context(), func(ctx context.Context, client *mlserver.Client) error {
				list := client.Services
				if len(args) > 0 {
					list = func(ctx context.Context) ([]mlserver.ServiceInfo, error) { return client.ServiceVersions(ctx, args[0]) }
				}
				services, err := list(ctx)
				if err != nil {
					return hintIf(err, mlserver.ErrNotFound, "`mls service list` shows what there is")
				}
				t := table{header: []string{"NAME", "VERSION", "RUNTIME", "PUBLISHER", "CREATED", "DESCRIPTION"}, none: "there are no services"}
				for _, s := range services {
					t.rows = append(t.rows, []string{s.Name, s.Version, string(s.Runtime), s.Publisher, timeText(s.Created), s.Description})
				}
				return a.print(services, t)
			})
		},
	}
}

func (a *app) serviceShowCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME[/VERSION]",
		Short: "Describe a service: inputs, outputs, and the code if it is yours",
		Example: `  mls service show transmission/1.0.0
  mls service show transmission -o json`,
		Args: args(1, 1, "the service"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.onService(c, args[0], func(ctx context.Context, s *mlserver.Service) error {
				info, err := s.Describe(ctx)
				if err != nil {
					return err
				}
				return a.showService(info)
			})
		},
	}
}

func (a *app) showService(s *mlserver.ServiceInfo) error {
	t := table{rows: [][]string{
		{"Name", s.Name}, {"Version", s.Version}, {"Runtime", string(s.Runtime)}, {"Description", s.Description},
		{"Publisher", s.Publisher}, {"Created", timeText(s.Created)}, {"Alias", s.Alias}, {"Snapshot", s.SnapshotID},
		{"Permission", s.Permission}, {"Inputs", parametersText(s.Inputs)}, {"Outputs", parametersText(s.Outputs)},
		{"Artifacts", strings.Join(s.Artifacts, ", ")},
	}}
	kept := t.rows[:0]
	for _, row := range t.rows {
		if row[1] != "" {
			kept = append(kept, row)
		}
	}
	t.rows = kept
	if err := a.print(s, t); err != nil || a.output == "json" {
		return err
	}
	for _, part := range [][2]string{{"Initialization code", s.InitCode}, {"Code", s.Code}} {
		if part[1] != "" {
			if _, err := fmt.Fprintf(a.out, "\n%s:\n%s\n", part[0], strings.TrimRight(lines(part[1]), "\n")); err != nil {
				return err
			}
		}
	}
	return nil
}

func parametersText(list []mlserver.Parameter) string {
	var texts []string
	for _, p := range list {
		texts = append(texts, fmt.Sprintf("%s (%s)", p.Name, p.Type))
	}
	return strings.Join(texts, ", ")
}

func (a *app) serviceSwaggerCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "swagger NAME[/VERSION]",
		Short:   "Print a service's own API document, for tools that generate clients",
		Example: `  mls service swagger transmission/1.0.0 > transmission.json`,
		Args:    args(1, 1, "the service"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.onService(c, args[0], func(ctx context.Context, s *mlserver.Service) error {
				doc, err := s.Swagger(ctx)
				if err != nil {
					return err
				}
				_, err = a.out.Write(append(doc, '\n'))
				return err
			})
		},
	}
}

func (a *app) serviceRmCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "rm NAME/VERSION...",
		Short:   "Delete versions of services",
		Example: `  mls service rm transmission/1.0.0`,
		Args:    args(1, -1, "the service as NAME/VERSION"),
		RunE: func(c *cobra.Command, args []string) error {
			for _, arg := range args {
				if _, version, err := serviceName(c, arg); err != nil {
					return err
				} else if version == "" {
					return usageError(c, "say which version of %s to delete: NAME/VERSION", arg)
				}
			}
			return a.connected(c.Context(), func(ctx context.Context, client *mlserver.Client) error {
				var errs []error
				for _, arg := range args {
					name, version, _ := strings.Cut(arg, "/")
					if err := client.Service(name, version).Delete(ctx); err != nil {
						errs = append(errs, serviceHint(err, name, version))
						continue
					}
					a.say("deleted %s", arg)
				}
				return errors.Join(errs...)
			})
		},
	}
}
