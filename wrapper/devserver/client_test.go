package devserver

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
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
	if cfg.Users == nil {
		cfg.Users = map[string]string{"bob": password}
	}
	if cfg.SigningKey == nil && cfg.DataDir == "" {
		cfg.SigningKey = testKey()
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
			c.t.Fatal(err)
		}
		r = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, r)
	if err != nil {
		c.t.Fatal(err)
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
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return &reply{c.t, resp.StatusCode, resp.Header, string(raw)}
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
