package devserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// AzureAD makes the server take the access tokens of an Azure AD tenant, or of an AD FS server, and nothing else: POST /login
// refuses everybody, the local accounts included, as real servers do. Authority and Audience have the names of their settings.
type AzureAD struct {
	Authority string // https://login.windows.net/TENANT; for AD FS https://HOST/adfs
	Audience  string // the client ID of the server's web application: what tokens have to be for

	Issuer   string // of the tokens; by default the one that Metadata names
	Metadata string // where issuer and keys are found; by default Authority with /.well-known/openid-configuration

	HTTP *http.Client // asks for them; by default http.DefaultClient. One answer may take 10 s
}

func (a AzureAD) withDefaults() (AzureAD, error) {
	if a.Audience == "" {
		return a, errors.New("azure AD: the audience must not be empty: give the client ID of the server's web application")
	}
	a.Authority = strings.TrimRight(a.Authority, "/")
	def(&a.Metadata, a.Authority+"/.well-known/openid-configuration")
	for _, address := range []string{a.Authority, a.Metadata} {
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") == "" {
			return a, fmt.Errorf("azure AD: %q is no authority: it must look like https://login.windows.net/contoso.com", address)
		}
	}
	if a.HTTP == nil {
		a.HTTP = http.DefaultClient
	}
	return a, nil
}

// directory checks tokens of Azure AD.
type directory struct {
	AzureAD
	clock func() time.Time
	keys  *keys
}

func newDirectory(cfg AzureAD, clock func() time.Time) (*directory, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	return &directory{cfg, clock, newKeys(cfg, clock)}, nil
}

// clockSkew is what .NET's servers bear.
const clockSkew = 5 * time.Minute

// check tells whose access token it is: a user's, by name, or an application's, by its client ID.
func (d *directory) check(ctx context.Context, access string) (user string, err error) {
	var issuer string
	var unavailable error
	c := jwt.MapClaims{}
	// The issuer is checked below: it is known when the keys are.
	_, err = jwt.NewParser(
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithTimeFunc(d.clock), jwt.WithLeeway(clockSkew),
		jwt.WithExpirationRequired(), jwt.WithAudience(d.Audience),
	).ParseWithClaims(access, c, func(t *jwt.Token) (any, error) {
		id, _ := t.Header["kid"].(string)
		key, from, err := d.keys.find(ctx, id)
		issuer, unavailable = from, err
		if err == nil && key == nil {
			return nil, jwt.ErrTokenSignatureInvalid
		}
		return key, err
	})
	switch {
	case unavailable != nil:
		return "", fail(http.StatusServiceUnavailable, "the keys of %s cannot be had: %v", d.Authority, unavailable)
	case errors.Is(err, jwt.ErrTokenExpired):
		return "", fail(http.StatusUnauthorized, "the access token has expired: get another one from Azure AD")
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return "", fail(http.StatusUnauthorized, "the access token is not valid yet: the clocks of this server and of Azure AD differ by more than %s", clockSkew)
	case errors.Is(err, jwt.ErrTokenInvalidAudience):
		aud, _ := c.GetAudience() // the signature is good: it may be told
		return "", fail(http.StatusUnauthorized, "the access token is for %s, but this server's audience is %s: ask Azure AD for a token with that resource",
			strings.Join(aud, ", "), d.Audience)
	case err != nil:
		return "", fail(http.StatusUnauthorized, "the access token is not valid here: this server takes tokens of %s only", d.Authority)
	}
	if got, _ := c.GetIssuer(); got != issuer {
		hint := ""
		if strings.HasSuffix(got, "/v2.0") {
			hint = ": set accessTokenAcceptedVersion to null or 1 in the manifest of the web application"
		}
		return "", fail(http.StatusUnauthorized, "the access token was issued by %s, but this server takes those of %s%s", got, issuer, hint)
	}
	for _, name := range []string{"upn", "unique_name", "preferred_username", "appid", "azp", "oid", "sub"} {
		if user, _ := c[name].(string); user != "" {
			return user, nil
		}
	}
	return "", fail(http.StatusUnauthorized, "the access token does not say whose it is")
}

// refuseLogin is the answer to who tries a password all the same. What real servers say is not known.
func (d *directory) refuseLogin() error {
	return fail(http.StatusUnauthorized, "this server uses Azure AD: it takes no passwords, and its local accounts are off. "+
		"Get an access token for %s from %s, and send it as Authorization: Bearer", d.Audience, d.Authority)
}

// health is the part of GET /status.
func (d *directory) health() *health {
	return &health{StatusCode: "pass", Details: map[string]any{"authority": d.Authority, "audience": d.Audience}}
}
