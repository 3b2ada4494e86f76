package devserver

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
	"github.com/mlserver-go/mls/wrapper/internal/canary"
	"github.com/mlserver-go/mls/wrapper/internal/slapd"
)

// testKey saves every test's server the time of making one.
var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

const password = "Pa55word!"

// printed is what these tests and their servers print.
var printed = canary.New(password, slapd.QueryPassword, slapd.AlicePassword, slapd.JürgenPassword, slapd.OddPassword)

func TestMain(m *testing.M) { os.Exit(printed.Tests(m).Run()) }

// client talks to a server under test with nothing but net/http.
type client struct {
	t     *testing.T
	url   string
	token string
	srv   *Server
}

// start starts a server and signs admin in.
func start(t *testing.T, cfg Config) *client {
	t.Helper()
	c := &client{t: t}
	if cfg.AdminPassword == "" {
		cfg.AdminPassword = password
	}
	if cfg.Logger == nil {
		cfg.Logger = printed.Logger()
	}
	if cfg.Users == nil {
		cfg.Users = map[string]string{"bob": password}
	}
	if cfg.SigningKey == nil && cfg.DataDir == "" {
		cfg.SigningKey = testKey()
	}
	if cfg.SpareWorkers == 0 {
		cfg.SpareWorkers = -1 // nobody waits for the next session
	}
	if cfg.R == "" && probeR().err == nil {
		cfg.Interpreters = append(cfg.Interpreters, probeR().found)
	}
	if cfg.Python == "" && probePython().err == nil {
		cfg.Interpreters = append(cfg.Interpreters, probePython().found)
	}
	var err error
	if c.srv, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewServer(c.srv)
	t.Cleanup(func() {
		ts.Close()
		if err := c.srv.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	c.url = ts.URL
	return c.as("admin")
}

// as is the same client signed in as somebody else.
func (c *client) as(user string) *client {
	c.t.Helper()
	d := *c
	d.token = ""
	var p pair
	d.want("POST", "/login", map[string]string{"username": user, "password": password}, 200).into(&p)
	d.token = p.AccessToken
	return &d
}

// needs skips the test, or fails it where everything must be there, when an interpreter is missing.
func needs(t *testing.T, languages ...runtimes.Language) {
	t.Helper()
	for _, lang := range languages {
		if p := probe(lang); p.err != nil && os.Getenv("CI") != "" {
			t.Fatal(p.err)
		} else if p.err != nil {
			t.Skip(p.err)
		}
	}
}

type probed struct {
	found *runtimes.Interpreter
	err   error
}

// probe looks for each language once for all tests.
func probe(lang runtimes.Language) probed {
	if lang == runtimes.R {
		return probeR()
	}
	return probePython()
}

var (
	probeR      = sync.OnceValue(func() probed { return probeFor(runtimes.R) })
	probePython = sync.OnceValue(func() probed { return probeFor(runtimes.Python) })
)

func probeFor(lang runtimes.Language) probed {
	i, err := runtimes.Find(context.Background(), lang, "")
	return probed{i, err}
}

// patience is how long tests wait for what others do, on a machine that does much else.
const patience = 2 * time.Minute

// await waits until something is so.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); <-time.After(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never comes to this: %s", what)
		}
	}
}

// awaitConsole waits until code that runs in a session has printed a text, and returns all that it has printed.
func (c *client) awaitConsole(session, text string) string {
	c.t.Helper()
	var out struct{ ConsoleOutput string }
	await(c.t, "the console shows "+text, func() bool {
		c.want("GET", session+"/console-output", nil, 200).into(&out)
		return strings.Contains(out.ConsoleOutput, text)
	})
	return out.ConsoleOutput
}

// session opens one and returns its path.
func (c *client) session(lang runtimes.Language) string {
	c.t.Helper()
	var id struct{ SessionID string }
	c.want("POST", "/sessions", map[string]any{"runtimeType": lang}, 201).into(&id)
	return "/sessions/" + id.SessionID
}

// run executes code that must succeed, and returns the console's text and the values of outputs.
func (c *client) run(session, code string, outputs ...string) (console string, values map[string]string) {
	c.t.Helper()
	var e executeResponse
	c.want("POST", session+"/execute", map[string]any{"code": code, "outputParameters": outputs}, 200).into(&e)
	if !e.Success {
		c.t.Fatalf("code %q failed: %s", code, e.ErrorMessage)
	}
	values = map[string]string{}
	for _, o := range e.OutputParameters {
		values[o.Name] = string(o.Value)
	}
	return e.ConsoleOutput, values
}

// names decodes a list of strings.
func (r *reply) names() (list []string) {
	r.t.Helper()
	r.into(&list)
	if list == nil {
		r.t.Errorf("answer %q, want an array", r.body)
	}
	return list
}

// reply is an answer read to its end.
type reply struct {
	t      *testing.T
	status int
	header http.Header
	body   string
}

// do sends a request; body is nil, an io.Reader (bytes), a string (JSON text) or anything else (made JSON).
func (c *client) do(method, path string, body any, header ...string) *reply {
	c.t.Helper()
	r, err := c.send(method, path, body, header...)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

// beside is do in a goroutine beside the test's, which must not end the test: an answer that does not come has status 0, and the error
// for a body.
func (c *client) beside(method, path string, body any) *reply {
	r, err := c.send(method, path, body)
	if err != nil {
		return &reply{t: c.t, body: err.Error()}
	}
	return r
}

func (c *client) send(method, path string, body any, header ...string) (*reply, error) {
	var r io.Reader
	kind := "application/json"
	switch b := body.(type) {
	case nil:
	case io.Reader:
		r, kind = b, "application/octet-stream"
	case string:
		r = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			return nil, err
		}
		r = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, r)
	if err != nil {
		return nil, err
	}
	if r != nil {
		req.Header.Set("Content-Type", kind)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	noRedirect := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := noRedirect.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	return &reply{c.t, resp.StatusCode, resp.Header, string(raw)}, nil
}

// want is do, and stops the test when the status is another.
func (c *client) want(method, path string, body any, status int, header ...string) *reply {
	c.t.Helper()
	r := c.do(method, path, body, header...)
	if r.status != status {
		c.t.Fatalf("%s %s: status %d, want %d: %s", method, path, r.status, status, r.body)
	}
	return r
}

// into decodes the answer.
func (r *reply) into(v any) {
	r.t.Helper()
	if err := json.Unmarshal([]byte(r.body), v); err != nil {
		r.t.Fatalf("answer %q: %v", r.body, err)
	}
}

// says checks that the error message contains every one of parts.
func (r *reply) says(parts ...string) {
	r.t.Helper()
	var e struct{ Message string }
	r.into(&e)
	for _, part := range parts {
		if !strings.Contains(e.Message, part) {
			r.t.Errorf("message %q, want it to contain %q", e.Message, part)
		}
	}
}
