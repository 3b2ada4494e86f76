package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/mlserver"
)

func (a *app) realtimeCmd() *cobra.Command {
	return a.group(&cobra.Command{
		Use:   "realtime",
		Short: "Realtime services: publish and update a model without code",
		Long: `A realtime service is a serialized model and no code: a data frame called inputData goes in, one called outputData comes out.
"mls service" lists, shows, calls and deletes it as any other. Since server version 9.1.0.

Servers score models that rxSerializeModel (RevoScaleR) or rx_serialize_model (revoscalepy) wrote. The development server
scores what R's saveRDS or save, or Python's pickle or dill, wrote: an R model with a predict method, a Python object with a
method predict. An R model of a class of your own needs a file that has the class as well, as save.image makes it. The
predictions are in a column called RESPONSE_Pred, or just Pred if the model does not name its response.`,
		Example: `  ID=$(mls session create)
  mls session exec $ID -e 'saveRDS(lm(dist ~ speed, cars), "stopping.rds")'
  mls session file get $ID stopping.rds
  mls realtime publish stopping --version 1.0.0 --model stopping.rds
  mls service call stopping/1.0.0 inputData='{"speed": [10, 20]}'`,
	}, a.realtimePublishCmd(), a.realtimeUpdateCmd())
}

type realtimeOptions struct {
	app *app

	name, version string
	model         string // file, - for the standard input
	description   string
	alias         string
}

func (o *realtimeOptions) flags(c *cobra.Command) {
	c.Flags().StringVar(&o.model, "model", "", "file with the serialized model, - for the standard input")
	c.Flags().StringVar(&o.description, "description", "", "what the service is good for")
	c.Flags().StringVar(&o.alias, "alias", "", "name of the function in generated clients")
}

func (a *app) realtimePublishCmd() *cobra.Command {
	o := &realtimeOptions{app: a}
	c := &cobra.Command{
		Use:   "publish NAME --model FILE",
		Short: "Publish a serialized model as a realtime service",
		Long: `Publish a serialized model as a realtime service, and print its NAME/VERSION. "mls realtime --help" tells which models.

A version that exists is not replaced. Without --version the server makes up one.`,
		Example: `  mls realtime publish stopping --version 1.0.0 --model stopping.rds --description 'distance by speed'
  mls realtime publish stopping --model - < stopping.rds`,
		Args: args(1, 1, "the service's name"),
		RunE: func(c *cobra.Command, args []string) error {
			o.name = args[0]
			if name, version, ok := strings.Cut(o.name, "/"); ok {
				return usageError(c, "give the version apart: %s %s --version %s", c.CommandPath(), name, version)
			}
			if o.model == "" {
				return usageError(c, "give the file with the model: --model FILE")
			}
			return o.publish(c)
		},
	}
	c.Flags().StringVar(&o.version, "version", "", "version, such as 1.0.0; by default the server makes up one")
	o.flags(c)
	return c
}

func (o *realtimeOptions) publish(c *cobra.Command) error {
	return o.withModel(func(model io.Reader) error {
		return o.app.connected(c.Context(), func(ctx context.Context, client *mlserver.Client) error {
			s, err := client.PublishRealtime(ctx, mlserver.RealtimeDefinition{
				Name: o.name, Version: o.version, Description: o.description, Alias: o.alias, Model: model,
			})
			if err != nil {
				id := o.name + "/" + o.version
				err = hintIf(err, mlserver.ErrConflict, "choose another --version, or update that one: mls realtime update %s --model FILE", id)
				return prefix(o.hint(err), "publishing "+o.name)
			}
			if o.version == "" {
				o.app.say("the server named the version %s", s.Version())
			}
			return o.app.printLine(map[string]string{"name": s.Name(), "version": s.Version()}, s.Name()+"/"+s.Version())
		})
	})
}

func (o *realtimeOptions) hint(err error) error {
	return hintIf(err, mlserver.ErrBadRequest, "`mls realtime --help` tells which models can be published")
}

func (a *app) realtimeUpdateCmd() *cobra.Command {
	o := &realtimeOptions{app: a}
	c := &cobra.Command{
		Use:   "update NAME/VERSION",
		Short: "Replace the model of a realtime service, its description or its alias",
		Long: `Replace the model of a realtime service, its description or its alias. What is not given stays. Calls under way are still
answered by the model before.`,
		Example: `  mls realtime update stopping/1.0.0 --model stopping.rds
  mls realtime update stopping/1.0.0 --description 'distance by speed, in feet'`,
		Args: args(1, 1, "the service as NAME/VERSION"),
		RunE: func(c *cobra.Command, args []string) (err error) {
			if o.name, o.version, err = exactVersion(c, args[0], "update"); err != nil {
				return err
			}
			if o.model == "" && o.description == "" && o.alias == "" {
				return usageError(c, "give what to change: --model, --description or --alias")
			}
			return o.withModel(func(model io.Reader) error {
				return a.onService(c, args[0], func(ctx context.Context, s *mlserver.Service) error {
					err := s.UpdateRealtime(ctx, mlserver.RealtimeUpdate{Description: o.description, Alias: o.alias, Model: model})
					if err == nil {
						a.say("updated %s", args[0])
					}
					return o.hint(err)
				})
			})
		},
	}
	o.flags(c)
	return c
}

// withModel opens the model, if one was given, before anything is sent.
func (o *realtimeOptions) withModel(do func(io.Reader) error) error {
	switch o.model {
	case "":
		return do(nil)
	case "-":
		return do(o.app.in)
	}
	f, err := os.Open(o.model)
	if err != nil {
		return fmt.Errorf("--model: %w", err)
	}
	defer f.Close()
	return do(f)
}

// exactVersion splits NAME/VERSION; both must be there.
func exactVersion(c *cobra.Command, arg, what string) (name, version string, err error) {
	name, version, err = serviceName(c, arg)
	if err == nil && version == "" {
		err = usageError(c, "say which version of %s to %s: NAME/VERSION", arg, what)
	}
	return name, version, err
}
