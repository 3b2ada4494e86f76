package auth_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/internal/canary"
)

// server issues tokens like a real one: each pair ends the one before, and a refresh token is good once. It also answers any
// other path, to whoever has the access token of the last pair.
type server struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex
	password string
	expires  map[string]any // members of the answer besides the tokens
	answer   *reply         // instead of issuing, if set
	issued   int
	revoked  bool
	requests []string // method, path, token and body of each
	logins   int
	renewals int
}

type reply struct {
	status int
	body   string
}

const (
	secretPassword = "CANARY-pass/word+ü"
	secretToken    = "CANARY-token"
)

// printed is what these tests print.
var printed = canary.New(secretPassword, secretToken)

func TestMain(m *testing.M) { os.Exit(printed.Tests(m).Run()) }

func start(t *testing.T) *server {
	s := &server{t: t, password: secretPassword, expires: map[string]any{"expires_in": 3600}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *server) access() string  { return fmt.Sprintf("%s-access-%d", secretToken, s.issued) }
func (s *server) refresh() string { return fmt.Sprintf("%s/refresh+%d=", secretToken, s.issued) }

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var body strings.Builder
	_, _ = fmt.Fprint(&body, readAll(r))
	bearer := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	s.requests = append(s.requests, r.Method+" "+r.URL.Path+" "+bearer+" "+body.String())
	var in struct{ Username, Password, RefreshToken string }
	_ = json.Unmarshal([]byte(body.String()), &in)
	good := false
	switch r.Method + " " + r.URL.Path {
	case "POST /login":
		s.logins++
		good = in.Username == "admin" && in.Password == s.password
	case "POST /login/refreshToken":
		s.renewals++
		good = !s.revoked && in.RefreshToken == s.refresh()
	case "DELETE /login/refreshToken":
		if r.URL.Query().Get("refreshToken") != s.refresh() || s.revoked {
			refuse(w, "invalid or expired refresh token "+r.URL.Query().Get("refreshToken"))
		}
		s.revoked = true
		return
	default:
		if bearer != s.access() || s.revoked {
			refuse(w, "invalid token "+bearer)
			return
		}
		_, _ = fmt.Fprint(w, "done "+body.String())
		return
	}
	switch {
	case s.answer != nil:
		w.WriteHeader(s.answer.status)
		_, _ = fmt.Fprint(w, s.answer.body)
	case !good:
		refuse(w, "invalid credentials "+in.Password+in.RefreshToken)
	default:
		s.issued++
		s.revoked = false
		out := map[string]any{"token_type": "Bearer", "access_token": s.access(), "refresh_token": s.refresh()}
		for k, v := range s.expires {
			out[k] = v
		}
		_ = json.NewEncoder(w).Encode(out)
	}
}

func readAll(r *http.Request) string {
	var b strings.Builder
	buf := make([]byte, 4096)
	for {
		n, err := r.Body.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			return b.String()
		}
	}
}

func refuse(w http.ResponseWriter, message string) {
	w.WriteHeader(401)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
}

func (s *server) set(change func(*server)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *server) counts() (logins, renewals int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logins, s.renewals
}

func (s *server) at() auth.Server { return auth.Server{URL: parse(s.t, s.URL)} }

// source signs in at the server, with a clock that the test moves.
func (s *server) source(l auth.Login) *auth.Cache {
	s.t.Helper()
	src, err := l.Source(s.at())
	if err != nil {
		s.t.Fatal(err)
	}
	return src.(*auth.Cache)
}

func parse(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2018, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func contains(t *testing.T, what, got string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(got, w) {
			t.Errorf("%s is %q, want it to contain %q", what, got, w)
		}
	}
}

var background = context.Background()
