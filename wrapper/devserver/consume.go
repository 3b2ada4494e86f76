package devserver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
)

// consumeWebService runs a service's code on the given inputs.
func (s *Server) consumeWebService(w http.ResponseWriter, r *request) error {
	p, err := s.published(r)
	if err != nil {
		return err
	}
	var given map[string]json.RawMessage
	if err := r.decode(&given); err != nil {
		return err
	}
	answer, err := s.run(r.Context(), p, given)
	for errors.Is(err, errRetired) && s.ctx.Err() == nil { // changed just now: what it has become answers
		if p, err = s.published(r); err != nil {
			return err
		}
		answer, err = s.run(r.Context(), p, given)
	}
	if err != nil {
		return err
	}
	if status := s.faults().CodeFailure; status != 0 && !answer.success {
		return fail(status, "%s", answer.message)
	}
	writeJSON(w, http.StatusOK, answer.object(p.service))
	return nil
}

// serviceAnswer is what a call came to.
type serviceAnswer struct {
	success   bool
	message   string
	console   string
	changed   []string
	outputs   object
	artifacts map[string][]byte
	unstarted bool // initCode failed: other inputs would not help
}

// run makes one call. Code that fails, that of the start as well, is an answer without success; so is a process that dies.
func (s *Server) run(ctx context.Context, p *published, given map[string]json.RawMessage) (*serviceAnswer, error) {
	inputs, err := p.inputs(given)
	if err != nil {
		return nil, err
	}
	if err := p.scorable(); err != nil {
		return nil, err
	}
	bound, cancel := s.bound(ctx)
	defer cancel()
	bound, cancel = context.WithTimeout(bound, s.cfg.ServiceTimeout)
	defer cancel()
	_, code := p.program()
	req := runtimes.Request{Code: code, Inputs: inputs}
	for _, o := range p.Outputs {
		req.Outputs = append(req.Outputs, runtimes.Output{Name: o.Name, Type: apiType(o.Type)})
	}
	res, artifacts, err := p.workers.call(bound, req)
	if errors.Is(bound.Err(), context.DeadlineExceeded) {
		return nil, fail(http.StatusInternalServerError, "service %s version %s took longer than %s", p.Name, p.Version, s.cfg.ServiceTimeout)
	}
	var initial *initError
	var g *runtimes.GoneError
	switch {
	case errors.As(err, &initial):
		return &serviceAnswer{message: initial.Error(), console: initial.res.Console, unstarted: true}, nil
	case errors.As(err, &g):
		return &serviceAnswer{message: fmt.Sprintf("the %s process ended (%s)", g.Language, g.Status), console: g.Console}, nil
	case err != nil:
		return nil, err
	}
	if res.Kind == runtimes.KindInput {
		return nil, fail(http.StatusBadRequest, "service %s version %s: %s", p.Name, p.Version, res.Error)
	}
	answer := &serviceAnswer{success: res.Success, message: res.Error, console: res.Console, changed: res.Changed, artifacts: artifacts}
	for _, o := range res.Outputs {
		answer.outputs = append(answer.outputs, member{o.Name, o.Value})
	}
	return answer, nil
}

// object is the answer as it goes over the wire. Services without artifacts have no outputFiles.
func (a *serviceAnswer) object(svc *service) object {
	o := object{
		{"success", a.success}, {"errorMessage", a.message}, {"consoleOutput", a.console},
		{"changedFiles", append([]string{}, a.changed...)},
	}
	if len(svc.Files) > 0 {
		files := object{}
		for _, name := range svc.Files {
			files = append(files, member{name, a.artifacts[name]}) // base64, null when not written
		}
		o = append(o, member{"outputFiles", files})
	}
	return append(o, member{"outputParameters", a.outputs})
}

// inputs brings the given values into the declared order, or says everything that is wrong with them.
func (svc *service) inputs(given map[string]json.RawMessage) ([]runtimes.Input, error) {
	var inputs []runtimes.Input
	var wrong, fields []string
	for _, p := range svc.Inputs {
		value, ok := given[p.Name]
		problem := "is missing"
		if ok {
			problem = mismatch(apiType(p.Type), value)
		}
		if problem != "" {
			wrong, fields = append(wrong, fmt.Sprintf("input %s (%s) %s", p.Name, p.Type, problem)), append(fields, p.Name)
		}
		inputs = append(inputs, runtimes.Input{Name: p.Name, Type: apiType(p.Type), Value: value})
	}
	var unknown []string
	for name := range given {
		if !slices.ContainsFunc(svc.Inputs, func(p parameter) bool { return p.Name == name }) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		wrong, fields = append(wrong, fmt.Sprintf("input %q is unknown", name)), append(fields, name)
	}
	if wrong == nil {
		return inputs, nil
	}
	f := fail(http.StatusBadRequest, "service %s version %s: %s", svc.Name, svc.Version, strings.Join(wrong, "; "))
	f.fields = fields
	return nil, f
}

// mismatch says why a value does not have the declared type, "" if it does. Vectors may be given as a bare value, frames by rows.
// A null is NA, or None in Python, of each type of single values.
func mismatch(declared string, raw json.RawMessage) string {
	kind := kindOf(raw)
	if kind == "null" && (declared == "numeric" || declared == "integer" || declared == "logical" || declared == "character") {
		return ""
	}
	switch declared {
	case "numeric":
		if kind != "a number" {
			return "must be a number, not " + kind
		}
	case "integer":
		if kind != "a number" || !integral(raw) {
			return "must be a whole number, not " + string(bytes.TrimSpace(raw[:min(len(raw), 40)]))
		}
	case "logical":
		if kind != "true or false" {
			return "must be true or false, not " + kind
		}
	case "character":
		if kind != "a string" {
			return "must be a string, not " + kind
		}
	case "vector":
		if kind == "an object" || kind == "null" {
			return "must be an array, not " + kind
		}
	case "matrix":
		var rows []json.RawMessage
		if kind != "an array" || json.Unmarshal(raw, &rows) != nil {
			return "must be an array of rows, not " + kind
		}
		for _, row := range rows {
			if k := kindOf(row); k != "an array" {
				return "must be an array of rows, which are arrays, not " + k
			}
		}
	case "data.frame":
		return noFrame(kind, raw)
	}
	return ""
}

func noFrame(kind string, raw json.RawMessage) string {
	if kind == "an array" {
		var rows []json.RawMessage
		if json.Unmarshal(raw, &rows) != nil || slices.ContainsFunc(rows, func(row json.RawMessage) bool { return kindOf(row) != "an object" }) {
			return "must be an object of columns, or an array of rows that are objects"
		}
		return ""
	}
	var columns map[string][]json.RawMessage
	if kind != "an object" || json.Unmarshal(raw, &columns) != nil {
		return "must be an object of columns, which are arrays"
	}
	length := -1
	for _, column := range columns {
		if length >= 0 && len(column) != length {
			return "must have columns of one length"
		}
		length = len(column)
	}
	return ""
}

func kindOf(raw json.RawMessage) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return "null"
	}
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "a number"
}

func integral(raw json.RawMessage) bool {
	var f float64
	return json.Unmarshal(raw, &f) == nil && f == float64(int64(f))
}
