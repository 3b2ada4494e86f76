package mlserver

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

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
	return s.ConsumeInto(ctx, inputs, nil)
}

// ConsumeInto is Consume that stores outputs in targets, as Outputs.Decode does. A *data.Frame, *data.Matrix or *data.Vector is read
// while the answer arrives: of a large one there are never more than the numbers in memory, where Consume has its JSON as well.
// The result has the other outputs.
//
// An output that does not fit its target, or is not there, is an error. After an error targets are as they were, unless it is of
// another target.
func (s *Service) ConsumeInto(ctx context.Context, inputs Values, targets Targets) (*Result, error) {
	body, err := inputs.body(nil)
	if err != nil {
		return nil, err
	}
	return s.consume(ctx, body, targets)
}

// consume sends a body and reads the answer. Neither goes through encoding/json as a whole, which would read data frames several
// times over: see data.
func (s *Service) consume(ctx context.Context, body *body, targets Targets) (*Result, error) {
	c := consuming{service: s, body: body}
	if len(targets) > 0 {
		c.targets = &targeting{targets: targets}
	}
	_, err := s.client.api.Consumption.ConsumeWebServiceContext(ctx, noParams, c.instead)
	body.end()
	if err != nil {
		return nil, err
	}
	return c.result, c.err
}

// consuming puts a body into a request and takes the answer as it is, in the place of what is generated.
type consuming struct {
	service *Service
	body    *body
	targets *targeting // nil: none

	whole   json.RawMessage // the answer, if it does not come as a stream
	text    data.Reader
	read    bool
	refused error // of what is no answer
	result  *Result
	err     error
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
	if c.body.size() >= askFirst {
		if err := r.SetHeaderParam("Expect", "100-continue"); err != nil {
			return err
		}
	}
	if len(c.body.large) > 0 {
		return r.SetBodyParam(&bodyReader{body: c.body})
	}
	return r.SetBodyParam(bytes.NewReader(c.body.text))
}

// ReadResponse reads the answer the first time, and tells the same when it is asked again.
func (c *consuming) ReadResponse(resp runtime.ClientResponse, consumer runtime.Consumer) (any, error) {
	if !c.read {
		c.read = true
		c.refused = c.answer(resp.Body(), consumer)
	}
	return consumed, c.refused
}

// answer reads the answer while it arrives, if that is of use. The error is of what is no answer at all; what is wrong with one is
// for the caller.
func (c *consuming) answer(source io.Reader, consumer runtime.Consumer) error {
	if c.targets != nil {
		text := data.NewReader(source)
		if first, err := text.Peek(); err == nil && first == '{' {
			c.decode(text)
			return text.Failed()
		} else if text.Failed() != nil {
			return text.Failed()
		}
		source = io.MultiReader(bytes.NewReader(text.Window()), source)
	}
	if err := consumer.Consume(source, &c.whole); err != nil {
		return err
	}
	c.text.Reset(c.whole)
	c.decode(&c.text)
	return nil
}

// decode reads the result, which is all there is.
func (c *consuming) decode(text *data.Reader) {
	decoder := resultDecoder{targets: c.targets}
	r, err := decoder.decode(text)
	if r != nil {
		if after := text.End(); after != nil {
			r, err = nil, notResult(after)
		}
	}
	switch {
	case r == nil && c.targets != nil && c.targets.unfit != nil:
		err = c.targets.unfit
	case r == nil:
		err = fmt.Errorf("service %s/%s: %w", c.service.name, c.service.version, err)
	case err == nil && c.targets != nil:
		if err = c.targets.store(); err != nil {
			r = nil
		}
	}
	c.result, c.err = r, err
}

// What is generated for the call, and not used.
var (
	noParams = &consumption.ConsumeWebServiceParams{}
	consumed = &consumption.ConsumeWebServiceOK{}
)
