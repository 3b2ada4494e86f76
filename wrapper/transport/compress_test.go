package transport_test

import (
	"bytes"
	"compress/gzip"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	v930 "github.com/mlserver-go/mls/gen/v930"
	"github.com/mlserver-go/mls/gen/v930/sessions"
	"github.com/mlserver-go/mls/gen/v930/status"
	"github.com/mlserver-go/mls/wrapper/transport"
)

func zipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestCompressedAnswers serves what proxies in front of a server make smaller, with and without a length, all on one connection.
func TestCompressedAnswers(t *testing.T) {
	for _, version := range []int{1, 2} {
		t.Run("HTTP "+strconv.Itoa(version), func(t *testing.T) { testCompressed(t, version) })
	}
}

func testCompressed(t *testing.T, version int) {
	var connections atomic.Int32
	long := strings.Repeat("a file of many lines\n", 50_000)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header["Accept-Encoding"]; len(got) != 1 || got[0] != "gzip" || r.ProtoMajor != version {
			t.Errorf("%s comes by %s and accepts the encodings %q, want gzip by version %d", r.URL, r.Proto, got, version)
		}
		code, body := 200, []byte(`{"statusCode":"pass"}`)
		switch {
		case strings.HasSuffix(r.URL.Path, "/long"):
			body = []byte(long)
		case strings.HasSuffix(r.URL.Path, "/missing"):
			code, body = 404, []byte(`{"message":"no such file"}`)
		case r.Method == http.MethodDelete:
			body = nil
		}
		w.Header().Set("Content-Encoding", "GZip")
		if body != nil {
			body = zipped(t, string(body))
		}
		if strings.Contains(r.URL.Path, "sized") {
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		}
		w.WriteHeader(code)
		if len(body) > 0 {
			_, _ = w.Write(body[:1])
			_ = http.NewResponseController(w).Flush()
			_, _ = w.Write(body[1:])
		}
	}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	srv.EnableHTTP2 = version == 2
	srv.StartTLS()
	t.Cleanup(srv.Close)
	for _, path := range []string{"", "/sized"} {
		pool := transport.NewPool()
		pool.TLSClientConfig.RootCAs = x509.NewCertPool()
		pool.TLSClientConfig.RootCAs.AddCert(srv.Certificate())
		t.Cleanup(pool.CloseIdleConnections)
		api := v930.New(newTransport(t, parse(t, srv.URL+path), &http.Client{Transport: pool}), nil)
		for range 3 {
			ok, err := api.Status.StatusContext(background, &status.StatusParams{})
			if err != nil || ok.Payload.StatusCode != "pass" {
				t.Fatalf("got %+v, %v", ok, err)
			}
			var file bytes.Buffer
			if _, err := api.Sessions.GetSessionFileContext(background, &sessions.GetSessionFileParams{ID: "s", FileName: "long"}, &file); err != nil || file.String() != long {
				t.Errorf("got %d bytes, %v, want %d", file.Len(), err, len(long))
			}
			_, err = api.Sessions.GetSessionFileContext(background, &sessions.GetSessionFileParams{ID: "s", FileName: "missing"}, io.Discard)
			var refused *transport.Error
			if !errors.As(err, &refused) || refused.Message != "no such file" {
				t.Errorf("got %v, want the words of the server", err)
			}
			if _, err := api.Sessions.DeleteSessionFileContext(background, &sessions.DeleteSessionFileParams{ID: "s", FileName: "f"}); err != nil {
				t.Error(err)
			}
		}
	}
	if n := connections.Load(); n != 2 {
		t.Errorf("%d connections, want one for each client", n)
	}
}

func TestCompressedAnswersThatBreakOff(t *testing.T) {
	whole := zipped(t, `{"statusCode":"pass"}`)
	for n := range len(whole) {
		api := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(whole[:n])
		})
		if ok, err := api.Status.StatusContext(background, &status.StatusParams{}); err == nil {
			t.Errorf("the first %d of %d bytes were taken for %+v", n, len(whole), ok.Payload)
		}
	}
	api := serve(t, reply{200, json, `{"statusCode":"pass"}`}.ServeHTTP)
	if _, err := api.Status.StatusContext(background, &status.StatusParams{}); err != nil {
		t.Error(err)
	}
}

// TestWhoCompresses: nobody asks for compressed answers where a pool is told not to, and a RoundTripper of somebody else decides
// for itself.
func TestWhoCompresses(t *testing.T) {
	var accepted []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		accepted = r.Header["Accept-Encoding"]
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(srv.Close)
	plain := transport.NewPool()
	plain.DisableCompression = true
	for name, test := range map[string]struct {
		rt   http.RoundTripper
		want string
	}{
		"pool":               {transport.NewPool(), "gzip"},
		"pool, retries":      {transport.Retry{}.Client(nil).Transport, "gzip"},
		"not the pool":       {plain, ""},
		"not the pool, both": {transport.Retry{}.Client(&http.Client{Transport: plain}).Transport, ""},
		"around a pool":      {around{transport.NewPool()}, "gzip"},
		"around the other":   {around{plain}, ""},
	} {
		api := v930.New(transport.New(parse(t, srv.URL), &http.Client{Transport: test.rt}), nil)
		if _, err := api.Status.StatusContext(background, &status.StatusParams{}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(accepted, ","); got != test.want {
			t.Errorf("%s: asked for %q, want %q", name, got, test.want)
		}
	}
}

// around is a RoundTripper of somebody's own.
type around struct{ base http.RoundTripper }

func (a around) RoundTrip(r *http.Request) (*http.Response, error) { return a.base.RoundTrip(r) }
