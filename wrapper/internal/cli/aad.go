package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/auth/azuread"
	"github.com/mlserver-go/mls/wrapper/mlserver"
	"github.com/mlserver-go/mls/wrapper/transport"
)

// The ways of signing in with Azure AD.
const (
	flowPassword     = "password"
	flowSecret       = "client-secret"
	flowCertificate  = "certificate"
	flowDeviceCode   = "device-code"
	flowInteractive  = "interactive"
	flowAzureCLI     = "azure-cli"
	flowDefaultChain = "default"
)

// answerTimeout is how long one answer of Azure AD may take.
const answerTimeout = 20 * time.Second

var flows = []string{flowDeviceCode, flowInteractive, flowPassword, flowSecret, flowCertificate, flowAzureCLI, flowDefaultChain}

// azureAD is how a profile signs in with Azure AD. There is no secret in it.
type azureAD struct {
	Flow                string `json:"flow"`
	AuthURI             string `json:"authuri,omitempty"`
	TenantID            string `json:"tenantid,omitempty"`
	ClientID            string `json:"clientid,omitempty"`
	Resource            string `json:"resource"`
	NoInstanceDiscovery bool   `json:"noInstanceDiscovery,omitempty"`
	Certificate         string `json:"certificate,omitempty"` // the file with certificate and key
}

func (z *azureAD) String() string {
	how := "Azure AD, " + z.Flow
	if z.TenantID != "" {
		how += ", tenant " + z.TenantID
	}
	return how
}

// attended says whether somebody has to be there.
func (z *azureAD) attended() bool { return z.Flow == flowDeviceCode || z.Flow == flowInteractive }

func (z *azureAD) isADFS() bool {
	return strings.EqualFold(z.TenantID, azuread.ADFS) || strings.HasSuffix(strings.ToLower(strings.TrimRight(z.AuthURI, "/")), "/"+azuread.ADFS)
}

// whose decision it is how long somebody stays signed in.
func (z *azureAD) whose() string {
	if z.isADFS() {
		return "AD FS"
	}
	return "Azure AD"
}

// aadOptions are the flags of "mls login" for Azure AD.
type aadOptions struct {
	on         bool
	secretFile string
	given      azureAD
}

func (o *aadOptions) flags(c *cobra.Command) {
	f := c.Flags()
	f.BoolVar(&o.on, "aad", false, "sign in with Azure AD or AD FS")
	f.StringVar(&o.given.Flow, "aad-flow", "", "how: "+strings.Join(flows, ", "))
	f.StringVar(&o.given.AuthURI, "authuri", "", `authority of Azure AD, or address of AD FS (default "`+azuread.DefaultAuthURI+`")`)
	f.StringVar(&o.given.TenantID, "tenantid", "", "domain or ID of the tenant; adfs for AD FS")
	f.StringVar(&o.given.ClientID, "clientid", "", `client ID of the application that signs in, for people the "native" one`)
	f.StringVar(&o.given.Resource, "resource", "", `client ID of the server's "web" application, its audience`)
	f.StringVar(&o.secretFile, "client-secret-file", "", "file with the client secret, - for the standard input; without it MLS_CLIENT_SECRET, MLS_CLIENT_SECRET_FILE, else asked for")
	f.StringVar(&o.given.Certificate, "certificate", "", "PEM or PKCS #12 file with certificate and key of the application; its password, if any, is MLS_CERTIFICATE_PASSWORD")
	f.BoolVar(&o.given.NoInstanceDiscovery, "no-instance-discovery", false, "trust an --authuri that is not Microsoft's without asking Microsoft")
}

// misused is the first flag that makes sense with --aad only.
func (o *aadOptions) misused(c *cobra.Command) string {
	if !o.on {
		for _, name := range []string{"aad-flow", "authuri", "tenantid", "clientid", "resource", "client-secret-file", "certificate", "no-instance-discovery"} {
			if c.Flags().Changed(name) {
				return name
			}
		}
	}
	return ""
}

// azureAD completes what was given: flags, environment, the profile of the same server, default.
func (a *app) azureAD(o aadOptions, cr credentials, s *settings) (*azureAD, error) {
	before := azureAD{}
	if s.stored != nil && s.stored.AzureAD != nil {
		before = *s.stored.AzureAD
	}
	z := &azureAD{
		AuthURI:             cmp.Or(a.or(o.given.AuthURI, "MLS_AUTHURI"), before.AuthURI),
		TenantID:            cmp.Or(a.or(o.given.TenantID, "MLS_TENANTID"), before.TenantID),
		ClientID:            cmp.Or(a.or(o.given.ClientID, "MLS_CLIENTID"), before.ClientID),
		Resource:            cmp.Or(a.or(o.given.Resource, "MLS_RESOURCE"), before.Resource),
		NoInstanceDiscovery: o.given.NoInstanceDiscovery || before.NoInstanceDiscovery,
		Certificate:         cmp.Or(o.given.Certificate, before.Certificate),
	}
	switch {
	case o.given.Flow != "":
		z.Flow = o.given.Flow
	case cr.username != "":
		z.Flow = flowPassword
	case o.secretFile != "":
		z.Flow = flowSecret
	case o.given.Certificate != "":
		z.Flow = flowCertificate
	case before.Flow != "":
		z.Flow = before.Flow
	case a.hasBrowser():
		z.Flow = flowInteractive
	default:
		z.Flow = flowDeviceCode
	}
	if !slices.Contains(flows, z.Flow) {
		return nil, wrongUsage{fmt.Errorf("--aad-flow is one of %s, not %q", strings.Join(flows, ", "), z.Flow)}
	}
	if z.Flow != flowCertificate {
		z.Certificate = ""
	} else if z.Certificate != "" {
		var err error
		if z.Certificate, err = filepath.Abs(z.Certificate); err != nil {
			return nil, err
		}
	}
	if z.attended() && a.noInput {
		return nil, wrongUsage{fmt.Errorf("--aad-flow %s needs somebody who signs in, and --no-input says there is nobody", z.Flow)}
	}
	return z, nil
}

// hasBrowser guesses whether a browser that is started here is seen by who started mls.
func (a *app) hasBrowser() bool {
	if !isTerminal(a.in) || a.getenv("SSH_CONNECTION") != "" {
		return false
	}
	return runtime.GOOS == "windows" || runtime.GOOS == "darwin" || a.getenv("DISPLAY") != "" || a.getenv("WAYLAND_DISPLAY") != ""
}

// azureSecrets are what a sign-in with Azure AD takes besides the profile. Empty ones have to be asked for.
type azureSecrets struct{ username, password, clientSecret string }

// azureSecretsOfEnv takes them from the environment: what later commands have.
func (a *app) azureSecretsOfEnv() (sec azureSecrets, err error) {
	sec.username = a.getenv("MLS_USERNAME")
	if sec.password, err = a.envPassword(); err != nil {
		return sec, err
	}
	sec.clientSecret, err = a.envSecret("MLS_CLIENT_SECRET")
	return sec, err
}

// azureSecretsAsked takes them from flags, environment or questions.
func (a *app) azureSecretsAsked(ctx context.Context, z *azureAD, o aadOptions, cr credentials, s *settings) (sec azureSecrets, err error) {
	switch z.Flow {
	case flowPassword:
		sec.username, sec.password, err = a.ask(ctx, cr, s)
	case flowSecret:
		if o.secretFile != "" {
			sec.clientSecret, err = a.passwordFrom(o.secretFile)
		} else {
			sec.clientSecret, err = a.envSecret("MLS_CLIENT_SECRET")
		}
		if err == nil && sec.clientSecret == "" {
			sec.clientSecret, err = a.question(ctx, "Client secret of "+z.ClientID+": ", true)
			err = prefixMissing(err, "no client secret", "give --client-secret-file, MLS_CLIENT_SECRET or MLS_CLIENT_SECRET_FILE")
		}
	}
	return sec, err
}

// app is the application that signs in.
func (z *azureAD) app(s *settings) (azuread.App, error) {
	client, err := s.azureHTTP()
	if err != nil {
		return azuread.App{}, err
	}
	options := azcore.ClientOptions{Transport: client}
	options.Retry.TryTimeout, options.Retry.MaxRetries = answerTimeout, 2
	return azuread.App{
		AuthURI: z.AuthURI, TenantID: z.TenantID, ClientID: z.ClientID, Resource: z.Resource,
		NoInstanceDiscovery: z.NoInstanceDiscovery, Timeout: answerTimeout, Options: options,
	}, nil
}

// method is the way to sign in.
func (z *azureAD) method(a *app, s *settings, sec azureSecrets) (auth.Method, error) {
	app, err := z.app(s)
	if err != nil {
		return nil, err
	}
	prompt := func(_ context.Context, p azuread.Prompt) error {
		a.say("%s", printable(p.Message))
		if p.Code == "" {
			a.say("Should it show AADSTS50011, application %s lacks the reply URL http://localhost: --aad-flow device-code does without.", z.ClientID)
		}
		return nil
	}
	switch z.Flow {
	case flowPassword:
		return app.Password(sec.username, sec.password), nil
	case flowSecret:
		return app.ClientSecret(sec.clientSecret), nil
	case flowCertificate:
		return a.certificate(app, z.Certificate)
	case flowInteractive:
		return app.Interactive(prompt), nil
	case flowAzureCLI:
		cred, err := azidentity.NewAzureCLICredential(&azidentity.AzureCLICredentialOptions{TenantID: z.TenantID})
		if err != nil {
			return nil, err
		}
		return azuread.Credential(cred, z.Resource), nil
	case flowDefaultChain:
		cred, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{
			ClientOptions: app.Options, TenantID: z.TenantID, DisableInstanceDiscovery: z.NoInstanceDiscovery,
		})
		if err != nil {
			return nil, err
		}
		return azuread.Credential(cred, z.Resource), nil
	}
	return app.DeviceCode(prompt), nil
}

func (a *app) certificate(app azuread.App, file string) (auth.Method, error) {
	if file == "" {
		return nil, wrongUsage{errors.New("no certificate: give --certificate FILE")}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	password, err := a.envSecret("MLS_CERTIFICATE_PASSWORD")
	if err != nil {
		return nil, err
	}
	certs, key, err := azuread.ParseCertificate(text, password)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return app.Certificate(certs, key), nil
}

// azureHTTP makes connections to Azure AD. Redirects are not followed: secrets would go along.
func (s *settings) azureHTTP() (*http.Client, error) {
	pool, err := transport.TLS{CAFile: s.caFile}.NewPool()
	if err != nil {
		return nil, fmt.Errorf("--ca-file: %w", err)
	}
	return &http.Client{Transport: s.trace.around(pool), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, nil
}

// token signs in.
func (z *azureAD) token(ctx context.Context, a *app, s *settings, sec azureSecrets) (*auth.Token, error) {
	m, err := z.method(a, s, sec)
	if err != nil {
		return nil, err
	}
	return tokenOf(ctx, m)
}

func tokenOf(ctx context.Context, m auth.Method) (*auth.Token, error) {
	source, err := m.Source(auth.Server{})
	if err != nil {
		return nil, wrongUsage{err}
	}
	return source.Token(ctx)
}

// resumed goes on with the refresh token of a user's sign-in.
func (z *azureAD) resumed(ctx context.Context, s *settings, before *tokenPair) (*auth.Token, error) {
	app, err := z.app(s)
	if err != nil {
		return nil, err
	}
	t, err := tokenOf(ctx, app.Resume(before.Refresh))
	if err != nil {
		return nil, err
	}
	next := *t
	next.SignedIn = before.SignedIn
	return &next, nil
}

// renewed gets another token without asking anybody: with the refresh token, else with what the environment has.
func (z *azureAD) renewed(ctx context.Context, a *app, s *settings, p *profile) (*auth.Token, error) {
	var refused error
	if p.Tokens.Refresh != "" {
		t, err := z.resumed(ctx, s, p.Tokens)
		if !errors.Is(err, auth.ErrLoginRequired) {
			return t, err
		}
		refused = err
	}
	sec, err := a.azureSecretsOfEnv()
	if err != nil {
		return nil, err
	}
	missing := ""
	switch {
	case z.attended():
		missing = "somebody has to sign in"
	case z.Flow == flowPassword && (sec.password == "" || sec.username != p.Username):
		missing = "MLS_USERNAME and MLS_PASSWORD are not those of " + p.Username
	case z.Flow == flowSecret && sec.clientSecret == "":
		missing = "MLS_CLIENT_SECRET is not set"
	}
	switch {
	case missing == "":
		return z.token(ctx, a, s, sec)
	case refused != nil:
		return nil, prefix(refused, "the sign-in has ended")
	case !p.Tokens.expiring(a.now()): // the server refused it, and says why
		return p.Tokens.token(), nil
	}
	return nil, fmt.Errorf("%w: the access token of Azure AD has ended, and %s", auth.ErrLoginRequired, missing)
}

// accepted asks the server whether it takes a token: Azure AD does not know.
func (z *azureAD) accepted(ctx context.Context, s *settings, server auth.Server, t *auth.Token) error {
	client, err := mlserver.New(mlserver.Config{Address: s.endpoint, Auth: auth.Static(t.AccessToken), HTTP: server.HTTP, AllowHTTP: s.allowHTTP})
	if err != nil {
		return err
	}
	_, err = client.Status(ctx)
	var answered *mlserver.Error
	if errors.As(err, &answered) && !errors.Is(err, mlserver.ErrUnauthorized) {
		return nil // that it is not well, or does not tell, is another matter
	}
	return hintIf(err, mlserver.ErrUnauthorized, "%s has issued a token, but this server does not take it: check --resource (the server's audience), --tenantid, and the clocks of the computers", z.whose())
}
