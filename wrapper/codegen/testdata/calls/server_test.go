// Package calls calls the packages that TestGeneratedClients generates, against a server that answers as they expect.
package calls

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"testing"

	"github.com/go-openapi/runtime"

	"github.com/mlserver-go/mls/wrapper/transport"
)

// server answers every request with the same, and keeps what it was asked.
type server struct {
	*httptest.Server
	method, path, query, body string
	status                    int
	contentType, answer       string
}

func newServer(t *testing.T, answer string) *server {
	s := &server{status: http.StatusOK, contentType: "application/json", answer: answer}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		s.method, s.path, s.query, s.body = r.Method, r.URL.EscapedPath(), r.URL.RawQuery, string(body)
		w.Header().Set("Content-Type", s.contentType)
		w.WriteHeader(s.status)
		io.WriteString(w, s.answer)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) transport() runtime.ContextualTransport {
	base, err := url.Parse(s.URL)
	if err != nil {
		panic(err)
	}
	return transport.New(base, nil)
}

// sent checks what the last call was.
func (s *server) sent(t *testing.T, call, body string) {
	t.Helper()
	got := s.method + " " + s.path
	if s.query != "" {
		got += "?" + s.query
	}
	if got != call {
		t.Errorf("sent %s, want %s", got, call)
	}
	if body == "" && s.body == "" {
		return
	}
	if !sameJSON(t, s.body, body) {
		t.Errorf("sent %s, want %s", s.body, body)
	}
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var x, y any
	if err := json.Unmarshal([]byte(a), &x); err != nil {
		t.Errorf("%s: %v", a, err)
	}
	if err := json.Unmarshal([]byte(b), &y); err != nil {
		t.Errorf("%s: %v", b, err)
	}
	return reflect.DeepEqual(x, y)
}

func check[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
