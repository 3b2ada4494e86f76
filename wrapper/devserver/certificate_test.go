package devserver

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestOwnCertificate(t *testing.T) {
	t.Parallel()
	dir, now := t.TempDir(), time.Now()
	get := func(after time.Duration, hosts ...string) *Certificate {
		t.Helper()
		c, err := OwnCertificate(dir, now.Add(after), hosts...)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := get(0, "localhost", "127.0.0.1", "::1")
	if info, err := os.Stat(filepath.Join(dir, "tls-key.pem")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file is %v, %v, want its mode 0600", info, err)
	}
	const day = 24 * time.Hour
	for _, same := range []*Certificate{get(0, "localhost"), get(334*day, "::1")} {
		if same.SHA256 != c.SHA256 {
			t.Error("a new certificate was made without need")
		}
	}
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.TLS = c.Config()
	s.StartTLS()
	defer s.Close()
	roots := x509.NewCertPool()
	text, err := os.ReadFile(c.File)
	if err != nil || !roots.AppendCertsFromPEM(text) {
		t.Fatalf("%s: %v, want a certificate", text, err)
	}
	hc := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	res, err := hc.Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()

	if n := get(336*day, "localhost"); n.SHA256 == c.SHA256 {
		t.Error("the certificate was not renewed before its end")
	}
	before := get(0, "localhost")
	if n := get(0, "localhost", "mls.example.com"); n.SHA256 == before.SHA256 {
		t.Error("the certificate has not got the new name")
	}
	if err := os.WriteFile(filepath.Join(dir, "tls-cert.pem"), []byte("damaged"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OwnCertificate(dir, now, "localhost"); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v, want an error that names the folder", err)
	}
}
