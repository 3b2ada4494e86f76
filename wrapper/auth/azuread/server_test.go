package azuread_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/auth/azuread"
	"github.com/mlserver-go/mls/wrapper/auth/azuread/azureadtest"
	"github.com/mlserver-go/mls/wrapper/devserver"
	"github.com/mlserver-go/mls/wrapper/mlserver"
	"github.com/mlserver-go/mls/wrapper/transport"
)

// azureServer is a development server that takes the provider's tokens.
func azureServer(t *testing.T, p *provider, authority string) string {
	t.Helper()
	s, err := devserver.New(devserver.Config{SpareWorkers: -1, Logger: printed.Logger(), R: os.DevNull, Python: os.DevNull, AzureAD: &devserver.AzureAD{
		Authority: authority, Audience: webApp, HTTP: &http.Client{Transport: p.Transport()},
	}})
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewServer(s)
	t.Cleanup(func() {
		ts.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return ts.URL
}

func lists(t *testing.T, address string, m auth.Method) error {
	t.Helper()
	c, err := mlserver.New(mlserver.Config{Address: address, Auth: m, HTTP: &http.Client{
		Transport: &transport.Trace{Base: transport.NewPool(), To: printed},
	}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Sessions(t.Context())
	return err
}

// The tokens of every flow are good at a server that checks them, and only there.
func TestServerChecksTokens(t *testing.T) {
	p := start(t)
	address := azureServer(t, p, "https://login.windows.net/"+tenant)
	native, daemon := p.app(nativeApp), p.app(daemonApp)
	other := daemon
	other.Resource = daemonApp
	for _, m := range []auth.Method{native.Password(ann, canaryPassword), daemon.ClientSecret(canarySecret)} {
		if err := lists(t, address, m); err != nil {
			t.Errorf("%v: %v", m, err)
		}
	}
	if err := lists(t, address, other.ClientSecret(canarySecret)); !errors.Is(err, mlserver.ErrUnauthorized) || !strings.Contains(err.Error(), webApp) {
		t.Errorf("a token for something else: %v", err)
	}
	if err := lists(t, address, auth.Login{Username: "admin", Password: canaryPassword}); !errors.Is(err, mlserver.ErrUnauthorized) || !strings.Contains(err.Error(), "Azure AD") {
		t.Errorf("a password: %v", err)
	}
	p.AddApp(azureadtest.App{ID: webApp, TokenVersion: 2})
	if err := lists(t, address, daemon.ClientSecret(canarySecret)); !errors.Is(err, mlserver.ErrUnauthorized) || !strings.Contains(err.Error(), "accessTokenAcceptedVersion") {
		t.Errorf("a token of version 2: %v", err)
	}
	start(t)

	p.Now = func() time.Time { return time.Now().Add(10 * time.Minute) }
	t.Cleanup(func() { p.Now = time.Now })
	if err := lists(t, address, daemon.ClientSecret(canarySecret)); !errors.Is(err, mlserver.ErrUnauthorized) || !strings.Contains(err.Error(), "clocks") {
		t.Errorf("a token from the future: %v", err)
	}
}

func TestServerOfADFS(t *testing.T) {
	p := start(t)
	address := azureServer(t, p, "https://adfs.contoso.test/adfs")
	app := azuread.App{AuthURI: "https://adfs.contoso.test", TenantID: azuread.ADFS, ClientID: daemonApp, Resource: webApp, Options: p.ClientOptions()}
	if err := lists(t, address, app.ClientSecret(canarySecret)); err != nil {
		t.Error(err)
	}
	if err := lists(t, address, p.app(daemonApp).ClientSecret(canarySecret)); !errors.Is(err, mlserver.ErrUnauthorized) {
		t.Errorf("a token of Azure AD: %v", err)
	}
}

// A token that the server refuses is asked for once more, and then the refusal is told: no loop.
func TestRefusedByServer(t *testing.T) {
	p := start(t)
	requests := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { requests++; w.WriteHeader(401) }))
	t.Cleanup(s.Close)
	p.asked()
	if err := lists(t, s.URL, p.app(daemonApp).ClientSecret(canarySecret)); !errors.Is(err, mlserver.ErrUnauthorized) {
		t.Errorf("got %v", err)
	}
	if asked := p.asked(); requests != 1 || len(asked) != 2 {
		t.Errorf("%d requests to the server, and %q to the provider", requests, asked)
	}
}
