package azuread_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/golang-jwt/jwt/v5"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/auth/azuread"
	"github.com/mlserver-go/mls/wrapper/auth/azuread/azureadtest"
	"github.com/mlserver-go/mls/wrapper/internal/canary"
)

const (
	tenant    = "contoso.test"
	webApp    = "00000000-0000-0000-0000-0000000000aa"
	nativeApp = "00000000-0000-0000-0000-0000000000bb"
	daemonApp = "00000000-0000-0000-0000-0000000000cc"

	ann = "ann@contoso.test"

	// What must never be printed. Characters that URLs and JSON escape are among them.
	canaryPassword = `CANARY pass"wörd+/=&%`
	canarySecret   = "CANARY~secret+/=&%"
	canaryToken    = "CANARY-access-token"
)

// printed is what these tests and their servers print.
var printed = canary.New(canaryPassword, canarySecret, canaryToken)

func TestMain(m *testing.M) { os.Exit(printed.Tests(m).Run()) }

type (
	policyOptions = policy.TokenRequestOptions
	accessToken   = azcore.AccessToken
)

// provider is a test identity provider with the applications of a server, and one user.
type provider struct {
	*azureadtest.Provider
	seen int // requests that were looked at
}

// shared by the tests: making keys takes a while. They run one after the other, and leave it as they found it.
var shared = sync.OnceValue(func() *azureadtest.Provider { return azureadtest.New(tenant) })

func start(testing.TB) *provider {
	p := &provider{Provider: shared()}
	p.AddApp(azureadtest.App{ID: webApp, URI: "api://mls/"})
	p.AddApp(azureadtest.App{ID: nativeApp, PublicClient: true, ReplyURLs: []string{"http://localhost"}})
	p.AddApp(azureadtest.App{ID: daemonApp, Secret: canarySecret})
	p.AddUser(azureadtest.User{Name: ann, Password: canaryPassword})
	p.seen = len(p.Requests())
	return p
}

func (p *provider) breaks(t *testing.T, f azureadtest.Fault) {
	t.Cleanup(p.Break(f))
}

// app signs in at the provider's own address.
func (p *provider) app(clientID string) azuread.App {
	a := azuread.App{
		AuthURI: p.URL, TenantID: tenant, ClientID: clientID, Resource: webApp, NoInstanceDiscovery: true,
		Options: p.ClientOptions(),
	}
	a.Options.Retry.RetryDelay = time.Millisecond
	return a
}

// asked are the requests since the last call, as "METHOD path".
func (p *provider) asked() (all []string) {
	requests := p.Requests()
	for _, r := range requests[p.seen:] {
		all = append(all, r.Method+" "+r.Path)
	}
	p.seen = len(requests)
	return all
}

func sourceOf(t *testing.T, m auth.Method) auth.Source {
	t.Helper()
	src, err := m.Source(auth.Server{})
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// patience is how long tests wait for what others do, on a machine that does much else.
const patience = 2 * time.Minute

// bounded is a context that ends what nobody comes to finish.
func bounded(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func signIn(t *testing.T, m auth.Method) *auth.Token {
	t.Helper()
	token, err := sourceOf(t, m).Token(bounded(t))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// claims are those of an access token.
func claims(t *testing.T, token *auth.Token) jwt.MapClaims {
	t.Helper()
	c := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(token.AccessToken, c); err != nil {
		t.Fatal(err)
	}
	return c
}

// certificate is one for a client, with its key.
var certificate = sync.OnceValues(func() (*x509.Certificate, *rsa.PrivateKey) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "client"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return cert, key
})

// escapedForms are the ways a secret may be written.
func escapedForms(secret string) []string {
	return []string{secret, url.QueryEscape(secret), url.PathEscape(secret), strings.Trim(fmt.Sprintf("%q", secret), `"`), "CANARY"}
}
