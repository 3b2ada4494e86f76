package cli

import (
	"encoding/pem"
	"errors"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/auth/azuread/azureadtest"
	"github.com/mlserver-go/mls/wrapper/devserver"
)

// azureUser is ann, who signs in with a provider of her own.
type azureUser struct {
	*user
	idp   *azureadtest.Provider
	ahead atomic.Int64 // of the provider's clock, in nanoseconds
}

// newAzureUser signs ann in, at a provider whose refresh tokens are good once.
func newAzureUser(t *testing.T) *azureUser {
	t.Helper()
	u := &azureUser{idp: azureadtest.New("contoso.test")}
	t.Cleanup(u.idp.Close)
	u.idp.RefreshOnce = true
	u.idp.Now = func() time.Time { return time.Now().Add(time.Duration(u.ahead.Load())) }
	u.idp.AddApp(azureadtest.App{ID: webApp})
	u.idp.AddApp(azureadtest.App{ID: nativeApp, PublicClient: true})
	u.idp.AddUser(azureadtest.User{Name: ann, Password: password})
	endpoint := startServer(t, func(c *devserver.Config) {
		c.AdminPassword, c.Users = "", nil
		c.AzureAD = &devserver.AzureAD{Authority: u.idp.URL + "/contoso.test", Audience: webApp, HTTP: &http.Client{Transport: u.idp.Transport()}}
	})
	u.user = unknownUser(t, endpoint, "MLS_CA_FILE=ca.pem", "MLS_ENDPOINT="+endpoint, "MLS_AUTHURI="+u.idp.URL, "MLS_TENANTID=contoso.test",
		"MLS_CLIENTID="+nativeApp, "MLS_RESOURCE="+webApp)
	u.write("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: u.idp.Certificate().Raw})))
	u.must(u.login()...)
	return u
}

func (u *azureUser) login() []string {
	return []string{"login", "--aad", "--no-instance-discovery", "--username", ann, "--password-file", "password.txt"}
}

// renewals counts the refresh tokens that were sent.
func (u *azureUser) renewals() (n int) {
	for _, r := range u.idp.Requests() {
		if r.Form.Get("grant_type") == "refresh_token" {
			n++
		}
	}
	return n
}

// TestSharedAzureProfile is TestSharedProfile with Azure AD.
func TestSharedAzureProfile(t *testing.T) {
	t.Parallel()
	u := newAzureUser(t)
	const rounds = 50
	a, b := u.repeated("session", "list"), u.repeated("session", "list")
	for round := range rounds {
		u.expire()
		a.start()
		b.start()
		a.wait()
		b.wait()
		if got := u.renewals(); got != round+1 {
			t.Fatalf("round %d: renewed %d times in all", round, got)
		}
	}
}

// TestAzureTrouble: whatever a renewal meets, the error says what to do, nothing is lost, and nothing is tried over and over.
func TestAzureTrouble(t *testing.T) {
	t.Parallel()
	u := newAzureUser(t)
	u.idp.RefreshOnce = false
	stored := func() string { return read(t, filepath.Join(u.dir, ".mls", "profiles"), "default.json") }
	fails := func(name string, code, most int, args []string, want ...string) {
		t.Helper()
		before, sent := stored(), len(u.idp.Requests())
		out, err := u.command("mls", args...).CombinedOutput()
		var status *exec.ExitError
		if !errors.As(err, &status) || status.ExitCode() != code {
			t.Errorf("%s: %v, want exit code %d\n%s", name, err, code, out)
		}
		for _, w := range want {
			if !strings.Contains(string(out), w) {
				t.Errorf("%s: said %q, want %q", name, out, w)
			}
		}
		if strings.Contains(string(out), "Canary") {
			t.Errorf("%s: a token was printed: %s", name, out)
		}
		if after := stored(); after != before {
			t.Errorf("%s: what is stored has changed from\n%s to\n%s", name, before, after)
		}
		if sent = len(u.idp.Requests()) - sent; sent > most {
			t.Errorf("%s: %d requests, want %d at most", name, sent, most)
		}
	}
	list := []string{"session", "list"}
	const token = `"access_token": "Canary-token-1-Canary-token-2-Canary-token-3-Canary"`
	u.expire()
	for _, test := range []struct {
		name       string
		fault      azureadtest.Fault
		code, most int
		want       []string
	}{
		{"500", azureadtest.Fault{Status: 500, Body: "out of order " + token}, 7, 4, []string{"500 Internal Server Error", "try again later"}},
		{"garbage", azureadtest.Fault{Status: 200, Body: "\x00\xff " + token}, 1, 2, []string{"is not one of Azure AD's", "no proxy in between?"}},
		{"malformed", azureadtest.Fault{Status: 200, Body: `{"token_type": "Bearer", ` + token + `,`}, 1, 2, []string{"is not one of Azure AD's", "no proxy in between?"}},
		{"unused for too long", azureadtest.Fault{Status: 400, Body: azureadtest.Refusal("invalid_grant", 700082, "The refresh token has expired due to inactivity.")},
			4, 2, []string{"the sign-in has ended", "AADSTS700082", "sign in: mls login http"}},
	} {
		test.fault.Endpoint = azureadtest.Token
		mend := u.idp.Break(test.fault)
		fails(test.name, test.code, test.most, list, test.want...)
		mend()
	}
	u.must(list...) // nothing was lost

	u.ahead.Store(int64(10 * time.Minute))
	fails("clocks", 4, 4, u.login(), "not valid yet", "the clocks of the computers")
	u.ahead.Store(0)

	u.idp.AddUser(azureadtest.User{Name: ann, Password: password}) // revokes
	u.expire()
	fails("revoked", 4, 2, list, "the sign-in has ended", "AADSTS50173", "sign in: mls login http")
	u.must(u.login()...)
	u.must(list...)
}
