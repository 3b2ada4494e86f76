package mrsdeploy

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/mlserver-go/mls/wrapper/data"
	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// checked is the service of the arguments, with its definition.
func (l *Local) checked(ctx context.Context, a args) (*mlserver.Checked, error) {
	s, err := l.named(ctx, a)
	if err != nil {
		return nil, err
	}
	if known := l.services[[2]string{s.Name(), s.Version()}]; known != nil {
		return known, nil
	}
	if _, err := l.describe(ctx, s); err != nil {
		return nil, err
	}
	return l.services[[2]string{s.Name(), s.Version()}], nil
}

// consume stands behind the consume function of mrsdeploy's API object, and behind the service's alias.
func (l *Local) consume(ctx context.Context, a args) (answer, error) {
	s, err := l.checked(ctx, a)
	if err != nil {
		return nil, err
	}
	inputs, err := inputsOf(s.Info.Inputs, a["inputs"])
	if err != nil {
		return nil, err
	}
	r, err := s.Consume(ctx, inputs)
	return responseOf(s.Info.Outputs, r, err)
}

// inputsOf reads inputs by name. R has no single values: a vector of length 1 comes as one, and goes out as a list where the
// service takes vectors.
func inputsOf(declared []mlserver.Parameter, raw json.RawMessage) (mlserver.Values, error) {
	values := mlserver.Values{}
	if s := string(raw); s == "" || s == "null" || s == "[]" {
		return values, nil
	}
	if raw[0] != '{' {
		return nil, fmt.Errorf("the inputs must have names")
	}
	types := map[string]mlserver.Type{}
	for _, p := range declared {
		types[p.Name] = p.Type
	}
	_, err := data.Members(raw, func(name string, value []byte) error {
		if types[name] == mlserver.Vector && value[0] != '[' && value[0] != '{' {
			value = slices.Concat([]byte("["), value, []byte("]"))
		}
		values[name] = json.RawMessage(slices.Clone(value))
		return nil
	})
	return values, err
}

// responseOf is the answer for what a service, or a row of a batch, came to. Outputs have their declared types.
func responseOf(declared []mlserver.Parameter, r *mlserver.Result, err error) (answer, error) {
	response, err := resultOf(r, err)
	if err != nil {
		return nil, err
	}
	outputs := answer{}
	for _, p := range declared {
		if value := r.Outputs.JSON(p.Name); value != nil {
			outputs = append(outputs, runtimes.Input{Name: p.Name, Type: string(p.Type), Value: value})
		}
	}
	for _, name := range slices.Sorted(slices.Values(r.Outputs.Names())) {
		if !slices.ContainsFunc(declared, func(p mlserver.Parameter) bool { return p.Name == name }) {
			outputs = append(outputs, runtimes.Input{Name: name, Value: r.Outputs.JSON(name)})
		}
	}
	files := answer{}
	for _, name := range slices.Sorted(maps.Keys(r.Files)) {
		files = files.with(name, runtimes.AsBytes, r.Files[name])
	}
	for i := range response {
		if response[i].Name == "outputParameters" {
			response[i] = answer{}.with("outputParameters", runtimes.AsAnswer, outputs)[0]
		}
	}
	return response.with("artifacts", runtimes.AsAnswer, files), nil
}
