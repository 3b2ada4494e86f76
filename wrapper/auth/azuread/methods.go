package azuread

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/mlserver-go/mls/wrapper/auth"
)

// How long a sign-in may take: when nobody is asked, and when somebody has to do something. Device codes last 15 minutes.
const (
	unattended = time.Minute
	attended   = 15*time.Minute + unattended
)

// method is a way to sign in.
type method struct {
	how   string // in words
	limit time.Duration
	// build checks the arguments. What it closes over, secrets among it, is nothing that package fmt prints.
	build    func() (*target, tokenFunc, error)
	secrets  []string
	password bool // tries with a wrong one can lock the account
}

// tokenFunc gets a token from Azure AD.
type tokenFunc func(ctx context.Context, scopes []string) (issued, error)

// issued is what Azure AD gave.
type issued struct {
	azcore.AccessToken
	refresh string // empty: there is none
	renewed bool   // with a refresh token, rather than with what the user knows or does
}

// through asks a credential of the Azure SDK.
func through(cred azcore.TokenCredential) tokenFunc {
	return func(ctx context.Context, scopes []string) (issued, error) {
		// No CAE: the server cannot challenge, and without it the token ends when it says.
		t, err := cred.GetToken(ctx, policy.TokenRequestOptions{Scopes: scopes})
		return issued{AccessToken: t}, err
	}
}

func (m *method) String() string { return "Azure AD: " + m.how }

// Format keeps the secrets out of every verb of package fmt.
func (m *method) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, m.String()) }

// LogValue keeps the secrets out of package log/slog.
func (m *method) LogValue() slog.Value { return slog.StringValue(m.String()) }

// Source implements auth.Method: a cache in front of the credential. The server is not told anything; its address is checked if
// there is one.
func (m *method) Source(s auth.Server) (auth.Source, error) {
	if s.URL != nil {
		if err := s.Check(); err != nil {
			return nil, err
		}
	}
	t, get, err := m.build()
	if err != nil {
		return nil, fmt.Errorf("azure AD, %s: %s", m.how, scrub(err.Error(), m.secrets))
	}
	c := auth.NewCache(&source{method: m, target: t, get: get})
	c.Limit = m.limit
	return c, nil
}

// user is a way to sign in somebody.
func (a App) user(how string, limit time.Duration, check func() error, refreshToken string, ask askFunc, secrets ...string) *method {
	return &method{how: how, limit: limit, secrets: secrets, build: func() (*target, tokenFunc, error) {
		t, err := a.checked(false)
		if err == nil {
			err = check()
		}
		if err != nil {
			return nil, nil, err
		}
		cred, err := newUserCredential(t, refreshToken, ask)
		return t, cred.token, err
	}}
}

// Password signs in as a user, by name (name@domain) and password: mrsdeploy's remoteLoginAAD with username and password.
// Azure AD refuses it for users who need a second factor, and unless the application allows public client flows. Microsoft
// advises against it: DeviceCode or Interactive do the same without the program seeing the password. A password that was
// refused is not sent again, as tries lock accounts: the error comes back.
func (a App) Password(username, password string) auth.Method {
	m := a.user(fmt.Sprintf("user name and password of %q", username), unattended, func() error {
		if username == "" || password == "" {
			return errors.New("user name and password must not be empty")
		}
		return nil
	}, "", byPassword(username, password), password)
	m.password = true
	return m
}

// Resume goes on with an earlier sign-in by Password, DeviceCode or Interactive, perhaps of another process: with the
// RefreshToken of the auth.Token that it gave last. Keep it where nobody else can read it. Azure AD decides how long it is good,
// usually until it is unused for 90 days; then, or when it is revoked, the error is auth.ErrLoginRequired, as nobody is asked.
func (a App) Resume(refreshToken string) auth.Method {
	return a.user("earlier sign-in", unattended, func() error {
		if refreshToken == "" {
			return errors.New("the refresh token must not be empty")
		}
		return nil
	}, refreshToken, nil, refreshToken)
}

// ClientSecret signs in as an application that has a secret: what Microsoft's samples for C# do with a ClientCredential.
func (a App) ClientSecret(secret string) auth.Method {
	return &method{how: "client secret", limit: unattended, secrets: []string{secret},
		build: func() (*target, tokenFunc, error) {
			t, err := a.checked(true)
			if err != nil {
				return nil, nil, err
			}
			if secret == "" {
				return nil, nil, errors.New("the client secret must not be empty")
			}
			cred, err := azidentity.NewClientSecretCredential(t.TenantID, t.ClientID, secret,
				&azidentity.ClientSecretCredentialOptions{ClientOptions: t.options(), DisableInstanceDiscovery: t.NoInstanceDiscovery})
			return t, through(cred), err
		}}
}

// Certificate signs in as an application that has a certificate, with its RSA key. The first certificate is the application's;
// ParseCertificate reads both from a file.
func (a App) Certificate(certs []*x509.Certificate, key crypto.PrivateKey) auth.Method {
	return &method{how: "client certificate", limit: unattended,
		build: func() (*target, tokenFunc, error) {
			t, err := a.checked(true)
			if err != nil {
				return nil, nil, err
			}
			cred, err := azidentity.NewClientCertificateCredential(t.TenantID, t.ClientID, certs, key,
				&azidentity.ClientCertificateCredentialOptions{ClientOptions: t.options(), DisableInstanceDiscovery: t.NoInstanceDiscovery})
			return t, through(cred), err
		}}
}

// ParseCertificate reads a certificate with its key from PEM, or from PKCS #12 (.pfx), which may have a password.
func ParseCertificate(data []byte, password string) ([]*x509.Certificate, crypto.PrivateKey, error) {
	certs, key, err := azidentity.ParseCertificates(data, []byte(password))
	if err != nil {
		return nil, nil, fmt.Errorf("no certificate with its RSA key, as PEM or PKCS #12 with the right password: %s",
			scrub(err.Error(), []string{password}))
	}
	return certs, key, nil
}

// DeviceCode signs in a user who opens a page on any device and enters the code there that prompt tells. Whoever waits for the
// token waits for the user, up to 15 minutes or as long as the context allows. The application must allow public client flows.
func (a App) DeviceCode(prompt func(context.Context, Prompt) error) auth.Method {
	return a.user("device code", attended, func() error {
		if prompt == nil {
			return errors.New("there must be a function that tells the user the code")
		}
		return nil
	}, "", byDeviceCode(prompt))
}

// Interactive signs in a user in the system's browser, which must run on this machine. prompt is told the page before it is
// opened, and may be nil. The application must have the reply URL http://localhost, as "Mobile and desktop application".
//
// Azure AD tells a wrong reply URL to the browser only. So whoever waits for the token waits up to 15 minutes, or as long as
// the context allows.
func (a App) Interactive(prompt func(context.Context, Prompt) error) auth.Method {
	return a.user("browser", attended, func() error { return nil }, "", byBrowser(prompt))
}

// Credential signs in with anything of the Azure SDK that makes tokens, such as azidentity's ManagedIdentityCredential,
// WorkloadIdentityCredential, AzureCLICredential or DefaultAzureCredential. The resource is that of App.
func Credential(cred azcore.TokenCredential, resource string) auth.Method {
	return &method{how: fmt.Sprintf("%T", cred), limit: attended,
		build: func() (*target, tokenFunc, error) {
			if cred == nil || resource == "" {
				return nil, nil, errors.New("there must be a credential, and a resource")
			}
			return &target{App: App{Resource: resource}, scope: scopeOf(resource)}, through(cred), nil
		}}
}

// source gets a token whenever it is asked.
type source struct {
	*method
	*target
	get tokenFunc

	mu       sync.Mutex
	signedIn time.Time // when the user was asked last; zero: not known
	wrong    error     // set once the password was refused
}

// Token ends with its context even if the credential does not: azidentity's hold a lock during a sign-in that nothing can
// interrupt.
func (s *source) Token(ctx context.Context) (*auth.Token, error) {
	if err := s.refusedBefore(); err != nil {
		return nil, err
	}
	type result struct {
		issued
		err error
	}
	seen := new(record)
	done := make(chan result, 1)
	go func() {
		got, err := s.get(seen.in(ctx), []string{s.scope})
		done <- result{got, err}
	}()
	select {
	case r := <-done:
		if r.err == nil && r.Token == "" {
			r.err = errors.New("an answer without an access token")
		}
		if r.err != nil {
			return nil, s.explain(ctx, r.err, seen)
		}
		return s.token(r.issued), nil
	case <-ctx.Done():
		return nil, s.explain(ctx, ctx.Err(), seen)
	}
}

func (s *source) refusedBefore() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wrong
}

func (s *source) token(got issued) *auth.Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if !got.renewed {
		s.signedIn = now
	}
	t := &auth.Token{AccessToken: got.Token, RefreshToken: got.refresh, Expiry: got.ExpiresOn, Issued: now, SignedIn: s.signedIn}
	if !t.Expiry.After(now) { // the clocks differ; the server's counts, and it tells when the token ends
		t.Expiry = now.Add(time.Hour)
	}
	return t
}

// isWSTrust tells an answer of WS-Trust, where wrong passwords have status 500: asking again could lock the account.
func isWSTrust(res *http.Response) bool {
	return res.Request != nil && strings.Contains(res.Request.Header.Get("Content-Type"), "soap")
}

// options are those for azidentity: the authority, limits, and a transport that keeps what was answered.
func (t *target) options() azcore.ClientOptions {
	o := t.Options
	o.Cloud.ActiveDirectoryAuthorityHost, o.Cloud.Services = t.AuthURI, nil
	if o.Retry.TryTimeout == 0 {
		o.Retry.TryTimeout = t.Timeout
	}
	if o.Retry.MaxRetries == 0 {
		o.Retry.MaxRetries = 2
	}
	if o.Retry.MaxRetryDelay == 0 {
		o.Retry.MaxRetryDelay = 10 * time.Second
	}
	if o.Retry.ShouldRetry == nil {
		statuses := o.Retry.StatusCodes
		if statuses == nil {
			statuses = []int{408, 429, 500, 502, 503, 504}
		}
		o.Retry.ShouldRetry = func(res *http.Response, err error) bool {
			return err != nil && passing(err) || err == nil && slices.Contains(statuses, res.StatusCode) && !isWSTrust(res)
		}
	}
	if o.Transport == nil {
		o.Transport = defaultClient()
	}
	o.Transport = &wire{o.Transport}
	return o
}
