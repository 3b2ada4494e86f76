package mlserver_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"strings"
	"testing"

	"github.com/mlserver-go/mls/wrapper/mlserver"
)

var sessionFacts = []fact{
	{6, "the value of an input is an object", "numbers, texts, lists; and R boxes what it gives", func(t *testing.T) {
		client, got := talk(t, map[string]reply{"POST /sessions/x/execute": {
			body: `{"success":true,"errorMessage":"","consoleOutput":"","changedFiles":[],"outputParameters":[{"name":"text","value":["a"]},{"name":"n","value":[1.5]},{"name":"plain","value":2},{"name":"none","value":null}]}`,
		}})
		r, err := client.Session("x").Execute(t.Context(), "1", mlserver.Execution{
			Inputs:  mlserver.Values{"a": 120, "b": "x", "c": []float64{7, 3.2}, "d": nil, "e": map[string][]int{"k": {1}}},
			Outputs: []string{"text", "n", "plain", "none"},
		})
		if err != nil {
			t.Fatal(err)
		}
		const want = `[{"name":"a","value":120},{"name":"b","value":"x"},{"name":"c","value":[7,3.2]},{"name":"d","value":null},{"name":"e","value":{"k":[1]}}]`
		if !strings.Contains((*got)[0].body, `"inputParameters":`+want) {
			t.Errorf("sent %s, want %s", (*got)[0].body, want)
		}
		var text string
		var n, plain float64
		if err := errors.Join(r.Outputs.Decode("text", &text), r.Outputs.Decode("n", &n), r.Outputs.Decode("plain", &plain)); err != nil || text != "a" || n != 1.5 || plain != 2 {
			t.Errorf("read as %q, %v, %v, %v", text, n, plain, err)
		}
	}},
	{11, "a status is pass, warn or fail", "green in 9.0.1, null for no components, flags as texts or not", func(t *testing.T) {
		for body, healthy := range map[string]bool{
			`{"statusCode":"green","components":{"backends":{"statusCode":"green","components":null,"details":{"can Open Shell":true,"max Pool Size":80}},"ldap":{"statusCode":"green","details":{"port":636}}},"details":{}}`: true,
			`{"statusCode":"pass","components":{"backends":{"statusCode":"pass","components":null,"details":{"rCanOpenShell":"True","rMaxPoolSize":80}}},"details":{"logPath":"C:\\logs"}}`:                                    true,
			`{"statusCode":"Pass","components":null,"details":null}`:             true,
			`{"statusCode":"warn","components":{"database":{"statusCode":"x"}}}`: false,
		} {
			status, err := always(t, body).Status(t.Context())
			if err != nil || status.Healthy() != healthy {
				t.Errorf("%s is read as %+v, %v", body, status, err)
			}
			if err == nil && strings.Contains(body, "backends") && len(status.Components["backends"].Details) != 2 {
				t.Errorf("%s: backends are %+v", body, status.Components["backends"])
			}
		}
	}},
	{15, "starting a session: 404 session not found", "the snapshot is unknown", func(t *testing.T) {
		_, err := says(t, 404, jsonType, `{"message":"session not found"}`).NewSession(t.Context(), mlserver.SessionOptions{SnapshotID: "gone"})
		if !errors.Is(err, mlserver.ErrNotFound) {
			t.Errorf("got %v", err)
		}
	}},
	{18, "every answer is application/json", "files, snapshots and objects are bytes, of any type", func(t *testing.T) {
		content := "\x89PNG\r\n\x1a\n\x00{\"a\":1}\r\n,\xff"
		for _, contentType := range []string{jsonType, "application/octet-stream", "image/png", "text/csv", "text/plain; charset=utf-8", "application/zip", "nonsense"} {
			client := says(t, 200, contentType, content)
			for what, read := range map[string]func(io.Writer) error{
				"file":          func(w io.Writer) error { return client.Session("x").File(t.Context(), "f", w) },
				"object":        func(w io.Writer) error { return client.Session("x").Object(t.Context(), "o", w) },
				"snapshot":      func(w io.Writer) error { return client.DownloadSnapshot(t.Context(), "s", w) },
				"file of a row": func(w io.Writer) error { return client.Service("s", "1").Batch("b").File(t.Context(), 0, "f", w) },
			} {
				var got bytes.Buffer
				if err := read(&got); err != nil || got.String() != content {
					t.Errorf("%s as %s: %q, %v", what, contentType, got.String(), err)
				}
			}
		}
	}},
	{19, "an upload answers 201 and text/plain", "one part called file, with a name; nothing is answered", func(t *testing.T) {
		for _, answer := range []reply{{status: 201}, {status: 201, contentType: "text/plain", body: "done"}, {}} {
			client, got := talk(t, map[string]reply{"POST /sessions/x/files": answer})
			if err := client.Session("x").PutFile(t.Context(), "cars.csv", strings.NewReader("a,b\r\n")); err != nil {
				t.Errorf("%+v: %v", answer, err)
			}
			_, params, err := mime.ParseMediaType((*got)[0].header.Get("Content-Type"))
			if err != nil {
				t.Fatal(err)
			}
			part, err := multipart.NewReader(strings.NewReader((*got)[0].body), params["boundary"]).NextPart()
			if err != nil {
				t.Fatal(err)
			}
			content, err := io.ReadAll(part)
			if err != nil || part.FormName() != "file" || part.FileName() != "cars.csv" || string(content) != "a,b\r\n" {
				t.Errorf("sent %q as %v, %v", content, part.Header, err)
			}
		}
	}},
	{20, "an object's bytes are a JSON text to generators", "the bytes themselves", func(t *testing.T) {
		client, got := talk(t, map[string]reply{"POST /sessions/x/workspace/m": {}})
		if err := client.Session("x").PutObject(t.Context(), "m", strings.NewReader("X\n\x00\x00\x00\x02\xff")); err != nil {
			t.Fatal(err)
		}
		if q := (*got)[0]; q.body != "X\n\x00\x00\x00\x02\xff" || q.header.Get("Content-Type") != "application/octet-stream" {
			t.Errorf("sent %q as %s", q.body, q.header.Get("Content-Type"))
		}
	}},
	{22, "the example lists sessions of two users, without runtimeType", "the caller's; those of 9.0.1 are R", func(t *testing.T) {
		list, err := always(t, `[{"id":"1","name":"a","owner":"u"},{"id":"2","name":"","owner":"v","runtimeType":"Python"}]`).Sessions(t.Context())
		if err != nil || fmt.Sprint(list) != "[{1 a u R} {2  v Python}]" {
			t.Errorf("read as %v, %v", list, err)
		}
	}},
}
