// Package azureadtest is an identity provider for tests: it answers the requests that Microsoft's libraries send to Azure AD
// and AD FS, over TLS on loopback, and issues tokens that a server can check against the keys it publishes.
//
// It refuses what Azure AD refuses, with the same codes: unknown tenants, applications, users and resources, wrong secrets,
// reply URLs that are not registered, missing consent, applications that are no public clients, passwords of users who need a
// second factor. Break makes it misbehave.
//
// A Transport sends requests for any host to it, so that the code under test may use the default authority.
package azureadtest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/google/uuid"
)

// App is a registered application: one that signs in, one that tokens are for, or both.
type App struct {
	ID           string            // the client ID
	URI          string            // another name by which it can be a resource, such as api://mls
	Secret       string            // of a client that keeps one
	Certificate  *x509.Certificate // of a client that has one; its key must be RSA
	PublicClient bool              // "Allow public client flows": user name and password, device code
	ReplyURLs    []string          // of the interactive flow; http://localhost allows all its ports
	NoConsent    bool              // nobody has agreed to what the application asks for
	TokenVersion int               // of the access tokens for it: 1, the default, or 2
}

// User can sign in.
type User struct {
	Name     string // the user principal name, such as ann@contoso.test
	Password string
	MFA      bool // a password alone does not do
	// Federated users have their passwords elsewhere, at an AD FS of their own: Azure AD sends clients there. The provider plays
	// none, so that such a client finds nothing.
	Federated bool
}

// Request is what the provider was sent. Passwords and the like are in Form as they came.
type Request struct {
	Method, Host, Path string
	Query, Form        url.Values
}

// Provider is an identity provider with one tenant. Close it.
type Provider struct {
	// URL is the authority without the tenant: https://127.0.0.1 with a port.
	URL string
	// Tenant is the tenant's domain, TenantID its GUID. Both are good in addresses.
	Tenant, TenantID string
	// Lifetime of access tokens, one hour. Set it before the first request, like Now.
	Lifetime time.Duration
	// Now is the clock, time.Now.
	Now func() time.Time
	// RefreshOnce makes each refresh token good for one use, as careful providers do. Azure AD's are good until they end.
	RefreshOnce bool

	server *httptest.Server
	closed chan struct{}

	mu       sync.Mutex
	keys     []*key // the last one signs
	apps     map[string]App
	users    map[string]user
	grants   map[string]*grant  // by authorization code or refresh token
	devices  map[string]*device // by device code
	faults   []*Fault
	requests []Request
}

type user struct {
	User
	objectID string
}

type key struct {
	id      string
	private *rsa.PrivateKey
}

// New starts a provider for one tenant, by its domain. It panics if it cannot listen, like package httptest.
func New(tenant string) *Provider {
	p := &Provider{
		Tenant: tenant, TenantID: uuid.NewString(), Lifetime: time.Hour, Now: time.Now, closed: make(chan struct{}),
		apps: map[string]App{}, users: map[string]user{}, grants: map[string]*grant{}, devices: map[string]*device{},
	}
	p.RotateKey()
	p.server = httptest.NewUnstartedServer(http.HandlerFunc(p.serve))
	p.server.Config.ErrorLog = discard // clients that do not trust the certificate are part of tests
	p.server.StartTLS()
	p.URL = p.server.URL
	return p
}

// Close ends the provider, and the requests that a silent fault holds.
func (p *Provider) Close() {
	close(p.closed)
	p.server.Close()
}

// AddApp registers an application, or changes it.
func (p *Provider) AddApp(a App) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.apps[a.ID] = a
}

// AddUser adds a user, or changes one. The refresh tokens of a user who is changed are refused from then on.
func (p *Provider) AddUser(u User) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.users[u.Name] = user{u, uuid.NewString()}
}

// RotateKey signs new tokens with a new key. The last two are published.
func (p *Provider) RotateKey() {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = append(p.keys, &key{uuid.NewString(), private})
	p.keys = p.keys[max(0, len(p.keys)-2):]
}

// Requests are those that came so far, oldest first.
func (p *Provider) Requests() []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.requests)
}

// Certificate is what clients have to trust.
func (p *Provider) Certificate() *x509.Certificate { return p.server.Certificate() }

// Transport sends requests for any host to the provider, which answers them as that host.
func (p *Provider) Transport() http.RoundTripper {
	t := p.server.Client().Transport.(*http.Transport).Clone()
	address := p.server.Listener.Addr().String()
	t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", address)
	}
	t.Proxy = nil
	t.TLSClientConfig.ServerName = "example.com" // a name in the certificate, whatever host is asked for
	return t
}

// ClientOptions are those of azidentity's credentials that send every request to the provider.
func (p *Provider) ClientOptions() azcore.ClientOptions {
	return azcore.ClientOptions{Transport: &http.Client{Transport: p.Transport()}}
}
