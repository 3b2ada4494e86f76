package codegen

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mlserver-go/mls/wrapper/internal/lazyregexp"
)

// Limits of what is taken for a service's document. Real ones have less than 20 kB and a handful of parameters.
const (
	maxDocument   = 4 << 20 // bytes
	maxParameters = 2000    // inputs, and as many outputs
	maxName       = 256     // bytes of a name; a Go file name is made of some of them
	maxHops       = 10      // a $ref to a $ref to ...
)

// service is what one service's document says that another's does not.
type service struct {
	Name, Version, Description string
	Alias                      string // operationId of the call; empty for services published without
	Inputs, Outputs            []parameter
	Batch                      bool // the document has the batch paths
}

// parameter is an input or output of a service.
type parameter struct {
	Name string // on the wire
	Type string // of the API: numeric, integer, logical, character, vector, matrix, data.frame; empty: any JSON
}

// parse reads a service's own swagger.json as servers wrote it: with or without a byte order mark, whatever its line ends.
// References are followed inside the document only.
func parse(doc []byte) (*service, error) {
	doc = bytes.TrimSpace(bytes.TrimPrefix(doc, []byte("\ufeff")))
	switch {
	case len(doc) > maxDocument:
		return nil, fmt.Errorf("%d bytes are too many for a service's document: the limit is %d", len(doc), maxDocument)
	case !bytes.HasPrefix(doc, []byte("{")):
		return nil, fmt.Errorf("not a Swagger document but %s: take the answer of GET /api/NAME/VERSION/swagger.json", beginning(doc))
	}
	var d document
	if err := json.Unmarshal(doc, &d); err != nil {
		return nil, fmt.Errorf("not a Swagger document: %w", err)
	}
	if d.SwaggerJSON != "" && d.Swagger == "" {
		return parse([]byte(d.SwaggerJSON)) // the answer as the API document of 9.0.1 declares it
	}
	if d.Swagger != "2.0" {
		return nil, fmt.Errorf(`not a Swagger 2.0 document: "swagger" is %q`, d.Swagger)
	}
	var tree any
	if err := json.Unmarshal(doc, &tree); err != nil {
		return nil, err
	}
	if err := localReferences(tree); err != nil {
		return nil, err
	}
	return d.service()
}

// document is the part of a service's document that is looked at.
type document struct {
	Swagger     string                                       `json:"swagger"`
	SwaggerJSON string                                       `json:"swaggerJson"`
	Info        struct{ Title, Version, Description string } `json:"info"`
	Paths       map[string]map[string]json.RawMessage        `json:"paths"`
	Definitions map[string]json.RawMessage                   `json:"definitions"`
}

type operation struct {
	OperationID string                     `json:"operationId"`
	Parameters  []bodyParameter            `json:"parameters"`
	Responses   map[string]json.RawMessage `json:"responses"`
}

type bodyParameter struct {
	In     string          `json:"in"`
	Schema json.RawMessage `json:"schema"`
}

type schema struct {
	Ref         string          `json:"$ref"`
	Type        any             `json:"type"`
	Description string          `json:"description"`
	Properties  json.RawMessage `json:"properties"`
}

// callPath is the path of a service's call; a name in braces is a template of the server's own API.
var callPath = lazyregexp.New(`^/api/([^/{}]+)/([^/{}]+)$`)

func (d *document) service() (*service, error) {
	var calls []string
	for path, item := range d.Paths {
		if _, post := item["post"]; post && callPath().MatchString(path) {
			calls = append(calls, path)
		}
	}
	slices.Sort(calls)
	switch len(calls) {
	case 0:
		return nil, errors.New("describes no service: it has no POST /api/NAME/VERSION; take the service's own document, GET /api/NAME/VERSION/swagger.json")
	case 1:
	default:
		return nil, fmt.Errorf("describes %d services, one is expected: %s", len(calls), strings.Join(calls[:min(len(calls), 5)], ", "))
	}
	path := calls[0]
	segments := callPath().FindStringSubmatch(path)
	s := &service{Name: segment(segments[1], d.Info.Title), Version: segment(segments[2], d.Info.Version), Description: d.Info.Description}
	for _, n := range []string{s.Name, s.Version} {
		if err := checkName(n); err != nil {
			return nil, fmt.Errorf("path %s: %w", shortened(path), err)
		}
		if n == "." || n == ".." {
			return nil, fmt.Errorf("path %s: no service or version is called %q", path, n)
		}
	}
	_, s.Batch = d.Paths[path+"/batch"]["post"]

	var call operation
	if err := json.Unmarshal(d.Paths[path]["post"], &call); err != nil {
		return nil, fmt.Errorf("POST %s: %w", path, err)
	}
	s.Alias = call.OperationID
	if len(s.Alias) > maxName {
		return nil, fmt.Errorf("POST %s: operationId %s is longer than %d bytes", path, shortened(s.Alias), maxName)
	}
	var err error
	for _, p := range call.Parameters {
		if p.In == "body" {
			if s.Inputs, err = d.parameters(p.Schema); err != nil {
				return nil, fmt.Errorf("inputs of %s: %w", path, err)
			}
		}
	}
	if s.Outputs, err = d.outputs(call); err != nil {
		return nil, fmt.Errorf("outputs of %s: %w", path, err)
	}
	return s, nil
}

func (d *document) outputs(call operation) ([]parameter, error) {
	var success struct{ Schema json.RawMessage }
	if err := unmarshal(call.Responses["200"], &success); err != nil {
		return nil, err
	}
	result, err := d.resolve(success.Schema)
	if err != nil {
		return nil, err
	}
	var properties map[string]json.RawMessage
	if err := unmarshal(result.Properties, &properties); err != nil {
		return nil, err
	}
	return d.parameters(properties["outputParameters"])
}

// parameters lists the properties of a schema in the order of the document.
func (d *document) parameters(raw json.RawMessage) ([]parameter, error) {
	object, err := d.resolve(raw)
	if err != nil {
		return nil, err
	}
	properties, err := members(object.Properties)
	if err != nil {
		return nil, err
	}
	if len(properties) > maxParameters {
		return nil, fmt.Errorf("%d are too many: the limit is %d", len(properties), maxParameters)
	}
	var list []parameter
	seen := map[string]bool{}
	for _, p := range properties {
		if err := checkTag(p.name); err != nil {
			return nil, err
		}
		if seen[p.name] {
			return nil, fmt.Errorf("%q is there twice", p.name)
		}
		seen[p.name] = true
		property, err := d.resolve(p.value)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", p.name, err)
		}
		list = append(list, parameter{p.name, property.apiType()})
	}
	return list, nil
}

// apiType is the type under which the parameter was published: a document repeats it as the description, for the types of
// Swagger are too few for vectors and data frames.
func (s schema) apiType() string {
	switch s.Description {
	case "numeric", "integer", "logical", "character", "vector", "matrix", "data.frame":
		return s.Description
	}
	switch s.Type {
	case "number":
		return "numeric"
	case "integer":
		return "integer"
	case "boolean":
		return "logical"
	case "string":
		return "character"
	}
	return ""
}

// resolve reads a schema, following references. No schema is an empty one.
func (d *document) resolve(raw json.RawMessage) (schema, error) {
	for range maxHops {
		var s schema
		if err := unmarshal(raw, &s); err != nil {
			return s, err
		}
		if s.Ref == "" {
			return s, nil
		}
		name, ok := strings.CutPrefix(s.Ref, "#/definitions/")
		target, there := d.Definitions[strings.NewReplacer("~1", "/", "~0", "~").Replace(name)]
		if !ok || !there {
			return s, fmt.Errorf("$ref %s leads to no definition", shortened(s.Ref))
		}
		raw = target
	}
	return schema{}, errors.New("$ref leads to $ref, round and round")
}

func unmarshal(raw json.RawMessage, into any) error {
	if len(raw) == 0 {
		return nil
	}
	return json.Unmarshal(raw, into)
}

type member struct {
	name  string
	value json.RawMessage
}

// members lists an object's members in their order, which a Go map forgets.
func members(raw json.RawMessage) ([]member, error) {
	var list []member
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("properties are no object but %s", beginning(raw))
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, err
		}
		m := member{name: name.(string)}
		if err := dec.Decode(&m.value); err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, nil
}

// localReferences refuses a document that would make a reader open other documents.
func localReferences(v any) error {
	switch v := v.(type) {
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok && !strings.HasPrefix(ref, "#/") {
			return fmt.Errorf("$ref %s leads out of the document, which is not followed", shortened(ref))
		}
		for _, m := range v {
			if err := localReferences(m); err != nil {
				return err
			}
		}
	case []any:
		for _, m := range v {
			if err := localReferences(m); err != nil {
				return err
			}
		}
	}
	return nil
}

// segment is a name from a path: where it is the escaped form of the title, the title, else as it stands.
func segment(s, title string) string {
	if plain, err := url.PathUnescape(s); err == nil && plain == title {
		return title
	}
	return s
}

func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("a name is empty")
	case len(name) > maxName:
		return fmt.Errorf("the name %s is longer than %d bytes", shortened(name), maxName)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Errorf("the name %q has characters that cannot be printed", name)
	}
	return nil
}

// checkTag refuses a name that cannot stand in a struct tag: encoding/json would silently send another one.
func checkTag(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	allowed := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", r)
	}
	if name == "-" || strings.ContainsFunc(name, func(r rune) bool { return !allowed(r) }) {
		return fmt.Errorf("the name %q cannot be that of a field of a Go struct: publish the service with a plainer one", name)
	}
	return nil
}

func beginning(doc []byte) string {
	if len(doc) == 0 {
		return "nothing"
	}
	return shortened(string(doc))
}

func shortened(s string) string {
	const most = 60
	if len(s) > most {
		return fmt.Sprintf("%q...", strings.ToValidUTF8(s[:most], ""))
	}
	return fmt.Sprintf("%q", s)
}
