package azureadtest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"
)

// refusal is an error answer, in Azure AD's form.
type refusal struct {
	oauth       string
	code        int
	description string
}

func (r refusal) body() map[string]any {
	return map[string]any{
		"error": r.oauth, "error_codes": []int{r.code}, "correlation_id": uuid.NewString(),
		"error_description": fmt.Sprintf("AADSTS%d: %s\r\nTrace ID: %s\r\nTimestamp: now", r.code, r.description, uuid.NewString()),
	}
}

// call is one request.
type call struct {
	*http.Request
	tenant string // of the path; "adfs" for AD FS
	base   string // https://host/tenant
}

// serve finds the endpoint. AD FS has its own paths.
func (p *Provider) serve(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	_ = r.ParseForm()
	p.mu.Lock()
	p.requests = append(p.requests, Request{r.Method, r.Host, r.URL.Path, r.URL.Query(), r.PostForm})
	p.mu.Unlock()

	tenant, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	c := &call{r, tenant, "https://" + r.Host + "/" + tenant}
	rest = strings.TrimPrefix(rest, "v2.0/")
	switch {
	case rest == ".well-known/openid-configuration":
		p.answer(w, c, Configuration, p.configuration)
	case c.Method == http.MethodPost && (rest == "oauth2/v2.0/token" || rest == "oauth2/token"):
		p.answer(w, c, Token, p.token)
	case c.Method == http.MethodPost && (rest == "oauth2/v2.0/devicecode" || rest == "oauth2/devicecode"):
		p.answer(w, c, DeviceCode, p.deviceCode)
	case rest == "oauth2/v2.0/authorize" || rest == "oauth2/authorize":
		if f := p.due(Authorize); f == nil || !p.misbehave(w, r, f) {
			p.authorize(w, c)
		}
	case rest == "discovery/v2.0/keys" || rest == "discovery/keys":
		p.answer(w, c, Keys, p.published)
	case r.URL.Path == "/common/discovery/instance":
		p.answer(w, c, Instance, p.instance)
	case strings.HasPrefix(r.URL.Path, "/common/UserRealm/"):
		p.answer(w, c, Realm, p.realm)
	case r.URL.Path == "/device":
		p.devicePage(w, c)
	default:
		http.NotFound(w, r)
	}
}

// answer writes what make returns, a *refusal as status 400, unless a fault is due.
func (p *Provider) answer(w http.ResponseWriter, c *call, e Endpoint, do func(*call) (map[string]any, *refusal)) {
	f := p.due(e)
	if f != nil && p.misbehave(w, c.Request, f) {
		return
	}
	status := http.StatusOK
	body, refused := do(c)
	if refused != nil {
		status, body = http.StatusBadRequest, refused.body()
		if refused.oauth == "invalid_client" {
			status = http.StatusUnauthorized
		}
	}
	if f != nil && f.Edit != nil {
		f.Edit(body)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that is gone needs no answer
}

// known tells whether there is such a tenant.
func (p *Provider) known(c *call) *refusal {
	switch strings.ToLower(c.tenant) {
	case strings.ToLower(p.Tenant), p.TenantID, "adfs", "common", "organizations":
		return nil
	}
	return &refusal{"invalid_request", 90002, fmt.Sprintf("Tenant '%s' not found. Check to make sure you have the correct tenant ID.", c.tenant)}
}

func (p *Provider) configuration(c *call) (map[string]any, *refusal) {
	if r := p.known(c); r != nil {
		return nil, r
	}
	switch {
	case c.tenant == "adfs":
		return map[string]any{
			"issuer": c.base, "access_token_issuer": p.issuer(c, 1), "authorization_endpoint": c.base + "/oauth2/authorize",
			"token_endpoint": c.base + "/oauth2/token", "device_authorization_endpoint": c.base + "/oauth2/devicecode",
			"jwks_uri": c.base + "/discovery/keys",
		}, nil
	case strings.Contains(c.URL.Path, "/v2.0/"):
		return map[string]any{
			"issuer": p.issuer(c, 2), "authorization_endpoint": c.base + "/oauth2/v2.0/authorize",
			"token_endpoint": c.base + "/oauth2/v2.0/token", "device_authorization_endpoint": c.base + "/oauth2/v2.0/devicecode",
			"jwks_uri": c.base + "/discovery/v2.0/keys",
		}, nil
	}
	return map[string]any{
		"issuer": p.issuer(c, 1), "authorization_endpoint": c.base + "/oauth2/authorize",
		"token_endpoint": c.base + "/oauth2/token", "jwks_uri": c.base + "/discovery/keys",
	}, nil
}

// issuer of access tokens. Azure AD has the same for all its hosts in version 1, AD FS one of its own.
func (p *Provider) issuer(c *call, version int) string {
	switch {
	case c.tenant == "adfs":
		return "http://" + c.Host + "/adfs/services/trust"
	case version == 2:
		return "https://" + c.Host + "/" + p.TenantID + "/v2.0"
	}
	return "https://sts.windows.net/" + p.TenantID + "/"
}

func (p *Provider) instance(c *call) (map[string]any, *refusal) {
	asked, err := url.Parse(c.URL.Query().Get("authorization_endpoint"))
	if err != nil || asked.Host == "" {
		return nil, &refusal{"invalid_instance", 50049, "Unknown or invalid instance."}
	}
	tenant, _, _ := strings.Cut(strings.TrimPrefix(asked.Path, "/"), "/")
	return map[string]any{
		"tenant_discovery_endpoint": "https://" + asked.Host + "/" + tenant + "/v2.0/.well-known/openid-configuration",
		"metadata": []any{map[string]any{
			"preferred_network": asked.Host, "preferred_cache": asked.Host, "aliases": []string{asked.Host},
		}},
	}, nil
}

func (p *Provider) realm(c *call) (map[string]any, *refusal) {
	name := strings.TrimPrefix(c.URL.Path, "/common/UserRealm/")
	_, domain, _ := strings.Cut(name, "@")
	realm := map[string]any{
		"account_type": "Managed", "domain_name": domain, "cloud_instance_name": c.Host,
		"cloud_audience_urn": "urn:federation:MicrosoftOnline",
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.users[name].Federated {
		theirs := "https://sts." + domain + "/adfs/services/trust"
		realm["account_type"], realm["federation_protocol"] = "Federated", "WSTrust"
		realm["federation_metadata_url"], realm["federation_active_auth_url"] = theirs+"/mex", theirs+"/2005/usernamemixed"
	}
	return realm, nil
}

func (p *Provider) published(*call) (map[string]any, *refusal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var keys []any
	for _, k := range p.keys {
		keys = append(keys, map[string]any{
			"kty": "RSA", "use": "sig", "kid": k.id, "x5t": k.id,
			"n": base64.RawURLEncoding.EncodeToString(k.private.N.Bytes()),
			"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(k.private.E)).Bytes()),
		})
	}
	return map[string]any{"keys": keys}, nil
}
