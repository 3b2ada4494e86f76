// Package slapd starts OpenLDAP's server with a small directory, for tests: an ordinary process that listens on this machine
// only and keeps its files in a folder of the test's.
package slapd

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/internal/port"
)

// What is in the directory.
const (
	Base          = "dc=contoso,dc=test"
	QueryUser     = "cn=svc," + Base // may search, as nobody else may
	QueryPassword = "Canary-query-Otter"

	Alice, AlicePassword   = "alice", "Canary-P@ssw0rd-ü"
	Jürgen, JürgenPassword = "jürgen weiß", "Canary-Größe-日本-🔑"
	Odd, OddPassword       = `o(d)d*\`, `Canary-*)(uid=*`
	Keyless                = "keyless" // has no password
	Twins                  = "twin@contoso.test"
)

// entry is what a user's entry holds besides the name.
type entry struct{ uid, password, mail string }

var people = []entry{
	{Alice, AlicePassword, "alice@contoso.test"},
	{Jürgen, JürgenPassword, ""},
	{Odd, OddPassword, "odd@contoso.test"},
	{Keyless, "", "keyless@contoso.test"},
	{"twin1", AlicePassword, Twins},
	{"twin2", AlicePassword, Twins},
}

// Directory is a running slapd.
type Directory struct {
	URL    string // ldap://
	TLSURL string // ldaps://; StartTLS is spoken at URL; both only with a certificate
	cmd    *exec.Cmd
	ended  chan struct{}
	said   bytes.Buffer
}

// Stop ends the directory, which is then away.
func (d *Directory) Stop() {
	_ = d.cmd.Process.Kill()
	<-d.ended
}

// program finds slapd or a tool of it; Debian's are outside of the PATH of ordinary users.
func program(name string) (string, error) {
	path, err := exec.LookPath(name)
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/usr/local/libexec", "/usr/libexec"} {
		if err == nil {
			return path, nil
		}
		path, err = exec.LookPath(filepath.Join(dir, name))
	}
	if err != nil {
		err = &exec.Error{Name: name, Err: exec.ErrNotFound}
	}
	return path, err
}

// Start starts a directory that ends with the test. The certificate is optional. Where slapd is missing the test is skipped, or
// fails with CI set.
func Start(t testing.TB, certificate, key []byte) *Directory {
	t.Helper()
	d, err := start(t.TempDir(), port.Own(t), port.Own(t), certificate, key)
	switch {
	case errors.Is(err, exec.ErrNotFound) && os.Getenv("CI") == "":
		t.Skipf("OpenLDAP's slapd is not installed (scripts/install.sh slapd): %v", err)
	case err != nil:
		t.Fatal(err)
	}
	t.Cleanup(d.Stop)
	return d
}

// StartIn starts a directory without encryption in a folder. Its port is its own until the program ends. exec.ErrNotFound: slapd is missing.
func StartIn(dir string) (*Directory, error) {
	plain, _, err := port.Hold()
	if err != nil {
		return nil, err
	}
	return start(dir, plain, "", nil, nil)
}

func start(dir, plain, encrypted string, certificate, key []byte) (*Directory, error) {
	server, err := program("slapd")
	if err != nil {
		return nil, err
	}
	loader, err := program("slapadd")
	if err != nil {
		return nil, err
	}
	schema := "/etc/ldap/schema"
	if _, err := os.Stat(schema); err != nil {
		schema = "/etc/openldap/schema"
	}
	var conf strings.Builder
	for _, name := range []string{"core", "cosine", "inetorgperson"} {
		fmt.Fprintf(&conf, "include %s/%s.schema\n", schema, name)
	}
	if _, err := os.Stat("/usr/lib/ldap"); err == nil { // elsewhere it is built in
		conf.WriteString("modulepath /usr/lib/ldap\nmoduleload back_mdb\n")
	}
	if certificate != nil {
		fmt.Fprintf(&conf, "TLSCertificateFile %[1]s/cert.pem\nTLSCertificateKeyFile %[1]s/key.pem\n", dir)
	}
	fmt.Fprintf(&conf, `pidfile %[1]s/slapd.pid
argsfile %[1]s/slapd.args
database mdb
suffix "%[2]s"
directory %[1]s
maxsize 16777216
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="%[3]s" read by * none
`, dir, Base, QueryUser)
	for name, text := range map[string][]byte{
		"slapd.conf": []byte(conf.String()), "seed.ldif": []byte(ldif()), "cert.pem": certificate, "key.pem": key,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return nil, err
		}
	}
	config := filepath.Join(dir, "slapd.conf")
	if out, err := exec.Command(loader, "-q", "-f", config, "-l", filepath.Join(dir, "seed.ldif")).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("slapadd: %w: %s", err, out)
	}
	d := &Directory{URL: "ldap://" + plain, ended: make(chan struct{})}
	urls := d.URL + "/"
	if certificate != nil {
		d.TLSURL = "ldaps://" + encrypted
		urls += " " + d.TLSURL + "/"
	}
	d.cmd = exec.Command(server, "-f", config, "-h", urls, "-d", "0")
	d.cmd.Stdout, d.cmd.Stderr = &d.said, &d.said
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { _ = d.cmd.Wait(); close(d.ended) }()
	for deadline := time.Now().Add(2 * time.Minute); ; {
		c, err := net.Dial("tcp", plain)
		if err == nil {
			return d, c.Close()
		}
		select {
		case <-d.ended:
			return nil, fmt.Errorf("slapd ended: %s", d.said.String())
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			d.Stop()
			return nil, fmt.Errorf("slapd does not answer: %w", err)
		}
	}
}

func ldif() string {
	var b strings.Builder
	add := func(dn string, attributes ...string) {
		fmt.Fprintf(&b, "dn:: %s\n", base64.StdEncoding.EncodeToString([]byte(dn)))
		for i := 0; i < len(attributes); i += 2 {
			if attributes[i+1] != "" {
				fmt.Fprintf(&b, "%s:: %s\n", attributes[i], base64.StdEncoding.EncodeToString([]byte(attributes[i+1])))
			}
		}
		b.WriteString("\n")
	}
	add(Base, "objectClass", "domain", "dc", "contoso")
	add(QueryUser, "objectClass", "organizationalRole", "objectClass", "simpleSecurityObject", "cn", "svc", "userPassword", QueryPassword)
	add("ou=People,"+Base, "objectClass", "organizationalUnit", "ou", "People")
	for i, p := range people {
		cn := fmt.Sprintf("person %d", i+1)
		add("cn="+cn+",ou=People,"+Base, "objectClass", "inetOrgPerson", "cn", cn, "sn", "Muster",
			"uid", p.uid, "mail", p.mail, "userPassword", p.password)
	}
	return b.String()
}
