package devserver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/mlserver-go/mls/wrapper/internal/lazyregexp"
)

// LDAP makes POST /login check names and passwords in an LDAP directory or Active Directory, and switches the local accounts
// off, as real servers do. The fields have the names of the real server's settings where it has them.
type LDAP struct {
	URL      string         // ldap://HOST[:389] or ldaps://HOST[:636]
	StartTLS bool           // encrypts the connection to an ldap:// address before anything is sent
	RootCAs  *x509.CertPool // whom to trust for TLS; nil: the system's certificates

	QueryUserDN, QueryUserPassword string // who searches; empty: anonymous

	SearchBase   string // below which the users are
	SearchFilter string // finds a user: {0} stands for the name as it was typed. Default: cn={0}
	// UniqueUserIdentifierAttributeName is the attribute that names a user to this server: the owner of services and snapshots.
	// By default the one that SearchFilter compares with the name.
	UniqueUserIdentifierAttributeName string
}

// ldapLimit is how long a directory may take, as somebody waits at a prompt.
const ldapLimit = 10 * time.Second

// ldapDirectory is a checked LDAP.
type ldapDirectory struct {
	LDAP
	host, port string
	secure     bool          // ldaps
	limit      time.Duration // of one question to the directory, connecting included
	tls        *tls.Config
}

var comparedWithName = lazyregexp.New(`([A-Za-z][A-Za-z0-9.-]*)\s*=\s*\{0\}`)

// newLDAPDirectory sends nothing: a directory that is away shows at login and in GET /status.
func newLDAPDirectory(cfg LDAP) (*ldapDirectory, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Scheme != "ldap" && u.Scheme != "ldaps" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.User != nil {
		return nil, errors.New("LDAP: the address must look like ldap://dc.example.com or ldaps://dc.example.com:636")
	}
	if cfg.StartTLS && u.Scheme == "ldaps" {
		return nil, errors.New("LDAP: an ldaps:// address is encrypted already: StartTLS is for ldap://")
	}
	if cfg.SearchBase == "" {
		return nil, errors.New("LDAP: the search base must not be empty: give one such as ou=People,dc=example,dc=com")
	}
	if _, err := ldap.ParseDN(cfg.SearchBase); err != nil {
		return nil, fmt.Errorf("LDAP: the search base %q is no distinguished name: it must look like ou=People,dc=example,dc=com", cfg.SearchBase)
	}
	def(&cfg.SearchFilter, "cn={0}")
	if !strings.HasPrefix(cfg.SearchFilter, "(") {
		cfg.SearchFilter = "(" + cfg.SearchFilter + ")"
	}
	compared := comparedWithName().FindStringSubmatch(cfg.SearchFilter)
	if _, err := ldap.CompileFilter(strings.ReplaceAll(cfg.SearchFilter, "{0}", "x")); err != nil || compared == nil {
		return nil, fmt.Errorf("LDAP: %q is no search filter for a name: it must look like uid={0} or (&(objectClass=person)(cn={0}))", cfg.SearchFilter)
	}
	def(&cfg.UniqueUserIdentifierAttributeName, compared[1])
	if (cfg.QueryUserDN == "") != (cfg.QueryUserPassword == "") {
		return nil, errors.New("LDAP: the query user needs both a distinguished name and a password")
	}
	d := &ldapDirectory{LDAP: cfg, host: u.Hostname(), port: u.Port(), secure: u.Scheme == "ldaps", limit: ldapLimit}
	def(&d.port, map[string]string{"ldap": "389", "ldaps": "636"}[u.Scheme])
	d.tls = &tls.Config{ServerName: d.host, RootCAs: cfg.RootCAs, MinVersion: tls.VersionTLS12}
	return d, nil
}

// login tells by what name the server knows the user, who is found by name and proves to be it by password.
func (d *ldapDirectory) login(ctx context.Context, name, password string) (user string, err error) {
	if name == "" || password == "" { // a directory takes an empty password for an anonymous user's, and agrees
		return "", invalidCredentials()
	}
	conn, done, err := d.open(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	const enough = 2 // to know that it is not one
	found, err := conn.Search(ldap.NewSearchRequest(d.SearchBase, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, enough,
		int(d.limit.Seconds()), false, strings.ReplaceAll(d.SearchFilter, "{0}", ldap.EscapeFilter(name)),
		[]string{d.UniqueUserIdentifierAttributeName}, nil))
	switch {
	case ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded), err == nil && len(found.Entries) >= enough:
		return "", fail(http.StatusUnauthorized, "the LDAP directory has more than one entry for this name: the search filter must be stricter")
	case err != nil:
		return "", d.away("searching below "+d.SearchBase, err)
	case len(found.Entries) == 0:
		return "", invalidCredentials()
	}
	entry := found.Entries[0]
	if err := conn.Bind(entry.DN, password); err != nil {
		for _, code := range []uint16{
			ldap.LDAPResultInvalidCredentials, ldap.LDAPResultInappropriateAuthentication, ldap.LDAPResultNoSuchObject,
			ldap.LDAPResultInsufficientAccessRights, ldap.LDAPResultConstraintViolation, ldap.LDAPResultUnwillingToPerform,
		} {
			if ldap.IsErrorWithCode(err, code) {
				return "", invalidCredentials()
			}
		}
		return "", d.away("checking the password", err)
	}
	if user = entry.GetEqualFoldAttributeValue(d.UniqueUserIdentifierAttributeName); user == "" {
		return "", fail(http.StatusUnauthorized, "the user's entry in the LDAP directory has no %s, which names users here",
			d.UniqueUserIdentifierAttributeName)
	}
	return user, nil
}

// open connects as the query user, for no longer than the limit.
func (d *ldapDirectory) open(ctx context.Context) (conn *ldap.Conn, done func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, d.limit)
	defer cancel()
	var c net.Conn
	if address := net.JoinHostPort(d.host, d.port); d.secure {
		c, err = (&tls.Dialer{Config: d.tls}).DialContext(ctx, "tcp", address)
	} else {
		c, err = new(net.Dialer).DialContext(ctx, "tcp", address)
	}
	if err != nil {
		return nil, nil, d.away("connecting", err)
	}
	deadline, _ := ctx.Deadline()
	if err := c.SetDeadline(deadline); err != nil {
		return nil, nil, errors.Join(err, c.Close())
	}
	conn = ldap.NewConn(c, d.secure)
	conn.Start()
	done = func() { _ = conn.Close() }
	if d.StartTLS {
		if err := conn.StartTLS(d.tls); err != nil {
			done()
			return nil, nil, d.away("StartTLS", err)
		}
	}
	if d.QueryUserDN != "" {
		if err := conn.Bind(d.QueryUserDN, d.QueryUserPassword); err != nil {
			done()
			return nil, nil, d.away("signing in as "+d.QueryUserDN, err)
		}
	}
	return conn, done, nil
}

// away is what clients are told when nobody can sign in, whatever the password. LDAP's own errors hold no password.
func (d *ldapDirectory) away(doing string, err error) error {
	var result *ldap.Error
	if errors.As(err, &result) && result.Err != nil && result.ResultCode >= ldap.ErrorNetwork {
		err = result.Err // without words of LDAP for what is the network's
	}
	return fail(http.StatusServiceUnavailable, "nobody can sign in, as the LDAP directory %s does not do its part: %s: %v",
		net.JoinHostPort(d.host, d.port), doing, err)
}

// health asks the directory whether it would let users in.
func (d *ldapDirectory) health(ctx context.Context) *health {
	h := &health{StatusCode: "pass", Details: map[string]any{"host": d.host, "port": d.port, "version": 3}}
	_, done, err := d.open(ctx)
	if err != nil {
		h.StatusCode, h.Details["error"] = "fail", err.Error()
		return h
	}
	done()
	return h
}
