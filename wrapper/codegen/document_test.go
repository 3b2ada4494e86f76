package codegen

import (
	"encoding/json"
	"fmt"
	"go/format"
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	p := published{
		name: "Flight Delay", version: "3.5.5", alias: "delay", description: "It\nflies.",
		inputs:  []string{"z data.frame", "a numeric", "m integer", "A logical", "text character"},
		outputs: []string{"out vector"},
	}
	want := &service{
		Name: "Flight Delay", Version: "3.5.5", Alias: "delay", Description: "It\nflies.", Batch: true,
		Inputs:  []parameter{{"z", "data.frame"}, {"a", "numeric"}, {"m", "integer"}, {"A", "logical"}, {"text", "character"}},
		Outputs: []parameter{{"out", "vector"}},
	}
	for _, era := range []string{"9.0.1", "9.2.1", "9.3.0"} {
		for _, eol := range []string{"\n", "\r\n", "\r\r\n"} {
			p.era, p.eol, p.bom, p.indent = era, eol, era == "9.0.1", strings.Repeat(" ", len(eol))
			got, err := parse(p.document(t))
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s, line ends %q: got %+v, %v, want %+v", era, eol, got, err, want)
			}
		}
	}
	wrapped, err := json.Marshal(map[string]string{"swaggerJson": "\ufeff" + string(p.document(t))})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := parse(wrapped); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("in swaggerJson: got %+v, %v, want %+v", got, err, want)
	}
}

// doc is a document of the call alone, whose inputs have that schema.
func doc(path, schema string) string {
	return fmt.Sprintf(`{"swagger":"2.0","info":{"title":"a/b","version":"1/2"},"paths":{%q:{"post":{"parameters":[{"in":"body","schema":%s}]}}},
		"definitions":{"round":{"$ref":"#/definitions/round"},"a/b":{"properties":{"x":{"type":"number"}}},"odd":{"properties":[1]}}}`, path, schema)
}

func TestParseUnusual(t *testing.T) {
	one := []parameter{{"x", "numeric"}}
	for _, c := range []struct {
		doc  string
		want service
	}{
		{doc("/api/s/1", `{}`), service{Name: "s", Version: "1"}},
		{doc("/api/a%2Fb/1%2F2", `{}`), service{Name: "a/b", Version: "1/2"}},
		{doc("/api/100%/x%2Fy", `null`), service{Name: "100%", Version: "x%2Fy"}},
		{doc("/api/s/1", `{"$ref":"#/definitions/a~1b"}`), service{Name: "s", Version: "1", Inputs: one}},
		{doc("/api/s/1", `{"properties":{"x":{"type":"number","description":"something"}}}`), service{Name: "s", Version: "1", Inputs: one}},
		{doc("/api/s/1", `{"properties":{"x":{"type":["number","null"]},"y":{"$ref":"#/definitions/a~1b"},"$ref":{"type":"string"}}}`),
			service{Name: "s", Version: "1", Inputs: []parameter{{"x", ""}, {"y", ""}, {"$ref", "character"}}}},
		{`{"swagger":"2.0","paths":{"/api/s/1":{"post":{}}}}`, service{Name: "s", Version: "1"}},
	} {
		got, err := parse([]byte(c.doc))
		if err != nil {
			t.Errorf("%s: %v", c.doc, err)
			continue
		}
		if !reflect.DeepEqual(*got, c.want) {
			t.Errorf("%s: got %+v, want %+v", c.doc, *got, c.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	deep := strings.Repeat("[", 20000) + strings.Repeat("]", 20000)
	var many strings.Builder
	for i := range maxParameters + 1 {
		fmt.Fprintf(&many, `"x%d":{},`, i)
	}
	for _, c := range []struct{ name, doc, want string }{
		{"nothing", "", "nothing"},
		{"a page", "<html><body>sign in</body></html>", `"<html><body>`},
		{"a list", "[]", "not a Swagger document"},
		{"half of it", doc("/api/s/1", "{}")[:100], "unexpected end"},
		{"another format", `{"openapi":"3.0.0"}`, "not a Swagger 2.0 document"},
		{"another version", `{"swagger":"1.2"}`, "not a Swagger 2.0 document"},
		{"no object", `{"swagger":"2.0","paths":[1]}`, "not a Swagger document"},
		{"huge", `{"x":"` + strings.Repeat("x", maxDocument) + `"}`, "too many"},
		{"deep", strings.Replace(doc("/api/s/1", "{}"), "[1]", deep, 1), "depth"},
		{"the API itself", doc("/api/{name}/{version}", "{}"), "describes no service"},
		{"no call", doc("/login", "{}"), "describes no service"},
		{"two services", `{"swagger":"2.0","paths":{"/api/a/1":{"post":{}},"/api/b/1":{"post":{}}}}`, "describes 2 services"},
		{"dots", doc("/api/../1", "{}"), `".."`},
		{"escaped dots", doc("/api/a%2Fb/.", "{}"), `"."`},
		{"unprintable", doc("/api/a\u0000b/1", "{}"), "not a Swagger document"},
		{"wide unprintable", doc("/api/a\u202eb/1", "{}"), "cannot be printed"},
		{"long name", doc("/api/"+strings.Repeat("x", 300)+"/1", "{}"), "longer than"},
		{"cycle", doc("/api/s/1", `{"$ref":"#/definitions/round"}`), "round and round"},
		{"cycle below", doc("/api/s/1", `{"properties":{"x":{"$ref":"#/definitions/round"}}}`), "round and round"},
		{"nowhere", doc("/api/s/1", `{"$ref":"#/definitions/none"}`), "leads to no definition"},
		{"not a definition", doc("/api/s/1", `{"$ref":"#/paths/x"}`), "leads to no definition"},
		{"a file", doc("/api/s/1", `{"$ref":"file:///etc/passwd"}`), "leads out of the document"},
		{"a server", doc("/api/s/1", `{"properties":{"x":{"items":[{"$ref":"http://198.51.100.7/x.json#/a"}]}}}`), "leads out of the document"},
		{"a relative file", doc("/api/s/1", `{"$ref":"other.json#/definitions/x"}`), "leads out of the document"},
		{"properties in a list", doc("/api/s/1", `{"$ref":"#/definitions/odd"}`), "no object"},
		{"twice", doc("/api/s/1", `{"properties":{"x":{},"x":{}}}`), "twice"},
		{"many", doc("/api/s/1", `{"properties":{`+many.String()+`"x":{}}}`), "too many"},
		{"a name for no tag", doc("/api/s/1", `{"properties":{"a\"b":{}}}`), "field of a Go struct"},
		{"a name that ends a tag", doc("/api/s/1", "{\"properties\":{\"a`b\":{}}}"), "field of a Go struct"},
		{"an option of a tag", doc("/api/s/1", `{"properties":{"a,omitempty":{}}}`), "field of a Go struct"},
		{"a field that is not sent", doc("/api/s/1", `{"properties":{"-":{}}}`), "field of a Go struct"},
		{"no name", doc("/api/s/1", `{"properties":{"":{}}}`), "empty"},
	} {
		_, err := parse([]byte(c.doc))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want one with %q", c.name, err, c.want)
		}
		if err != nil && len(err.Error()) > 300 {
			t.Errorf("%s: the error has %d bytes: %.100s...", c.name, len(err.Error()), err)
		}
	}
}

// FuzzDocument: whatever is in a document, it is refused or becomes Go.
func FuzzDocument(f *testing.F) {
	f.Add("transmission", "1.0.0", "manualTransmission", "Probability of\na manual transmission.", "hp", "wt", "answer", "numeric")
	f.Add("x\n", "\"+1", "a b", "*/\r\nimport \"os\"", "`", "X", "x", "matrix")
	f.Add("{s}", "..", "", "+build ignore\n//go:embed x", "validate", "type", "decode", "data.frame")
	f.Fuzz(func(t *testing.T, name, version, alias, description, in1, in2, out, kind string) {
		p := published{name: name, version: version, alias: alias, description: description,
			inputs: []string{in1 + " " + kind, in2 + " numeric"}, outputs: []string{out + " " + kind, in1 + " integer"}}
		s, err := parse(p.document(t))
		if err != nil {
			return
		}
		fc := newFacade(s, packageName(s.Name), "example.com/x")
		files, err := fc.source()
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range files {
			if again, err := format.Source(text); err != nil || string(again) != string(text) {
				t.Errorf("%s: %v\n%s", name, err, text)
			}
			if !strings.HasPrefix(string(text), header+"\n\n") || strings.Count(string(text), "\nimport ") != 1 {
				t.Errorf("%s does not begin as it should:\n%s", name, text)
			}
		}
		if _, err := fc.document(); err != nil {
			t.Fatal(err)
		}
	})
}
