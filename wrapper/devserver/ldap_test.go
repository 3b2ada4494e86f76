package devserver

import (
	"crypto/x509"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/internal/slapd"
	"github.com/mlserver-go/mls/wrapper/internal/testcert"
)

// startLDAP starts a server whose users are in a directory. Nobody is signed in.
func startLDAP(t *testing.T, dir LDAP, change ...func(*Config)) *client {
	t.Helper()
	cfg := noLanguages
	cfg.LDAP = &dir
	cfg.SigningKey, cfg.Logger = testKey(), printed.Logger()
	for _, change := range change {
		change(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewServer(s)
	t.Cleanup(func() {
		ts.Close()
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return &client{t: t, url: ts.URL, srv: s}
}

func directoryAt(url string) LDAP {
	return LDAP{
		URL: url, QueryUserDN: slapd.QueryUser, QueryUserPassword: slapd.QueryPassword,
		SearchBase: slapd.Base, SearchFilter: "uid={0}",
	}
}

func (c *client) login(name, password string, status int) *reply {
	c.t.Helper()
	return c.want("POST", "/login", map[string]string{"username": name, "password": password}, status)
}

// owner signs in and tells the name that the server knows the user by.
func (c *client) owner(name, password string) string {
	c.t.Helper()
	var p pair
	c.login(name, password, 200).into(&p)
	user, err := c.srv.tokens.check(p.AccessToken)
	if err != nil {
		c.t.Fatal(err)
	}
	return user
}

func TestLDAP(t *testing.T) {
	t.Parallel()
	directory := slapd.Start(t, nil, nil)
	c := startLDAP(t, directoryAt(directory.URL))
	for _, u := range []struct{ name, password, owner string }{
		{slapd.Alice, slapd.AlicePassword, "alice"},
		{"ALICE", slapd.AlicePassword, "alice"}, // one user, however the name is typed
		{slapd.Jürgen, slapd.JürgenPassword, slapd.Jürgen},
		{slapd.Odd, slapd.OddPassword, slapd.Odd},
	} {
		if got := c.owner(u.name, u.password); got != u.owner {
			t.Errorf("%s is %s to the server, want %s", u.name, got, u.owner)
		}
	}
	for _, u := range []struct{ name, password string }{
		{slapd.Alice, "wrong"}, {slapd.Alice, ""}, {"", slapd.AlicePassword}, {"", ""}, {"nobody", slapd.AlicePassword},
		{"*", slapd.AlicePassword}, {"al*", slapd.AlicePassword}, {"alice)(uid=*", slapd.AlicePassword}, {"a\x00b", "x"},
		{slapd.Keyless, "x"}, {slapd.Keyless, ""}, {slapd.Alice, slapd.JürgenPassword},
		{slapd.QueryUser, slapd.QueryPassword}, // no user below SearchBase by that name
		{"admin", c.srv.AdminPassword()}, {"admin", password},
	} {
		c.login(u.name, u.password, 401).says("invalid credentials")
	}
	byMail := directoryAt(directory.URL)
	byMail.SearchFilter = "(&(objectClass=inetOrgPerson)(|(mail={0})(uid={0})))"
	d := startLDAP(t, byMail)
	if got := d.owner(slapd.Alice, slapd.AlicePassword); got != "alice@contoso.test" {
		t.Errorf("found by mail or uid, alice is %s to the server, want the first of the two", got)
	}
	d.login(slapd.Twins, slapd.AlicePassword, 401).says("more than one entry")
	d.login(slapd.Jürgen, slapd.JürgenPassword, 401).says("has no mail")
	d.login(slapd.Jürgen, "wrong", 401).says("invalid credentials") // and not what the entry lacks
}

// TestLDAPAway tells a directory that is away, or refuses its query user, from a wrong password.
func TestLDAPAway(t *testing.T) {
	t.Parallel()
	directory := slapd.Start(t, nil, nil)
	for _, version := range []string{"9.0.1", "9.3.0"} {
		cfg := func(c *Config) { c.APIVersion = version }
		c := startLDAP(t, directoryAt(directory.URL), cfg)
		var p pair
		c.login(slapd.Alice, slapd.AlicePassword, 200).into(&p)
		c.with(p.AccessToken).hasLDAP(map[string]string{"9.0.1": "green", "9.3.0": "pass"}[version])

		wrong := directoryAt(directory.URL)
		wrong.QueryUserPassword = "Canary-wrong"
		startLDAP(t, wrong, cfg).login(slapd.Alice, slapd.AlicePassword, 503).says("signing in as cn=svc", "Invalid Credentials")
		anonymous := directoryAt(directory.URL)
		anonymous.QueryUserDN, anonymous.QueryUserPassword = "", ""
		startLDAP(t, anonymous, cfg).login(slapd.Alice, slapd.AlicePassword, 503).says("searching below dc=contoso,dc=test", "No Such Object")

		if version == "9.0.1" {
			continue
		}
		directory.Stop()
		c.login(slapd.Alice, slapd.AlicePassword, 503).says("the LDAP directory 127.0.0.1:", "connecting", "refused")
		c.login(slapd.Alice, "", 401).says("invalid credentials")
		c.with(p.AccessToken).hasLDAP("fail")
		c.renew(p.RefreshToken, 200) // needs no directory
	}
}

// hasLDAP checks what the server tells of its directory.
func (c *client) hasLDAP(state string) {
	c.t.Helper()
	var s health
	c.want("GET", "/status", nil, 200).into(&s)
	l := s.Components["ldap"]
	if l == nil && s.Components["authentication"] != nil {
		l = s.Components["authentication"].Components["ldap"]
	}
	if l == nil || l.StatusCode != state || l.Details["host"] != "127.0.0.1" || l.Details["version"] != 3.0 {
		c.t.Errorf("the directory is %+v, want %s", l, state)
	} else if state == "fail" && (s.StatusCode != "fail" || !strings.Contains(l.Details["error"].(string), "refused")) {
		c.t.Errorf("the server is %s, its directory %+v", s.StatusCode, l)
	}
}

// TestLDAPSilent gives up on a directory that takes connections and says nothing.
func TestLDAPSilent(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	d, err := newLDAPDirectory(directoryAt("ldap://" + ln.Addr().String()))
	if err != nil {
		t.Fatal(err)
	}
	for d.limit = 50 * time.Millisecond; ; d.limit *= 2 { // which is not enough to connect, if the machine is busy
		_, err := d.login(t.Context(), "a", "b")
		if err != nil && strings.Contains(err.Error(), "connecting") && d.limit < patience {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), "signing in as cn=svc") {
			t.Errorf("got %v, want the directory away", err)
		}
		return
	}
}

func TestLDAPOverTLS(t *testing.T) {
	t.Parallel()
	authority := testcert.Authority(t)
	cert := testcert.Server(t, authority, time.Now().Add(time.Hour), "127.0.0.1")
	directory := slapd.Start(t, cert.PEM, cert.KeyPEM)
	trusted := x509.NewCertPool()
	trusted.AddCert(authority.X509)
	for _, test := range []struct {
		name, url string
		startTLS  bool
		roots     *x509.CertPool
		want      string // of the error; empty: none
	}{
		{"LDAPS", directory.TLSURL, false, trusted, ""},
		{"StartTLS", directory.URL, true, trusted, ""},
		{"LDAPS, unknown authority", directory.TLSURL, false, nil, "unknown authority"},
		{"StartTLS, unknown authority", directory.URL, true, nil, "unknown authority"},
		{"LDAPS, another name", strings.Replace(directory.TLSURL, "127.0.0.1", "localhost", 1), false, trusted, "localhost"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := directoryAt(test.url)
			cfg.StartTLS, cfg.RootCAs = test.startTLS, test.roots
			c := startLDAP(t, cfg)
			if test.want == "" {
				c.login(slapd.Jürgen, slapd.JürgenPassword, 200)
				c.login(slapd.Jürgen, "wrong", 401)
			} else {
				c.login(slapd.Jürgen, slapd.JürgenPassword, 503).says("certificate", test.want)
			}
		})
	}
}

func TestLDAPConfig(t *testing.T) {
	good := func() Config {
		d := directoryAt("ldap://127.0.0.1")
		return Config{R: noLanguages.R, Python: noLanguages.Python, LDAP: &d}
	}
	for want, change := range map[string]func(*Config){
		"must look like ldap://": func(c *Config) { c.LDAP.URL = "https://dc.example.com" },
		"ldaps://dc":             func(c *Config) { c.LDAP.URL = "ldap://" },
		"encrypted already":      func(c *Config) { c.LDAP.URL, c.LDAP.StartTLS = "ldaps://dc.example.com", true },
		"base must not be empty": func(c *Config) { c.LDAP.SearchBase = "" },
		"no distinguished name":  func(c *Config) { c.LDAP.SearchBase = "People" },
		"no search filter":       func(c *Config) { c.LDAP.SearchFilter = "uid=alice" },
		"it must look like":      func(c *Config) { c.LDAP.SearchFilter = "(uid={0}" },
		"query user needs both":  func(c *Config) { c.LDAP.QueryUserPassword = "" },
		"turns local accounts":   func(c *Config) { c.AdminPassword = password },
		"off":                    func(c *Config) { c.Users = map[string]string{"bob": password} },
	} {
		cfg := good()
		change(&cfg)
		s, err := New(cfg)
		if err == nil {
			_ = s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
}

// TestLDAPEndsLocalSignIns: what admin still has from before the directory is good for nothing.
func TestLDAPEndsLocalSignIns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg := noLanguages
	cfg.DataDir, cfg.SigningKey = dir, testKey()
	c := start(t, cfg)
	p := c.signIn()
	if err := c.srv.Close(); err != nil {
		t.Fatal(err)
	}
	d := startLDAP(t, directoryAt("ldap://127.0.0.1"), func(c *Config) { c.DataDir = dir })
	d.with(p.AccessToken).want("GET", "/services", nil, 401)
	d.renew(p.RefreshToken, 401)
}
