package transport_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"

	v930 "github.com/mlserver-go/mls/gen/v930"
	"github.com/mlserver-go/mls/wrapper/internal/canary"
	"github.com/mlserver-go/mls/wrapper/transport"
)

// printed is what these tests print. Answers with secrets in them have this word.
var printed = canary.New("CANARY")

func TestMain(m *testing.M) { os.Exit(printed.Tests(m).Run()) }

// newTransport is transport.New, but below TestStockRuntime.
func newTransport(t *testing.T, base *url.URL, hc *http.Client) *transport.Transport {
	if strings.HasPrefix(t.Name(), "TestStockRuntime/") {
		return transport.NewStock(base, hc)
	}
	return transport.New(base, hc)
}

// serve starts a server and returns a generated client of it.
func serve(t *testing.T, h http.HandlerFunc) *v930.Mlserver {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return v930.New(newTransport(t, parse(t, srv.URL), nil), nil)
}

func parse(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// reply is an answer as it goes over the wire.
type reply struct {
	status      int
	contentType string // "-": none
	body        string
}

func (r reply) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header()["Content-Type"] = nil // else net/http guesses one
	if r.contentType != "-" {
		w.Header().Set("Content-Type", r.contentType)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(r.body)))
	w.WriteHeader(r.status)
	_, _ = io.WriteString(w, r.body)
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
