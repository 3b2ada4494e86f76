// Package azuread signs in with Azure Active Directory (Microsoft Entra ID) or AD FS, through Microsoft's own libraries. The
// server takes the access token as it is; nothing is sent to its /login.
//
// It stands for mrsdeploy's remoteLoginAAD, whose arguments are the fields of App:
//
//	app := azuread.App{TenantID: "contoso.com", ClientID: nativeApp, Resource: webApp}
//	client, err := mlserver.New(mlserver.Config{Address: address, Auth: app.Password(username, password)})
//
// Credential takes what other programs of the Azure SDK sign in with: managed and workload identities, the Azure CLI.
//
// Tokens are renewed as long as the process runs: with a refresh token, or with the credentials. App.Resume goes on with a user's
// sign-in in the next process.
//
// The package is apart from package auth, so that programs that sign in otherwise do not link Microsoft's libraries.
package azuread

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
)

// DefaultAuthURI is the authority of mrsdeploy's documentation. Azure AD knows it as another name of
// https://login.microsoftonline.com.
const DefaultAuthURI = "https://login.windows.net"

// ADFS as TenantID means that AuthURI is an AD FS server.
const ADFS = "adfs"

// App says which application signs in, where, and for what. The first four fields are the arguments of mrsdeploy's
// remoteLoginAAD; an administrator of the server finds them in the registrations of its two applications.
type App struct {
	// AuthURI is the authority, an https address. Empty: DefaultAuthURI. It may end in the tenant, as in Microsoft's samples
	// for C#, if TenantID is empty.
	AuthURI string
	// TenantID is the tenant, by its domain or ID; ADFS for AD FS.
	TenantID string
	// ClientID is the application that signs in. For people it is the "native" one, for programs that have a secret or
	// certificate any.
	ClientID string
	// Resource is what the token is for: the client ID or App ID URI of the server's "web" application, which the server calls
	// its Audience. Empty: ClientID, for programs that have a secret or certificate.
	Resource string

	// NoInstanceDiscovery does without asking Microsoft whether an AuthURI that is none of its own can be trusted. Private
	// clouds, and networks without a way to login.microsoftonline.com, need it.
	NoInstanceDiscovery bool
	// Timeout bounds the wait for each answer of the authority. Zero: 20 seconds.
	Timeout time.Duration
	// Options are the Azure SDK's: Transport, Retry and so on. Its Cloud is not used. A nil Transport takes the system's proxy
	// and certificates, with TLS 1.2 or newer. Without retry options a request is sent up to three times, but not after a
	// timeout.
	Options azcore.ClientOptions
}

// Prompt is what a user has to do to get signed in.
type Prompt struct {
	Message string // the instruction, from Azure AD for a device code. Make control characters harmless before you print it
	URL     string // the page to open
	Code    string // the code to enter there; empty for a browser on this machine
}

// target is a checked App.
type target struct {
	App
	scope string
}

// checked completes an App. Applications, which have no user, may be their own resource.
func (a App) checked(application bool) (*target, error) {
	if a.AuthURI == "" {
		a.AuthURI = DefaultAuthURI
	}
	u, err := url.Parse(a.AuthURI)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, fmt.Errorf("AuthURI is no address of an authority: it must look like %s", DefaultAuthURI)
	}
	if u.Scheme != "https" {
		return nil, fmt.Errorf("AuthURI %s must begin with https://: secrets are sent there", a.AuthURI)
	}
	if path := strings.Trim(u.Path, "/"); path != "" {
		if a.TenantID != "" && !strings.EqualFold(a.TenantID, path) || strings.Contains(path, "/") {
			return nil, fmt.Errorf("AuthURI %s: give the tenant in TenantID, and nothing after the host here", a.AuthURI)
		}
		a.TenantID = path
	}
	a.AuthURI = u.Scheme + "://" + u.Host
	if strings.EqualFold(a.TenantID, ADFS) {
		a.TenantID, a.NoInstanceDiscovery = ADFS, true
	}
	switch {
	case a.TenantID == "":
		return nil, errors.New("no TenantID: give the tenant's domain or ID, or adfs")
	case strings.Trim(strings.ToLower(a.TenantID), "abcdefghijklmnopqrstuvwxyz0123456789.-") != "":
		return nil, fmt.Errorf("TenantID %q is neither a domain nor an ID", a.TenantID)
	case a.ClientID == "":
		return nil, errors.New("no ClientID: give that of the application that signs in")
	case a.Resource == "" && !application:
		return nil, errors.New("no Resource: give the client ID of the server's web application, its Audience")
	case a.Resource == "":
		a.Resource = a.ClientID
	}
	if a.Timeout == 0 {
		a.Timeout = 20 * time.Second
	}
	return &target{a, scopeOf(a.Resource)}, nil
}

// scopeOf asks for all that was agreed to for a resource.
func scopeOf(resource string) string {
	if strings.HasSuffix(resource, "/.default") {
		return resource
	}
	return resource + "/.default" // a slash at the end of the resource is a part of it
}

// host is where the authority is.
func (t *target) host() string { return strings.TrimPrefix(t.AuthURI, "https://") }

// promptFunc tells a user what to do.
type promptFunc = func(context.Context, Prompt) error
