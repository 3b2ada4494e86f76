package mlserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"testing"

	"github.com/mlserver-go/mls/wrapper/mlserver"
	"github.com/mlserver-go/mls/wrapper/transport"
)

// saysAll answers every request with the same.
type saysAll struct {
	status int
	kind   string
	body   []byte
}

func (s *saysAll) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_, _ = io.Copy(io.Discard, req.Body)
		_ = req.Body.Close()
	}
	return &http.Response{
		StatusCode: s.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req, ContentLength: int64(len(s.body)),
		Header: http.Header{"Content-Type": {s.kind}}, Body: io.NopCloser(bytes.NewReader(s.body)),
	}, nil
}

// FuzzAnswers gives any answer to any operation of any version: each generated model is decoded from it. An answer that is taken
// for right can be encoded, and is the same when it is read again; one that is not is an error, with its status if it had one.
func FuzzAnswers(f *testing.F) {
	says := &saysAll{}
	client, err := mlserver.New(mlserver.Config{Address: "http://localhost", HTTP: &http.Client{Transport: says}, Retry: transport.Retry{Attempts: 1}})
	if err != nil {
		f.Fatal(err)
	}
	var all []reflect.Value
	for _, g := range generated {
		operations := newDriver(g.client(client.Transport())).operations
		var names []string
		for name := range operations {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			if g.version == mlserver.V930 || g.version == mlserver.V901 {
				_, answer, _ := sample(f, operations[name])
				f.Add(uint16(len(all)), uint16(answer.Status), answer.ContentType, []byte(answer.Body))
			}
			all = append(all, operations[name])
		}
	}
	for i, body := range []string{
		``, `null`, `{}`, `[]`, `""`, `"`, `{"a":`, `[null]`, `{"expires_on":1.5e300,"expires_in":"x"}`, "\xef\xbb\xbf{}", `<html>`, `{"message":"m","exceptionType":{}}`,
		`{"statusCode":"green","components":{"a":{"components":{}}},"details":{"x":1}}`, `{"ID":"x","id":"y"}`, "\xff\xfe{",
	} {
		for _, status := range []uint16{200, 201, 204, 400, 401, 503} {
			f.Add(uint16(i*7), status, "application/json", []byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, operation, status uint16, kind string, body []byte) {
		*says = saysAll{int(status)%600 + 200, kind, body}
		method := all[int(operation)%len(all)]
		got, err := invoke(context.Background(), method)
		var refused *mlserver.Error
		switch is := errors.As(err, &refused); {
		case is && (refused.Status != says.status || says.status/100 == 2):
			t.Fatalf("status %d gave %v", says.status, err)
		case !is && says.status/100 != 2:
			t.Fatalf("status %d gave %s, %v", says.status, got, err)
		case err != nil && len(err.Error()) > 5000:
			t.Fatalf("an error of %d bytes", len(err.Error()))
		case err != nil || got == "":
			return
		case downloads(method):
			if got != string(body) {
				t.Fatalf("the file %q was read as %q", body, got)
			}
			return
		}
		*says = saysAll{200, "application/json", []byte(got)}
		if again, err := invoke(context.Background(), method); err != nil && got != "null" && got != "[null]" || err == nil && again != got {
			t.Errorf("%q was read as %s, and that as %s, %v", body, got, again, err)
		}
	})
}

// FuzzResults reads any answer as the results of a call, and of a batch. The two take single results for the same.
func FuzzResults(f *testing.F) {
	says := &saysAll{status: http.StatusOK, kind: "application/json"}
	client, err := mlserver.New(mlserver.Config{Address: "http://localhost", HTTP: &http.Client{Transport: says}, Retry: transport.Retry{Attempts: 1}})
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{
		`{"success":true,"errorMessage":"","consoleOutput":"x\n","changedFiles":["a"],"outputParameters":{"y":[1,null]},"outputFiles":{"f":"AA=="}}`,
		`{"success":false,"errorMessage":"boom"}`, `{}`, `null`, `[]`, `{"outputParameters":null}`, `{"outputFiles":{"f":"?"}}`, `{"success":1}`, `{"a":1}}`, `{"y`,
	} {
		f.Add([]byte(s))
	}
	batch := client.Service("s", "1").Batch("b")
	f.Fuzz(func(t *testing.T, row []byte) {
		ctx := context.Background()
		says.body = row
		rows := 0
		for result, err := range batch.Results(ctx) { // as it is
			if rows++; err == nil && result.Err == nil && result.Result == nil {
				t.Fatalf("%q: a row without result or error", row)
			}
		}
		if !json.Valid(row) {
			return
		}
		says.body = slices.Concat([]byte(`{"state":"Complete","completedItemCount":1,"totalItemCount":2,"batchExecutionResults":[`), row, []byte(`,null]}`))
		rows = 0
		for result, err := range batch.Results(ctx) {
			if err != nil || result.Err != nil || result.Result == nil {
				continue
			}
			rows++
			if result.Row != 0 {
				t.Fatalf("%q is row %d", row, result.Row)
			}
		}
		if rows > 1 {
			t.Errorf("%q: %d results of one row", row, rows)
		}
	})
}

// FuzzNote reads anything as what a detached execution has noted. The process that began it takes no other's for its own.
func FuzzNote(f *testing.F) {
	says := &saysAll{status: http.StatusOK, kind: "application/octet-stream"}
	client, err := mlserver.New(mlserver.Config{Address: "http://localhost", HTTP: &http.Client{Transport: says}, Retry: transport.Retry{Attempts: 1}})
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{"id\ndone\n[\"x\"]\n\nend\n", "id\nfailed\n[]\nno\nsuch object\nend", "id\r\nrunning\r\nnull\r\n\r\nend\r\n", "", "\n\n\n\n\n", "id\nfailed\n["} {
		f.Add([]byte(s))
	}
	detached := client.Session("s").Detached()
	f.Fuzz(func(t *testing.T, note []byte) {
		says.body = note
		state, err := detached.State(context.Background())
		if err != nil {
			t.Fatalf("%q: %v", note, err)
		}
		if state.Running && state.Error != "" {
			t.Errorf("%q is read as %+v", note, state)
		}
	})
}

// FuzzRows reads anything as the rows of a batch, in CSV and in JSON. A row has what was declared, and can be sent.
func FuzzRows(f *testing.F) {
	for _, s := range []string{
		"n,t,b,v,f\n1,a,TRUE,\"[1,null]\",\"{\"\"a\"\":[1]}\"\nNA,,,,\n", "\ufefft,n\r\n\"x\ny\",1e400\r\n", "n,n\n1,2\n", "n\n\"", "",
		"{\"n\":1}\n{\"n\":null}\n", "{\"n\":NaN}", "[1]\n", "{\"n\":1",
	} {
		f.Add([]byte(s))
	}
	inputs := []mlserver.Parameter{{Name: "n", Type: mlserver.Numeric}, {Name: "t", Type: mlserver.Character}, {Name: "b", Type: mlserver.Logical},
		{Name: "v", Type: mlserver.Vector}, {Name: "f", Type: mlserver.DataFrame}}
	f.Fuzz(func(t *testing.T, text []byte) {
		for i, rows := range []mlserver.Rows{mlserver.CSVRows(bytes.NewReader(text), inputs), mlserver.JSONRows(bytes.NewReader(text))} {
			for row, err := range rows {
				if err != nil {
					break
				}
				if i == 0 && len(row) != len(inputs) {
					t.Fatalf("%q: a row with %d inputs, want %d", text, len(row), len(inputs))
				}
				for name, value := range row {
					if sent, err := json.Marshal(value); err != nil || !json.Valid(sent) {
						t.Fatalf("%q: %s is %v, which is sent as %s, %v", text, name, value, sent, err)
					}
				}
			}
		}
	})
}
