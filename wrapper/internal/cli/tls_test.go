package cli

import (
	"encoding/pem"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"testing"
)

// TestCAFile signs in at a server whose certificate only --ca-file makes known, and stays signed in without the flag.
func TestCAFile(t *testing.T) {
	t.Parallel()
	plain := startServer(t)
	behind, err := url.Parse(plain)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewTLSServer(httputil.NewSingleHostReverseProxy(behind))
	defer proxy.Close()
	u := newUser(t, plain)
	u.write("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: proxy.Certificate().Raw})))

	login := []string{"login", proxy.URL, "--username", "alice", "--password-file", "password.txt"}
	out, err := u.command("mls", login...).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "--ca-file FILE") {
		t.Errorf("without the certificate: %v %s, want a word about --ca-file", err, out)
	}
	u.must(append(login, "--ca-file", "ca.pem")...)
	elsewhere := u.command("mls", "status")
	elsewhere.Dir = os.TempDir() // the profile must not depend on the working directory
	if out, err := elsewhere.CombinedOutput(); err != nil {
		t.Errorf("with the stored certificate: %v %s", err, out)
	}
}
