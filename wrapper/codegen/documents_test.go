package codegen

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// published is a service as a server would describe it in its swagger.json.
type published struct {
	name, version, description, alias string
	inputs, outputs                   []string // "name type"
	artifacts                         bool

	era    string // "9.0.1", "9.2.1" (also 9.1 and 9.2.0), "9.3.0"
	indent string
	eol    string
	bom    bool
}

// object is a JSON object whose members keep their order, as servers write them.
type object []any // name, value, name, value, ...

func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i := 0; i < len(o); i += 2 {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(o[i])
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(o[i+1])
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%s:%s", name, value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func ref(definition string) object { return object{"$ref", "#/definitions/" + definition} }

func text(description string) object { return object{"type", "string", "description", description} }

// document is the service's swagger.json.
func (p published) document(t testing.TB) []byte {
	t.Helper()
	if p.era == "" {
		p.era = "9.2.1"
	}
	if p.version == "" {
		p.version = "1.0.0"
	}
	alias := p.alias
	if alias == "" {
		alias = "ConsumeWebService"
	}
	old := p.era == "9.0.1"
	base := "/api/" + p.name + "/" + p.version
	failure := object{"description", "something went wrong", "schema", ref("Error")}
	answer := func(code, definition string) object {
		return object{code, object{"description", "fine", "schema", ref(definition)}, "default", failure}
	}
	body := func(name string, schema object) object {
		return object{"name", name, "in", "body", "description", "what goes in", "required", true, "schema", schema}
	}
	inPath := func(name, kind string) object {
		return object{"name", name, "in", "path", "description", name, "required", true, "type", kind}
	}
	operation := func(id, tag string, parameters []object, responses object) object {
		o := object{"operationId", id, "summary", "does it", "parameters", parameters, "tags", []string{tag}, "responses", responses}
		if tag == p.name && tag != "User" {
			o = append(object{"security", []object{{"Bearer", []string{}}}}, o...)
		}
		return o
	}
	names := object{"200", object{"description", "fine", "schema", object{"type", "array", "items", object{"type", "string"}}}, "default", failure}
	bad := object{"400", object{"description", "bad"}, "500", object{"description", "worse"}}

	revoke := operation("revokeRefreshToken", "User", []object{{"name", "refreshToken", "in", "query", "required", true, "type", "string"}},
		answer("200", "AccessTokenResponse"))
	renew := operation("renewToken", "User", []object{body("renewTokenRequest", ref("RenewTokenRequest"))}, answer("200", "AccessTokenResponse"))
	paths := object{
		"/login", object{"post", operation("login", "User", []object{body("loginRequest", ref("LoginRequest"))}, answer("200", "AccessTokenResponse"))},
		"/login/refreshToken", object{"post", renew, "delete", revoke},
	}
	if old {
		revoke[5] = []object{inPath("refreshToken", "string")}
		paths[3] = object{"post", renew}
		paths = append(paths, "/login/refreshToken/{refreshToken}", object{"delete", revoke})
	}
	id := inPath("executionId", "string")
	index := inPath("index", "integer")
	paths = append(paths,
		base, object{"post", operation(alias, p.name, []object{body("WebServiceParameters", ref("InputParameters"))},
			append(bad, answer("200", "WebServiceResult")...))},
		base+"/batch", object{
			"post", operation("StartBatchExecution", p.name, []object{
				body("BatchWebServiceParameters", object{"type", "array", "items", ref("InputParameters")}),
				{"name", "parallelCount", "in", "query", "type", "integer", "format", "int32", "required", false},
			}, append(bad, answer("202", "StartBatchExecutionResponse")...)),
			"get", operation("GetBatchExecutions", p.name, []object{}, names)},
		base+"/batch/{executionId}", object{
			"get", operation("GetBatchExecutionStatus", p.name, []object{id, {"name", "showPartialResults", "in", "query", "type", "boolean"}},
				answer("200", "BatchWebServiceResult")),
			"delete", operation("CancelAndDeleteBatchExecution", p.name, []object{id}, names)},
		base+"/batch/{executionId}/{index}/files", object{"get", operation("GetBatchExecutionFiles", p.name, []object{id, index}, names)},
		base+"/batch/{executionId}/{index}/files/{fileName}", object{"get", operation("GetBatchExecutionFile", p.name,
			[]object{id, index, inPath("fileName", "string")},
			object{"200", object{"description", "fine", "schema", object{"type", "file"}}, "default", failure})},
	)

	result := object{"success", object{"type", "boolean"}, "errorMessage", text("why not"), "consoleOutput", text("printed"),
		"changedFiles", object{"type", "array", "items", object{"type", "string"}}}
	if p.artifacts {
		result = append(result, "outputFiles", object{"type", "object", "additionalProperties", object{"type", "string", "format", "byte"}})
	}
	result = append(result, "outputParameters", ref("OutputParameters"))
	batch := object{"state", object{"type", "string", "enum", []string{"pending", "inProgress", "ready", "complete"}},
		"completedItemCount", object{"type", "integer", "format", "int32"}, "totalItemCount", object{"type", "integer", "format", "int32"}}
	if p.era == "9.3.0" {
		batch = append(batch, "parallelCount", object{"type", "integer", "format", "int32"})
	}
	batch = append(batch, "batchExecutionResults", object{"type", "array", "items", ref("WebServiceResult")})
	define := func(properties object) object { return object{"type", "object", "properties", properties} }
	token := object{"token_type", text("kind"), "access_token", text("token"), "expires_on", text("when"), "refresh_token", text("token")}

	d := object{"swagger", "2.0", "info", object{"description", p.description, "title", p.name, "version", p.version}}
	if old {
		d = append(d, "host", "198.51.100.7:12800")
	}
	d = append(d,
		"schemes", []string{"http", "https"},
		"securityDefinitions", object{"Bearer", object{"type", "apiKey", "name", "Authorization", "in", "header"}},
		"tags", []object{{"name", p.name, "description", p.description}},
		"consumes", []string{"application/json"}, "produces", []string{"application/json"},
		"paths", paths,
		"definitions", object{
			"InputParameters", define(properties(p.inputs)),
			"OutputParameters", define(properties(p.outputs)),
			"Error", define(object{"code", object{"type", "integer", "format", "int32"}, "message", text("m"), "fields", text("f")}),
			"WebServiceResult", define(result),
			"StartBatchExecutionResponse", define(object{"batchExecutionId", text("id")}),
			"BatchWebServiceResult", define(batch),
			"LoginRequest", define(object{"username", text("who"), "password", text("secret")}),
			"RenewTokenRequest", define(object{"refreshToken", text("token")}),
			"AccessTokenResponse", define(token),
		})

	indent := p.indent
	if indent == "" {
		indent = "  "
	}
	doc, err := json.MarshalIndent(d, "", indent)
	if err != nil {
		t.Fatal(err)
	}
	if p.eol != "" {
		doc = bytes.ReplaceAll(doc, []byte("\n"), []byte(p.eol))
	}
	if p.bom {
		doc = append([]byte("\ufeff"), doc...)
	}
	return doc
}

// properties are declared with the Swagger type that servers give each type of the API.
func properties(list []string) object {
	kinds := map[string]string{"numeric": "number", "integer": "integer", "logical": "boolean", "character": "string"}
	o := object{}
	for _, p := range list {
		cut := strings.LastIndex(p, " ")
		name, api := p[:cut], p[cut+1:]
		kind, ok := kinds[api]
		if !ok {
			kind = "object"
		}
		o = append(o, name, object{"type", kind, "description", api})
	}
	return o
}
