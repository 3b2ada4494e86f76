package codegen

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:embed service.yaml
var apiDocument []byte

// facade is the package that is made for a service.
type facade struct {
	Package, ImportPath        string
	Name, Version, Description string
	Method                     string
	Inputs, Outputs            []field
	Batch                      bool
}

type field struct {
	parameter
	Field string // in Go
}

func newFacade(s *service, pkg, importPath string) *facade {
	return &facade{
		Package: pkg, ImportPath: importPath,
		Name: s.Name, Version: s.Version, Description: s.Description,
		Method: methodName(s.Alias),
		// go-swagger's model of the inputs has these methods.
		Inputs:  fields(s.Inputs, "Validate", "ContextValidate", "MarshalBinary", "UnmarshalBinary"),
		Outputs: fields(s.Outputs),
		Batch:   s.Batch,
	}
}

func fields(list []parameter, taken ...string) []field {
	names := fieldNames(list, taken...)
	out := make([]field, len(list))
	for i, p := range list {
		out[i] = field{p, names[i]}
	}
	return out
}

// Call is a call of the service with made-up inputs, for its documentation.
func (f *facade) Call() string {
	if len(f.Inputs) == 0 {
		return fmt.Sprintf("c.%s(ctx)", f.Method)
	}
	const most = 4
	values := map[string]string{
		"numeric": "1.5", "integer": "1", "logical": "true", "character": `"text"`, "vector": "[]float64{1, 2, 3}",
		"matrix": "[][]float64{{1, 2}, {3, 4}}", "data.frame": `map[string]any{"column": []float64{1, 2}}`, "": "nil",
	}
	var list []string
	for _, in := range f.Inputs[:min(most, len(f.Inputs))] {
		list = append(list, in.Field+": "+values[in.Type])
	}
	return fmt.Sprintf("c.%s(ctx, %s.Inputs{%s})", f.Method, f.Package, strings.Join(list, ", "))
}

// document is what go-swagger is given for the service; service.yaml says why it isn't the server's own.
func (f *facade) document() ([]byte, error) {
	var d map[string]any
	if err := yaml.Unmarshal(apiDocument, &d); err != nil {
		return nil, err
	}
	if !f.Batch {
		paths := d["paths"].(map[string]any)
		for path := range paths {
			if strings.Contains(path, "/batch") {
				delete(paths, path)
			}
		}
		definitions := d["definitions"].(map[string]any)
		delete(definitions, "StartBatchExecutionResponse")
		delete(definitions, "BatchWebServiceResult")
	}
	inputs := d["definitions"].(map[string]any)["InputParameters"].(map[string]any)
	if len(f.Inputs) == 0 {
		inputs["additionalProperties"] = map[string]any{} // without it, the type would be any, and the body null
		return json.Marshal(d)
	}
	properties := map[string]any{}
	swaggerTypes := map[string]string{"numeric": "number", "integer": "integer", "logical": "boolean", "character": "string"}
	for _, in := range f.Inputs {
		p := map[string]any{"description": in.kind(), "x-go-name": in.Field, "x-omitempty": false}
		if t, ok := swaggerTypes[in.Type]; ok {
			p["type"] = t
		}
		properties[in.Name] = p
	}
	inputs["properties"] = properties
	return json.Marshal(d)
}
