//go:build linux

package azuread_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/golang-jwt/jwt/v5"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/auth/azuread"
	"github.com/mlserver-go/mls/wrapper/auth/azuread/azureadtest"
	"github.com/mlserver-go/mls/wrapper/internal/program"
)

// inPath puts a program in front of the others of the PATH.
func inPath(t *testing.T, name, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := program.Write(filepath.Join(dir, name), "#!/bin/sh\n"+script); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// browser is what the system starts to open a page: it gives the page to open. It does not wait for a sign-in that fails before.
// A page that is open when the test is over is loaded to its end: its context is not the test's.
func browser(t *testing.T, open func(ctx context.Context, page string)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	pipe, err := os.OpenFile(path, os.O_RDWR, 0) // for writing as well: then nobody waits for the other side
	if err != nil {
		t.Fatal(err)
	}
	inPath(t, "xdg-open", fmt.Sprintf("echo \"$1\" > %s\n", path))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if page, err := bufio.NewReader(pipe).ReadString('\n'); err == nil {
			open(ctx, strings.TrimSpace(page))
		}
	}()
	t.Cleanup(func() {
		_ = pipe.Close() // ends the reading
		<-ended
		cancel()
	})
}

func TestInteractive(t *testing.T) {
	p := start(t)
	app := p.app(nativeApp)
	for _, told := range []bool{true, false} {
		browser(t, func(ctx context.Context, page string) {
			if err := p.Browse(ctx, page, ann, canaryPassword); err != nil {
				t.Error(err)
			}
		})
		var prompt func(context.Context, azuread.Prompt) error
		var page string
		if told {
			prompt = func(_ context.Context, p azuread.Prompt) error { page = p.URL; return nil }
		}
		src := sourceOf(t, app.Interactive(prompt))
		p.asked()
		got, err := src.Token(bounded(t))
		if err != nil {
			t.Fatal(err)
		}
		if c := claims(t, got); c["upn"] != ann || c["aud"] != webApp {
			t.Errorf("token of %v for %v", c["upn"], c["aud"])
		}
		if told != strings.HasPrefix(page, p.URL+"/contoso.test/oauth2/v2.0/authorize?") {
			t.Errorf("told the page %q", page)
		}
		requests := p.Requests()
		if last := requests[len(requests)-1].Form; last.Get("grant_type") != "authorization_code" || last.Get("code_verifier") == "" {
			t.Errorf("the last request was %v", last)
		}
		src.(*auth.Cache).Now = func() time.Time { return time.Now().Add(2 * time.Hour) }
		if _, err := src.Token(bounded(t)); err != nil { // without the browser
			t.Error(err)
		}
	}
}

func TestInteractiveRefused(t *testing.T) {
	p := start(t)
	const oob, unasked = "00000000-0000-0000-0000-0000000000e1", "00000000-0000-0000-0000-0000000000e2"
	p.AddApp(azureadtest.App{ID: oob, ReplyURLs: []string{"urn:ietf:wg:oauth:2.0:oob"}})
	p.AddApp(azureadtest.App{ID: unasked, ReplyURLs: []string{"http://localhost"}, NoConsent: true})

	t.Run("no consent", func(t *testing.T) {
		browser(t, func(ctx context.Context, page string) { _ = p.Browse(ctx, page, ann, canaryPassword) })
		if e := fails(t, p.app(unasked).Interactive(nil), "AADSTS65004", "grant consent"); !errors.Is(e, auth.ErrLoginRequired) {
			t.Errorf("got %+v", e)
		}
	})
	t.Run("garbage for the code", func(t *testing.T) {
		p.breaks(t, azureadtest.Fault{Endpoint: azureadtest.Token, Status: 200, Body: `{"access_token":"` + canaryToken + ` AADSTS50076"`})
		browser(t, func(ctx context.Context, page string) { _ = p.Browse(ctx, page, ann, canaryPassword) })
		fails(t, p.app(nativeApp).Interactive(nil), "not one of Azure AD's")
	})
	t.Run("reply URL", func(t *testing.T) { // is told to the browser only
		shown := make(chan error, 1)
		browser(t, func(ctx context.Context, page string) { shown <- p.Browse(ctx, page, ann, canaryPassword) })
		for limit := 500 * time.Millisecond; ; limit *= 2 { // which is not enough to open a browser, if the machine is busy
			src := sourceOf(t, p.app(oob).Interactive(nil)).(*auth.Cache)
			src.Limit = limit
			_, err := src.Token(bounded(t))
			if err == nil || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "http://localhost") || !strings.Contains(err.Error(), oob) {
				t.Errorf("got %v", err)
			}
			select {
			case err := <-shown:
				if err == nil || !strings.Contains(err.Error(), "AADSTS50011") {
					t.Errorf("the browser showed %v", err)
				}
				return
			default:
			}
			if limit > patience/2 {
				t.Fatal("no browser was opened")
			}
		}
	})
	t.Run("no browser", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		fails(t, p.app(nativeApp).Interactive(nil), "no browser", "device code")
		browsed := make(chan error, 1)
		signIn(t, p.app(nativeApp).Interactive(func(ctx context.Context, prompt azuread.Prompt) error {
			ctx = context.WithoutCancel(ctx)                                          // the last page is loaded although the user is signed in
			go func() { browsed <- p.Browse(ctx, prompt.URL, ann, canaryPassword) }() // by hand
			return nil
		}))
		if err := <-browsed; err != nil {
			t.Error(err)
		}
	})
	t.Run("prompt fails", func(t *testing.T) {
		broken := errors.New("no terminal")
		fails(t, p.app(nativeApp).Interactive(func(context.Context, azuread.Prompt) error { return broken }))
		fails(t, p.app(nativeApp).DeviceCode(func(context.Context, azuread.Prompt) error { return broken }))
	})
}

// What the Azure CLI is signed in with does as well.
func TestAzureCLI(t *testing.T) {
	args := filepath.Join(t.TempDir(), "args")
	inPath(t, "az", `echo "$@" > `+args+`
echo '{"accessToken": "from-az", "expires_on": `+fmt.Sprint(time.Now().Add(time.Hour).Unix())+`}'
`)
	cred, err := azidentity.NewAzureCLICredential(&azidentity.AzureCLICredentialOptions{TenantID: tenant})
	if err != nil {
		t.Fatal(err)
	}
	if got := signIn(t, azuread.Credential(cred, webApp)); got.AccessToken != "from-az" {
		t.Errorf("got %v", got)
	}
	if got, _ := os.ReadFile(args); strings.TrimSpace(string(got)) != "account get-access-token -o json --resource "+webApp+" --tenant "+tenant {
		t.Errorf("ran az %s", got)
	}
	inPath(t, "az", `echo "ERROR: Please run 'az login' to set up an account. access_token=`+canaryToken+`" >&2; exit 1`)
	if e := fails(t, azuread.Credential(cred, webApp), "az login"); !errors.Is(e, auth.ErrLoginRequired) {
		t.Errorf("got %+v", e)
	}
	inPath(t, "az", `echo '{"accessToken": "`+canaryToken+`", "expires_on": "x`)
	fails(t, azuread.Credential(cred, webApp))
}

// The identities of machines in Azure, where nobody has a secret.
func TestManagedIdentity(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-IDENTITY-HEADER") != canarySecret || r.URL.Query().Get("resource") != webApp {
			http.Error(w, `{"error":"invalid_request","access_token":"`+canaryToken+`"}`, http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"access_token":"from-machine","expires_on":"%d","resource":%q,"token_type":"Bearer"}`, time.Now().Add(time.Hour).Unix(), webApp)
	}))
	t.Cleanup(s.Close)
	t.Setenv("IDENTITY_ENDPOINT", s.URL)
	for _, header := range []string{"wrong", canarySecret} { // in this order: the library remembers tokens for the whole process
		t.Setenv("IDENTITY_HEADER", header)
		cred, err := azidentity.NewManagedIdentityCredential(nil)
		if err != nil {
			t.Fatal(err)
		}
		m := azuread.Credential(cred, webApp)
		if header == "wrong" {
			fails(t, m)
		} else if got := signIn(t, m); got.AccessToken != "from-machine" {
			t.Errorf("got %v", got)
		}
	}
}

// The identities of workloads: a file has what the application proves itself with.
func TestWorkloadIdentity(t *testing.T) {
	p := start(t)
	cert, key := certificate()
	p.AddApp(azureadtest.App{ID: daemonApp, Certificate: cert})
	assertion, err := jwt.NewWithClaims(jwt.SigningMethodPS256, jwt.MapClaims{
		"iss": daemonApp, "sub": daemonApp, "aud": p.URL + "/contoso.test/oauth2/v2.0/token", "exp": time.Now().Add(time.Hour).Unix(),
	}).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "assertion")
	if err := os.WriteFile(file, []byte(assertion), 0o600); err != nil {
		t.Fatal(err)
	}
	options := p.ClientOptions()
	options.Cloud.ActiveDirectoryAuthorityHost = p.URL
	cred, err := azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
		ClientOptions: options, ClientID: daemonApp, TenantID: tenant, TokenFilePath: file, DisableInstanceDiscovery: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if c := claims(t, signIn(t, azuread.Credential(cred, webApp))); c["appid"] != daemonApp || c["aud"] != webApp {
		t.Errorf("token of %v for %v", c["appid"], c["aud"])
	}
}
