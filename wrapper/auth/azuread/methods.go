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
	build   func() (*target, azcore.TokenCredential, error)
	secrets []string
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
	t, cred, err := m.build()
	if err != nil {
		return nil, fmt.Errorf("azure AD, %s: %s", m.how, scrub(err.Error(), m.secrets))
	}
	c := auth.NewCache(&source{method: m, target: t, cred: cred})
	c.Limit = m.limit
	return c, nil
}

// Password signs in as a user, by name (name@domain) and password: mrsdeploy's remoteLoginAAD with username and password.
// Azure AD refuses it for users who need a second factor, and unless the application allows public client flows. Microsoft
// advises against it: DeviceCode or Interactive do the same without the program seeing the password.
func (a App) Password(username, password string) auth.Method {
	return &method{how: fmt.Sprintf("user name and password of %q", username), limit: unattended, secrets: []string{password},
		build: func() (*target, azcore.TokenCredential, error) {
			t, err := a.checked(false)
			if err != nil {
				return nil, nil, err
			}
			if username == "" || password == "" {
				return nil, nil, errors.New("user name and password must not be empty")
			}
			cred, err := azidentity.NewUsernamePasswordCredential(t.TenantID, t.ClientID, username, password,
				//lint:ignore SA1019 as above
				&azidentity.UsernamePasswordCredentialOptions{ClientOptions: t.options(), DisableInstanceDiscovery: t.NoInstanceDiscovery})
			return t, cred, err
		}}
}

// ClientSecret signs in as an application that has a secret: what Microsoft's samples for C# do with a ClientCredential.
func (a App) ClientSecret(secret string) auth.Method {
	return &method{how: "client secret", limit: unattended, secrets: []string{secret},
		build: func() (*target, azcore.TokenCredential, error) {
			t, err := a.checked(true)
			if err != nil {
				return nil, nil, err
			}
			if secret == "" {
				return nil, nil, errors.New("the client secret must not be empty")
			}
			cred, err := azidentity.NewClientSecretCredential(t.TenantID, t.ClientID, secret,
				&azidentity.ClientSecretCredentialOptions{ClientOptions: t.options(), DisableInstanceDiscovery: t.NoInstanceDiscovery})
			return t, cred, err
		}}
}

// Certificate signs in as an application that has a certificate, with its RSA key. The first certificate is the application's;
// ParseCertificate reads both from a file.
func (a App) Certificate(certs []*x509.Certificate, key crypto.PrivateKey) auth.Method {
	return &method{how: "client certificate", limit: unattended,
		build: func() (*target, azcore.TokenCredential, error) {
			t, err := a.checked(true)
			if err != nil {
				return nil, nil, err
			}
			cred, err := azidentity.NewClientCertificateCredential(t.TenantID, t.ClientID, certs, key,
				&azidentity.ClientCertificateCredentialOptions{ClientOptions: t.options(), DisableInstanceDiscovery: t.NoInstanceDiscovery})
			return t, cred, err
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
	return &method{how: "device code", limit: attended,
		build: func() (*target, azcore.TokenCredential, error) {
			t, err := a.checked(false)
			if err != nil {
				return nil, nil, err
			}
			if prompt == nil {
				return nil, nil, errors.New("there must be a function that tells the user the code")
			}
			cred, err := azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{
				ClientOptions: t.options(), DisableInstanceDiscovery: t.NoInstanceDiscovery, TenantID: t.TenantID, ClientID: t.ClientID,
				UserPrompt: func(ctx context.Context, m azidentity.DeviceCodeMessage) error {
					return prompt(ctx, Prompt{Message: m.Message, URL: m.VerificationURL, Code: m.UserCode})
				},
			})
			return t, cred, err
		}}
}

// Interactive signs in a user in the system's browser, which must run on this machine. prompt is told the page before it is
// opened, and may be nil. The application must have the reply URL http://localhost, as "Mobile and desktop application".
//
// Azure AD tells a wrong reply URL to the browser only. So whoever waits for the token waits up to 15 minutes, or as long as
// the context allows.
func (a App) Interactive(prompt func(context.Context, Prompt) error) auth.Method {
	return &method{how: "browser", limit: attended,
		build: func() (*target, azcore.TokenCredential, error) {
			t, err := a.checked(false)
			if err != nil {
				return nil, nil, err
			}
			cred, err := newBrowserCredential(t, prompt)
			return t, cred, err
		}}
}

// Credential signs in with anything of the Azure SDK that makes tokens, such as azidentity's ManagedIdentityCredential,
// WorkloadIdentityCredential, AzureCLICredential or DefaultAzureCredential. The resource is that of App.
func Credential(cred azcore.TokenCredential, resource string) auth.Method {
	return &method{how: fmt.Sprintf("%T", cred), limit: attended,
		build: func() (*target, azcore.TokenCredential, error) {
			if cred == nil || resource == "" {
				return nil, nil, errors.New("there must be a credential, and a resource")
			}
			return &target{App: App{Resource: resource}, scope: scopeOf(resource)}, cred, nil
		}}
}

// source asks a credential for tokens.
type source struct {
	*method
	*target
	cred azcore.TokenCredential
}

// Token ends with its context even if the credential does not: azidentity's hold a lock during a sign-in that nothing can
// interrupt, browsers included.
func (s *source) Token(ctx context.Context) (*auth.Token, error) {
	type result struct {
		token azcore.AccessToken
		err   error
	}
	seen := new(record)
	done := make(chan result, 1)
	go func() {
		// No CAE: the server cannot challenge, and without it the token ends when it says.
		t, err := s.cred.GetToken(seen.in(ctx), policy.TokenRequestOptions{Scopes: []string{s.scope}})
		done <- result{t, err}
	}()
	select {
	case r := <-done:
		if r.err == nil && r.token.Token == "" {
			r.err = errors.New("an answer without an access token")
		}
		if r.err != nil {
			return nil, s.explain(ctx, r.err, seen)
		}
		now := time.Now()
		t := &auth.Token{AccessToken: r.token.Token, Expiry: r.token.ExpiresOn, Issued: now, SignedIn: now}
		if !t.Expiry.After(now) { // the clocks differ; the server's counts, and it tells when the token ends
			t.Expiry = now.Add(time.Hour)
		}
		return t, nil
	case <-ctx.Done():
		return nil, s.explain(ctx, ctx.Err(), seen)
	}
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
			return err != nil && passing(err) || err == nil && slices.Contains(statuses, res.StatusCode)
		}
	}
	if o.Transport == nil {
		o.Transport = defaultClient()
	}
	o.Transport = &wire{o.Transport}
	return o
}
