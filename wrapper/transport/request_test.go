package transport_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-openapi/runtime"

	v930 "github.com/mlserver-go/mls/gen/v930"
	"github.com/mlserver-go/mls/gen/v930/auth"
	"github.com/mlserver-go/mls/gen/v930/consumption"
	"github.com/mlserver-go/mls/gen/v930/models"
	"github.com/mlserver-go/mls/gen/v930/sessions"
	"github.com/mlserver-go/mls/gen/v930/status"
	"github.com/mlserver-go/mls/wrapper/transport"
)

func TestBadPathValuesAreNotSent(t *testing.T) {
	var sent atomic.Int32
	api := serve(t, func(http.ResponseWriter, *http.Request) { sent.Add(1) })
	for _, value := range []string{"", ".", "..", "a/../b", "../x", "a/..", `..\x`, "a\x00b", "a\nb", "\x7f", "\u0085"} {
		_, err := api.Sessions.DeleteSessionFileContext(background, &sessions.DeleteSessionFileParams{ID: "s", FileName: value})
		var got *transport.PathError
		if !errors.As(err, &got) || got.Param != "fileName" || got.Value != value {
			t.Errorf("%q gave %v, want a PathError that names fileName", value, err)
			continue
		}
		contains(t, "error", err.Error(), "deleteSessionFile: fileName ", fmt.Sprintf("%q", value))
	}
	if _, err := api.Sessions.DeleteSessionFileContext(background, nil); err == nil {
		t.Error("no parameters at all gave no error")
	}
	if n := sent.Load(); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestOtherPathValuesArriveAsTheyAre(t *testing.T) {
	got := make(chan string, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, escaped, _ := strings.Cut(r.URL.EscapedPath(), "/files/")
		value, _ := url.PathUnescape(escaped)
		got <- value
	}))
	t.Cleanup(srv.Close)
	api := v930.New(newTransport(t, parse(t, srv.URL+"/behind a/proxy/"), nil), nil)
	for _, value := range []string{"a", "a b.png", "dir/x.png", "ä ß 漢", "a?b#c", "100%", "%2e%2e", "...", ".a", "a..b", "{id}", "a+b&c=d;e", `q"uote`, "~"} {
		_, err := api.Sessions.DeleteSessionFileContext(background, &sessions.DeleteSessionFileParams{ID: "s", FileName: value})
		if err != nil {
			t.Errorf("%q gave %v", value, err)
		} else if g := <-got; g != value {
			t.Errorf("%q arrived as %q", value, g)
		}
	}
}

func FuzzPathValues(f *testing.F) {
	f.Add("a/b")
	f.Add("..")
	got := make(chan string, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		value, err := url.PathUnescape(strings.TrimPrefix(r.URL.EscapedPath(), "/sessions/s/files/"))
		if err != nil {
			value = err.Error()
		}
		got <- value
	}))
	f.Cleanup(srv.Close)
	u, _ := url.Parse(srv.URL)
	api := v930.New(transport.New(u, nil), nil)
	f.Fuzz(func(t *testing.T, value string) {
		_, err := api.Sessions.DeleteSessionFileContext(background, &sessions.DeleteSessionFileParams{ID: "s", FileName: value})
		var bad *transport.PathError
		if errors.As(err, &bad) {
			return
		}
		if err != nil {
			t.Fatalf("%q gave %v", value, err)
		}
		if g := <-got; g != value {
			t.Errorf("%q arrived as %q", value, g)
		}
	})
}

// deadline is a RoundTripper that tells the time limit of a request.
type deadline struct{ in *time.Duration }

func (d deadline) RoundTrip(r *http.Request) (*http.Response, error) {
	*d.in = 0
	if at, ok := r.Context().Deadline(); ok {
		*d.in = time.Until(at)
	}
	return nil, errors.New("not sent")
}

// TestOnlyTheCallerLimitsTime looks at the limits by the clock of a bubble, in which nothing takes time.
func TestOnlyTheCallerLimitsTime(t *testing.T) {
	synctest.Test(t, testLimits)
}

func testLimits(t *testing.T) {
	var limit time.Duration
	api := v930.New(newTransport(t, parse(t, "http://localhost"), &http.Client{Transport: deadline{&limit}, Timeout: time.Nanosecond}), nil)
	hour, cancel := context.WithTimeout(background, time.Hour)
	defer cancel()
	for _, test := range []struct {
		name   string
		ctx    context.Context
		params *sessions.ExecuteCodeParams
		want   time.Duration
	}{
		{"literal", background, &sessions.ExecuteCodeParams{}, 0},
		{"constructor", background, sessions.NewExecuteCodeParams(), 0},
		{"constructor and context", hour, sessions.NewExecuteCodeParams(), time.Hour},
		{"limit of its own", background, sessions.NewExecuteCodeParamsWithTimeout(2 * time.Hour), 2 * time.Hour},
	} {
		test.params.ID = "s"
		_, err := api.Sessions.ExecuteCodeContext(test.ctx, test.params)
		if err == nil || !strings.Contains(err.Error(), "not sent") {
			t.Fatal(err)
		}
		if limit != test.want {
			t.Errorf("%s: the request has %v, want %v", test.name, limit, test.want)
		}
	}
	limit = time.Hour
	rt := newTransport(t, parse(t, "http://localhost"), &http.Client{Transport: deadline{&limit}})
	if _, err := rt.Submit(&runtime.ClientOperation{Method: "GET", PathPattern: "/", Params: noParams, Reader: openDefault{}}); err == nil || limit != 0 {
		t.Errorf("an operation that sets no limit has %v", limit)
	}
}

func TestCancelledCallsReturn(t *testing.T) {
	api := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "some")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(background)
	started := make(chan struct{})
	done := make(chan error)
	go func() {
		_, err := api.Sessions.GetSessionFileContext(ctx, &sessions.GetSessionFileParams{ID: "s", FileName: "f"}, &signal{started: started})
		done <- err
	}()
	<-started
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

// signal closes a channel at the first byte.
type signal struct{ started chan struct{} }

func (s *signal) Write(p []byte) (int, error) {
	if s.started != nil {
		close(s.started)
		s.started = nil
	}
	return len(p), nil
}

func TestParametersThatHaveNoJSON(t *testing.T) {
	api := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	_, err := api.Consumption.ConsumeWebServiceContext(background, &consumption.ConsumeWebServiceParams{Name: "n", Version: "v", Inputs: models.ServiceInputs{"x": []byte("NaN")}})
	if err == nil {
		t.Fatal("got no error")
	}
	contains(t, "error", err.Error(), "consumeWebService: ", "json")
}

func TestRequestsSayWhoSendsThem(t *testing.T) {
	var agent, path string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		agent, path = r.UserAgent(), r.URL.Path
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(srv.Close)
	api := v930.New(newTransport(t, parse(t, srv.URL+"/mls"), nil), nil)
	if _, err := api.Status.StatusContext(background, &status.StatusParams{}); err != nil {
		t.Fatal(err)
	}
	if agent != "mlserver-go" || path != "/mls/status" {
		t.Errorf("got %q by %q, want /mls/status by mlserver-go", path, agent)
	}
}

func TestUpload(t *testing.T) {
	content := strings.Repeat("0123456789", 100_000)
	api := serve(t, func(w http.ResponseWriter, r *http.Request) {
		f, header, err := r.FormFile("file")
		if err != nil {
			w.WriteHeader(400)
			_, _ = fmt.Fprint(w, err)
			return
		}
		if got, _ := io.ReadAll(f); string(got) != content || header.Filename != "data.bin" {
			w.WriteHeader(400)
			_, _ = fmt.Fprintf(w, "%s has %d bytes", header.Filename, len(got))
			return
		}
		w.WriteHeader(201)
	})
	path := filepath.Join(t.TempDir(), "data.bin")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := api.Sessions.UploadSessionFileContext(background, &sessions.UploadSessionFileParams{ID: "s", File: file}); err != nil {
		t.Error(err)
	}
	_, err = api.Sessions.UploadSessionFileContext(background, &sessions.UploadSessionFileParams{ID: "s",
		File: runtime.NamedReader("data.bin", io.MultiReader(strings.NewReader(content[:70_000]), failing{}))})
	if err == nil || !strings.Contains(err.Error(), "disk on fire") {
		t.Errorf("a reader that fails gave %v", err)
	}
}

// A server that refuses an upload does so before it has read it all. It reads on: closing the connection on who still sends may take the
// answer with it.
func TestRefusedUpload(t *testing.T) {
	var logged bytes.Buffer
	defer log.SetOutput(log.Writer())
	log.SetOutput(&logged)
	api := serve(t, func(w http.ResponseWriter, r *http.Request) {
		answer := http.NewResponseController(w)
		_ = answer.EnableFullDuplex()
		reply{413, "text/html", "<html><title>413 Request Entity Too Large</title>"}.ServeHTTP(w, r)
		_ = answer.Flush()
		_, _ = io.Copy(io.Discard, r.Body) // until the client ends it
	})
	for range 5 {
		closed := make(chan struct{})
		_, err := api.Sessions.UploadSessionFileContext(background, &sessions.UploadSessionFileParams{ID: "s",
			File: &closing{runtime.NamedReader("f", strings.NewReader(strings.Repeat("x", 16<<20))), closed}})
		var got *transport.Error
		if !errors.As(err, &got) || got.Status != 413 {
			t.Errorf("got %v, want status 413", err)
		}
		<-closed
	}
	closed := make(chan struct{})
	if _, err := api.Sessions.UploadSessionFileContext(background, &sessions.UploadSessionFileParams{ID: "..",
		File: &closing{runtime.NamedReader("f", strings.NewReader("x")), closed}}); err == nil {
		t.Error("got no error")
	}
	<-closed
	closed = make(chan struct{})
	if _, err := api.Sessions.SetWorkspaceObjectContext(background, &sessions.SetWorkspaceObjectParams{ID: "s", ObjectName: "..",
		SerializedObject: &closing{runtime.NamedReader("f", strings.NewReader("x")), closed}}); err == nil {
		t.Error("got no error")
	}
	<-closed
	if logged.Len() > 0 {
		t.Errorf("logged %s", logged.String())
	}
}

// closing tells when it is closed.
type closing struct {
	runtime.NamedReadCloser
	closed chan struct{}
}

func (c *closing) Close() error { close(c.closed); return nil }

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("disk on fire") }

func TestRedirects(t *testing.T) {
	var stolen atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { stolen.Add(1) }))
	t.Cleanup(other.Close)
	var here *httptest.Server
	var target string
	var code int
	var bodies []string
	here = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies = append(bodies, r.Method+" "+r.URL.Path+" "+string(body))
		if r.URL.Path == "/moved/login" || r.Method == http.MethodGet {
			_, _ = io.WriteString(w, `{"access_token":"t"}`)
			return
		}
		w.Header().Set("Location", target)
		w.WriteHeader(code)
	}))
	t.Cleanup(here.Close)
	api := v930.New(newTransport(t, parse(t, here.URL), nil), nil)
	login := func() error {
		_, err := api.Auth.LoginContext(background, &auth.LoginParams{LoginRequest: &models.LoginRequest{Username: "u", Password: "CANARY"}})
		return err
	}
	otherName := strings.Replace(here.URL, "127.0.0.1", "localhost", 1)
	for _, test := range []struct {
		code         int
		target, want string
	}{
		{307, other.URL + "/login?secret=CANARY", other.URL},
		{308, otherName + "/login", otherName},
		{301, "https" + strings.TrimPrefix(here.URL, "http") + "/login", "https" + strings.TrimPrefix(here.URL, "http")},
		{302, "/signin.html?token=CANARY", "/signin.html"},
		{303, "/signin.html", "/signin.html"},
		{307, "/login", "/login"}, // for ever
		{307, "", "307 Temporary Redirect"},
		{307, "http://%zz?CANARY", "redirects"},
		{304, "", "304 Not Modified"},
	} {
		code, target = test.code, test.target
		err := login()
		if err == nil {
			t.Errorf("%d to %s gave no error", test.code, test.target)
			continue
		}
		contains(t, "error", err.Error(), "login: ", test.want)
		if strings.Contains(err.Error(), "CANARY") {
			t.Errorf("error has a secret: %v", err)
		}
	}
	if n := stolen.Load(); n != 0 {
		t.Errorf("%d requests went to another origin", n)
	}
	code, target, bodies = 307, here.URL+"/moved/login", nil
	if err := login(); err != nil {
		t.Error(err)
	}
	want := `[POST /login {"password":"CANARY","username":"u"} POST /moved/login {"password":"CANARY","username":"u"}]`
	if got := strings.ReplaceAll(fmt.Sprint(bodies), "\n", ""); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestSameOrigin(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"http://h", "http://H:80/x", true},
		{"https://h:443", "https://h", true},
		{"http://h", "https://h", false},
		{"http://h:81", "http://h:82", false},
		{"http://h:443", "https://h:443", false},
		{"http://[::1]:1", "http://[::1]:1/", true},
		{"http://h", "http://h.evil", false},
	} {
		if got := transport.SameOrigin(parse(t, test.a), parse(t, test.b)); got != test.want {
			t.Errorf("SameOrigin(%s, %s) = %t", test.a, test.b, got)
		}
	}
}
