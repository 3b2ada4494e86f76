package devserver

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mlserver-go/mls/swagger"
)

// noLanguages makes a server that starts no process.
var noLanguages = Config{R: "/nonexistent/R", Python: "/nonexistent/python3"}

// documented lists the operations of an API document, read without the code under test: operationId to "METHOD path".
func documented(t *testing.T, version string) map[string]string {
	t.Helper()
	raw, err := swagger.Document(version)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct{ OperationID string }
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	ops := map[string]string{}
	for path, item := range doc.Paths {
		for method, op := range item {
			ops[op.OperationID] = strings.ToUpper(method) + " " + path
		}
	}
	return ops
}

// filled replaces the parameters of a path.
func filled(path string) string {
	for _, name := range []string{"{name}", "{version}", "{id}", "{fileName}", "{objectName}", "{snapshotId}", "{executionId}"} {
		path = strings.ReplaceAll(path, name, "x")
	}
	return strings.ReplaceAll(path, "{index}", "0")
}

func TestRoutesOfEveryVersion(t *testing.T) {
	t.Parallel()
	all := map[string]string{}
	for _, version := range APIVersions() {
		for id, op := range documented(t, version) {
			all[id] = op
		}
	}
	for _, version := range APIVersions() {
		t.Run(version, func(t *testing.T) {
			cfg := noLanguages
			cfg.APIVersion = version
			c := start(t, cfg)
			own := documented(t, version)
			for id, op := range all {
				method, path, _ := strings.Cut(op, " ")
				stranger := c.with("").do(method, filled(path), nil)
				if own[id] == "" {
					if stranger.status != 404 && stranger.status != 405 {
						t.Errorf("%s is not in %s: status %d", op, version, stranger.status)
					}
					continue
				}
				if want := 401; !open(id) && stranger.status != want {
					t.Errorf("%s without token: status %d, want %d", op, stranger.status, want)
				}
				if known := c.do(method, filled(path), nil).status; known == 501 {
					t.Errorf("%s: status %d", op, known)
				}
			}
		})
	}
	if _, err := New(Config{APIVersion: "9.4.0"}); err == nil || !strings.Contains(err.Error(), "9.3.0") {
		t.Errorf("unknown version: %v, want an error that names those there are", err)
	}
}

func TestUnknownPaths(t *testing.T) {
	t.Parallel()
	c := start(t, noLanguages)
	for _, path := range []string{
		"/", "/nothing", "/sessions/", "//sessions", "/sessions/x/", "/sessions/x/files/..", "/sessions/x/files/%2e%2E", "/sessions/x/files/.",
		"/sessions/x/files/", "/sessions/../status", "/sessions/./x", "/sessions/x/files/a%00b", "/sessions/x/files/a%0ab", "/services//1",
	} {
		r := c.want("GET", path, nil, 404)
		if r.header.Get("Location") != "" {
			t.Errorf("%s redirects to %s", path, r.header.Get("Location"))
		}
		r.says("no such path")
	}
	r := c.want("PUT", "/sessions", nil, 405)
	if got := r.header.Get("Allow"); !strings.Contains(got, "POST") {
		t.Errorf("Allow: %q", got)
	}
	r.says("PUT")
	var e serviceError
	c.want("GET", "/api/x/1/swagger.json", nil, 404).into(&e)
	if e.Code != 404 || e.Message == "" {
		t.Errorf("error on an /api path: %+v", e)
	}
}

func TestBadBodies(t *testing.T) {
	t.Parallel()
	c := start(t, noLanguages)
	for _, tc := range []struct{ method, path, body, says string }{
		{"POST", "/sessions", ``, "send a JSON createSessionRequest"},
		{"POST", "/sessions", `[]`, "createSessionRequest"},
		{"POST", "/sessions", `{"runtimeType":"Julia"}`, "createSessionRequest.runtimeType"},
		{"POST", "/sessions", `{"name":{}}`, "createSessionRequest.name"},
		{"POST", "/sessions", `{} {}`, "not JSON"},
		{"POST", "/services/s", ``, "send a JSON publishRequest"},
		{"POST", "/services/s", `{}`, "publishRequest.code"},
		{"POST", "/services/s", `{"code":" "}`, "publishRequest.code"},
		{"POST", "/services/s", `{"code":5}`, "publishRequest.code"},
		{"POST", "/services/s", `{"code":"x","inputParameterDefinitions":{}}`, "publishRequest.inputParameterDefinitions"},
		{"POST", "/services/s", `{"code":"x","inputParameterDefinitions":[{"name":"a","type":"number"}]}`, "numeric"},
		{"POST", "/services/s", `{"code":"x","inputParameterDefinitions":[{"type":"numeric"}]}`, "empty"},
		{"POST", "/services/s", `{"code":"x","outputParameterDefinitions":[{"name":"a","type":"numeric"},{"name":"a","type":"vector"}]}`, `"a"`},
		{"POST", "/services/s", `{"code":"x","outputFileNames":["../a"]}`, "outputFileNames"},
		{"POST", "/services/s", `{"code":"x","snapshotId":"nope"}`, "snapshot nope not found"},
		{"POST", "/services/a%2Fb", `{"code":"x"}`, "service name"},
		{"POST", "/services/s/%7Bv%7D", `{"code":"x"}`, "service version"},
		{"POST", "/services/s", `{"code":"x"`, "not JSON"},
		{"POST", "/services/s", "\ufeff" + `{"code":"x","description":null,"snapshotId":"nope"}`, "snapshot nope"}, // BOM and null are fine
	} {
		t.Run(tc.method+tc.path+tc.body, func(t *testing.T) {
			c.want(tc.method, tc.path, tc.body, 400).says(tc.says)
		})
	}
	small := noLanguages
	small.MaxBody = 1000
	start(t, small).want("POST", "/sessions", `{"name":"`+strings.Repeat("x", 1000)+`"}`, 413).says("1000 bytes")
}

// A language that is missing is said with the program's name and how to install it, and does not keep the rest from working.
func TestMissingLanguages(t *testing.T) {
	t.Parallel()
	c := start(t, noLanguages)
	for lang, program := range map[string]string{"R": "/nonexistent/R", "Python": "/nonexistent/python3"} {
		c.want("POST", "/sessions", `{"runtimeType":"`+lang+`"}`, 503).says(program, "apt-get install")
		c.want("POST", "/services/s/1", `{"code":"x","runtimeType":"`+lang+`"}`, 503).says(program, "apt-get install")
	}
	if got := c.want("GET", "/services", nil, 200).body; got != "[]" {
		t.Errorf("services after a refused publish: %s", got)
	}
	if got := c.want("GET", "/sessions", nil, 200).body; got != "[]" {
		t.Errorf("sessions after refused ones: %s", got)
	}
	var h health
	c.want("GET", "/status", nil, 200).into(&h)
	if h.StatusCode != "fail" {
		t.Errorf("status %s, want fail", h.StatusCode)
	}
	_, missing := c.srv.Interpreters(t.Context())
	if len(missing) != 2 {
		t.Errorf("missing: %v", missing)
	}
}

func TestPanic(t *testing.T) {
	var log strings.Builder
	cfg := noLanguages
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.mux.HandleFunc("GET /boom", func(http.ResponseWriter, *http.Request) { panic("kaboom") })
	s.mux.HandleFunc("GET /late", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "half"); panic("kaboom") })
	rec := httptest.NewRecorder()
	s.ServeHTTP(rec, httptest.NewRequest("GET", "/boom", nil))
	if rec.Code != 500 || strings.Contains(rec.Body.String(), "kaboom") {
		t.Errorf("answer %d %s, want 500 without detail", rec.Code, rec.Body)
	}
	if !strings.Contains(log.String(), "kaboom") || !strings.Contains(log.String(), "routes_test.go") {
		t.Errorf("log %q, want the panic and where it was", log.String())
	}
	defer func() {
		if p := recover(); p != http.ErrAbortHandler {
			t.Errorf("after half an answer: %v, want the connection cut", p)
		}
	}()
	s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/late", nil))
}
