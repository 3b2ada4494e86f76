package swagger_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"github.com/go-openapi/loads"
	"github.com/go-openapi/strfmt"
	"github.com/go-openapi/validate"

	"github.com/mlserver-go/mls/swagger"
)

type document struct {
	Swagger     string
	Info        struct{ Version string }
	Paths       map[string]map[string]operation
	Definitions map[string]struct {
		Type       string
		Properties map[string]map[string]any
	}
}

type operation struct {
	OperationID string
	Tags        []string
	Parameters  []map[string]any
	Responses   map[string]map[string]any
}

func open(t *testing.T, version string) document {
	t.Helper()
	text, err := swagger.Document(version)
	if err != nil {
		t.Fatal(err)
	}
	var doc document
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestDocuments(t *testing.T) {
	if got, want := swagger.Versions(), []string{"9.0.1", "9.1.0", "9.2.0", "9.2.1", "9.3.0"}; !slices.Equal(got, want) {
		t.Fatalf("versions %v, want %v", got, want)
	}
	if _, err := swagger.Document("9.4.7"); err == nil {
		t.Error("a version that never was has a document")
	}
	for _, v := range swagger.Versions() {
		if doc := open(t, v); doc.Info.Version != v {
			t.Errorf("%s.json says it is of version %q", v, doc.Info.Version)
		}
		text, _ := swagger.Document(v)
		spec, err := loads.Analyzed(text, "2.0")
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Spec(spec, strfmt.Default); err != nil {
			t.Errorf("%s.json is not valid Swagger 2.0: %v", v, err)
		}
	}
}

// TestEachVersionIncludesTheLast is what lets the wrapper's verbs use the newest generated client for every server: all
// operations, parameters and properties of a version are in the next one, under the same names and types.
func TestEachVersionIncludesTheLast(t *testing.T) {
	all := swagger.Versions()
	for i, older := range all[:len(all)-1] {
		newer := all[i+1]
		old, next := open(t, older), open(t, newer)
		if len(old.Paths) == 0 || len(old.Definitions) == 0 {
			t.Fatalf("%s has no paths or definitions", older)
		}
		for path, operations := range old.Paths {
			for method, op := range operations {
				got, ok := next.Paths[path][method]
				if !ok {
					t.Errorf("%s %s of %s is not in %s", method, path, older, newer)
					continue
				}
				if got.OperationID != op.OperationID || !slices.Equal(got.Tags, op.Tags) {
					t.Errorf("%s %s is %s %v in %s but %s %v in %s", method, path, op.OperationID, op.Tags, older, got.OperationID, got.Tags, newer)
				}
				if !reflect.DeepEqual(got.Parameters, op.Parameters) {
					t.Errorf("%s has other parameters in %s than in %s", op.OperationID, newer, older)
				}
				if !reflect.DeepEqual(got.Responses, op.Responses) {
					t.Errorf("%s has other answers in %s than in %s", op.OperationID, newer, older)
				}
			}
		}
		for name, definition := range old.Definitions {
			for property, schema := range definition.Properties {
				if got := next.Definitions[name].Properties[property]; !reflect.DeepEqual(got, schema) {
					t.Errorf("%s.%s is %v in %s but %v in %s", name, property, schema, older, got, newer)
				}
			}
		}
	}
}
