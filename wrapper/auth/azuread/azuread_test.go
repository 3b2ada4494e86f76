package azuread_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/auth/azuread"
	"github.com/mlserver-go/mls/wrapper/auth/azuread/azureadtest"
)

func TestFlows(t *testing.T) {
	p := start(t)
	cert, key := certificate()
	p.AddApp(azureadtest.App{ID: daemonApp, Secret: canarySecret, Certificate: cert})
	enters := func(_ context.Context, prompt azuread.Prompt) error {
		if !strings.Contains(prompt.Message, prompt.Code) || prompt.URL != p.URL+"/device" {
			t.Errorf("prompted %+v", prompt)
		}
		return p.EnterCode(prompt.Code, ann, canaryPassword)
	}
	configuration := "GET /contoso.test/v2.0/.well-known/openid-configuration"
	token := "POST /contoso.test/oauth2/v2.0/token"
	native, daemon := p.app(nativeApp), p.app(daemonApp)
	uri := daemon
	uri.Resource = "api://mls/"
	itself := daemon
	itself.Resource = ""
	inAddress := daemon
	inAddress.AuthURI, inAddress.TenantID = p.URL+"/contoso.test/", ""
	byID := native
	byID.TenantID = p.TenantID
	for _, test := range []struct {
		name   string
		method auth.Method
		grant  string
		user   any
		aud    string
		asked  []string // the default: the configuration and the token
	}{
		{"password", native.Password(ann, canaryPassword), "password", ann, webApp,
			[]string{configuration, "GET /common/UserRealm/" + ann, token}},
		{"tenant by ID", byID.Password(ann, canaryPassword), "password", ann, webApp,
			[]string{"GET /" + p.TenantID + "/v2.0/.well-known/openid-configuration", "GET /common/UserRealm/" + ann, "POST /" + p.TenantID + "/oauth2/v2.0/token"}},
		{"client secret", daemon.ClientSecret(canarySecret), "client_credentials", nil, webApp, nil},
		{"resource by its URI", uri.ClientSecret(canarySecret), "client_credentials", nil, webApp, nil},
		{"resource is the client", itself.ClientSecret(canarySecret), "client_credentials", nil, daemonApp, nil},
		{"tenant in the authority", inAddress.ClientSecret(canarySecret), "client_credentials", nil, webApp, nil},
		{"certificate", daemon.Certificate([]*x509.Certificate{cert}, key), "client_credentials", nil, webApp, nil},
		{"device code", native.DeviceCode(enters), "device_code", ann, webApp,
			[]string{configuration, "POST /contoso.test/oauth2/v2.0/devicecode", token}},
	} {
		t.Run(test.name, func(t *testing.T) {
			src := sourceOf(t, test.method)
			if got := p.asked(); got != nil {
				t.Errorf("Source sent %q", got)
			}
			before := time.Now()
			got, err := src.Token(bounded(t))
			if err != nil {
				t.Fatal(err)
			}
			if left := got.Expiry.Sub(before); left < 59*time.Minute || left > 61*time.Minute || got.Issued.Before(before) {
				t.Errorf("it expires after %v, issued %v", left, got.Issued)
			}
			c := claims(t, got)
			if c["aud"] != test.aud || c["upn"] != test.user {
				t.Errorf("token for %v of %v, want %v of %v", c["aud"], c["upn"], test.aud, test.user)
			}
			requests := p.Requests()
			if last := requests[len(requests)-1]; last.Form.Get("grant_type") != test.grant || last.Form.Get("claims") != "" {
				t.Errorf("grant %q with claims %q, want %q without: nobody answers challenges", last.Form.Get("grant_type"), last.Form.Get("claims"), test.grant)
			}
			want := test.asked
			if want == nil {
				want = []string{configuration, token}
			}
			if asked := p.asked(); !slices.Equal(asked, want) {
				t.Errorf("asked\n%q, want\n%q", asked, want)
			}
			if again, err := src.Token(bounded(t)); err != nil || again != got || p.asked() != nil {
				t.Errorf("a fresh token was not used again: %v", err)
			}
		})
	}
}

// The default authority is known to Microsoft's library, which asks nobody else about it.
func TestDefaultAuthority(t *testing.T) {
	p := start(t)
	app := azuread.App{TenantID: tenant, ClientID: nativeApp, Resource: webApp, Options: p.ClientOptions()}
	if got := claims(t, signIn(t, app.Password(ann, canaryPassword))); got["upn"] != ann {
		t.Errorf("signed in %v", got["upn"])
	}
	for _, r := range p.Requests()[p.seen:] {
		if r.Host != "login.windows.net" {
			t.Errorf("%s%s was asked, want login.windows.net only", r.Host, r.Path)
		}
	}
	if got := p.asked(); len(got) != 3 {
		t.Errorf("asked %q", got)
	}
}

// Any other host is trusted if Microsoft knows it, or if the user says so.
func TestInstanceDiscovery(t *testing.T) {
	p := start(t)
	for _, without := range []bool{false, true} {
		app := azuread.App{AuthURI: "https://id.contoso.test", TenantID: tenant, ClientID: daemonApp, Resource: webApp,
			Options: p.ClientOptions(), NoInstanceDiscovery: without}
		signIn(t, app.ClientSecret(canarySecret))
		hosts := map[string]bool{}
		for _, r := range p.Requests()[p.seen:] {
			hosts[r.Host] = true
		}
		p.seen = len(p.Requests())
		if asked := hosts["login.microsoftonline.com"]; asked == without || !hosts["id.contoso.test"] {
			t.Errorf("without discovery %t: asked %v", without, hosts)
		}
	}
}

func TestADFS(t *testing.T) {
	p := start(t)
	cert, key := certificate()
	p.AddApp(azureadtest.App{ID: daemonApp, Secret: canarySecret, Certificate: cert})
	for _, clientID := range []string{nativeApp, daemonApp} {
		for _, app := range []azuread.App{
			{AuthURI: "https://adfs.contoso.test", TenantID: "ADFS"},
			{AuthURI: "https://adfs.contoso.test/adfs"},
		} {
			app.ClientID, app.Resource, app.Options = clientID, webApp, p.ClientOptions()
			methods := []auth.Method{app.ClientSecret(canarySecret), app.Certificate([]*x509.Certificate{cert}, key)}
			if clientID == nativeApp {
				methods = []auth.Method{app.Password(ann, canaryPassword)}
			}
			for _, m := range methods {
				got := claims(t, signIn(t, m))
				if want := "http://adfs.contoso.test/adfs/services/trust"; got["iss"] != want || got["aud"] != webApp {
					t.Errorf("%v: token of %v for %v", m, got["iss"], got["aud"])
				}
				want := []string{"GET /adfs/.well-known/openid-configuration", "POST /adfs/oauth2/token"}
				if asked := p.asked(); !slices.Equal(asked, want) {
					t.Errorf("%v: asked %q, want %q", m, asked, want)
				}
			}
		}
	}
}

// A refresh token renews what a user signed in for; nobody is asked a second time.
func TestRenewal(t *testing.T) {
	p := start(t)
	life := p.Lifetime
	p.Lifetime = 2 * time.Second // expiring on arrival, for the library: it renews five minutes ahead
	t.Cleanup(func() { p.Lifetime = life })
	prompts := 0
	src := sourceOf(t, p.app(nativeApp).DeviceCode(func(_ context.Context, prompt azuread.Prompt) error {
		prompts++
		return p.EnterCode(prompt.Code, ann, canaryPassword)
	})).(*auth.Cache)
	first, err := src.Token(bounded(t))
	if err != nil {
		t.Fatal(err)
	}
	src.Now = func() time.Time { return time.Now().Add(time.Hour) }
	p.asked()
	second, err := src.Token(bounded(t))
	if err != nil || second.AccessToken == first.AccessToken || prompts != 1 {
		t.Errorf("renewed with %v and %d prompts", err, prompts)
	}
	requests := p.Requests()
	if got := requests[len(requests)-1].Form.Get("grant_type"); got != "refresh_token" {
		t.Errorf("renewed by %s", got)
	}
}

func TestAnyCredential(t *testing.T) {
	var asked []policy.TokenRequestOptions
	expires := time.Now().Add(time.Hour)
	m := azuread.Credential(credentialFunc(func(_ context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
		asked = append(asked, o)
		return azcore.AccessToken{Token: "token", ExpiresOn: expires}, nil
	}), "https://mls.contoso.test/")
	if got := signIn(t, m); got.AccessToken != "token" || !got.Expiry.Equal(expires) {
		t.Errorf("got %v", got)
	}
	if len(asked) != 1 || !slices.Equal(asked[0].Scopes, []string{"https://mls.contoso.test//.default"}) || asked[0].EnableCAE {
		t.Errorf("asked for %+v", asked)
	}
	if got := fmt.Sprint(m); got != "Azure AD: azuread_test.credentialFunc" {
		t.Errorf("prints as %s", got)
	}
}

type credentialFunc func(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error)

func (f credentialFunc) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return f(ctx, o)
}

// A token that has ended on arrival shows that the clocks differ. It is the server's that counts.
func TestClockAhead(t *testing.T) {
	for _, expires := range []time.Time{{}, time.Now().Add(-time.Hour)} {
		got := signIn(t, azuread.Credential(credentialFunc(func(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
			return azcore.AccessToken{Token: "token", ExpiresOn: expires}, nil
		}), webApp))
		if left := time.Until(got.Expiry); left < 59*time.Minute {
			t.Errorf("expiry %v: good for %v", expires, left)
		}
	}
}

// What holds a lock for ever must not hold those who wait.
func TestStuckCredential(t *testing.T) {
	stuck := make(chan struct{})
	t.Cleanup(func() { close(stuck) })
	src := sourceOf(t, azuread.Credential(credentialFunc(func(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
		<-stuck
		return azcore.AccessToken{}, nil
	}), webApp)).(*auth.Cache)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := src.Token(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	src = sourceOf(t, azuread.Credential(credentialFunc(func(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
		<-stuck
		return azcore.AccessToken{}, nil
	}), webApp)).(*auth.Cache)
	src.Limit = 10 * time.Millisecond
	if _, err := src.Token(bounded(t)); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "in time") {
		t.Errorf("got %v", err)
	}
}

func TestWrongArguments(t *testing.T) {
	good := azuread.App{TenantID: tenant, ClientID: nativeApp, Resource: webApp}
	with := func(change func(*azuread.App)) auth.Method {
		a := good
		change(&a)
		return a.Password(ann, canaryPassword)
	}
	for _, test := range []struct {
		method auth.Method
		want   string
	}{
		{with(func(a *azuread.App) { a.AuthURI = "http://login.contoso.test" }), "https://"},
		{with(func(a *azuread.App) { a.AuthURI = "login.windows.net" }), "no address"},
		{with(func(a *azuread.App) { a.AuthURI = "https://login.windows.net/other.test" }), "TenantID"},
		{with(func(a *azuread.App) { a.AuthURI = "https://login.windows.net/contoso.test/oauth2" }), "TenantID"},
		{with(func(a *azuread.App) { a.AuthURI = "https://login.windows.net?x=" + canarySecret }), "no address"},
		{with(func(a *azuread.App) { a.TenantID = "" }), "no TenantID"},
		{with(func(a *azuread.App) { a.TenantID = "a/b" }), "TenantID"},
		{with(func(a *azuread.App) { a.ClientID = "" }), "no ClientID"},
		{with(func(a *azuread.App) { a.Resource = "" }), "no Resource"},
		{good.Password("", canaryPassword), "must not be empty"},
		{good.Password(ann, ""), "must not be empty"},
		{good.ClientSecret(""), "must not be empty"},
		{good.Certificate(nil, nil), "certificate"},
		{good.DeviceCode(nil), "tells the user"},
		{azuread.Credential(nil, webApp), "must be a credential"},
		{azuread.Credential(credentialFunc(nil), ""), "a resource"},
	} {
		_, err := test.method.Source(auth.Server{})
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "CANARY") {
			t.Errorf("%v: got %v, want %q", test.method, err, test.want)
		}
	}
}

func TestParseCertificate(t *testing.T) {
	cert, key := certificate()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	file := append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})...)
	certs, got, err := azuread.ParseCertificate(file, "")
	if err != nil || len(certs) != 1 || !certs[0].Equal(cert) || !key.Equal(got) {
		t.Errorf("got %d certificates, %v", len(certs), err)
	}
	for _, bad := range []string{"", "garbage", string(file[:len(file)/2])} {
		if _, _, err := azuread.ParseCertificate([]byte(bad), canaryPassword); err == nil || strings.Contains(err.Error(), "CANARY") {
			t.Errorf("got %v", err)
		}
	}
}

// Tokens for a server that they may not be sent to are not asked for.
func TestPlainHTTP(t *testing.T) {
	app := azuread.App{TenantID: tenant, ClientID: daemonApp, Resource: webApp}
	for address, want := range map[string]error{"http://mls.contoso.test": auth.ErrPlainHTTP, "https://mls.contoso.test": nil, "http://127.0.0.1:1": nil} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := app.ClientSecret(canarySecret).Source(auth.Server{URL: u}); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", address, err, want)
		}
	}
}

// However a method is printed, its secrets stay out.
func TestPrinting(t *testing.T) {
	app := azuread.App{TenantID: tenant, ClientID: nativeApp, Resource: webApp}
	for _, m := range []auth.Method{app.Password(ann, canaryPassword), app.ClientSecret(canarySecret)} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			for _, v := range []any{m, struct{ M auth.Method }{m}, []auth.Method{m}} {
				if got := fmt.Sprintf(verb, v); strings.Contains(got, "CANARY") || !strings.Contains(got, "Azure AD") {
					t.Errorf("%s prints %s", verb, got)
				}
			}
		}
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "method", m)
		if strings.Contains(log.String(), "CANARY") {
			t.Errorf("logged as %s", log.String())
		}
	}
}
