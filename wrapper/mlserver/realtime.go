package mlserver

import (
	"context"
	"errors"
	"io"

	"github.com/go-openapi/runtime"

	"github.com/mlserver-go/mls/gen/v930/services"
	"github.com/mlserver-go/mls/wrapper/transport"
)

// Names of the only input and output of a realtime service, both data frames.
const (
	RealtimeInput  = "inputData"
	RealtimeOutput = "outputData"
)

// RealtimeDefinition is a realtime service to publish: a model and no code.
type RealtimeDefinition struct {
	Name        string
	Version     string // any text without slashes; empty: the server makes a GUID
	Description string
	Alias       string // name of the function in generated clients
	// Model is the serialized model. Servers score what rxSerializeModel of RevoScaleR, or rx_serialize_model of revoscalepy,
	// wrote; such a model begins with "blob". The development server scores what R's saveRDS, or Python's pickle or dill, wrote.
	Model io.Reader
}

// RealtimeUpdate says what to change of a realtime service. What is left empty keeps its value; the API has no way to clear it.
type RealtimeUpdate struct {
	Description string
	Alias       string
	Model       io.Reader // as in RealtimeDefinition
}

// PublishRealtime publishes a realtime service, streaming the model. One of that name and version that exists already gives an
// *Error: ErrConflict. It stands for mrsdeploy's publishService with serviceType = "Realtime". Since 9.1.0.
func (c *Client) PublishRealtime(ctx context.Context, d RealtimeDefinition) (*Service, error) {
	if err := c.need("realtime services", V910); err != nil {
		return nil, err
	}
	if d.Name == "" {
		return nil, errors.New("a service needs a name")
	}
	if d.Model == nil {
		return nil, errors.New("a realtime service needs a model")
	}
	if d.Version == "" {
		created, err := c.api.Services.PublishRealtimeWebServiceByNameContext(ctx, &services.PublishRealtimeWebServiceByNameParams{
			Name: d.Name, Description: given(d.Description), OperationID: given(d.Alias), Model: modelFile(d.Model),
		})
		if err != nil {
			return nil, err
		}
		return c.madeVersion(ctx, d.Name, created.Payload)
	}
	_, err := c.api.Services.PublishRealtimeWebServiceByNameVersionContext(ctx, &services.PublishRealtimeWebServiceByNameVersionParams{
		Name: d.Name, Version: d.Version, Description: given(d.Description), OperationID: given(d.Alias), Model: modelFile(d.Model),
	})
	if err != nil {
		return nil, err
	}
	return c.Service(d.Name, d.Version), nil
}

// UpdateRealtime changes a realtime service. It stands for mrsdeploy's updateService with serviceType = "Realtime". Since 9.1.0.
func (s *Service) UpdateRealtime(ctx context.Context, u RealtimeUpdate) error {
	if err := s.client.need("realtime services", V910); err != nil {
		return err
	}
	if u == (RealtimeUpdate{}) {
		return errors.New("nothing to update: give a model, a description or an alias")
	}
	params := &services.PatchRealtimeWebServiceByNameVersionParams{
		Name: s.name, Version: s.version, Description: given(u.Description), OperationID: given(u.Alias),
	}
	if u.Model != nil {
		params.Model = modelFile(u.Model)
	}
	_, err := s.client.api.Services.PatchRealtimeWebServiceByNameVersionContext(ctx, params)
	return err
}

// given leaves an empty text out of a form.
func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// modelFile names the file of the form: servers don't keep the name, but some want one.
func modelFile(model io.Reader) runtime.NamedReadCloser { return transport.File("model", model) }
