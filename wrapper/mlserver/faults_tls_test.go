package mlserver_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/internal/faults"
	"github.com/mlserver-go/mls/wrapper/internal/port"
	"github.com/mlserver-go/mls/wrapper/internal/testcert"
	"github.com/mlserver-go/mls/wrapper/mlserver"
	"github.com/mlserver-go/mls/wrapper/transport"
)

// TestConnectionFaults puts every operation of the five generated clients on connections that cannot be made. Nothing is done by
// the server then, and each error says what is wrong.
func TestConnectionFaults(t *testing.T) {
	authority := testcert.Authority(t)
	later := time.Now().Add(time.Hour)
	good := testcert.Server(t, authority, later, "127.0.0.1")
	var done atomic.Int64
	serve := func(cert *testcert.Cert, change func(*tls.Config)) string {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { done.Add(1) }))
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		if cert == nil {
			s.Start()
			t.Cleanup(s.Close)
			return strings.Replace(s.URL, "http:", "https:", 1)
		}
		s.TLS = &tls.Config{Certificates: []tls.Certificate{cert.KeyPair}}
		if change != nil {
			change(s.TLS)
		}
		s.StartTLS()
		t.Cleanup(s.Close)
		return s.URL
	}
	listen := func(do func(net.Conn)) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go do(c)
			}
		}()
		return "https://" + l.Addr().String()
	}
	nothing := listen(func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	refused := "http://" + port.Own(t)
	cut, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	atOnce := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { done.Add(1) }))
	_ = atOnce.Listener.Close()
	atOnce.Listener = &faults.Listener{Listener: cut}
	atOnce.Start()
	t.Cleanup(atOnce.Close)

	for _, fault := range []struct {
		name, address string
		pin           string
		says          string
		hangs         bool
	}{
		{name: "unknown authority", address: serve(testcert.Server(t, nil, later, "127.0.0.1"), nil), says: "authority that this computer does not know"},
		{name: "wrong name", address: serve(testcert.Server(t, authority, later, "mls.example.com"), nil), says: "for another name"},
		{name: "expired", address: serve(testcert.Server(t, authority, time.Now().Add(-time.Minute), "127.0.0.1"), nil), says: "expired"},
		{name: "not valid yet", address: serve(testcert.Server(t, authority, time.Now().Add(24*time.Hour), "127.0.0.1"), nil), says: "not valid yet"},
		{name: "not pinned", address: serve(good, nil), pin: testcert.Server(t, nil, later, "127.0.0.1").Pin(), says: "not the pinned one"},
		{name: "TLS 1.1", address: serve(good, func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }), says: "TLS 1.2"},
		{name: "client certificate", address: serve(good, func(c *tls.Config) {
			c.ClientAuth, c.MaxVersion = tls.RequireAndVerifyClientCert, tls.VersionTLS12
		}), says: "client certificate"},
		{name: "plain http", address: serve(nil, nil), says: "use http://"},
		{name: "handshake closed", address: listen(func(c net.Conn) { _, _ = c.Read(make([]byte, 1)); _ = c.Close() }), says: "closed the connection"},
		{name: "handshake never answered", address: nothing, hangs: true},
		{name: "http never answered", address: strings.Replace(nothing, "https:", "http:", 1), hangs: true},
		{name: "refused", address: refused, says: "is it running"},
		{name: "reset when accepted", address: atOnce.URL, says: "closed the connection"},
	} {
		t.Run(fault.name, func(t *testing.T) {
			over := newLateness()
			for _, g := range generated {
				pool := transport.NewPool()
				if fault.pin != "" {
					if pool, err = (transport.TLS{PinSHA256: fault.pin}).NewPool(); err != nil {
						t.Fatal(err)
					}
				} else {
					pool.TLSClientConfig.RootCAs = x509.NewCertPool()
					pool.TLSClientConfig.RootCAs.AddCert(authority.X509)
				}
				var all sync.WaitGroup
				for name, method := range newDriver(g.client(faultClient(t, fault.address, pool).Transport())).operations {
					all.Go(func() {
						limit := time.Minute
						if fault.hangs {
							limit = 200 * time.Millisecond
						}
						ctx, cancel := context.WithTimeout(context.Background(), limit)
						defer cancel()
						returned := over.watch(ctx)
						got, err := invoke(ctx, method)
						returned()
						var refused *mlserver.Error
						switch {
						case err == nil:
							t.Errorf("%s %s: got %s and no error", g.version, name, got)
						case strings.Contains(err.Error(), "CANARY"):
							t.Errorf("%s %s: a secret is in %v", g.version, name, err)
						case errors.As(err, &refused), fault.hangs != errors.Is(err, context.DeadlineExceeded), !strings.Contains(err.Error(), fault.says):
							t.Errorf("%s %s: got %v, want an error that says %q", g.version, name, err, fault.says)
						}
					})
				}
				all.Wait()
				pool.CloseIdleConnections()
			}
			over.report(t, fault.name)
		})
	}
	if n := done.Load(); n != 0 {
		t.Errorf("%d requests went over connections that must not be used", n)
	}
}

// TestCutAnywhere resets or closes the connection after each number of bytes of an answer: none is ever taken for the whole.
func TestCutAnywhere(t *testing.T) {
	defer log.SetOutput(log.Writer())
	log.SetOutput(io.Discard)
	v930 := generated[len(generated)-1]
	calls := callsOf(t, v930.client)
	for _, operation := range []string{"GetAllWebServices", "GetSessionFile", "PublishWebService", "CloseSession", "DeleteWebServiceVersion"} {
		var c call
		for _, one := range calls {
			if one.operation == operation {
				c = one
			}
		}
		for _, chunked := range []bool{false, true} {
			handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header()["Date"] = nil
				w.Header().Set("Content-Type", c.answer.ContentType)
				w.WriteHeader(c.answer.Status)
				if chunked {
					_ = http.NewResponseController(w).Flush()
				}
				_, _ = io.WriteString(w, c.answer.Body)
			})
			whole := false
			for n := 1; !whole && n < 2000; n += 1 + n/100 {
				inner, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				s := httptest.NewUnstartedServer(handler)
				_ = s.Listener.Close()
				s.Config.ErrorLog = log.New(io.Discard, "", 0)
				s.Listener = &faults.Listener{Listener: inner, Cut: n, Polite: n%2 == 0}
				s.Start()
				pool := transport.NewPool()
				client, err := mlserver.New(mlserver.Config{Address: s.URL, HTTP: &http.Client{Transport: pool}, Retry: transport.Retry{Attempts: 1}})
				if err != nil {
					t.Fatal(err)
				}
				got, err := invoke(context.Background(), newDriver(v930.client(client.Transport())).operations[operation])
				if whole = err == nil; whole && got != c.want {
					t.Errorf("%s, cut after %d bytes: %s was taken for %s", operation, n, got, c.want)
				}
				pool.CloseIdleConnections()
				s.Close()
			}
			if !whole {
				t.Errorf("%s: no answer was ever whole", operation)
			}
		}
	}
}
