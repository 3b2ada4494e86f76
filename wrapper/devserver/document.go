package devserver

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-openapi/loads"
	"github.com/go-openapi/spec"
	"github.com/go-openapi/strfmt"
	"github.com/go-openapi/validate"

	"github.com/mlserver-go/mls/swagger"
)

// operation is one line of the API document.
type operation struct {
	id, method, path string
	body             *bodySchema // nil when it takes no JSON body
}

// bodySchema is the JSON body of an operation.
type bodySchema struct {
	name      string // of the parameter, for messages
	validator *validate.SchemaValidator
}

// operations reads the API document of a server version, in the order of paths and methods.
func operations(version string) ([]*operation, error) {
	raw, err := swagger.Document(version)
	if err != nil {
		return nil, err
	}
	doc, err := loads.Analyzed(raw, "")
	if err != nil {
		return nil, fmt.Errorf("API document %s: %w", version, err)
	}
	if def, ok := doc.Spec().Definitions["ParameterDefinition"]; ok {
		delete(def.Properties, "type") // more is accepted, see apiType
	}
	if doc, err = doc.Expanded(); err != nil {
		return nil, fmt.Errorf("API document %s: %w", version, err)
	}
	var ops []*operation
	for path, item := range doc.Spec().Paths.Paths {
		for method, op := range map[string]*spec.Operation{
			http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put,
			http.MethodPatch: item.Patch, http.MethodDelete: item.Delete,
		} {
			if op != nil {
				ops = append(ops, &operation{id: op.ID, method: method, path: path, body: jsonBody(op)})
			}
		}
	}
	slices.SortFunc(ops, func(a, b *operation) int {
		return cmp.Or(strings.Compare(a.path, b.path), strings.Compare(a.method, b.method))
	})
	return ops, nil
}

func jsonBody(op *spec.Operation) *bodySchema {
	if slices.Contains(op.Consumes, "application/octet-stream") {
		return nil
	}
	for _, p := range op.Parameters {
		if p.In == "body" {
			return &bodySchema{p.Name, validate.NewSchemaValidator(p.Schema, nil, p.Name, strfmt.Default)}
		}
	}
	return nil
}

// decode reads the JSON body of r into v after checking it against the document's schema.
func (b *bodySchema) decode(r io.Reader, v any) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	if len(bytes.TrimSpace(raw)) == 0 {
		return fail(http.StatusBadRequest, "the body is missing: send a JSON %s", b.name)
	}
	var free any
	if err := json.Unmarshal(raw, &free); err != nil {
		return fail(http.StatusBadRequest, "the body, a %s, is not JSON: %v", b.name, err)
	}
	if m, ok := free.(map[string]any); ok {
		for name, value := range m {
			if value == nil { // .NET and Python clients send null for what they leave out
				delete(m, name)
			}
		}
	}
	if res := b.validator.Validate(free); res.HasErrors() {
		var texts []string
		for _, e := range res.Errors {
			texts = append(texts, e.Error())
		}
		return fail(http.StatusBadRequest, "%s", strings.Join(texts, "; "))
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fail(http.StatusBadRequest, "the body, a %s, is not as documented: %v", b.name, err)
	}
	return nil
}

// since says whether the version played is version or later.
func (s *Server) since(version string) bool {
	return slices.Compare(numbers(s.cfg.APIVersion), numbers(version)) >= 0
}

func numbers(version string) []int {
	var ns []int
	for part := range strings.SplitSeq(version, ".") {
		n, _ := strconv.Atoi(part) // only versions that have a document get here
		ns = append(ns, n)
	}
	return ns
}
