package devserver

import (
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// clock is a time that only moves when told.
type clock struct{ unix atomic.Int64 }

func newClock() *clock {
	c := new(clock)
	c.unix.Store(1_480_000_000)
	return c
}

func (c *clock) now() time.Time       { return time.Unix(c.unix.Load(), 0) }
func (c *clock) pass(d time.Duration) { c.unix.Add(int64(d.Seconds())) }

func (c *client) signIn() pair {
	c.t.Helper()
	var p pair
	c.want("POST", "/login", map[string]string{"username": "admin", "password": password}, 200).into(&p)
	return p
}

func (c *client) renew(refresh string, status int) (p pair) {
	c.t.Helper()
	r := c.want("POST", "/login/refreshToken", map[string]string{"refreshToken": refresh}, status)
	if status == 200 {
		r.into(&p)
	}
	return p
}

func (c *client) with(token string) *client {
	d := *c
	d.token = token
	return &d
}

func TestLoginAnswer(t *testing.T) {
	t.Parallel()
	clk := newClock()
	cfg := noLanguages
	cfg.Clock = clk.now
	c := start(t, cfg)
	r := c.want("POST", "/login", `{"username":"admin","password":"`+password+`"}`, 200)
	want := `^\{"token_type":"Bearer","access_token":"eyJhbGciOiJSUzUxMiIsInR5cC[\w.-]+","expires_in":3600,"expires_on":1480003600,"refresh_token":"[A-Za-z0-9+/]{342}=="\}$`
	if !regexp.MustCompile(want).MatchString(r.body) {
		t.Errorf("login answered %s, want %s", r.body, want)
	}
	for _, path := range []string{"/status", "/services", "/sessions", "/snapshots"} {
		if got := c.with("").want("GET", path, nil, 401).header.Get("WWW-Authenticate"); got != "Bearer" {
			t.Errorf("%s: WWW-Authenticate %q", path, got)
		}
	}
	p := c.signIn()
	for _, header := range []string{"Bearer  " + p.AccessToken, "bearer " + p.AccessToken} {
		c.with("").want("GET", "/status", nil, 200, "Authorization", header)
	}
	for _, header := range []string{"Basic " + p.AccessToken, "Bearer", "Bearer x", "Bearer " + p.RefreshToken, "Bearer " + p.AccessToken + "x"} {
		c.with("").want("GET", "/status", nil, 401, "Authorization", header).says("log in")
	}
}

func TestLoginRefused(t *testing.T) {
	t.Parallel()
	c := start(t, noLanguages)
	for _, body := range []string{
		`{"username":"admin","password":"wrong"}`, `{"username":"nobody","password":"` + password + `"}`, `{"username":"admin"}`, `{}`,
	} {
		c.want("POST", "/login", body, 401).says("invalid credentials")
	}
	c.want("POST", "/login", `{"username":5}`, 400).says("loginRequest.username", "string")
	c.want("POST", "/login", `[`, 400).says("loginRequest", "JSON")
	c.want("POST", "/login", nil, 400).says("loginRequest", "missing")
	c.want("POST", "/login", `{"username":"`+strings.Repeat("x", 70_000)+`"}`, 413)
}

func TestRenewal(t *testing.T) {
	t.Parallel()
	clk := newClock()
	cfg := noLanguages
	cfg.Clock = clk.now
	c := start(t, cfg)
	first := c.signIn()
	second := c.renew(first.RefreshToken, 200)
	c.with(first.AccessToken).want("GET", "/status", nil, 401).says("newer")
	c.with(second.AccessToken).want("GET", "/status", nil, 200)
	c.renew(first.RefreshToken, 401)
	c.renew("", 401)

	clk.pass(time.Hour)
	c.with(second.AccessToken).want("GET", "/status", nil, 401).says("expired")
	clk.pass(14*24*time.Hour - time.Hour - time.Second)
	third := c.renew(second.RefreshToken, 200)
	clk.pass(14 * 24 * time.Hour)
	c.renew(third.RefreshToken, 401)

	p := c.signIn()
	for range 6 {
		clk.pass(13 * 24 * time.Hour)
		p = c.renew(p.RefreshToken, 200)
	}
	clk.pass(12 * 24 * time.Hour) // 90 days since login
	c.renew(p.RefreshToken, 401)
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	c := start(t, Config{APIVersion: "9.0.1", R: noLanguages.R, Python: noLanguages.Python})
	p := c.signIn()
	c.want("DELETE", "/login/refreshToken?refreshToken="+url.QueryEscape(p.RefreshToken), nil, 200)
	c.with(p.AccessToken).want("GET", "/status", nil, 401).says("revoked")
	c.renew(p.RefreshToken, 401)
	c.want("DELETE", "/login/refreshToken?refreshToken="+url.QueryEscape(p.RefreshToken), nil, 401)
	c.want("DELETE", "/login/refreshToken", nil, 400).says("refreshToken")

	p = c.signIn()
	c.want("DELETE", "/login/refreshToken/"+url.PathEscape(p.RefreshToken), nil, 200)
	c.renew(p.RefreshToken, 401)
	start(t, noLanguages).want("DELETE", "/login/refreshToken/x", nil, 404)
}

func TestExpiresOnFaults(t *testing.T) {
	t.Parallel()
	clk := newClock()
	cfg := noLanguages
	cfg.Clock = clk.now
	for form, want := range map[string]string{
		"number": `"expires_in":3600,"expires_on":1480003600`, "string": `"expires_in":"3600","expires_on":"1480003600"`,
	} {
		cfg.Faults.ExpiresOn = form
		c := start(t, cfg)
		if r := c.want("POST", "/login", `{"username":"admin","password":"`+password+`"}`, 200); !strings.Contains(r.body, want) {
			t.Errorf("%s: %s", form, r.body)
		}
	}
	cfg.Faults.ExpiresOn = "missing"
	c := start(t, cfg)
	if r := c.want("POST", "/login", `{"username":"admin","password":"`+password+`"}`, 200); strings.Contains(r.body, "expires") {
		t.Errorf("missing: %s", r.body)
	}
}
