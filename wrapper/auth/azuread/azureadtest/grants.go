package azureadtest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// grant is what a user has agreed to: behind an authorization code or a refresh token.
type grant struct {
	client, user, objectID string

	challenge, redirect string // of an authorization code
}

// device is a sign-in by device code.
type device struct {
	code, client string
	expires      time.Time
	user         string // empty: nobody has entered the code yet
	declined     bool
}

const deviceLifetime = 15 * time.Minute

func (p *Provider) token(c *call) (map[string]any, *refusal) {
	if r := p.known(c); r != nil {
		return nil, r
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	client, known := p.apps[c.PostForm.Get("client_id")]
	if !known {
		return nil, &refusal{"unauthorized_client", 700016, "Application with identifier '" + c.PostForm.Get("client_id") +
			"' was not found in the directory '" + p.Tenant + "'."}
	}
	resource, r := p.resource(c)
	if r != nil {
		return nil, r
	}
	if r := p.identify(c, client); r != nil {
		return nil, r
	}
	var g *grant
	switch kind := c.PostForm.Get("grant_type"); kind {
	case "client_credentials":
		if client.Secret == "" && client.Certificate == nil {
			return nil, &refusal{"invalid_client", 7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."}
		}
		return p.issue(c, client, resource, nil)
	case "password":
		g, r = p.password(c, client)
	case "device_code", "urn:ietf:params:oauth:grant-type:device_code":
		g, r = p.polled(c)
	case "authorization_code":
		g, r = p.redeemed(c)
	case "refresh_token":
		g, r = p.refreshed(c)
	default:
		return nil, &refusal{"unsupported_grant_type", 70003, "The app requested an unsupported grant type '" + kind + "'."}
	}
	if r != nil {
		return nil, r
	}
	if client.NoConsent {
		return nil, &refusal{"invalid_grant", 65001, "The user or administrator has not consented to use the application with ID '" +
			client.ID + "'. Send an interactive authorization request for this user and resource."}
	}
	return p.issue(c, client, resource, g)
}

// resource is the application that a token is asked for.
func (p *Provider) resource(c *call) (App, *refusal) {
	for _, scope := range strings.Fields(c.PostForm.Get("scope")) {
		name, is := strings.CutSuffix(scope, "/.default")
		if !is {
			continue
		}
		for _, a := range p.apps {
			if name == a.ID || a.URI != "" && name == a.URI {
				return a, nil
			}
		}
		return App{}, &refusal{"invalid_resource", 500011, "The resource principal named " + name + " was not found in the tenant named " + p.Tenant + "."}
	}
	return App{}, &refusal{"invalid_scope", 70011, "The provided request must include a 'scope' input parameter."}
}

// identify checks what the client proves itself with.
func (p *Provider) identify(c *call, client App) *refusal {
	form := c.PostForm
	switch {
	case form.Get("client_secret") != "":
		if client.Secret != form.Get("client_secret") {
			return &refusal{"invalid_client", 7000215, "Invalid client secret provided. Ensure the secret being sent in the request is the " +
				"client secret value, not the client secret ID, for a secret added to app '" + client.ID + "'."}
		}
	case form.Get("client_assertion") != "":
		return p.assertion(c, client)
	case !client.PublicClient && form.Get("grant_type") != "authorization_code" && form.Get("grant_type") != "refresh_token":
		return &refusal{"invalid_client", 7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."}
	}
	return nil
}

// assertion checks a JWT signed with the client's certificate.
func (p *Provider) assertion(c *call, client App) *refusal {
	if client.Certificate == nil {
		return &refusal{"invalid_client", 700027, "The certificate with identifier used to sign the client assertion is not registered on application."}
	}
	method := "PS256"
	if c.tenant == "adfs" {
		method = "RS256"
	}
	_, err := jwt.Parse(c.PostForm.Get("client_assertion"), func(*jwt.Token) (any, error) { return client.Certificate.PublicKey, nil },
		jwt.WithValidMethods([]string{method}), jwt.WithTimeFunc(p.Now), jwt.WithLeeway(5*time.Minute), jwt.WithExpirationRequired(),
		jwt.WithIssuer(client.ID), jwt.WithSubject(client.ID), jwt.WithAudience("https://"+c.Host+c.URL.Path))
	switch {
	case errors.Is(err, jwt.ErrTokenExpired), errors.Is(err, jwt.ErrTokenNotValidYet):
		return &refusal{"invalid_client", 700024, "Client assertion is not within its valid time range."}
	case err != nil:
		return &refusal{"invalid_client", 700027, "The certificate with identifier used to sign the client assertion is not registered on application."}
	}
	return nil
}

// checked is the user with this password.
func (p *Provider) checked(name, password string) (user, *refusal) {
	u, known := p.users[name]
	switch {
	case !known:
		return u, &refusal{"invalid_grant", 50034, "The user account {EUII Hidden} does not exist in the " + p.Tenant + " directory."}
	case u.Password != password:
		return u, &refusal{"invalid_grant", 50126, "Error validating credentials due to invalid username or password."}
	}
	return u, nil
}

func (p *Provider) password(c *call, client App) (*grant, *refusal) {
	u, r := p.checked(c.PostForm.Get("username"), c.PostForm.Get("password"))
	if r != nil {
		return nil, r
	}
	if u.MFA {
		return nil, &refusal{"invalid_grant", 50076, "Due to a configuration change made by your administrator, or because you moved to a " +
			"new location, you must use multi-factor authentication to access '" + client.ID + "'."}
	}
	return &grant{client: client.ID, user: u.Name, objectID: u.objectID}, nil
}

func (p *Provider) polled(c *call) (*grant, *refusal) {
	code := c.PostForm.Get("device_code")
	d := p.devices[code]
	switch {
	case d == nil || d.client != c.PostForm.Get("client_id"):
		return nil, &refusal{"bad_verification_code", 70020, "The provided value for the input parameter 'device_code' is not valid."}
	case !p.Now().Before(d.expires):
		return nil, &refusal{"expired_token", 70020, "The provided value for the input parameter 'device_code' is not valid. It has expired."}
	case d.declined:
		return nil, &refusal{"authorization_declined", 70018, "The end user denied the authorization request."}
	case d.user == "":
		return nil, &refusal{"authorization_pending", 70016, "OAuth 2.0 device flow error. Authorization is pending. Continue polling."}
	}
	delete(p.devices, code)
	return &grant{client: d.client, user: d.user, objectID: p.users[d.user].objectID}, nil
}

func (p *Provider) redeemed(c *call) (*grant, *refusal) {
	code := c.PostForm.Get("code")
	g := p.grants[code]
	delete(p.grants, code)
	sum := sha256.Sum256([]byte(c.PostForm.Get("code_verifier")))
	switch {
	case g == nil || g.client != c.PostForm.Get("client_id"):
		return nil, &refusal{"invalid_grant", 70008, "The provided authorization code or refresh token has expired."}
	case base64.RawURLEncoding.EncodeToString(sum[:]) != g.challenge:
		return nil, &refusal{"invalid_grant", 501481, "The Code_Verifier does not match the code_challenge supplied in the authorization request."}
	case g.redirect != c.PostForm.Get("redirect_uri"):
		return nil, &refusal{"invalid_request", 50011, "The redirect URI specified in the request does not match."}
	}
	return g, nil
}

func (p *Provider) refreshed(c *call) (*grant, *refusal) {
	g := p.grants[c.PostForm.Get("refresh_token")]
	if p.RefreshOnce {
		delete(p.grants, c.PostForm.Get("refresh_token"))
	}
	switch {
	case g == nil || g.client != c.PostForm.Get("client_id"):
		return nil, &refusal{"invalid_grant", 70000, "Provided grant is invalid or malformed."}
	case p.users[g.user].objectID != g.objectID:
		return nil, &refusal{"invalid_grant", 50173, "The provided grant has expired due to it being revoked, a fresh auth token is needed."}
	}
	return g, nil
}

// issue makes the answer with tokens. Without a grant they are the client's own.
func (p *Provider) issue(c *call, client, resource App, g *grant) (map[string]any, *refusal) {
	now := p.Now()
	version := max(1, resource.TokenVersion)
	claims := jwt.MapClaims{
		"aud": resource.ID, "iss": p.issuer(c, version), "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(p.Lifetime).Unix(),
		"appid": client.ID, "tid": p.TenantID, "ver": []string{"", "1.0", "2.0"}[version], "uti": uuid.NewString(),
	}
	lifetime := int(p.Lifetime.Seconds())
	answer := map[string]any{"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime}
	if g == nil {
		claims["oid"], claims["sub"] = client.ID, client.ID
		answer["access_token"] = p.sign(claims)
		return answer, nil
	}
	id := p.users[g.user].objectID
	claims["oid"], claims["sub"], claims["upn"], claims["unique_name"], claims["name"] = id, id, g.user, g.user, g.user
	answer["access_token"] = p.sign(claims)
	answer["scope"] = c.PostForm.Get("scope")
	refresh := rand.Text() + rand.Text()
	p.grants[refresh] = &grant{client: g.client, user: g.user, objectID: g.objectID}
	answer["refresh_token"] = refresh
	answer["id_token"] = p.sign(jwt.MapClaims{
		"aud": client.ID, "iss": p.issuer(c, 2), "iat": now.Unix(), "exp": now.Add(p.Lifetime).Unix(),
		"sub": id, "oid": id, "tid": p.TenantID, "preferred_username": g.user,
	})
	info, _ := json.Marshal(map[string]string{"uid": id, "utid": p.TenantID}) // never fails
	answer["client_info"] = base64.RawURLEncoding.EncodeToString(info)
	return answer, nil
}

func (p *Provider) sign(claims jwt.MapClaims) string {
	k := p.keys[len(p.keys)-1]
	t := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	t.Header["kid"], t.Header["x5t"] = k.id, k.id
	text, err := t.SignedString(k.private)
	if err != nil {
		panic(err)
	}
	return text
}

// Sign signs any claims with the provider's key, for tests of what checks tokens.
func (p *Provider) Sign(claims map[string]any) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sign(claims)
}

func (p *Provider) deviceCode(c *call) (map[string]any, *refusal) {
	if r := p.known(c); r != nil {
		return nil, r
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	client, known := p.apps[c.PostForm.Get("client_id")]
	if !known {
		return nil, &refusal{"unauthorized_client", 700016, "Application with identifier '" + c.PostForm.Get("client_id") + "' was not found."}
	}
	if _, r := p.resource(c); r != nil {
		return nil, r
	}
	code, secret := rand.Text()[:9], rand.Text()+rand.Text()
	p.devices[secret] = &device{code: code, client: client.ID, expires: p.Now().Add(deviceLifetime)}
	page := "https://" + c.Host + "/device"
	return map[string]any{
		"user_code": code, "device_code": secret, "verification_uri": page, "expires_in": int(deviceLifetime.Seconds()), "interval": 5,
		"message": "To sign in, use a web browser to open the page " + page + " and enter the code " + code + " to authenticate.",
	}, nil
}

// EnterCode is what a user does with a device code: enter it, and sign in. A second factor is no hindrance there.
func (p *Provider) EnterCode(code, username, password string) error {
	return p.withCode(code, func(d *device) error {
		u, r := p.checked(username, password)
		if r != nil {
			return errors.New(r.description)
		}
		d.user = u.Name
		return nil
	})
}

// DeclineCode is a user who does not want to sign in.
func (p *Provider) DeclineCode(code string) error {
	return p.withCode(code, func(d *device) error { d.declined = true; return nil })
}

func (p *Provider) withCode(code string, do func(*device) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range p.devices {
		if d.code == code {
			return do(d)
		}
	}
	return errors.New("there is no such code")
}

// replies tells whether a reply URL is registered. Every port of http://localhost is, if one is.
func (a App) replies(given string) bool {
	return slices.ContainsFunc(a.ReplyURLs, func(registered string) bool {
		return given == registered || registered == "http://localhost" && strings.HasPrefix(given, "http://localhost:") && strings.Count(given, "/") == 2
	})
}
