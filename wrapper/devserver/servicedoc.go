package devserver

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
)

// serviceDocument answers a service's own API document in the real server's shape: structure and the order of keys are those on
// record, the words are ours.
func (s *Server) serviceDocument(w http.ResponseWriter, r *request) error {
	p, err := s.published(r)
	if err != nil {
		return err
	}
	host := r.Host
	if s.since("9.1.0") {
		host = "" // only documents of 9.0.1 name it
	}
	raw, err := json.Marshal(docOf(p.service, host, s.since))
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(b.Bytes()) // a client that is gone needs no answer
	return nil
}

// docOf builds the document. host is left out when empty.
func docOf(svc *service, host string, since func(string) bool) object {
	description := ""
	if svc.Description != nil {
		description = *svc.Description
	}
	doc := object{
		{"swagger", "2.0"},
		{"info", object{{"description", description}, {"title", svc.Name}, {"version", svc.Version}}},
	}
	if host != "" {
		doc = append(doc, member{"host", host})
	}
	d := docBuilder{svc: svc, since: since, api: "/api/" + svc.Name + "/" + svc.Version}
	return append(doc, object{
		{"schemes", []string{"http", "https"}},
		{"securityDefinitions", object{{"Bearer", object{{"type", "apiKey"}, {"name", "Authorization"}, {"in", "header"}}}}},
		{"tags", []object{{{"name", svc.Name}, {"description", description}}}},
		{"consumes", []string{"application/json"}},
		{"produces", []string{"application/json"}},
		{"paths", d.paths()},
		{"definitions", d.definitions()},
	}...)
}

type docBuilder struct {
	svc   *service
	since func(string) bool
	api   string
}

func (d docBuilder) paths() object {
	login := object{{"/login", object{{"post", object{
		{"operationId", "login"},
		{"summary", "Signs a user in."},
		{"parameters", []object{body("loginRequest", "User name and password.", ref("LoginRequest"))}},
		{"tags", []string{"User"}},
		{"responses", responses("A pair of tokens.", ref("AccessTokenResponse"), "401: the password is wrong.")},
	}}}}}
	renew := member{"post", object{
		{"operationId", "renewToken"},
		{"summary", "Takes a refresh token for a new pair."},
		{"parameters", []object{body("renewTokenRequest", "The refresh token.", ref("RenewTokenRequest"))}},
		{"tags", []string{"User"}},
		{"responses", responses("A pair of tokens.", ref("AccessTokenResponse"), "401: the refresh token is not valid.")},
	}}
	in, path := "query", "/login/refreshToken"
	if !d.since("9.1.0") { // which form 9.1.0 has is not on record
		in, path = "path", "/login/refreshToken/{refreshToken}"
	}
	revoke := member{"delete", object{
		{"operationId", "revokeRefreshToken"},
		{"summary", "Revokes a refresh token."},
		{"parameters", []object{simple("refreshToken", in, "The refresh token.", true, "string", "")}},
		{"tags", []string{"User"}},
		{"responses", responses("A pair of tokens.", ref("AccessTokenResponse"), "401: the refresh token is not valid.")},
	}}
	if in == "query" {
		login = append(login, member{path, object{renew, revoke}})
	} else {
		login = append(login, member{"/login/refreshToken", object{renew}}, member{path, object{revoke}})
	}

	id := simple("executionId", "path", "Id of the batch.", true, "string", "")
	index := simple("index", "path", "Which row, from 0.", true, "integer", "")
	file := simple("fileName", "path", "Name of the file.", true, "string", "")
	of := "of the service " + d.svc.Name
	return append(login, object{
		{d.api, object{{"post", d.post("Calls the service "+d.svc.Name+".", d.operationID(),
			[]object{body("WebServiceParameters", "The inputs.", ref("InputParameters"))},
			"200", "What the call came to.", ref("WebServiceResult"))}}},
		{d.api + "/batch", object{
			{"post", d.post("Starts a batch "+of+".", "StartBatchExecution", []object{
				body("BatchWebServiceParameters", "The inputs of every row.", arrayOf(ref("InputParameters"))),
				simple("parallelCount", "query", "How many rows to run at a time.", false, "integer", "int32"),
			}, "202", "The batch was started.", ref("StartBatchExecutionResponse"))},
			{"get", d.plain("Lists the batches "+of+".", "GetBatchExecutions", nil,
				"Ids of the batches.", arrayOf(object{{"type", "string"}}), "404: no such service. 400: bad request.")},
		}},
		{d.api + "/batch/{executionId}", object{
			{"get", d.plain("Tells how far a batch "+of+" is.", "GetBatchExecutionStatus", []object{
				id, simple("showPartialResults", "query", "Whether to return the rows done so far.", false, "boolean", ""),
			}, "State and results.", ref("BatchWebServiceResult"), notFound)},
			{"delete", d.plain("Cancels and deletes a batch "+of+".", "CancelAndDeleteBatchExecution", []object{id},
				"Deleted.", arrayOf(object{{"type", "string"}}), notFound)},
		}},
		{d.api + "/batch/{executionId}/{index}/files", object{
			{"get", d.plain("Lists the files of one row of a batch "+of+".", "GetBatchExecutionFiles", []object{id, index},
				"Names of the files.", arrayOf(object{{"type", "string"}}), notFound)},
		}},
		{d.api + "/batch/{executionId}/{index}/files/{fileName}", object{
			{"get", d.plain("Returns one file of one row of a batch "+of+".", "GetBatchExecutionFile", []object{id, index, file},
				"The file.", object{{"type", "file"}}, "404: no such service, batch or file. 400: bad request.")},
		}},
	}...)
}

const notFound = "404: no such service or batch. 400: bad request."

// operationID is the alias, else the name that real servers use.
func (d docBuilder) operationID() string {
	if d.svc.OperationID == nil {
		return "ConsumeWebService"
	}
	return cmp.Or(*d.svc.OperationID, "ConsumeWebService")
}

// post is an operation that runs the service.
func (d docBuilder) post(text, id string, parameters []object, status, answer string, schema object) object {
	return object{
		{"security", bearer()},
		{"tags", []string{d.svc.Name}},
		{"description", text},
		{"operationId", id},
		{"parameters", parameters},
		{"responses", object{
			{status, object{{"description", answer}, {"schema", schema}}},
			{"400", object{{"description", "The inputs are wrong."}}},
			{"500", object{{"description", "The service failed."}}},
			{"default", object{{"description", "Any other failure."}, {"schema", ref("Error")}}},
		}},
	}
}

// plain is an operation on batches.
func (d docBuilder) plain(text, id string, parameters []object, answer string, schema object, failures string) object {
	return object{
		{"security", bearer()},
		{"tags", []string{d.svc.Name}},
		{"summary", text},
		{"operationId", id},
		{"consumes", []string{"application/json"}},
		{"produces", []string{"application/json"}},
		{"parameters", append([]object{}, parameters...)},
		{"responses", responses(answer, schema, failures)},
	}
}

func (d docBuilder) definitions() object {
	result := object{
		{"success", typed("boolean", "", "whether the code ran without an error")},
		{"errorMessage", typed("string", "", "the code's error, else empty")},
		{"consoleOutput", typed("string", "", "what the code printed")},
		{"changedFiles", arrayOf(object{{"type", "string"}})},
	}
	if len(d.svc.Files) > 0 {
		result = append(result, member{"outputFiles", object{
			{"type", "object"}, {"additionalProperties", object{{"type", "string"}, {"format", "byte"}}},
		}})
	}
	result = append(result, member{"outputParameters", ref("OutputParameters")})
	batch := object{
		{"state", object{{"type", "string"}, {"enum", []string{"pending", "inProgress", "ready", "complete"}}}},
		{"completedItemCount", typed("integer", "int32", "rows done")},
		{"totalItemCount", typed("integer", "int32", "rows in all")},
	}
	if d.since("9.3.0") {
		batch = append(batch, member{"parallelCount", typed("integer", "", "rows run at a time")})
	}
	batch = append(batch, member{"batchExecutionResults", arrayOf(ref("WebServiceResult"))})
	text := func(s string) object { return typed("string", "", s) }
	return object{
		{"InputParameters", properties(parameters(d.svc.Inputs))},
		{"OutputParameters", properties(parameters(d.svc.Outputs))},
		{"Error", properties(object{
			{"code", object{{"type", "integer"}, {"format", "int32"}}},
			{"message", object{{"type", "string"}}},
			{"fields", object{{"type", "string"}}},
		})},
		{"WebServiceResult", properties(result)},
		{"StartBatchExecutionResponse", properties(object{{"batchExecutionId", text("id of the batch")}})},
		{"BatchWebServiceResult", properties(batch)},
		{"LoginRequest", properties(object{{"username", text("user name")}, {"password", text("password")}})},
		{"RenewTokenRequest", properties(object{{"refreshToken", text("refresh token of the last pair")}})},
		{"AccessTokenResponse", properties(object{
			{"token_type", text("always Bearer")}, {"access_token", text("goes into the Authorization header")},
			{"expires_on", text("end of the access token's life")}, {"refresh_token", text("buys the next pair, once")},
		})},
	}
}

// parameters are the inputs or outputs as properties. Only the description tells the API's own type.
func parameters(ps []parameter) object {
	types := map[string]string{"numeric": "number", "integer": "integer", "logical": "boolean", "character": "string"}
	o := object{}
	for _, p := range ps {
		t := apiType(p.Type)
		o = append(o, member{p.Name, typed(cmp.Or(types[t], "object"), "", t)})
	}
	return o
}

func properties(o object) object { return object{{"type", "object"}, {"properties", o}} }

func typed(kind, format, text string) object {
	o := object{{"type", kind}}
	if format != "" {
		o = append(o, member{"format", format})
	}
	return append(o, member{"description", text})
}

func ref(definition string) object { return object{{"$ref", "#/definitions/" + definition}} }

func arrayOf(items object) object { return object{{"type", "array"}, {"items", items}} }

func bearer() []object { return []object{{{"Bearer", []string{}}}} }

func body(name, text string, schema object) object {
	return object{{"name", name}, {"in", "body"}, {"description", text}, {"required", true}, {"schema", schema}}
}

func simple(name, in, text string, required bool, kind, format string) object {
	o := object{{"name", name}, {"in", in}, {"description", text}, {"required", required}, {"type", kind}}
	if format != "" {
		o = append(o, member{"format", format})
	}
	return o
}

func responses(answer string, schema object, failures string) object {
	return object{
		{"200", object{{"description", answer}, {"schema", schema}}},
		{"default", object{{"description", failures}, {"schema", ref("Error")}}},
	}
}
