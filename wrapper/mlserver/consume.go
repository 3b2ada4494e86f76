package mlserver

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

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
	d := newResultDecoder(false)
	r, rest, err := d.decode(c.answer)
	if err == nil && len(bytes.TrimSpace(rest)) > 0 {
		err = notResult(fmt.Errorf("there is %.20q after its end", rest))
	}
	if err != nil {
		return nil, fmt.Errorf("service %s/%s: %w", s.name, s.version, err)
	}
	return d.outcome(r)
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

// resultDecoder reads what services answer, and batches for each row: from front to back, once.
type resultDecoder struct {
	copies bool     // whether outputs are kept in memory of their own
	names  []string // of outputs so far: those of all rows are the same

	result               *Result
	success              bool
	message              string
	member, output, file func(name, text []byte) (rest []byte, err error) // the methods below
}

func newResultDecoder(copies bool) *resultDecoder {
	d := &resultDecoder{copies: copies}
	d.member, d.output, d.file = d.readMember, d.readOutput, d.readFile
	return d
}

// decode reads the result that answer starts with, and returns what comes after it.
func (d *resultDecoder) decode(answer []byte) (r *Result, rest []byte, err error) {
	d.result, d.success, d.message = &Result{Outputs: Outputs{}}, false, ""
	if rest, err = data.Object(answer, d.member); err != nil {
		return nil, nil, notResult(err)
	}
	return d.result, rest, nil
}

func (d *resultDecoder) readMember(name, text []byte) (rest []byte, err error) {
	switch {
	case is(name, "success"):
		return readJSON(text, &d.success)
	case is(name, "errorMessage"):
		return readJSON(text, &d.message)
	case is(name, "consoleOutput"):
		return readJSON(text, &d.result.Console)
	case is(name, "changedFiles"):
		return readJSON(text, &d.result.Changed)
	case is(name, "outputParameters"):
		return members(text, d.output)
	case is(name, "outputFiles"):
		return members(text, d.file)
	}
	_, rest, err = data.Value(text)
	return rest, err
}

func (d *resultDecoder) readOutput(name, text []byte) (rest []byte, err error) {
	value, rest, err := data.Value(text)
	if d.copies {
		value = bytes.Clone(value)
	}
	d.result.Outputs[d.name(name)] = value
	return rest, err
}

func (d *resultDecoder) readFile(name, text []byte) (rest []byte, err error) {
	value, rest, err := data.Value(text)
	if err != nil {
		return nil, err
	}
	var file []byte
	if err := json.Unmarshal(value, &file); err != nil {
		return nil, fmt.Errorf("file %q is not base64: %w", name, err)
	}
	if d.result.Files == nil {
		d.result.Files = map[string][]byte{}
	}
	d.result.Files[string(name)] = file
	return rest, nil
}

// outcome is the result that was decoded last, with the error of the code if it failed.
func (d *resultDecoder) outcome(r *Result) (*Result, error) { return r.outcome(d.success, d.message) }

// name is a name as a string, of which there is one.
func (d *resultDecoder) name(text []byte) string {
	const most = 64
	for _, n := range d.names {
		if n == string(text) {
			return n
		}
	}
	name := string(text)
	if len(d.names) < most {
		d.names = append(d.names, name)
	}
	return name
}

func notResult(err error) error {
	return fmt.Errorf("the server answered something else than the result that belongs here: %w", err)
}

// is tells whether a name is the wanted one, whatever its case: servers of different versions differ in that.
func is(name []byte, want string) bool {
	return string(name) == want || len(name) == len(want) && strings.EqualFold(string(name), want)
}

// readJSON is json.Unmarshal of the value that text starts with, which has little to do for what most answers say. It returns what
// comes after the value.
func readJSON(text []byte, dst any) (rest []byte, err error) {
	usual := func(says string) bool {
		rest, found := bytes.CutPrefix(text, []byte(says))
		text = rest
		return found
	}
	switch dst := dst.(type) {
	case *bool:
		if *dst = usual("true"); *dst || usual("false") {
			return text, nil
		}
	case *string:
		if *dst = ""; usual(`""`) {
			return text, nil
		}
	case *[]string:
		if usual("[]") {
			*dst = []string{}
			return text, nil
		}
	}
	value, rest, err := data.Value(text)
	if err != nil {
		return nil, err
	}
	return rest, json.Unmarshal(value, dst)
}

// members is data.Object of an object, or of null, which has none.
func members(text []byte, read func(name, text []byte) ([]byte, error)) (rest []byte, err error) {
	if rest, null := bytes.CutPrefix(text, []byte("null")); null {
		return rest, nil
	}
	return data.Object(text, read)
}
