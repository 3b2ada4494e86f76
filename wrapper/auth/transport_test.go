package auth_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/go-openapi/runtime"

	v930 "github.com/mlserver-go/mls/gen/v930"
	genauth "github.com/mlserver-go/mls/gen/v930/auth"
	"github.com/mlserver-go/mls/gen/v930/models"
	"github.com/mlserver-go/mls/gen/v930/sessions"
	"github.com/mlserver-go/mls/gen/v930/status"
	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/internal/port"
	"github.com/mlserver-go/mls/wrapper/transport"
)

// wire is a RoundTripper that answers with a status, and keeps what it got.
type wire struct {
	status func(bearer string) int
	sent   []*http.Request
	bodies []string
	closed atomic.Int32 // bodies of answers
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	body := ""
	if r.Body != nil {
		b, _ := io.ReadAll(r.Body)
		body = string(b)
		_ = r.Body.Close()
	}
	w.sent, w.bodies = append(w.sent, r), append(w.bodies, body)
	status := 200
	if w.status != nil {
		status = w.status(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: &countedBody{Reader: strings.NewReader("x"), closed: &w.closed}, Request: r}, nil
}

func (w *wire) bearers() []string {
	var b []string
	for _, r := range w.sent {
		b = append(b, r.Header.Get("Authorization"))
	}
	return b
}

// countedBody counts how often it was closed.
type countedBody struct {
	io.Reader
	closed *atomic.Int32
}

func (b *countedBody) Close() error { b.closed.Add(1); return nil }

func newRequest(t *testing.T, method, address string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, address, body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRequestsAreSigned(t *testing.T) {
	const base = "https://mls.example.com/mls"
	for _, test := range []struct {
		name, method, address, header, want string
	}{
		{"plain", "GET", base + "/status", "", "Bearer 1"},
		{"other case and port", "GET", "https://MLS.example.com:443/mls/status", "", "Bearer 1"},
		{"service", "POST", base + "/api/login/1.0", "", "Bearer 1"},
		{"own header", "GET", base + "/status", "Basic abc", "Basic abc"},
		{"login", "POST", base + "/login", "", ""},
		{"renewal", "POST", base + "/login/refreshToken", "", ""},
		{"other host", "GET", "https://evil.example.com/mls/status", "", ""},
		{"other port", "GET", "https://mls.example.com:8443/mls/status", "", ""},
		{"other scheme", "GET", "http://mls.example.com/mls/status", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := &wire{}
			tr := &auth.Transport{Tokens: auth.NewCache(&issuer{}), Server: parse(t, base), Base: w}
			req := newRequest(t, test.method, test.address, nil)
			if test.header != "" {
				req.Header.Set("Authorization", test.header)
			}
			before := req.Header.Clone()
			if _, err := tr.RoundTrip(req); err != nil {
				t.Fatal(err)
			}
			if got := w.bearers(); len(got) != 1 || got[0] != test.want {
				t.Errorf("sent %q, want %q once", got, test.want)
			}
			if !reflect.DeepEqual(req.Header, before) {
				t.Errorf("the caller's request was changed: %v", req.Header)
			}
		})
	}
}

func TestPlainHTTP(t *testing.T) {
	for _, test := range []struct {
		address string
		allow   bool
		ok      bool
	}{
		{"http://mls.example.com:12800", false, false},
		{"http://10.0.0.1:12800", false, false},
		{"http://localhost.example.com", false, false},
		{"http://127.0.0.1.example.com", false, false},
		{"http://mls.example.com:12800", true, true},
		{"https://mls.example.com", false, true},
		{"http://localhost:12800", false, true},
		{"http://127.0.0.1:12800", false, true},
		{"http://127.1.2.3", false, true},
		{"http://[::1]:12800", false, true},
	} {
		w := &wire{}
		tr := &auth.Transport{Tokens: auth.NewCache(&issuer{}), Server: parse(t, test.address), AllowHTTP: test.allow, Base: w}
		body := &countedBody{Reader: strings.NewReader("x"), closed: new(atomic.Int32)}
		_, err := tr.RoundTrip(newRequest(t, "POST", test.address+"/x", body))
		if (err == nil) != test.ok || test.ok != (len(w.sent) == 1) || body.closed.Load() != 1 {
			t.Errorf("%s, allowed %t: %v, %d sent, body closed %d times", test.address, test.allow, err, len(w.sent), body.closed.Load())
		}
		if !test.ok {
			if !errors.Is(err, auth.ErrPlainHTTP) {
				t.Errorf("%s: got %v, want ErrPlainHTTP", test.address, err)
			}
			contains(t, "error", err.Error(), "use https://", "AllowHTTP")
		}
		_, err = auth.Login{Username: "u", Password: "p"}.Source(auth.Server{URL: parse(t, test.address), AllowHTTP: test.allow})
		if (err == nil) != test.ok || err != nil && !errors.Is(err, auth.ErrPlainHTTP) {
			t.Errorf("login at %s, allowed %t: %v", test.address, test.allow, err)
		}
	}
}

func TestRefusedToken(t *testing.T) {
	type body = func() io.Reader
	text := func() io.Reader { return strings.NewReader("body") }
	only := func(good ...string) func(string) int {
		return func(bearer string) int {
			for _, g := range good {
				if g == bearer {
					return 200
				}
			}
			return 401
		}
	}
	for _, test := range []struct {
		name       string
		body       body
		accepts    func(string) int
		wantStatus int
		wantSent   []string
		wantBodies []string
	}{
		{"no body", func() io.Reader { return nil }, only("2"), 200, []string{"Bearer 1", "Bearer 2"}, []string{"", ""}},
		{"empty body", func() io.Reader { return http.NoBody }, only("2"), 200, []string{"Bearer 1", "Bearer 2"}, []string{"", ""}},
		{"body that can be sent again", text, only("2"), 200, []string{"Bearer 1", "Bearer 2"}, []string{"body", "body"}},
		{"stream", func() io.Reader { return io.MultiReader(text()) }, only("2"), 401, []string{"Bearer 1"}, []string{"body"}},
		{"refused again", text, only(), 401, []string{"Bearer 1", "Bearer 2"}, []string{"body", "body"}},
		{"accepted", text, only("1"), 200, []string{"Bearer 1"}, []string{"body"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := &wire{status: test.accepts}
			i := &issuer{}
			c := auth.NewCache(i)
			tr := &auth.Transport{Tokens: c, Server: parse(t, "https://h"), Base: w}
			res, err := tr.RoundTrip(newRequest(t, "POST", "https://h/x", test.body()))
			if err != nil || res.StatusCode != test.wantStatus {
				t.Fatalf("got %v, %v, want status %d", res, err, test.wantStatus)
			}
			if got := w.bearers(); !reflect.DeepEqual(got, test.wantSent) {
				t.Errorf("sent %q, want %q", got, test.wantSent)
			}
			if !reflect.DeepEqual(w.bodies, test.wantBodies) {
				t.Errorf("sent the bodies %q, want %q", w.bodies, test.wantBodies)
			}
			if got, want := int(w.closed.Load()), len(test.wantSent)-1; got != want {
				t.Errorf("%d answers were closed, want %d: the last one is the caller's", got, want)
			}
			if b, _ := io.ReadAll(res.Body); string(b) != "x" {
				t.Errorf("the answer's body is %q", b)
			}
			if test.wantStatus == 401 {
				wantToken(t, c, "2") // the next request has a new one
			}
		})
	}
}

// nothing answers without doing anything.
type nothing struct{ res *http.Response }

func (n nothing) RoundTrip(*http.Request) (*http.Response, error) { return n.res, nil }

// Signing costs what cloning the request and its header costs, and the text of the header; finding the token costs nothing.
func TestSigningAllocatesOnlyTheClone(t *testing.T) {
	const base = "https://mls.example.com"
	tr := &auth.Transport{Tokens: auth.NewCache(&issuer{}), Server: parse(t, base), Base: nothing{&http.Response{StatusCode: 200}}}
	req := newRequest(t, "GET", base+"/status", nil)
	req.Header.Set("Accept", "application/json")
	wantToken(t, tr.Tokens, "1")
	prefix, token := "Bearer ", "1"
	var kept *http.Request
	clone := testing.AllocsPerRun(1000, func() {
		r := req.WithContext(req.Context())
		r.Header = req.Header.Clone()
		r.Header.Set("Authorization", prefix+token)
		kept = r // as a RoundTripper may
	})
	signed := testing.AllocsPerRun(1000, func() {
		if _, err := tr.RoundTrip(req); err != nil {
			t.Fatal(err)
		}
	})
	_ = kept
	if signed > clone {
		t.Errorf("a signed request takes %v allocations, its clone %v", signed, clone)
	}
}

// A 401 in the middle of an upload: what was sent cannot be sent again, but the user can.
func TestRefusedUpload(t *testing.T) {
	s := start(t)
	src := s.source(auth.Login{Username: "admin", Password: secretPassword})
	if _, err := src.Token(background); err != nil {
		t.Fatal(err)
	}
	api := v930.New(transport.New(s.at().URL, s.at().Client(src)), nil)
	upload := func() error {
		r, w := io.Pipe() // a body that can be read once
		go func() { _, err := io.WriteString(w, "data"); _ = w.CloseWithError(err) }()
		_, err := api.Sessions.UploadSessionFileContext(background, &sessions.UploadSessionFileParams{ID: "s", File: runtime.NamedReader("data.csv", r)})
		return err
	}
	s.set(func(s *server) { s.issued++ }) // the client's pair is good for nothing any more
	err := upload()
	if !errors.Is(err, transport.ErrUnauthorized) {
		t.Fatalf("got %v, want ErrUnauthorized", err)
	}
	contains(t, "error", err.Error(), "invalid token", "There is a new token now: send it again.")
	if err := upload(); errors.Is(err, transport.ErrUnauthorized) {
		t.Errorf("the second time it gave %v", err)
	}
	if logins, renewals := s.counts(); logins != 2 || renewals != 1 {
		t.Errorf("%d logins and %d renewals, want 2 and 1", logins, renewals)
	}
	s.set(func(s *server) { s.revoked = true })
	src = s.source(auth.Login{Token: &auth.Token{AccessToken: "old", RefreshToken: "old"}})
	api = v930.New(transport.New(s.at().URL, s.at().Client(src)), nil)
	if err := upload(); !errors.Is(err, auth.ErrLoginRequired) {
		t.Errorf("with a refresh token that has ended: %v, want ErrLoginRequired", err)
	}
}

func TestRefusedStaticToken(t *testing.T) {
	w := &wire{status: func(string) int { return 401 }}
	tr := &auth.Transport{Tokens: auth.NewCache(auth.Static("mine")), Server: parse(t, "https://h"), Base: w}
	res, err := tr.RoundTrip(newRequest(t, "GET", "https://h/x", nil))
	if err != nil || res.StatusCode != 401 || len(w.sent) != 1 || w.closed.Load() != 0 {
		t.Errorf("got %v, %v, %d sent, %d closed", res, err, len(w.sent), w.closed.Load())
	}
}

func TestNoTokenNoRequest(t *testing.T) {
	w := &wire{status: func(string) int { return 401 }}
	i := &issuer{err: errors.New("away")}
	tr := &auth.Transport{Tokens: auth.NewCache(i), Server: parse(t, "https://h"), Base: w}
	body := &countedBody{Reader: strings.NewReader("x"), closed: new(atomic.Int32)}
	if _, err := tr.RoundTrip(newRequest(t, "POST", "https://h/x", body)); !errors.Is(err, i.err) || len(w.sent) != 0 || body.closed.Load() != 1 {
		t.Errorf("got %v, %d sent, body closed %d times", err, len(w.sent), body.closed.Load())
	}
	ctx, cancel := context.WithCancel(background)
	cancel()
	if _, err := tr.RoundTrip(newRequest(t, "GET", "https://h/x", nil).WithContext(ctx)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	i.err = nil
	tr.Tokens = auth.NewCache(i)
	wantToken(t, tr.Tokens, "2")
	i.err = errors.New("away")
	if _, err := tr.RoundTrip(newRequest(t, "GET", "https://h/x", nil)); !errors.Is(err, i.err) || w.closed.Load() != 1 {
		t.Errorf("a renewal that fails after a 401 gave %v, %d answers closed", err, w.closed.Load())
	}
}

func TestManyRefusalsRenewOnce(t *testing.T) {
	s := start(t)
	src := s.source(auth.Login{Username: "admin", Password: secretPassword})
	hc := s.at().Client(src)
	api := v930.New(transport.New(s.at().URL, hc), nil)
	if _, err := src.Token(background); err != nil {
		t.Fatal(err)
	}
	s.set(func(s *server) { s.issued++ }) // the pair that the client has is good for nothing any more
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			_, err := api.Sessions.ExecuteCodeContext(background, &sessions.ExecuteCodeParams{ID: "s", ExecuteRequest: &models.ExecuteRequest{Code: "1"}})
			if err == nil || strings.Contains(err.Error(), "401") || !strings.Contains(err.Error(), "JSON") { // "done ..." is none
				t.Errorf("got %v", err)
			}
		})
	}
	all.Wait()
	if logins, renewals := s.counts(); logins != 2 || renewals != 1 {
		t.Errorf("%d logins and %d renewals, want 2 and 1", logins, renewals)
	}
}

// What fails while a token is fetched elsewhere must not be blamed on the server.
func TestTokensFromAnUnreachableServer(t *testing.T) {
	gone := "http://" + port.Own(t)
	s := start(t)
	src := auth.SourceFunc(func(context.Context) (*auth.Token, error) {
		_, err := http.Get(gone + "/token")
		return nil, err
	})
	api := v930.New(transport.New(s.at().URL, s.at().Client(src)), nil)
	_, err := api.Status.StatusContext(background, &status.StatusParams{})
	if !errors.Is(err, syscall.ECONNREFUSED) || strings.Contains(err.Error(), "no server at") {
		t.Errorf("got %v, want the source's own error", err)
	}
	contains(t, "error", err.Error(), "status: ", gone)
}

// A password that is tried through a signed client must not cost the token it is signed with.
func TestFailedLoginThroughASignedClient(t *testing.T) {
	s := start(t)
	src := s.source(auth.Login{Username: "admin", Password: secretPassword})
	if _, err := src.Token(background); err != nil {
		t.Fatal(err)
	}
	api := v930.New(transport.New(s.at().URL, s.at().Client(src)), nil)
	_, err := api.Auth.LoginContext(background, &genauth.LoginParams{LoginRequest: &models.LoginRequest{Username: "admin", Password: "no"}})
	if !errors.Is(err, transport.ErrUnauthorized) {
		t.Errorf("got %v, want ErrUnauthorized", err)
	}
	if got := s.requests[len(s.requests)-1]; strings.Contains(got, secretToken) {
		t.Errorf("the login was signed: %s", got)
	}
	if logins, renewals := s.counts(); logins != 2 || renewals != 0 {
		t.Errorf("%d logins and %d renewals, want 2 and 0", logins, renewals)
	}
}

func TestRedirectsDoNotTakeTheTokenAlong(t *testing.T) {
	var got atomic.Value
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got.Store(r.Header.Get("Authorization")) }))
	t.Cleanup(other.Close)
	here := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	t.Cleanup(here.Close)
	at := auth.Server{URL: parse(t, here.URL)}
	hc := at.Client(auth.Static(secretToken))
	res, err := hc.Get(here.URL + "/x") // a client that follows redirects
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if got.Load() != "" {
		t.Errorf("the other server got %v", got.Load())
	}
	api := v930.New(transport.New(at.URL, hc), nil)
	got.Store("nothing")
	if _, err := api.Status.StatusContext(background, &status.StatusParams{}); err == nil || got.Load() != "nothing" {
		t.Errorf("got %v, the other server %v", err, got.Load())
	}
}
