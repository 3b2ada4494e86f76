package mlserver_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

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

// TestResultsAsServersSendThem has the answers of services: values, console, failures, and what no reader likes.
func TestResultsAsServersSendThem(t *testing.T) {
	const head = `{"success":true,"errorMessage":"","consoleOutput":"Rows Read: 1\r\n","changedFiles":[],`
	consumed := func(status int, body string) (*mlserver.Result, error) {
		return says(t, status, jsonType, body).Service("s", "1").Consume(t.Context(), mlserver.Values{"hp": 120})
	}
	r, err := consumed(200, head+`"outputParameters":{"answer":{"am_Pred":[0.5332668559970368]}}}`)
	if err != nil {
		t.Fatal(err)
	}
	var frame data.Frame
	if err := r.Outputs.Decode("answer", &frame); err != nil || frame[0].Values.At(0) != 0.5332668559970368 {
		t.Errorf("the frame is %v, %v", frame, err)
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
