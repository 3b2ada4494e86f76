package azuread

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
	"github.com/pkg/browser"
)

// browserCredential is azidentity's InteractiveBrowserCredential, except that the user is told the page: where no browser can
// be started, it is opened by hand.
type browserCredential struct {
	client public.Client
	prompt promptFunc

	turn    chan struct{} // held while account is used
	account public.Account
}

func newBrowserCredential(t *target, prompt promptFunc) (*browserCredential, error) {
	o := t.options()
	client, err := public.New(t.ClientID, public.WithAuthority(t.AuthURI+"/"+t.TenantID), public.WithInstanceDiscovery(!t.NoInstanceDiscovery),
		public.WithHTTPClient(pipeline{runtime.NewPipeline("azuread", "v1.0.0", runtime.PipelineOptions{}, &o)}))
	if err != nil {
		return nil, err
	}
	return &browserCredential{client: client, prompt: prompt, turn: make(chan struct{}, 1)}, nil
}

// GetToken implements azcore.TokenCredential.
func (c *browserCredential) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return azcore.AccessToken{}, ctx.Err()
	}
	r, err := c.client.AcquireTokenSilent(ctx, o.Scopes, public.WithSilentAccount(c.account))
	if err != nil {
		r, err = c.ask(ctx, o.Scopes)
	}
	if err != nil {
		return azcore.AccessToken{}, err
	}
	c.account = r.Account
	return azcore.AccessToken{Token: r.AccessToken, ExpiresOn: r.ExpiresOn}, nil
}

// ask shows the page in the system's browser, and waits for what comes back. Some browsers run until they are closed, so
// nobody waits for the end of one. That none can be started matters only if nobody was told the page.
func (c *browserCredential) ask(ctx context.Context, scopes []string) (public.AuthResult, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r, err := c.client.AcquireTokenInteractive(ctx, scopes, public.WithOpenURL(func(page string) error {
		if c.prompt != nil {
			if err := c.prompt(ctx, Prompt{Message: "Sign in with the browser, at the page " + page, URL: page}); err != nil {
				return err
			}
		}
		go func() {
			if err := browser.OpenURL(page); err != nil && c.prompt == nil {
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
