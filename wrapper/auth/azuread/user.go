package azuread

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
	"github.com/pkg/browser"
)

// userCredential signs in a user through MSAL, as azidentity's credentials for users do. Those keep the refresh token to
// themselves, or in a cache that needs cgo on macOS and the kernel's keyring, which a restart empties, on Linux. Here it is told,
// to stay signed in with. And the user is told the page for the browser: where none can be started, it is opened by hand.
type userCredential struct {
	client public.Client
	cache  *userCache
	ask    askFunc // nil: there is nobody to ask

	turn    chan struct{} // held while the rest is used
	account public.Account
	refresh string // the account's refresh token, if there is one
}

// askFunc gets a token with what a user knows or does.
type askFunc = func(context.Context, public.Client, []string) (public.AuthResult, error)

// newUserCredential goes on with a refresh token, if there is one.
func newUserCredential(t *target, refreshToken string, ask askFunc) (*userCredential, error) {
	o := t.options()
	c := &userCredential{ask: ask, cache: &userCache{clientID: t.ClientID}, turn: make(chan struct{}, 1), refresh: refreshToken}
	if refreshToken != "" {
		c.account = c.cache.seed(t.host(), refreshToken)
	}
	var err error
	c.client, err = public.New(t.ClientID, public.WithAuthority(t.AuthURI+"/"+t.TenantID), public.WithInstanceDiscovery(!t.NoInstanceDiscovery),
		public.WithCache(c.cache),
		public.WithHTTPClient(pipeline{runtime.NewPipeline("azuread", "v1.0.0", runtime.PipelineOptions{}, &o)}))
	return c, err
}

// token renews what it has, or asks the user. Nobody is asked because Azure AD is out of order.
func (c *userCredential) token(ctx context.Context, scopes []string) (got issued, err error) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return got, ctx.Err()
	}
	var r public.AuthResult
	if c.account.HomeAccountID != "" {
		r, err = c.client.AcquireTokenSilent(ctx, scopes, public.WithSilentAccount(c.account))
		got.renewed = err == nil
	}
	if !got.renewed && c.ask != nil && !outOfOrder(ctx) {
		r, err = c.ask(ctx, c.client, scopes)
	}
	if err != nil {
		return got, err
	}
	// A renewal without a new refresh token leaves the one before good.
	if refresh := c.cache.refreshToken(r.Account.HomeAccountID); refresh != "" || !got.renewed {
		c.account, c.refresh = r.Account, refresh
	}
	got.AccessToken, got.refresh = azcore.AccessToken{Token: r.AccessToken, ExpiresOn: r.ExpiresOn}, c.refresh
	return got, nil
}

// outOfOrder tells whether the last request of a sign-in failed for no reason of the user's.
func outOfOrder(ctx context.Context) bool {
	seen, ok := ctx.Value(recordKey{}).(*record)
	if !ok {
		return false
	}
	last := seen.exchange()
	return last != nil && (last.err != nil || last.status >= 500 || last.status == http.StatusTooManyRequests)
}

// byPassword signs in with name and password.
func byPassword(username, password string) askFunc {
	return func(ctx context.Context, client public.Client, scopes []string) (public.AuthResult, error) {
		//lint:ignore SA1019 Password says what there is to say about it
		return client.AcquireTokenByUsernamePassword(ctx, scopes, username, password)
	}
}

// byDeviceCode tells the user a code, and waits until it is entered.
func byDeviceCode(prompt promptFunc) askFunc {
	return func(ctx context.Context, client public.Client, scopes []string) (public.AuthResult, error) {
		code, err := client.AcquireTokenByDeviceCode(ctx, scopes)
		if err != nil {
			return public.AuthResult{}, err
		}
		if err := prompt(ctx, Prompt{Message: code.Result.Message, URL: code.Result.VerificationURL, Code: code.Result.UserCode}); err != nil {
			return public.AuthResult{}, err
		}
		return code.AuthenticationResult(ctx)
	}
}

// byBrowser shows the page in the system's browser, and waits for what comes back. Some browsers run until they are closed, so
// nobody waits for the end of one. That none can be started matters only if nobody was told the page.
func byBrowser(prompt promptFunc) askFunc {
	return func(ctx context.Context, client public.Client, scopes []string) (public.AuthResult, error) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		r, err := client.AcquireTokenInteractive(ctx, scopes, public.WithOpenURL(func(page string) error {
			if prompt != nil {
				if err := prompt(ctx, Prompt{Message: "Sign in with the browser, at the page " + page, URL: page}); err != nil {
					return err
				}
			}
			go func() {
				if err := browser.OpenURL(page); err != nil && prompt == nil {
					cancel(&noBrowser{err})
				}
			}()
			return nil
		}))
		if missing, ok := context.Cause(ctx).(*noBrowser); ok && err != nil {
			err = missing
		}
		return r, err
	}
}

// noBrowser is a browser that could not be started.
type noBrowser struct{ err error }

func (e *noBrowser) Error() string { return "no browser can be started: " + e.err.Error() }

// pipeline sends MSAL's requests through the Azure SDK's retries and limits, as azidentity does.
type pipeline struct{ runtime.Pipeline }

func (p pipeline) CloseIdleConnections() {}

// Do sends a request.
func (p pipeline) Do(r *http.Request) (*http.Response, error) {
	req, err := runtime.NewRequest(r.Context(), r.Method, r.URL.String())
	if err != nil {
		return nil, err
	}
	req.Raw().Header = r.Header.Clone()
	if r.Body != nil && r.Body != http.NoBody {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		if err := req.SetBody(streaming.NopCloser(bytes.NewReader(body)), r.Header.Get("Content-Type")); err != nil {
			return nil, err
		}
	}
	return p.Pipeline.Do(req)
}
