package azuread_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/auth/azuread"
	"github.com/mlserver-go/mls/wrapper/auth/azuread/azureadtest"
	"github.com/mlserver-go/mls/wrapper/internal/port"
	"github.com/mlserver-go/mls/wrapper/internal/stopwatch"
	"github.com/mlserver-go/mls/wrapper/transport"
)

// fails signs in, which must fail, and checks that nothing secret is told.
func fails(t *testing.T, m auth.Method, want ...string) *azuread.Error {
	t.Helper()
	_, err := sourceOf(t, m).Token(bounded(t))
	var e *azuread.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an azuread.Error", err)
	}
	all := fmt.Sprintf("%v %+v %#v", err, err, err)
	for cause := error(e); cause != nil; cause = errors.Unwrap(cause) {
		all += cause.Error()
	}
	for _, secret := range []string{canaryPassword, canarySecret, canaryToken} {
		for _, form := range escapedForms(secret) {
			if strings.Contains(all, form) {
				t.Errorf("%q is told: %s", form, all)
			}
		}
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("got %v\nwant %q", err, w)
		}
	}
	return e
}

// Each refusal says what has to be changed, and by whom.
func TestRefusals(t *testing.T) {
	p := start(t)
	cert, key := certificate()
	p.AddUser(azureadtest.User{Name: "mfa@contoso.test", Password: canaryPassword, MFA: true})
	const private, unknown, unasked = "00000000-0000-0000-0000-0000000000d1", "00000000-0000-0000-0000-0000000000d2", "00000000-0000-0000-0000-0000000000d3"
	p.AddApp(azureadtest.App{ID: private, ReplyURLs: []string{"urn:ietf:wg:oauth:2.0:oob"}})
	p.AddApp(azureadtest.App{ID: unasked, PublicClient: true, NoConsent: true})
	native, daemon := p.app(nativeApp), p.app(daemonApp)
	elsewhere, other := native, daemon
	elsewhere.TenantID, other.Resource = "fabrikam.test", "00000000-0000-0000-0000-0000000000d4"
	enters := func(_ context.Context, prompt azuread.Prompt) error {
		return p.EnterCode(prompt.Code, ann, canaryPassword)
	}
	for _, test := range []struct {
		name   string
		method auth.Method
		code   int
		want   []string
	}{
		{"unknown tenant", elsewhere.Password(ann, canaryPassword), 90002, []string{"fabrikam.test", "Check TenantID"}},
		{"unknown application", p.app(unknown).Password(ann, canaryPassword), 700016, []string{"Check ClientID " + unknown}},
		{"unknown resource", other.ClientSecret(canarySecret), 500011, []string{"Check Resource " + other.Resource}},
		{"wrong secret", daemon.ClientSecret("CANARY-wrong-secret"), 7000215, []string{"client secret is wrong", daemonApp}},
		{"wrong certificate", daemon.Certificate([]*x509.Certificate{cert}, key), 700027, []string{"upload the certificate"}},
		{"wrong password", native.Password(ann, "CANARY-wrong"), 50126, []string{"Check user name", "correlation ID"}},
		{"unknown user", native.Password("bob@contoso.test", canaryPassword), 50034, []string{"does not have that user"}},
		{"second factor", native.Password("mfa@contoso.test", canaryPassword), 50076, []string{"device code or the browser"}},
		{"no public client", p.app(private).Password(ann, canaryPassword), 7000218, []string{"Allow public client flows", private}},
		{"no public client, device code", p.app(private).DeviceCode(enters), 7000218, []string{"Allow public client flows"}},
		{"no consent", p.app(unasked).Password(ann, canaryPassword), 65001, []string{"grant consent", unasked}},
		{"no consent, device code", p.app(unasked).DeviceCode(enters), 65001, []string{"grant consent"}},
		{"declined", native.DeviceCode(func(_ context.Context, prompt azuread.Prompt) error { return p.DeclineCode(prompt.Code) }), 70018, []string{"declined"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := fails(t, test.method, append(test.want, fmt.Sprintf("AADSTS%d", test.code))...)
			if e.Code != test.code || e.Status == 0 || e.Hint == "" || e.Authority == "" || !errors.Is(e, auth.ErrLoginRequired) {
				t.Errorf("got %+v, want code %d", e, test.code)
			}
			if strings.Contains(e.Error(), "Trace ID") || strings.Contains(e.Error(), "{") && test.code != 50034 {
				t.Errorf("told %v", e)
			}
		})
	}
}

// Refusals that the provider of the tests does not come to by itself.
func TestAdvice(t *testing.T) {
	p := start(t)
	for code, want := range map[int]string{
		50011: "http://localhost", 7000222: "expired", 50079: "second factor", 53003: "conditional access", 50057: "disabled",
		50055: "expired", 50105: "assign", 50020: "another tenant", 1234567: "",
	} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			p.breaks(t, azureadtest.Fault{Endpoint: azureadtest.Token, Status: 400, Body: azureadtest.Refusal("invalid_grant", code, "What it says.")})
			e := fails(t, p.app(nativeApp).Password(ann, canaryPassword), "What it says", want)
			if e.Code != code || e.Hint == "" {
				t.Errorf("got %+v", e)
			}
		})
	}
	t.Run("AD FS has no numbers", func(t *testing.T) {
		p.breaks(t, azureadtest.Fault{Endpoint: azureadtest.Token, Status: 400,
			Body: `{"error":"invalid_grant","error_description":"MSIS9659: Invalid 'username' or 'password'."}`})
		app := p.app(nativeApp)
		app.TenantID = azuread.ADFS
		if e := fails(t, app.Password(ann, canaryPassword), "MSIS9659", "Check user name"); e.Code != 0 || !errors.Is(e, auth.ErrLoginRequired) {
			t.Errorf("got %+v", e)
		}
	})
}

// A provider that is out of order, or none at all.
func TestFaults(t *testing.T) {
	p := start(t)
	token := `"access_token":"` + canaryToken + `.` + strings.Repeat("CANARY", 20) + `"`
	for _, test := range []struct {
		name    string
		fault   azureadtest.Fault
		want    []string
		kind    error
		retried bool
	}{
		{"500", azureadtest.Fault{Endpoint: azureadtest.Token, Status: 500, Body: `{"error":"server_error","error_description":"oops ` + canaryToken + `"}`},
			[]string{"try again later"}, transport.ErrUnavailable, true},
		{"503 page", azureadtest.Fault{Endpoint: azureadtest.Configuration, Status: 503, Header: html(), Body: "<h1>" + canaryToken}, []string{"503", "later"}, transport.ErrUnavailable, true},
		{"429", azureadtest.Fault{Endpoint: azureadtest.Token, Status: 429, Header: http.Header{"Retry-After": {"3600"}}, Body: "{}"}, []string{"429", "later"}, transport.ErrUnavailable, false},
		{"garbage", azureadtest.Fault{Endpoint: azureadtest.Token, Status: 200, Body: "\x00\xff garbage " + token}, []string{"not one of Azure AD's"}, nil, false},
		{"page for a token", azureadtest.Fault{Endpoint: azureadtest.Token, Status: 200, Header: html(), Body: "<h1>Welcome to the hotel " + canaryToken},
			[]string{"text/html", "proxy"}, nil, false},
		{"page for the configuration", azureadtest.Fault{Endpoint: azureadtest.Configuration, Status: 200, Header: html(), Body: "<h1>Hello " + canaryToken},
			[]string{"text/html", "AuthURI"}, nil, false},
		{"not found", azureadtest.Fault{Endpoint: azureadtest.Configuration, Status: 404, Header: html(), Body: "<h1>" + canaryToken}, []string{"404", "AuthURI"}, nil, false},
		{"redirect", azureadtest.Fault{Endpoint: azureadtest.Token, Status: 307, Header: http.Header{"Location": {"https://127.0.0.1:1/"}}}, nil, nil, false},
		{"token in malformed JSON", azureadtest.Fault{Endpoint: azureadtest.Token, Status: 200, Body: `{"token_type":"Bearer",` + token + `,`}, []string{"not one of Azure AD's"}, nil, false},
		{"token in JSON of another form", azureadtest.Fault{Endpoint: azureadtest.Token, Status: 200, Body: `[{` + token + `}]`}, nil, nil, false},
		{"token without end", azureadtest.Fault{Endpoint: azureadtest.Token, Edit: func(a map[string]any) { delete(a, "expires_in"); a["access_token"] = canaryToken }}, nil, nil, false},
		{"token in an error", azureadtest.Fault{Endpoint: azureadtest.Token, Status: 400,
			Body: `{"error":"invalid_grant","error_description":"AADSTS50126: no good: password=` + jsonText(canaryPassword) + ` and {\"refresh_token\": \"CANARY\", ` + strings.ReplaceAll(token, `"`, `\"`) + `}"}`},
			[]string{"no good"}, auth.ErrLoginRequired, false},
		{"token for a reason", azureadtest.Fault{Endpoint: azureadtest.Token, Status: 400, Body: `{"error":"` + canaryToken + `","error_description":"` + canaryToken + `"}`},
			[]string{"400", "AuthURI"}, nil, false},
		{"reason without a number", azureadtest.Fault{Endpoint: azureadtest.Token, Status: 400, Body: `{"error":"invalid_grant","error_description":"` + canaryToken + `"}`},
			[]string{"invalid_grant"}, auth.ErrLoginRequired, false},
		{"answer without a token", azureadtest.Fault{Endpoint: azureadtest.Token, Edit: func(a map[string]any) { delete(a, "access_token") }}, nil, nil, false},
		{"other issuer", azureadtest.Fault{Endpoint: azureadtest.Configuration, Edit: func(a map[string]any) { a["issuer"] = "https://evil.test/x" }},
			[]string{"somewhere else"}, nil, false},
		{"clock of the certificate", azureadtest.Fault{Endpoint: azureadtest.Token, Status: 401, Body: azureadtest.Refusal("invalid_client", 700024, "Client assertion is not within its valid time range.")},
			[]string{"clock"}, auth.ErrLoginRequired, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			p.breaks(t, test.fault)
			p.asked()
			e := fails(t, p.app(nativeApp).Password(ann, canaryPassword), test.want...)
			for _, kind := range []error{auth.ErrLoginRequired, transport.ErrUnavailable} {
				if got := errors.Is(e, kind); got != (kind == test.kind) {
					t.Errorf("errors.Is(%v, %v) is %t", e, kind, got)
				}
			}
			asked := p.asked()
			slices.Sort(asked)
			if retried := len(asked) > len(slices.Compact(asked)); retried != test.retried {
				t.Errorf("asked %q", asked)
			}
		})
	}
	t.Run("500 twice", func(t *testing.T) {
		p.breaks(t, azureadtest.Fault{Endpoint: azureadtest.Token, Status: 500, Times: 2})
		signIn(t, p.app(daemonApp).ClientSecret(canarySecret))
	})
}

func html() http.Header { return http.Header{"Content-Type": {"text/html"}} }

func jsonText(s string) string {
	b, _ := json.Marshal(s)
	return strings.Trim(string(b), `"`)
}

// The clock of the test provider differs by more than it bears.
func TestClockSkew(t *testing.T) {
	p := start(t)
	cert, key := certificate()
	p.AddApp(azureadtest.App{ID: daemonApp, Certificate: cert})
	p.Now = func() time.Time { return time.Now().Add(-20 * time.Minute) }
	t.Cleanup(func() { p.Now = time.Now })
	e := fails(t, p.app(daemonApp).Certificate([]*x509.Certificate{cert}, key), "clock of this computer")
	if e.Code != 700024 {
		t.Errorf("got %+v", e)
	}
}

func TestSilence(t *testing.T) {
	p := start(t)
	for endpoint, path := range map[azureadtest.Endpoint]string{azureadtest.Configuration: "openid-configuration", azureadtest.Realm: "UserRealm", azureadtest.Token: "/token"} {
		const least = 50 * time.Millisecond
		for limit := least; ; limit *= 2 { // which is not enough to come as far, if the machine is busy
			mend := p.Break(azureadtest.Fault{Endpoint: endpoint, Silent: true})
			app := p.app(nativeApp)
			app.Timeout = limit
			p.asked()
			took := stopwatch.Start(t)
			e := fails(t, app.Password(ann, canaryPassword), "no answer within "+limit.String(), "HTTPS_PROXY")
			if took := took(); took > 5*time.Second+(limit-least) || !errors.Is(e, context.DeadlineExceeded) || errors.Is(e, auth.ErrLoginRequired) {
				t.Errorf("%s: got %v after %v", endpoint, e, took)
			}
			mend()
			if slices.ContainsFunc(p.asked(), func(request string) bool { return strings.Contains(request, path) }) {
				break
			}
			if limit > patience/2 {
				t.Fatalf("%s: it was never asked", endpoint)
			}
		}
	}
	t.Run("the caller's context goes first", func(t *testing.T) {
		p.breaks(t, azureadtest.Fault{Endpoint: azureadtest.Token, Silent: true})
		app := p.app(daemonApp)
		app.Timeout = time.Second // of the sign-in, which goes on
		src := sourceOf(t, app.ClientSecret(canarySecret))
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := src.Token(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		// The next caller waits for its end. Nothing of it is left for the tests that follow.
		if _, err := src.Token(bounded(t)); err == nil || !strings.Contains(err.Error(), "no answer within 1s") {
			t.Errorf("the sign-in that went on gave %v", err)
		}
	})
	t.Run("nobody enters the code", func(t *testing.T) {
		for limit := 300 * time.Millisecond; ; limit *= 2 { // which is not enough to get a code, if the machine is busy
			src := sourceOf(t, p.app(nativeApp).DeviceCode(func(context.Context, azuread.Prompt) error { return nil })).(*auth.Cache)
			src.Limit = limit
			_, err := src.Token(bounded(t))
			if err != nil && !strings.Contains(err.Error(), "nobody entered the code") && limit < patience/2 {
				continue
			}
			if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, auth.ErrLoginRequired) || !strings.Contains(err.Error(), "nobody entered the code") {
				t.Errorf("got %v", err)
			}
			return
		}
	})
}

func TestUnreachable(t *testing.T) {
	p := start(t)
	app := p.app(daemonApp)
	app.AuthURI = "https://" + port.Own(t)
	app.Options.Transport = nil
	var dial *net.OpError
	if e := fails(t, app.ClientSecret(canarySecret), "cannot be reached", "AuthURI"); !errors.As(e, &dial) {
		t.Errorf("got %#v", e)
	}
	app.AuthURI = p.URL // which has a certificate that nobody trusts
	if e := fails(t, app.ClientSecret(canarySecret), "cannot be reached", "certificate"); errors.Is(e, auth.ErrLoginRequired) {
		t.Errorf("got %#v", e)
	}
	t.Run("discovery", func(t *testing.T) {
		p.breaks(t, azureadtest.Fault{Endpoint: azureadtest.Instance, Silent: true})
		app := p.app(daemonApp)
		app.Timeout, app.NoInstanceDiscovery = 50*time.Millisecond, false
		app.AuthURI = "https://id.contoso.test"
		fails(t, app.ClientSecret(canarySecret), "login.microsoftonline.com", "instance discovery")
	})
}

// The texts of other credentials may have anything in them.
func TestForeignErrors(t *testing.T) {
	jwt := "eyJhbGciOiJSUzI1NiJ9." + strings.Repeat("CANARY", 30) + ".c2ln"
	for _, text := range []string{
		`raw message was: {"access_token":"` + canaryToken + `","refresh_token":"CANARY"`,
		`raw message was: {"access_token": "` + canaryToken + ` \" ` + canaryToken,
		"POST token: client_secret=" + canaryToken + "&x=1 client_assertion=" + jwt,
		"Bearer " + jwt,
		"password: " + canaryToken, "Secret = '" + canaryToken + "'",
		"\x1b[31m password=" + canaryToken + "\x1b[0m " + strings.Repeat("long ", 1000),
	} {
		m := azuread.Credential(credentialFunc(func(context.Context, policyOptions) (accessToken, error) {
			return accessToken{}, errors.New("AzureCLICredential: AADSTS50076: see " + text)
		}), webApp)
		e := fails(t, m, "AzureCLICredential", "second factor")
		if e.Code != 50076 || len(e.Reason) > 700 || strings.Contains(e.Error(), "\x1b") {
			t.Errorf("got %+v", e)
		}
	}
	plain := "Please run 'az login' to set up an account for 0f8fad5b-d9cb-469f-a165-70867728950e at https://login.microsoftonline.com/contoso.com"
	m := azuread.Credential(credentialFunc(func(context.Context, policyOptions) (accessToken, error) {
		return accessToken{}, errors.New(plain)
	}), webApp)
	if e := fails(t, m, plain); !errors.Is(e, auth.ErrLoginRequired) {
		t.Errorf("got %+v", e)
	}
}
