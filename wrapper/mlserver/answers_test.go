package mlserver_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/data"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// says is a client of a server that always answers the same.
func says(t *testing.T, status int, contentType, body string) *mlserver.Client {
	t.Helper()
	return answering(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

const jsonType = "application/json; charset=utf-8"

// TestServicesAsServersDescribeThem has the descriptions that servers of all versions were seen to give, in which the published
// documents are wrong.
func TestServicesAsServersDescribeThem(t *testing.T) {
	// 9.0.1: property order, owner, null for no description, no runtime.
	const v901 = `{"creationTime":"2016-10-26T16:18:26.9563885","name":"transmission","version":"v1.0.0","description":null,"code":"x","snapshotId":"3fd27552-c1c9-4fa3-8185-39061c1bf6cd","owner":"admin","inputParameterDefinitions":[{"name":"hp","type":"numeric"}],"outputParameterDefinitions":[{"name":"answer","type":"numeric"}],"operationId":"manualTransmission"}`
	// 9.2.1: versionPublishedBy, runtime, permission.
	const v921 = `{"code":"x","creationTime":"2017-10-18T21:55:46.085642","name":"TxService","version":"1.0","description":"","initCode":"i","inputParameterDefinitions":[],"myPermissionOnService":"read/write","operationId":"manualTransmission","outputFileNames":["answer.csv"],"outputParameterDefinitions":[{"name":"answer","type":"data.frame"}],"runtimeType":"Python","snapshotId":"5e9b3c56-6b3a-4f0a-8a3e-1f4b7f1f9f10","versionPublishedBy":"admin"}`
	for name, test := range map[string]struct {
		body string
		want func(*mlserver.ServiceInfo) bool
	}{
		"a list of one (2)":         {"[" + v921 + "]", func(s *mlserver.ServiceInfo) bool { return s.Name == "TxService" && len(s.Artifacts) == 1 }},
		"the object itself (2)":     {v921, func(s *mlserver.ServiceInfo) bool { return s.Name == "TxService" }},
		"owner (3, 35)":             {"[" + v901 + "]", func(s *mlserver.ServiceInfo) bool { return s.Publisher == "admin" && s.Description == "" }},
		"versionPublishedBy (3)":    {"[" + v921 + "]", func(s *mlserver.ServiceInfo) bool { return s.Publisher == "admin" }},
		"myPermissionOnService (4)": {"[" + v921 + "]", func(s *mlserver.ServiceInfo) bool { return s.Permission == "read/write" }},
		"myPermissionsOnService (4)": {"[" + strings.Replace(v921, "myPermissionOnService", "myPermissionsOnService", 1) + "]",
			func(s *mlserver.ServiceInfo) bool { return s.Permission == "read/write" }},
		"string and dataframe (23)": {"[" + strings.Replace(v921, "data.frame", "string", 1) + "]",
			func(s *mlserver.ServiceInfo) bool { return s.Outputs[0].Type == "string" }},
		"Realtime (25)": {"[" + strings.Replace(v921, "Python", "Realtime", 1) + "]", func(s *mlserver.ServiceInfo) bool { return s.Runtime == mlserver.Realtime }},
		"times (34)": {"[" + v901 + "]", func(s *mlserver.ServiceInfo) bool {
			return s.Created.Equal(time.Date(2016, 10, 26, 16, 18, 26, 956388500, time.UTC))
		}},
		"no code (36)": {"[" + strings.Replace(v901, `"code":"x",`, "", 1) + "]", func(s *mlserver.ServiceInfo) bool { return s.Code == "" && s.Alias != "" }},
		"BOM and CR":   {"\xef\xbb\xbf[\r\n" + v901 + "\r\n]\r\n", func(s *mlserver.ServiceInfo) bool { return s.Name == "transmission" }},
	} {
		info, err := says(t, 200, jsonType, test.body).Service("s", "1").Describe(t.Context())
		if err != nil || !test.want(info) {
			t.Errorf("%s: read as %+v, %v", name, info, err)
		}
	}
	if _, err := says(t, 404, jsonType, `{"message":"Session not found","link":null}`).Service("s", "1").Describe(t.Context()); !errors.Is(err, mlserver.ErrNotFound) {
		t.Errorf("the words of another error (14) gave %v", err)
	}
}

// TestPublishedAsServersSayIt has the answers to publishing, updating and deleting (13, 16, and versions that the server makes).
func TestPublishedAsServersSayIt(t *testing.T) {
	d := mlserver.Definition{Name: "s", Version: "1", Code: "1"}
	for _, body := range []string{`"Service s version 1 published."`, `Service s version 1 published.`, ``, `null`, `{"message":"done"}`} {
		for _, contentType := range []string{jsonType, "text/plain", ""} {
			for _, status := range []int{200, 201} {
				client := says(t, status, contentType, body)
				if s, err := client.Publish(t.Context(), d); err != nil || s.Version() != "1" {
					t.Errorf("%d %s %q: published %v, %v", status, contentType, body, s, err)
				}
				if err := client.Service("s", "1").Update(t.Context(), mlserver.Change{Code: new("2"), Runtime: mlserver.R}); err != nil {
					t.Errorf("%d %s %q: updated: %v", status, contentType, body, err)
				}
				if err := client.Service("s", "1").Delete(t.Context()); err != nil {
					t.Errorf("%d %s %q: deleted: %v", status, contentType, body, err)
				}
			}
		}
	}
	for status, want := range map[int]error{403: mlserver.ErrForbidden, 409: mlserver.ErrConflict} {
		if _, err := says(t, status, jsonType, `{"message":"use patch"}`).Publish(t.Context(), d); !errors.Is(err, want) {
			t.Errorf("a version that exists as %d gave %v", status, err)
		}
	}
	const guid = "3fd27552-c1c9-4fa3-8185-39061c1bf6cd"
	unversioned := answering(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", jsonType)
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, `[{"name":"s","version":"1","creationTime":"2030-01-01T00:00:00"},{"name":"s","version":"`+guid+`","creationTime":"2020-01-01T00:00:00"}]`)
		}
	})
	if s, err := unversioned.Publish(t.Context(), mlserver.Definition{Name: "s", Code: "1"}); err != nil || s.Version() != guid {
		t.Errorf("a version that the answer does not tell is %v, %v", s, err)
	}
}

// TestDocumentsAsServersSendThem has the forms of a service's own document (5).
func TestDocumentsAsServersSendThem(t *testing.T) {
	for _, body := range []string{`{"swagger":"2.0"}`, `{"swaggerJson":"{\"swagger\":\"2.0\"}"}`} {
		for _, contentType := range []string{jsonType, "text/plain"} {
			if doc, err := says(t, 200, contentType, body).Service("s", "1").Swagger(t.Context()); err != nil || string(doc) != `{"swagger":"2.0"}` {
				t.Errorf("%s is read as %s, %v", body, doc, err)
			}
		}
	}
	const text = "{\r\n  \"swagger\": \"2.0\"\r\n}"
	if doc, err := says(t, 200, jsonType, text).Service("s", "1").Swagger(t.Context()); err != nil || string(doc) != text {
		t.Errorf("%q is read as %q, %v", text, doc, err)
	}
}

// TestResultsAsServersSendThem has the answers of services: values and files (6, 7, 24), errors (12), and what no reader likes.
func TestResultsAsServersSendThem(t *testing.T) {
	const head = `{"success":true,"errorMessage":"","consoleOutput":"Rows Read: 1\r\n","changedFiles":[],`
	consumed := func(status int, body string) (*mlserver.Result, error) {
		return says(t, status, jsonType, body).Service("s", "1").Consume(t.Context(), mlserver.Values{"hp": 120})
	}
	r, err := consumed(200, head+`"outputFiles":{"image.png":null,"answer.csv":"LGFtX1ByZWQNCjAsMC41MzMyNjY4NTU5OTcwMzY4DQo="},"outputParameters":{"answer":{"am_Pred":[0.5332668559970368]}}}`)
	if err != nil {
		t.Fatal(err)
	}
	var frame data.Frame
	if err := r.Outputs.Decode("answer", &frame); err != nil || frame[0].Values.At(0) != 0.5332668559970368 {
		t.Errorf("the frame is %v, %v", frame, err)
	}
	if image, ok := r.Files["image.png"]; !ok || image != nil || string(r.Files["answer.csv"]) != ",am_Pred\r\n0,0.5332668559970368\r\n" {
		t.Errorf("the files are %q", r.Files)
	}
	if r.Console != "Rows Read: 1\r\n" {
		t.Errorf("the console is %q", r.Console)
	}

	for body, want := range map[string]float64{
		head + `"outputParameters":{"answer":0.5}}`:                                                           0.5, // no outputFiles
		head + `"outputFiles":{},"outputParameters":{"answer":[0.5]}}`:                                        0.5,
		head + `"outputFiles":null,"outputParameters":{"answer":0.5},"newer":{"than":[1]}}`:                   0.5,
		`{"Success":true,"OutputParameters":{"answer":0.5}}`:                                                  0.5,
		"\xef\xbb\xbf \r\n{\r\n\"success\" : true , \"outputParameters\":\r\r\n{ \"answer\" : 0.5 }\r\n}\r\n": 0.5,
	} {
		r, err := consumed(200, body)
		var f float64
		if err != nil || r.Outputs.Decode("answer", &f) != nil || f != want {
			t.Errorf("%s is read as %v, %v", body, r, err)
		}
	}
	// A vector that comes as a text (24), and no outputs at all.
	if r, err := consumed(200, head+`"outputParameters":{"answer":"x"}}`); err != nil || string(r.Outputs["answer"]) != `"x"` {
		t.Errorf("a text is %v, %v", r, err)
	}
	for _, body := range []string{head + `"outputParameters":{}}`, head + `"outputParameters":null}`, `{"success":true,"consoleOutput":null,"changedFiles":null}`} {
		if r, err := consumed(200, body); err != nil || len(r.Outputs) != 0 {
			t.Errorf("%s is read as %v, %v", body, r, err)
		}
	}
	// Code that failed, under each status, with its console.
	const failure = `{"success":false,"errorMessage":"object 'x' not found","consoleOutput":"so far","changedFiles":[],"outputParameters":{}}`
	var code *mlserver.CodeError
	if r, err := consumed(200, failure); !errors.As(err, &code) || code.Message != "object 'x' not found" || r.Console != "so far" {
		t.Errorf("failed code gave %v, %v", r, err)
	}
	for status, body := range map[int]string{
		400: `{"code":400,"message":"bad hp","fields":"hp"}`, 500: `{"message":"bad hp","link":null,"exceptionType":"X"}`, 503: ``, 502: `<html>`, 504: failure,
	} {
		var e *mlserver.Error
		if _, err := consumed(status, body); !errors.As(err, &e) || e.Status != status || strings.Contains(body, "hp") && !strings.Contains(err.Error(), "bad hp") {
			t.Errorf("%d %s gave %v", status, body, err)
		}
	}
	for body, want := range map[string]string{
		``:                           "its body is empty",
		`null`:                       "its body is empty",
		`<html><body>Sign in</body>`: "web page",
		`[]`:                         "an object belongs",
		head:                         "ends in the middle",
		head + `"outputParameters":{"answer":0.5`:                "ends in the middle",
		head + `"outputFiles":{"a":"%%"},"outputParameters":{}}`: `file "a" is not base64`,
		head + `"outputParameters":[]}`:                          "an object belongs",
		head + `"outputParameters":{}}{"success":true}`:          "after its end",
		`{"success":"yes"}`:                                      "cannot unmarshal",
	} {
		if r, err := consumed(200, body); err == nil || r != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s gave %v, %v, want an error with %q", body, r, err, want)
		}
	}
}

// TestConsumeSendsItsLength: a body of known length can be sent again, and be refused before it is sent.
func TestConsumeSendsItsLength(t *testing.T) {
	var length int64
	var sent, contentType string
	client := answering(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		length, sent, contentType = r.ContentLength, string(body), r.Header.Get("Content-Type")
		_, _ = io.WriteString(w, `{"success":true}`)
	})
	_, err := client.Service("s", "1").Consume(t.Context(), mlserver.Values{"wt": 2.8, "hp": data.Ints(120)})
	if want := `{"hp":[120],"wt":2.8}`; err != nil || sent != want || length != int64(len(want)) || contentType != "application/json" {
		t.Errorf("sent %s of length %d as %s, %v; want %s", sent, length, contentType, err, want)
	}
}

// TestLargeInputs: the server is asked first whether it takes a body of more than a megabyte; what it refuses is not sent.
func TestLargeInputs(t *testing.T) {
	var expects []string
	client := answering(t, func(w http.ResponseWriter, r *http.Request) {
		expects = append(expects, r.Header.Get("Expect"))
		if r.ContentLength > 2<<20 {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			_, _ = io.WriteString(w, `{"message":"30000000 bytes are the most"}`)
			return
		}
		if n, err := io.Copy(io.Discard, r.Body); err != nil || n != r.ContentLength {
			t.Errorf("%d of %d bytes arrived: %v", n, r.ContentLength, err)
		}
		_, _ = io.WriteString(w, `{"success":true}`)
	})
	service := client.Service("s", "1")
	for _, size := range []int{10, 1 << 20, 8 << 20} {
		_, err := service.Consume(t.Context(), mlserver.Values{"x": strings.Repeat("x", size)})
		var refused *mlserver.Error
		if tooLarge := size > 2<<20; tooLarge != (errors.As(err, &refused) && refused.Status == 413 && refused.Message == "30000000 bytes are the most") || !tooLarge && err != nil {
			t.Errorf("%d bytes gave %v", size, err)
		}
	}
	if want := []string{"", "100-continue", "100-continue"}; !slices.Equal(expects, want) {
		t.Errorf("asked %q, want %q", expects, want)
	}
}
