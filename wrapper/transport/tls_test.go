package transport_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v930 "github.com/mlserver-go/mls/gen/v930"
	"github.com/mlserver-go/mls/gen/v930/status"
	"github.com/mlserver-go/mls/wrapper/internal/testcert"
	"github.com/mlserver-go/mls/wrapper/transport"
)

// secureServer shows a certificate.
func secureServer(t *testing.T, c *testcert.Cert, change func(*tls.Config)) string {
	t.Helper()
	s := httptest.NewUnstartedServer(reply{200, json, "{}"})
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{c.KeyPair}}
	if change != nil {
		change(s.TLS)
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}

func TestCertificates(t *testing.T) {
	authority, stranger := testcert.Authority(t), testcert.Authority(t)
	later := time.Now().Add(time.Hour)
	good := testcert.Server(t, authority, later, "127.0.0.1")
	renewed := testcert.Server(t, authority, later, "127.0.0.1")
	own := testcert.Server(t, nil, later, "127.0.0.1")
	expired := testcert.Server(t, authority, time.Now().Add(-time.Minute), "127.0.0.1")
	early := testcert.Server(t, authority, time.Now().Add(24*time.Hour), "127.0.0.1")
	misnamed := testcert.Server(t, authority, later, "mls.example.com")
	dir := t.TempDir()
	file := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ca, ownFile := file("ca.pem", authority.PEM), file("own.pem", own.PEM)
	both := file("both.pem", append(stranger.PEM, authority.PEM...))
	colons := strings.ToUpper(own.Pin()[:2])
	for i := 2; i < len(own.Pin()); i += 2 {
		colons += ":" + strings.ToUpper(own.Pin()[i:i+2])
	}
	unknown := func(err error) bool { return errors.As(err, new(x509.UnknownAuthorityError)) }
	name := func(err error) bool { return errors.As(err, new(x509.HostnameError)) }
	dates := func(err error) bool {
		var e x509.CertificateInvalidError
		return errors.As(err, &e) && e.Reason == x509.Expired
	}
	pin := func(err error) bool { return errors.As(err, new(*transport.PinError)) }

	for _, test := range []struct {
		name  string
		shows *testcert.Cert
		tls   transport.TLS
		kind  func(error) bool // nil: no error
		says  []string
	}{
		{"trusted authority", good, transport.TLS{CAFile: ca}, nil, nil},
		{"one of several authorities", good, transport.TLS{CAFile: both}, nil, nil},
		{"trusted server", own, transport.TLS{CAFile: ownFile}, nil, nil},
		{"pinned", own, transport.TLS{PinSHA256: own.Pin()}, nil, nil},
		{"pinned with colons", own, transport.TLS{PinSHA256: " " + colons + "\n"}, nil, nil},
		{"pinned, whatever its name", misnamed, transport.TLS{PinSHA256: misnamed.Pin()}, nil, nil},
		{"pinned, whatever its dates", expired, transport.TLS{PinSHA256: expired.Pin()}, nil, nil},
		{"pinned and trusted", good, transport.TLS{CAFile: ca, PinSHA256: good.Pin()}, nil, nil},

		{"unknown authority", good, transport.TLS{}, unknown, []string{"authority that this computer does not know", "trust the CA certificate", good.Pin()}},
		{"made by itself", own, transport.TLS{CAFile: ca}, unknown, []string{"authority", own.Pin()}},
		{"wrong name", misnamed, transport.TLS{CAFile: ca}, name, []string{"for another name", "mls.example.com", "use a name that it has"}},
		{"expired", expired, transport.TLS{CAFile: ca}, dates, []string{"expired", "the server needs a new one", "clock"}},
		{"not valid yet", early, transport.TLS{CAFile: ca}, dates, []string{"not valid yet", "clock"}},
		{"another than the pinned one", renewed, transport.TLS{PinSHA256: good.Pin()}, pin, []string{"not the pinned one", renewed.Pin(), "administrator"}},
		{"trusted, but not pinned", renewed, transport.TLS{CAFile: ca, PinSHA256: good.Pin()}, pin, []string{"not the pinned one"}},
		{"pinned, but not trusted", own, transport.TLS{CAFile: ca, PinSHA256: own.Pin()}, unknown, []string{"authority"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			pool, err := test.tls.NewPool()
			if err != nil {
				t.Fatal(err)
			}
			defer pool.CloseIdleConnections()
			address := secureServer(t, test.shows, nil)
			if test.kind != nil {
				err := callWithSecret(t, address, &http.Client{Transport: pool})
				contains(t, "error", err.Error(), append(test.says, strings.TrimPrefix(address, "https://"))...)
				for kind, is := range map[string]func(error) bool{"authority": unknown, "name": name, "dates": dates, "pin": pin} {
					if is(err) != (is(err) && test.kind(err)) {
						t.Errorf("%v is an error about the %s as well", err, kind)
					}
				}
				if !test.kind(err) {
					t.Errorf("%v is of the wrong kind", err)
				}
				return
			}
			api := v930.New(newTransport(t, parse(t, address), &http.Client{Transport: pool}), nil)
			if _, err := api.Status.StatusContext(background, &status.StatusParams{}); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestHandshakes: whatever is trusted, TLS before 1.2 is not spoken, and a client certificate is not at hand.
func TestHandshakes(t *testing.T) {
	c := testcert.Server(t, nil, time.Now().Add(time.Hour), "127.0.0.1")
	pool, err := transport.TLS{PinSHA256: c.Pin()}.NewPool()
	if err != nil {
		t.Fatal(err)
	}
	old := secureServer(t, c, func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 })
	contains(t, "error", callWithSecret(t, old, &http.Client{Transport: pool}).Error(), "agree on TLS", "1.2")
	mutual := secureServer(t, c, func(c *tls.Config) {
		c.ClientAuth, c.MaxVersion = tls.RequireAndVerifyClientCert, tls.VersionTLS12
	})
	contains(t, "error", callWithSecret(t, mutual, &http.Client{Transport: pool}).Error(), "client certificate")
}

func TestUnusableTLS(t *testing.T) {
	file := filepath.Join(t.TempDir(), "no.pem")
	if err := os.WriteFile(file, []byte("no"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		tls  transport.TLS
		want string
	}{
		{transport.TLS{CAFile: file}, "no.pem holds no PEM certificate"},
		{transport.TLS{CAFile: file + "x"}, "no.pemx"},
		{transport.TLS{PinSHA256: "abc"}, "64 hexadecimal digits"},
		{transport.TLS{PinSHA256: strings.Repeat("0", 62)}, "64 hexadecimal digits"},
		{transport.TLS{PinSHA256: strings.Repeat("g", 64)}, "64 hexadecimal digits"},
	} {
		if _, err := test.tls.NewPool(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: got %v, want %q", test.tls, err, test.want)
		}
	}
}
