package azuread_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/auth/azuread"
	"github.com/mlserver-go/mls/wrapper/auth/azuread/azureadtest"
	"github.com/mlserver-go/mls/wrapper/transport"
)

// grants are those of the requests for tokens since the last look.
func (p *provider) grants() (all []string) {
	requests := p.Requests()
	for _, r := range requests[p.seen:] {
		if g := r.Form.Get("grant_type"); g != "" {
			all = append(all, g)
		}
	}
	p.seen = len(requests)
	return all
}

// A sign-in goes on in another process with its refresh token, again and again, at Azure AD and AD FS, whatever Azure AD is called.
func TestResume(t *testing.T) {
	p := start(t)
	p.RefreshOnce = true
	t.Cleanup(func() { p.RefreshOnce = false })
	enters := func(_ context.Context, prompt azuread.Prompt) error {
		return p.EnterCode(prompt.Code, ann, canaryPassword)
	}
	named, adfs, trusted := p.app(nativeApp), p.app(nativeApp), p.app(nativeApp)
	named.TenantID = p.TenantID
	adfs.TenantID = azuread.ADFS
	trusted.AuthURI, trusted.NoInstanceDiscovery = "", false
	for _, test := range []struct {
		name   string
		app    azuread.App
		method auth.Method
	}{
		{"password", p.app(nativeApp), p.app(nativeApp).Password(ann, canaryPassword)},
		{"device code", p.app(nativeApp), p.app(nativeApp).DeviceCode(enters)},
		{"tenant by ID", named, named.DeviceCode(enters)},
		{"AD FS", adfs, adfs.Password(ann, canaryPassword)},
		{"default authority", trusted, trusted.DeviceCode(enters)},
	} {
		t.Run(test.name, func(t *testing.T) {
			token := signIn(t, test.method)
			if token.SignedIn.IsZero() {
				t.Error("it does not tell when the user signed in")
			}
			p.grants()
			for round := range 3 {
				if token.RefreshToken == "" {
					t.Fatalf("round %d: there is no refresh token", round)
				}
				next := signIn(t, test.app.Resume(token.RefreshToken))
				if got := p.grants(); len(got) != 1 || got[0] != "refresh_token" {
					t.Errorf("asked by %q, want one refresh token", got)
				}
				if next.AccessToken == token.AccessToken || next.RefreshToken == token.RefreshToken || claims(t, next)["upn"] != ann {
					t.Errorf("round %d: not a new token of the user", round)
				}
				if !next.SignedIn.IsZero() {
					t.Error("a renewal is no sign-in")
				}
				token = next
			}
		})
	}
}

// It is renewed within the process as well, with the token that came last.
func TestResumedSignInIsRenewed(t *testing.T) {
	p := start(t)
	life := p.Lifetime
	p.RefreshOnce, p.Lifetime = true, 2*time.Second // expiring on arrival, for the library
	t.Cleanup(func() { p.RefreshOnce, p.Lifetime = false, life })
	app := p.app(nativeApp)
	first := signIn(t, app.Password(ann, canaryPassword))
	src := sourceOf(t, app.Resume(first.RefreshToken)).(*auth.Cache)
	later := time.Duration(0)
	src.Now = func() time.Time { return time.Now().Add(later) }
	p.grants()
	for round := range 3 {
		if _, err := src.Token(bounded(t)); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		later += time.Hour
	}
	if got := p.grants(); len(got) != 3 {
		t.Errorf("asked by %q, want three refresh tokens", got)
	}
}

// Providers need not issue a new refresh token each time.
func TestRenewalWithoutNewRefreshToken(t *testing.T) {
	p := start(t)
	app := p.app(nativeApp)
	first := signIn(t, app.Password(ann, canaryPassword))
	p.breaks(t, azureadtest.Fault{Endpoint: azureadtest.Token, Edit: func(a map[string]any) { delete(a, "refresh_token") }})
	src := sourceOf(t, app.Resume(first.RefreshToken)).(*auth.Cache)
	for range 2 {
		token, err := src.Token(bounded(t))
		if err != nil {
			t.Fatal(err)
		}
		if token.RefreshToken != first.RefreshToken {
			t.Error("the refresh token is lost")
		}
		src.Reject(token)
	}
}

func TestResumeRefused(t *testing.T) {
	p := start(t)
	app := p.app(nativeApp)
	token := signIn(t, app.Password(ann, canaryPassword))
	t.Run("never issued", func(t *testing.T) {
		if e := fails(t, app.Resume(canaryToken+strings.Repeat("x", 40)), "sign in again"); !errors.Is(e, auth.ErrLoginRequired) {
			t.Errorf("got %+v", e)
		}
	})
	t.Run("unused for too long", func(t *testing.T) {
		p.breaks(t, azureadtest.Fault{Endpoint: azureadtest.Token, Status: 400, Body: azureadtest.Refusal("invalid_grant", 700082, "The refresh token has expired due to inactivity.")})
		if e := fails(t, app.Resume(token.RefreshToken), "AADSTS700082", "unused for too long: sign in again"); !errors.Is(e, auth.ErrLoginRequired) {
			t.Errorf("got %+v", e)
		}
	})
	t.Run("out of order", func(t *testing.T) { // is no reason to sign in, nor to ask anybody
		p.breaks(t, azureadtest.Fault{Endpoint: azureadtest.Token, Status: 503})
		if e := fails(t, app.Resume(token.RefreshToken), "503"); errors.Is(e, auth.ErrLoginRequired) || !errors.Is(e, transport.ErrUnavailable) {
			t.Errorf("got %+v", e)
		}
	})
	t.Run("revoked", func(t *testing.T) {
		p.AddUser(azureadtest.User{Name: ann, Password: canaryPassword})
		p.grants()
		e := fails(t, app.Resume(token.RefreshToken), "AADSTS50173", "revoked", "sign in again")
		if got := p.grants(); !errors.Is(e, auth.ErrLoginRequired) || len(got) != 1 {
			t.Errorf("got %+v after %q", e, got)
		}
	})
	if _, err := app.Resume("").Source(auth.Server{}); err == nil {
		t.Error("an empty refresh token gave no error")
	}
}

// Whoever is there is not asked again because Azure AD is out of order; once it refused the refresh token they are.
func TestWhenUsersAreAskedAgain(t *testing.T) {
	p := start(t)
	life := p.Lifetime
	p.Lifetime = 2 * time.Second
	t.Cleanup(func() { p.Lifetime = life })
	prompts, later := 0, time.Duration(0)
	src := sourceOf(t, p.app(nativeApp).DeviceCode(func(_ context.Context, prompt azuread.Prompt) error {
		prompts++
		return p.EnterCode(prompt.Code, ann, canaryPassword)
	})).(*auth.Cache)
	src.Now = func() time.Time { return time.Now().Add(later) }
	asks := func(want int, ok bool) {
		t.Helper()
		if _, err := src.Token(bounded(t)); (err == nil) != ok || prompts != want {
			t.Fatalf("%d prompts, want %d; %v", prompts, want, err)
		}
		later += time.Hour
	}
	asks(1, true)
	asks(1, true)
	mend := p.Break(azureadtest.Fault{Endpoint: azureadtest.Token, Status: 503})
	asks(1, false)
	mend()
	asks(1, true)
	p.AddUser(azureadtest.User{Name: ann, Password: canaryPassword}) // revokes
	asks(2, true)
}

// A password that was refused is not sent again, by nobody: tries lock accounts.
func TestRefusedPasswordIsNotSentAgain(t *testing.T) {
	p := start(t)
	adfs := p.app(nativeApp)
	adfs.TenantID = azuread.ADFS
	for _, test := range []struct {
		app  azuread.App
		body string
	}{
		{p.app(nativeApp), azureadtest.Refusal("invalid_grant", 50126, "Error validating credentials.")},
		{adfs, `{"error":"invalid_grant","error_description":"MSIS9659: Invalid 'username' or 'password'."}`},
	} {
		mend := p.Break(azureadtest.Fault{Endpoint: azureadtest.Token, Status: 400, Body: test.body})
		src := sourceOf(t, test.app.Password(ann, canaryPassword))
		p.grants()
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if _, err := src.Token(bounded(t)); !errors.Is(err, auth.ErrLoginRequired) || !strings.Contains(err.Error(), "Check user name") {
					t.Errorf("got %v", err)
				}
			})
		}
		all.Wait()
		_, _ = src.Token(bounded(t))
		if got := p.grants(); len(got) != 1 {
			t.Errorf("the password was sent %d times", len(got))
		}
		mend()
	}
}

// A user whose password is checked by a server of another organisation, which is not there or does not take it.
func TestFederatedUser(t *testing.T) {
	p := start(t)
	const eve = "eve@fabrikam.test"
	p.AddUser(azureadtest.User{Name: eve, Password: canaryPassword, Federated: true})
	e := fails(t, p.app(nativeApp).Password(eve, canaryPassword), "the user is federated", "sts.fabrikam.test", "404", "device code or the browser")
	if errors.Is(e, auth.ErrLoginRequired) {
		t.Errorf("got %+v", e)
	}
	p.breaks(t, azureadtest.Fault{Endpoint: azureadtest.Realm, Edit: func(a map[string]any) {
		a["federation_metadata_url"] = "http://sts.fabrikam.test/adfs/services/trust/mex"
	}})
	fails(t, p.app(nativeApp).Password(eve, canaryPassword), "http://sts.fabrikam.test has no TLS")
	// The browser shows that server's page by itself.
	token := signIn(t, p.app(nativeApp).DeviceCode(func(_ context.Context, prompt azuread.Prompt) error {
		return p.EnterCode(prompt.Code, eve, canaryPassword)
	}))
	if got := claims(t, token)["upn"]; got != eve {
		t.Errorf("signed in %v", got)
	}
}
