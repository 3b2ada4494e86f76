package cli

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/devserver"
	"github.com/mlserver-go/mls/wrapper/internal/temp"
)

// ldapOptions are the directory whose users sign in to the development server.
type ldapOptions struct {
	directory    devserver.LDAP
	passwordFile string
	caFile       string
}

func (o *ldapOptions) flags(c *cobra.Command) {
	f, d := c.Flags(), &o.directory
	f.StringVar(&d.URL, "ldap", "", "LDAP directory whose users sign in, instead of admin: ldap://HOST[:PORT] or ldaps://HOST[:PORT]")
	f.StringVar(&d.SearchBase, "ldap-base", "", "where the users are, such as ou=People,dc=example,dc=com")
	f.StringVar(&d.SearchFilter, "ldap-filter", "cn={0}", "what finds a user, {0} being the name")
	f.StringVar(&d.UniqueUserIdentifierAttributeName, "ldap-id", "", "attribute that names a user to the server; by default the one that the filter compares")
	f.StringVar(&d.QueryUserDN, "ldap-user", "", "distinguished name of who searches; by default anonymous")
	f.StringVar(&o.passwordFile, "ldap-password-file", "", "file with the password of --ldap-user, - for the standard input")
	f.BoolVar(&d.StartTLS, "ldap-starttls", false, "encrypt the connection to an ldap:// address")
	f.StringVar(&o.caFile, "ldap-ca-file", "", "PEM file with the certificates to trust at the directory")
}

// config is nil without a directory.
func (o *ldapOptions) config(a *app) (*devserver.LDAP, error) {
	d := o.directory
	if d.URL == "" {
		for _, given := range []string{d.SearchBase, d.QueryUserDN, d.UniqueUserIdentifierAttributeName, o.passwordFile, o.caFile} {
			if given != "" || d.StartTLS {
				return nil, wrongUsage{errors.New("--ldap is missing: the address of the directory")}
			}
		}
		return nil, nil
	}
	var err error
	if o.passwordFile != "" {
		if d.QueryUserPassword, err = a.passwordFrom(o.passwordFile); err != nil {
			return nil, err
		}
	}
	if o.caFile != "" {
		pem, err := os.ReadFile(o.caFile)
		if err != nil {
			return nil, fmt.Errorf("--ldap-ca-file: %w", err)
		}
		d.RootCAs = x509.NewCertPool()
		if !d.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--ldap-ca-file: %s holds no PEM certificate", o.caFile)
		}
	}
	return &d, nil
}

// plainTo tells whether passwords go over the network unencrypted, and to whom.
func (o *ldapOptions) plainTo() (host string, plain bool) {
	u, err := url.Parse(o.directory.URL)
	if err != nil || u.Scheme != "ldap" || o.directory.StartTLS {
		return "", false
	}
	return u.Host, !isLoopback(u.Hostname())
}

// tlsOptions are the certificate of the development server.
type tlsOptions struct {
	own       bool
	cert, key string
}

func (o *tlsOptions) flags(c *cobra.Command) {
	c.Flags().BoolVar(&o.own, "tls", false, "serve https, with a certificate that the server makes itself and keeps in --data-dir")
	c.Flags().StringVar(&o.cert, "tls-cert", "", "serve https, with the certificate in this PEM file")
	c.Flags().StringVar(&o.key, "tls-key", "", "PEM file with the key of --tls-cert")
}

// certificate is nil without TLS. remove is called when the server has ended.
func (o *tlsOptions) certificate(a *app, dataDir, listen string) (cert *devserver.Certificate, remove func() error, err error) {
	remove = func() error { return nil }
	switch {
	case o.cert != "" || o.key != "":
		if o.own || o.cert == "" || o.key == "" {
			return nil, nil, wrongUsage{errors.New("give either --tls, or --tls-cert and --tls-key")}
		}
		cert, err = devserver.LoadCertificate(o.cert, o.key)
		return cert, remove, err
	case !o.own:
		return nil, remove, nil
	}
	hosts := []string{"localhost", "127.0.0.1", "::1"}
	host, _, _ := net.SplitHostPort(listen) // what is wrong with it shows when listening
	if ip := net.ParseIP(host); !isLoopback(host) {
		if name, err := os.Hostname(); err == nil {
			hosts = append(hosts, name)
		}
		if host != "" && (ip == nil || !ip.IsUnspecified()) {
			hosts = append(hosts, host)
		}
	}
	dir := dataDir
	if dir == "" {
		folder, err := temp.NewFolder("devserver-tls")
		if err != nil {
			return nil, nil, err
		}
		dir, remove = folder.Path, folder.Remove
	} else if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, nil, err
	}
	if cert, err = devserver.OwnCertificate(dir, a.now(), hosts...); err != nil {
		return nil, nil, errors.Join(err, remove())
	}
	return cert, remove, nil
}

// loginText is how to sign in to a started server.
func (r *ready) loginText(o *devserverOptions) string {
	how := "--username " + cmp.Or(r.Username, "NAME")
	if o.authority != "" {
		how = fmt.Sprintf("--aad --authuri %s --clientid CLIENT_ID --resource %s", o.authority, o.audience)
	}
	text := fmt.Sprintf("Sign in:   mls login %s %s", r.Endpoint, how)
	if o.tls.own {
		text += " --pin-sha256 " + r.PinSHA256
	}
	return text + "\n"
}
