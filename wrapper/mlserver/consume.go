package mlserver

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/go-openapi/runtime"

	"github.com/mlserver-go/mls/gen/v930/consumption"
	"github.com/mlserver-go/mls/wrapper/data"
)

// Consume calls the service with the given inputs. Code that fails gives the result, with its console output, and a
// *CodeError. It stands for mrsdeploy's consume, and for the service's alias.
//
// What the inputs are is left to the server to check: see Checked.
func (s *Service) Consume(ctx context.Context, inputs Values) (*Result, error) {
	body, _, err := inputs.body()
	if err != nil {
		return nil, err
	}
	return s.consume(ctx, body)
}

// consume sends a body and reads the answer. Neither goes through encoding/json as a whole, which would read data frames several
// times over: see data.
func (s *Service) consume(ctx context.Context, body []byte) (*Result, error) {
	var answer json.RawMessage
	_, err := s.client.api.Consumption.ConsumeWebServiceContext(ctx, &consumption.ConsumeWebServiceParams{Name: s.name, Version: s.version},
		sending(bytes.NewReader(body)),
		func(op *runtime.ClientOperation) { op.Reader = rawReader{&answer} })
	if err != nil {
		return nil, err
	}
	r, err := decodeResult(answer)
	if err != nil && r == nil {
		return nil, fmt.Errorf("service %s/%s: %w", s.name, s.version, err)
	}
	return r, err
}

// rawReader keeps the JSON of an answer as it is.
type rawReader struct{ into *json.RawMessage }

func (r rawReader) ReadResponse(resp runtime.ClientResponse, consumer runtime.Consumer) (any, error) {
	if err := consumer.Consume(resp.Body(), r.into); err != nil {
		return nil, err
	}
	return &consumption.ConsumeWebServiceOK{}, nil
}

// decodeResult reads what a service answers, and batches do for each row.
func decodeResult(answer []byte) (*Result, error) {
	var success bool
	var message string
	r := &Result{Outputs: Outputs{}, Files: map[string][]byte{}}
	rest, err := data.Members(answer, func(name string, value []byte) error {
		switch strings.ToLower(name) {
		case "success":
			return json.Unmarshal(value, &success)
		case "errormessage":
			return json.Unmarshal(value, &message)
		case "consoleoutput":
			return json.Unmarshal(value, &r.Console)
		case "changedfiles":
			return json.Unmarshal(value, &r.Changed)
		case "outputparameters":
			return members(value, func(name string, value []byte) error {
				r.Outputs[name] = value
				return nil
			})
		case "outputfiles":
			return members(value, func(name string, value []byte) error {
				var file []byte
				if err := json.Unmarshal(value, &file); err != nil {
					return fmt.Errorf("file %q is not base64: %w", name, err)
				}
				r.Files[name] = file
				return nil
			})
		}
		return nil
	})
	if err == nil && len(bytes.TrimSpace(rest)) > 0 {
		err = fmt.Errorf("there is %.20q after its end", rest)
	}
	if err != nil {
		return nil, fmt.Errorf("the server answered something else than the result that belongs here: %w", err)
	}
	return r.outcome(success, message)
}

// members is data.Members of an object, or of null, which has none.
func members(value []byte, each func(string, []byte) error) error {
	if string(value) == "null" {
		return nil
	}
	_, err := data.Members(value, each)
	return err
}
