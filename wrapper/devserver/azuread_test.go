package devserver

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const audience = "00000000-0000-0000-0000-0000000000aa"

// authority publishes keys, and signs with one of them.
type authority struct {
	*httptest.Server
	mu       sync.Mutex
	issuer   string
	metadata map[string]any // what differs from a good one
	keys     map[string]*rsa.PrivateKey
	status   int
	asked    int // for keys
}

func newAuthority(t *testing.T) *authority {
	a := &authority{issuer: "https://sts.windows.net/1234/", keys: map[string]*rsa.PrivateKey{"one": testKey()}}
	a.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.status != 0 {
			w.WriteHeader(a.status)
			return
		}
		switch r.URL.Path {
		case "/contoso.test/.well-known/openid-configuration":
			m := map[string]any{"issuer": a.issuer, "jwks_uri": a.URL + "/keys"}
			maps.Copy(m, a.metadata)
			_ = json.NewEncoder(w).Encode(m)
		case "/keys":
			a.asked++
			keys := []any{map[string]any{"kty": "EC", "kid": "other"}, map[string]any{"kty": "RSA", "kid": "weak", "n": "AQAB", "e": "AQAB"}}
			for id, k := range a.keys {
				keys = append(keys, map[string]any{"kty": "RSA", "use": "sig", "kid": id,
					"n": base64.RawURLEncoding.EncodeToString(k.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(k.E)).Bytes())})
			}
			_ = json.NewEncoder(w).Encode(map[string]any{"keys": keys})
		default:
			t.Errorf("the server asked for %s", r.URL)
		}
	}))
	t.Cleanup(a.Close)
	return a
}

func (a *authority) set(change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change()
}

func (a *authority) timesAsked() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked
}

// startAzure starts a server that takes the authority's tokens.
func startAzure(t *testing.T, a *authority, cfg Config) *client {
	t.Helper()
	cfg.AzureAD = &AzureAD{Authority: a.URL + "/contoso.test/", Audience: audience, HTTP: a.Client()}
	cfg.SpareWorkers, cfg.Logger = -1, printed.Logger()
	cfg.Interpreters = nil
	if p := probeR(); p.err == nil {
		cfg.Interpreters = append(cfg.Interpreters, p.found)
	}
	if p := probePython(); p.err == nil {
		cfg.Interpreters = append(cfg.Interpreters, p.found)
	}
	srv, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewServer(srv)
	t.Cleanup(func() {
		ts.Close()
		if err := srv.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return &client{t: t, url: ts.URL, srv: srv}
}

// token signs claims that are good but for changes; nil takes a claim away.
func (a *authority) token(t *testing.T, now time.Time, changes jwt.MapClaims) string {
	t.Helper()
	return signed(t, jwt.SigningMethodRS256, "one", testKey(), a.claims(now, changes))
}

func (a *authority) claims(now time.Time, changes jwt.MapClaims) jwt.MapClaims {
	c := jwt.MapClaims{"aud": audience, "iss": a.issuer, "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"upn": "ann@contoso.test", "sub": "x"}
	maps.Copy(c, changes)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

func signed(t *testing.T, m jwt.SigningMethod, kid string, key any, c jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(m, c)
	if kid != "" {
		token.Header["kid"] = kid
	}
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestAzureTokens(t *testing.T) {
	t.Parallel()
	a, clk := newAuthority(t), newClock()
	c := startAzure(t, a, Config{Clock: clk.now})
	now := clk.now()
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	good := a.claims(now, nil)
	for _, test := range []struct {
		name, token string
		status      int
		says        []string
	}{
		{"good", a.token(t, now, nil), 200, nil},
		{"several audiences", a.token(t, now, jwt.MapClaims{"aud": []string{"x", audience}}), 200, nil},
		{"application", a.token(t, now, jwt.MapClaims{"upn": nil, "appid": "daemon"}), 200, nil},
		{"clock four minutes behind", a.token(t, now.Add(4*time.Minute), nil), 200, nil},
		{"ended four minutes ago", a.token(t, now.Add(-64*time.Minute), nil), 200, nil},

		{"clock six minutes behind", a.token(t, now.Add(6*time.Minute), nil), 401, []string{"not valid yet", "clocks"}},
		{"expired", a.token(t, now.Add(-66*time.Minute), nil), 401, []string{"expired"}},
		{"no expiry", a.token(t, now, jwt.MapClaims{"exp": nil}), 401, nil},
		{"other audience", a.token(t, now, jwt.MapClaims{"aud": "other-app"}), 401, []string{"for other-app", audience}},
		{"no audience", a.token(t, now, jwt.MapClaims{"aud": nil}), 401, nil},
		{"other issuer", a.token(t, now, jwt.MapClaims{"iss": "https://sts.windows.net/5678/"}), 401, []string{"issued by https://sts.windows.net/5678/"}},
		{"version 2", a.token(t, now, jwt.MapClaims{"iss": "https://login.microsoftonline.com/1234/v2.0"}), 401, []string{"accessTokenAcceptedVersion"}},
		{"no issuer", a.token(t, now, jwt.MapClaims{"iss": nil}), 401, nil},
		{"nobody", a.token(t, now, jwt.MapClaims{"upn": nil, "sub": nil}), 401, []string{"whose"}},
		{"other key", signed(t, jwt.SigningMethodRS256, "one", other, good), 401, []string{"not valid here"}},
		{"unknown key", signed(t, jwt.SigningMethodRS256, "two", testKey(), good), 401, []string{"not valid here"}},
		{"weak key", signed(t, jwt.SigningMethodRS256, "weak", testKey(), good), 401, nil},
		{"no key", signed(t, jwt.SigningMethodRS256, "", testKey(), good), 401, nil},
		{"other method", signed(t, jwt.SigningMethodRS512, "one", testKey(), good), 401, nil},
		{"other padding", signed(t, jwt.SigningMethodPS256, "one", testKey(), good), 401, nil},
		{"no signature", signed(t, jwt.SigningMethodNone, "one", jwt.UnsafeAllowNoneSignatureType, good), 401, nil},
		{"public key as secret", signed(t, jwt.SigningMethodHS256, "one", testKey().N.Bytes(), good), 401, nil},
		{"garbage", "garbage", 401, nil},
		{"cut off", strings.TrimRight(a.token(t, now, nil), "=")[:200], 401, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := c.with(test.token)
			c.t = t
			if r := c.want("GET", "/sessions", nil, test.status); test.status != 200 {
				r.says(append(test.says, "access token")...)
			}
		})
	}
	if got := a.timesAsked(); got != 1 {
		t.Errorf("%d requests for keys, want 1 whatever tokens come", got)
	}
}

func TestAzureLogin(t *testing.T) {
	t.Parallel()
	a, clk := newAuthority(t), newClock()
	c := startAzure(t, a, Config{Clock: clk.now})
	for _, password := range []string{"", password} {
		c.want("POST", "/login", map[string]string{"username": "admin", "password": password}, 401).says("Azure AD", audience)
	}
	c.want("POST", "/login/refreshToken", map[string]string{"refreshToken": "x"}, 401).says("Azure AD")
	c.want("GET", "/status", nil, 401)
	if got := c.srv.AdminPassword(); got != "" {
		t.Errorf("admin has the password %q", got)
	}
	var status health
	c.with(a.token(t, clk.now(), nil)).want("GET", "/status", nil, 200).into(&status)
	parts := status.Components["authentication"].Components
	if got := fmt.Sprint(parts["azureActiveDirectory"].Details); len(parts) != 1 || got != fmt.Sprintf("map[audience:%s authority:%s/contoso.test]", audience, a.URL) {
		t.Errorf("status has %v, %s", parts, got)
	}
}

func TestAzureKeysChange(t *testing.T) {
	t.Parallel()
	a, clk := newAuthority(t), newClock()
	c := startAzure(t, a, Config{Clock: clk.now})
	next, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	c.with(a.token(t, clk.now(), nil)).want("GET", "/sessions", nil, 200)
	a.set(func() { a.keys = map[string]*rsa.PrivateKey{"two": next} })
	second := c.with(signed(t, jwt.SigningMethodRS256, "two", next, a.claims(clk.now(), nil)))
	second.want("GET", "/sessions", nil, 401) // asked just before
	clk.pass(keysInterval)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if r := second.beside("GET", "/sessions", nil); r.status != 200 {
				t.Errorf("status %d: %s", r.status, r.body)
			}
		})
	}
	all.Wait()
	if got := a.timesAsked(); got != 2 {
		t.Errorf("%d requests for keys, want 2", got)
	}
	c.with(a.token(t, clk.now(), nil)).want("GET", "/sessions", nil, 401) // the old key is gone

	a.set(func() { a.status = 500 })
	clk.pass(keysLife)
	c.with(signed(t, jwt.SigningMethodRS256, "two", next, a.claims(clk.now(), nil))).want("GET", "/sessions", nil, 200) // old keys do
}

func TestAzureAuthorityBroken(t *testing.T) {
	t.Parallel()
	a, clk := newAuthority(t), newClock()
	c := startAzure(t, a, Config{Clock: clk.now})
	c.token = a.token(t, clk.now(), nil)
	for _, test := range []struct {
		broken func()
		says   string
	}{
		{func() { a.status = 503 }, "503"},
		{func() { a.status = 0; a.metadata = map[string]any{"issuer": ""} }, "no issuer"},
		{func() { a.metadata = map[string]any{"issuer": 1} }, "JSON"},
		{func() { a.metadata = map[string]any{"issuer": "https://sts.windows.net/{tenantid}/"} }, "any tenant"},
		{func() { a.metadata = map[string]any{"jwks_uri": "http://127.0.0.1/keys"} }, "not https"},
		{func() { a.metadata = nil; a.keys = nil }, "no RSA keys"},
	} {
		a.set(test.broken)
		clk.pass(keysInterval)
		c.want("GET", "/sessions", nil, 503).says("cannot be had", test.says)
	}
	a.set(func() {
		a.keys, a.metadata = map[string]*rsa.PrivateKey{"one": testKey()}, map[string]any{"access_token_issuer": "http://adfs/trust"}
	})
	clk.pass(keysInterval)
	c.want("GET", "/sessions", nil, 401).says("http://adfs/trust") // AD FS
	c.with(a.token(t, clk.now(), jwt.MapClaims{"iss": "http://adfs/trust"})).want("GET", "/sessions", nil, 200)
}

func TestAzureConfig(t *testing.T) {
	for _, cfg := range []Config{
		{AzureAD: &AzureAD{Authority: "https://login.windows.net/contoso.test"}},
		{AzureAD: &AzureAD{Audience: audience}},
		{AzureAD: &AzureAD{Authority: "https://login.windows.net", Audience: audience}},
		{AzureAD: &AzureAD{Authority: "http://login.windows.net/contoso.test", Audience: audience}},
		{AzureAD: &AzureAD{Authority: "https://login.windows.net/contoso.test", Audience: audience}, AdminPassword: password},
		{AzureAD: &AzureAD{Authority: "https://login.windows.net/contoso.test", Audience: audience}, Users: map[string]string{"bob": password}},
	} {
		if s, err := New(cfg); err == nil || !strings.Contains(err.Error(), "azure AD") {
			t.Errorf("%+v: got %v, %v", cfg.AzureAD, s, err)
		}
	}
}
