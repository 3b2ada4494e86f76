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
	var doc spec.Swagger
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("API document %s: %w", version, err)
	}
	if def, ok := doc.Definitions["ParameterDefinition"]; ok {
		delete(def.Properties, "type") // more is accepted, see apiType
	}
	var ops []*operation
	for path, item := range doc.Paths.Paths {
		for method, op := range map[string]*spec.Operation{
			http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put,
			http.MethodPatch: item.Patch, http.MethodDelete: item.Delete,
		} {
			if op == nil {
				continue
			}
			body, err := jsonBody(&doc, op)
			if err != nil {
				return nil, fmt.Errorf("API document %s: %s: %w", version, op.ID, err)
			}
			ops = append(ops, &operation{id: op.ID, method: method, path: path, body: body})
		}
	}
	slices.SortFunc(ops, func(a, b *operation) int {
		return cmp.Or(strings.Compare(a.path, b.path), strings.Compare(a.method, b.method))
	})
	return ops, nil
}

func jsonBody(doc *spec.Swagger, op *spec.Operation) (*bodySchema, error) {
	if slices.Contains(op.Consumes, "application/octet-stream") {
		return nil, nil
	}
	for _, p := range op.Parameters {
		if p.In == "body" {
			// Expanded now, because the validator would do it while it serves several requests.
			if err := spec.ExpandSchema(p.Schema, doc, nil); err != nil {
				return nil, err
			}
			return &bodySchema{p.Name, validate.NewSchemaValidator(p.Schema, doc, p.Name, strfmt.Default)}, nil
		}
	}
	return nil, nil
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
