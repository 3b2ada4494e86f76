package devserver

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/go-openapi/loads"
	"github.com/go-openapi/strfmt"
	"github.com/go-openapi/validate"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
)

func text(s string) *string { return &s }

// Documents of all shapes are valid Swagger 2.0.
func TestServiceDocumentsAreValid(t *testing.T) {
	t.Parallel()
	every := []parameter{{"a", "numeric"}, {"b", "integer"}, {"c", "logical"}, {"d", "character"}, {"e", "vector"}, {"f", "matrix"}, {"g", "data.frame"}, {"h", "string"}}
	for name, svc := range map[string]*service{
		"bare": {Name: "s", Version: "1"},
		"everything": {Name: "TxService", Version: "1.0", Description: text("d \"<&>"), OperationID: text("manualTransmission"),
			Inputs: every, Outputs: every, Files: []string{"answer.csv"}},
		"odd names": {Name: "naïve & sons", Version: "v1.0.0-alpha+1", Inputs: []parameter{{"a b", "numeric"}, {`q"`, "vector"}}},
	} {
		for _, version := range APIVersions() {
			if name != "everything" && version != "9.3.0" || version == "9.2.0" || version == "9.2.1" {
				continue // alike, and validating takes a while
			}
			t.Run(name+" "+version, func(t *testing.T) {
				t.Parallel()
				raw, err := json.Marshal(docOf(svc, "localhost:12800", (&Server{cfg: Config{APIVersion: version}}).since))
				if err != nil {
					t.Fatal(err)
				}
				doc, err := loads.Analyzed(raw, "")
				if err != nil {
					t.Fatal(err)
				}
				if err := validate.Spec(doc, strfmt.Default); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// Structure and order of keys are those recorded from a 9.2.1 server.
func TestServiceDocumentOrder(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.Python)
	cfg := only(runtimes.Python)
	cfg.APIVersion = "9.2.1"
	c := start(t, cfg)
	c.want("POST", "/services/TxService/1.0", map[string]any{
		"code": "answer = None", "runtimeType": "Python", "operationId": "manualTransmission", "outputFileNames": []string{"answer.csv"},
		"inputParameterDefinitions":  []parameter{{"hp", "numeric"}, {"wt", "numeric"}},
		"outputParameterDefinitions": []parameter{{"answer", "data.frame"}},
	}, 201)
	r := c.want("GET", "/api/TxService/1.0/swagger.json", nil, 200)
	if got := r.header.Get("Content-Type"); !strings.HasPrefix(got, "application/json") {
		t.Errorf("content type %q", got)
	}
	if !strings.HasPrefix(r.body, "{\n  \"swagger\": \"2.0\",\n  \"info\": {\n    \"description\": \"\",\n    \"title\": \"TxService\",\n") {
		t.Errorf("begins %.100s", r.body)
	}
	doc := members(t, r.body)
	keys := func(want ...string) {
		t.Helper()
		var got []string
		for _, m := range doc {
			got = append(got, m.name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("keys %q, want %q", got, want)
		}
	}
	at := func(path ...string) string {
		t.Helper()
		text := r.body
		for _, name := range path {
			found := false
			for _, m := range members(t, text) {
				if m.name == name {
					text, found = string(m.value.(json.RawMessage)), true
				}
			}
			if !found {
				t.Fatalf("no %s in %v", name, path)
			}
		}
		return text
	}
	keys("swagger", "info", "schemes", "securityDefinitions", "tags", "consumes", "produces", "paths", "definitions")
	const api = "/api/TxService/1.0"
	for _, tc := range []struct{ path, want []string }{
		{[]string{"paths"}, []string{"/login", "/login/refreshToken", api, api + "/batch", api + "/batch/{executionId}",
			api + "/batch/{executionId}/{index}/files", api + "/batch/{executionId}/{index}/files/{fileName}"}},
		{[]string{"paths", "/login", "post"}, []string{"operationId", "summary", "parameters", "tags", "responses"}},
		{[]string{"paths", "/login/refreshToken"}, []string{"post", "delete"}},
		{[]string{"paths", api, "post"}, []string{"security", "tags", "description", "operationId", "parameters", "responses"}},
		{[]string{"paths", api, "post", "responses"}, []string{"200", "400", "500", "default"}},
		{[]string{"paths", api + "/batch"}, []string{"post", "get"}},
		{[]string{"paths", api + "/batch", "post", "responses"}, []string{"202", "400", "500", "default"}},
		{[]string{"paths", api + "/batch/{executionId}"}, []string{"get", "delete"}},
		{[]string{"paths", api + "/batch", "get"}, []string{"security", "tags", "summary", "operationId", "consumes", "produces", "parameters", "responses"}},
		{[]string{"definitions"}, []string{"InputParameters", "OutputParameters", "Error", "WebServiceResult", "StartBatchExecutionResponse",
			"BatchWebServiceResult", "LoginRequest", "RenewTokenRequest", "AccessTokenResponse"}},
		{[]string{"definitions", "WebServiceResult", "properties"}, []string{"success", "errorMessage", "consoleOutput", "changedFiles", "outputFiles", "outputParameters"}},
		{[]string{"definitions", "BatchWebServiceResult", "properties"}, []string{"state", "completedItemCount", "totalItemCount", "batchExecutionResults"}},
		{[]string{"definitions", "InputParameters", "properties"}, []string{"hp", "wt"}},
	} {
		var got []string
		for _, m := range members(t, at(tc.path...)) {
			got = append(got, m.name)
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%v: keys %q, want %q", tc.path, got, tc.want)
		}
	}
	for _, tc := range []struct {
		path []string
		want string
	}{
		{[]string{"paths", api, "post", "operationId"}, `"manualTransmission"`},
		{[]string{"definitions", "InputParameters", "properties", "hp"}, `{"type":"number","description":"numeric"}`},
		{[]string{"definitions", "OutputParameters", "properties", "answer"}, `{"type":"object","description":"data.frame"}`},
		{[]string{"definitions", "WebServiceResult", "properties", "outputFiles"}, `{"type":"object","additionalProperties":{"type":"string","format":"byte"}}`},
		{[]string{"securityDefinitions"}, `{"Bearer":{"type":"apiKey","name":"Authorization","in":"header"}}`},
	} {
		if got := strings.Join(strings.Fields(at(tc.path...)), ""); got != tc.want {
			t.Errorf("%v: %s, want %s", tc.path, got, tc.want)
		}
	}
}

// members reads a JSON object in its order.
func members(t *testing.T, text string) (o object) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	if _, err := dec.Token(); err != nil {
		t.Fatal(err)
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			t.Fatal(err)
		}
		o = append(o, member{name.(string), value})
	}
	return o
}

func TestServiceDocumentOfVersions(t *testing.T) {
	t.Parallel()
	plain := &service{Name: "s", Version: "1"}
	for version, want := range map[string]struct{ host, path, parallel bool }{
		"9.0.1": {host: true, path: true}, "9.1.0": {}, "9.2.1": {}, "9.3.0": {parallel: true},
	} {
		s := &Server{cfg: Config{APIVersion: version}}
		raw, err := json.Marshal(docOf(plain, "h:1", s.since))
		if err != nil {
			t.Fatal(err)
		}
		doc := string(raw)
		if got := strings.Contains(doc, `"/login/refreshToken/{refreshToken}"`); got != want.path {
			t.Errorf("%s: revoke by path: %v", version, got)
		}
		if got := strings.Contains(doc, `"parallelCount":{`); got != want.parallel {
			t.Errorf("%s: parallelCount in the batch result: %v", version, got)
		}
		if strings.Contains(doc, "outputFiles") || !strings.Contains(doc, `"operationId":"ConsumeWebService"`) {
			t.Errorf("%s: a service without artifacts and alias: %s", version, doc)
		}
	}
	for version, want := range map[string]bool{"9.0.1": true, "9.1.0": false} {
		needs(t, runtimes.R)
		cfg := only(runtimes.R)
		cfg.APIVersion = version
		c := start(t, cfg)
		c.want("POST", "/services/s/1", plus(runtimes.R), 201)
		got := strings.Contains(c.want("GET", "/api/s/1/swagger.json", nil, 200).body, `"host": "`+strings.TrimPrefix(c.url, "http://")+`"`)
		if got != want {
			t.Errorf("%s: host in the document: %v, want %v", version, got, want)
		}
	}
}
