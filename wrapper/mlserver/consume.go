package mlserver

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/go-openapi/runtime"
	"github.com/go-openapi/strfmt"

	"github.com/mlserver-go/mls/gen/v930/consumption"
	"github.com/mlserver-go/mls/wrapper/data"
)

// Consume calls the service with the given inputs. Code that fails gives the result, with its console output, and a
// *CodeError. It stands for mrsdeploy's consume, and for the service's alias.
//
// What the inputs are is left to the server to check: see Checked.
func (s *Service) Consume(ctx context.Context, inputs Values) (*Result, error) {
	body, err := inputs.appendTo(nil, nil)
	if err != nil {
		return nil, err
	}
	return s.consume(ctx, body)
}

// consume sends a body and reads the answer. Neither goes through encoding/json as a whole, which would read data frames several
// times over: see data.
func (s *Service) consume(ctx context.Context, body []byte) (*Result, error) {
	c := consuming{service: s, body: body}
	if _, err := s.client.api.Consumption.ConsumeWebServiceContext(ctx, noParams, c.instead); err != nil {
		return nil, err
	}
	var text data.Reader
	text.Reset(c.answer)
	r, err := newResultDecoder(false).decode(&text)
	if r == nil {
		return nil, fmt.Errorf("service %s/%s: %w", s.name, s.version, err)
	}
	if err := text.End(); err != nil {
		return nil, fmt.Errorf("service %s/%s: %w", s.name, s.version, notResult(err))
	}
	return r, err
}

// consuming puts a body into a request and takes the answer as it is, in the place of what is generated.
type consuming struct {
	service *Service
	body    []byte
	answer  json.RawMessage
}

func (c *consuming) instead(op *runtime.ClientOperation) { op.Params, op.Reader = c, c }

// askFirst is the size of a body, in bytes, from which on the server is asked whether it takes it before it is sent. One that
// does not know the question costs a second.
const askFirst = 1 << 20

// WriteToRequest implements runtime.ClientRequestWriter.
func (c *consuming) WriteToRequest(r runtime.ClientRequest, _ strfmt.Registry) error {
	if err := r.SetPathParam("name", c.service.name); err != nil {
		return err
	}
	if err := r.SetPathParam("version", c.service.version); err != nil {
		return err
	}
	if len(c.body) >= askFirst {
		if err := r.SetHeaderParam("Expect", "100-continue"); err != nil {
			return err
		}
	}
	return r.SetBodyParam(bytes.NewReader(c.body))
}

// ReadResponse implements runtime.ClientResponseReader.
func (c *consuming) ReadResponse(resp runtime.ClientResponse, consumer runtime.Consumer) (any, error) {
	c.body = nil // it has arrived, and may be large
	if err := consumer.Consume(resp.Body(), &c.answer); err != nil {
		return nil, err
	}
	return consumed, nil
}

// What is generated for the call, and not used.
var (
	noParams = &consumption.ConsumeWebServiceParams{}
	consumed = &consumption.ConsumeWebServiceOK{}
)
