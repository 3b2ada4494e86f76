package mlserver_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/devserver"
	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
	"github.com/mlserver-go/mls/wrapper/internal/canary"
	"github.com/mlserver-go/mls/wrapper/internal/slapd"
	"github.com/mlserver-go/mls/wrapper/mlserver"
	"github.com/mlserver-go/mls/wrapper/transport"
)

const adminPassword = "Over-the-moon1"

// printed is what these tests and their servers print.
var printed = canary.New(adminPassword, slapd.QueryPassword, slapd.AlicePassword, slapd.JürgenPassword, slapd.OddPassword)

func TestMain(m *testing.M) { os.Exit(printed.Tests(m).Run()) }

// server is a development server on a free loopback port.
type server struct {
	*devserver.Server
	address string
}

// interpreters are looked for once for all servers. What is missing is told by the server that needs it.
var interpreters = sync.OnceValue(func() (found []*runtimes.Interpreter) {
	for _, lang := range []runtimes.Language{runtimes.R, runtimes.Python} {
		if i, err := runtimes.Find(context.Background(), lang, ""); err == nil {
			found = append(found, i)
		}
	}
	return found
})

// newServer starts a development server that plays the given version, and ends it with the test.
func newServer(tb testing.TB, version mlserver.Version, change ...func(*devserver.Config)) server {
	tb.Helper()
	cfg := devserver.Config{APIVersion: string(version), AdminPassword: adminPassword, Interpreters: interpreters(), Logger: printed.Logger()}
	for _, change := range change {
		change(&cfg)
	}
	s, err := devserver.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("closing the server: %v", err)
		}
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, listener) }()
	tb.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			tb.Errorf("serving: %v", err)
		}
	})
	return server{s, "http://" + listener.Addr().String()}
}

// client is a client that signs in as admin.
func (s server) client(tb testing.TB) *mlserver.Client {
	tb.Helper()
	return s.clientOf(tb, "admin")
}

// clientOf is a client that signs in as one of the users, who all have the same password.
func (s server) clientOf(tb testing.TB, user string) *mlserver.Client {
	tb.Helper()
	cfg := mlserver.Config{Address: s.address, Auth: auth.Login{Username: user, Password: adminPassword}}
	if _, measured := tb.(*testing.B); !measured { // what a trace shows is searched for secrets as well
		cfg.HTTP = &http.Client{Transport: &transport.Trace{Base: transport.NewPool(), To: printed}}
	}
	c, err := mlserver.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func read(tb testing.TB, file string) []byte {
	tb.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	return content
}

// consume calls a service for the number that it calls answer.
func consume(tb testing.TB, s *mlserver.Service, inputs mlserver.Values) float64 {
	tb.Helper()
	result, err := s.Consume(context.Background(), inputs)
	if err != nil {
		tb.Fatal(err)
	}
	var answer float64
	if err := result.Outputs.Decode("answer", &answer); err != nil {
		tb.Fatal(err)
	}
	return answer
}
