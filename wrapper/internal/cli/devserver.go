package cli

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/devserver"
	"github.com/mlserver-go/mls/wrapper/internal/temp"
)

type devserverOptions struct {
	app *app

	version      bool
	listen       string
	dataDir      string
	passwordFile string
	usersFile    string
	rolesFile    string
	readyFile    string
	authority    string
	audience     string
	python, r    string
	access       time.Duration
	refresh      time.Duration
	maxSessions  int
	idle         time.Duration
	memory       uint64
	ldap         ldapOptions
	tls          tlsOptions
}

// devserverRoot is the program mls-devserver. It calls itself what its users call it: "mls devserver".
func (a *app) devserverRoot() *cobra.Command {
	o := &devserverOptions{app: a}
	c := a.asRoot(&cobra.Command{
		Use:   devserverProgram,
		Short: devserverShort,
		Long: `Start a server for development on this machine. It answers like a Machine Learning Server of the version given with
--api-version (default 9.3.0), and runs code in the R and Python that are installed here.

It is no sandbox: who signs in runs code as you. It listens on this machine only, unless --listen says otherwise, and the
account admin has a password that is made up and shown once, unless --password-file has one. With --ldap the users of a
directory sign in, and the account admin is off. With --tls the server speaks https.

The account admin has the role Owner, all others of --users-file that of Contributor, who may change only their own services.
With --roles-file, who is not in it may only read if it has no readers, and else nothing at all.

Without --data-dir nothing is kept. Ctrl-C ends the server and all sessions.

Scripts take --listen 127.0.0.1:0 for a free port, and --ready-file: when the server answers, that file holds address, user
name and password as JSON, readable by you alone, until the server ends.`,
		Example: `  mls devserver
  mls devserver --data-dir ~/.local/share/mls
  mls devserver --api-version 9.1.0 --listen 127.0.0.1:0 --ready-file ready.json
  mls devserver --python ~/venv/bin/python --access-token-lifetime 5m
  mls devserver --tls --data-dir ~/.local/share/mls
  mls devserver --ldap ldaps://dc.example.com --ldap-base dc=example,dc=com --ldap-filter 'sAMAccountName={0}' \
    --ldap-user 'cn=mls,dc=example,dc=com' --ldap-password-file query.txt`,
		Annotations:       map[string]string{cobra.CommandDisplayNameAnnotation: "mls devserver"},
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true}, // mls has it
		Args:              args(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			if o.version {
				return a.printVersion(devserverProgram)
			}
			return o.run(c.Context())
		},
	})
	for _, name := range []string{"endpoint", "profile", "timeout", "pin-sha256", "allow-http", "trace", "no-input"} {
		c.PersistentFlags().Lookup(name).Hidden = true // they are for clients, and accepted because mls passes them on
	}
	f := c.Flags()
	f.BoolVar(&o.version, "version", false, "print the version of this program")
	f.StringVar(&o.listen, "listen", "127.0.0.1:12800", "address and port; port 0 takes a free one")
	f.StringVar(&o.dataDir, "data-dir", "", "folder that keeps services, snapshots and sign-ins over a restart")
	f.StringVar(&o.passwordFile, "password-file", "", "file with the password of the account admin, - for the standard input")
	f.StringVar(&o.usersFile, "users-file", "", `file with more accounts, as JSON: {"NAME": "PASSWORD", ...}`)
	f.StringVar(&o.rolesFile, "roles-file", "", `file with the roles of accounts, as JSON: {"owner": [NAME, ...], "contributor": [...], "reader": [...]}`)
	f.StringVar(&o.authority, "aad-authority", "", "take tokens of this Azure AD tenant and no passwords, as https://login.windows.net/TENANT; AD FS as https://HOST/adfs")
	f.StringVar(&o.audience, "aad-audience", "", `client ID of the "web" application that the tokens have to be for`)
	f.StringVar(&o.readyFile, "ready-file", "", "write address, user name and password to this file when the server answers")
	f.StringVar(&o.r, "r", "", "R to run; by default the first one that works")
	f.StringVar(&o.python, "python", "", "Python to run; by default the one that lacks the fewest packages")
	f.DurationVar(&o.access, "access-token-lifetime", time.Hour, "how long an access token is good")
	f.DurationVar(&o.refresh, "refresh-token-lifetime", 14*24*time.Hour, "how long an unused refresh token is good")
	f.DurationVar(&o.idle, "session-idle", 0, "end sessions that nobody has used for this time; 0: never")
	f.IntVar(&o.maxSessions, "max-sessions", 20, "sessions that may be open at a time")
	o.ldap.flags(c)
	o.tls.flags(c)
	f.Uint64Var(&o.memory, "memory-limit", 0, "address space of each R and Python process in bytes; 0: no limit")
	return c
}

// ready is what a script needs to know of a started server.
type ready struct {
	Endpoint   string `json:"endpoint"`
	APIVersion string `json:"apiVersion"`
	Username   string `json:"username,omitempty"` // none with a directory
	Password   string `json:"password,omitempty"` // only if the server made it up, or in the ready file
	CAFile     string `json:"caFile,omitempty"`   // the certificate, with TLS
	PinSHA256  string `json:"pinSha256,omitempty"`
}

func (o *devserverOptions) run(ctx context.Context) (err error) {
	cfg, err := o.config()
	if err != nil {
		return err
	}
	cert, remove, err := o.tls.certificate(o.app, o.dataDir, o.listen)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	ln, err := net.Listen("tcp", o.listen)
	if err != nil {
		return &cannotListen{err}
	}
	server, err := devserver.New(cfg)
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	r := ready{
		Endpoint: endpointOf(ln.Addr().String(), cert != nil), APIVersion: server.APIVersion(),
		Password: server.AdminPassword(),
	}
	if cfg.AzureAD == nil {
		r.Username = "admin"
	}
	if cfg.LDAP != nil {
		r.Username = ""
	}
	if cert != nil {
		r.CAFile, r.PinSHA256 = cert.File, cert.SHA256
		ln = tls.NewListener(ln, cert.Config())
	}
	serving, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(serving, ln) }()
	if err := o.announce(ctx, server, r, cfg.AdminPassword == "" && cfg.LDAP == nil); err != nil && ctx.Err() == nil {
		stop()
		return errors.Join(err, <-ended)
	}
	err = <-ended
	if o.readyFile != "" {
		err = errors.Join(err, os.Remove(o.readyFile))
	}
	return err
}

func (o *devserverOptions) config() (devserver.Config, error) {
	cfg := devserver.Config{
		APIVersion: o.app.or(o.app.apiVersion, "MLS_API_VERSION"),
		R:          o.r, Python: o.python, DataDir: o.dataDir,
		AccessLifetime: o.access, RefreshIdle: o.refresh, MaxSessions: o.maxSessions, SessionIdle: o.idle, MemoryLimit: o.memory,
		Logger: slog.New(slog.NewTextHandler(o.app.err, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	if o.authority != "" || o.audience != "" {
		client, err := (&settings{caFile: o.app.or(o.app.caFile, "MLS_CA_FILE")}).azureHTTP()
		if err != nil {
			return cfg, err
		}
		cfg.AzureAD = &devserver.AzureAD{Authority: o.authority, Audience: o.audience, HTTP: client}
	}
	if o.passwordFile != "" {
		var err error
		if cfg.AdminPassword, err = o.app.passwordFrom(o.passwordFile); err != nil {
			return cfg, err
		}
	}
	if o.usersFile != "" {
		text, err := os.ReadFile(o.usersFile)
		if err != nil {
			return cfg, err
		}
		if json.Unmarshal(text, &cfg.Users) != nil { // its error would quote a password
			return cfg, fmt.Errorf(`%s does not hold accounts as {"NAME": "PASSWORD"}`, o.usersFile)
		}
	}
	if o.rolesFile != "" {
		text, err := os.ReadFile(o.rolesFile)
		if err != nil {
			return cfg, err
		}
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.DisallowUnknownFields() // a role misspelt would give everybody more than was meant
		if err := dec.Decode(&cfg.Roles); err != nil {
			return cfg, fmt.Errorf(`%s does not hold roles as {"owner": [NAME], "contributor": [NAME], "reader": [NAME]}: %w`, o.rolesFile, err)
		}
	}
	var err error
	cfg.LDAP, err = o.ldap.config(o.app)
	return cfg, err
}

// announce tells how to reach the server, and which R and Python it runs. A password of the user's own is not repeated.
func (o *devserverOptions) announce(ctx context.Context, server *devserver.Server, r ready, generated bool) error {
	if o.readyFile != "" {
		path, err := filepath.Abs(o.readyFile)
		if err != nil {
			return err
		}
		err = temp.WriteFile(path, func(w io.Writer) error { return json.NewEncoder(w).Encode(r) })
		if err != nil {
			return err
		}
	}
	if !generated {
		r.Password = ""
	}
	if host, _, _ := net.SplitHostPort(o.listen); !isLoopback(host) {
		lacks := "no sandbox"
		if r.CAFile == "" {
			lacks += " and no encryption"
		}
		o.app.say("mls: warning: other machines can reach %s. Who signs in runs code as you; there is %s.", o.listen, lacks)
	}
	if host, plain := o.ldap.plainTo(); plain {
		o.app.say("mls: warning: the names and passwords of those who sign in go unencrypted to %s: ldaps:// or --ldap-starttls encrypts them.", host)
	}
	if o.app.output == "json" {
		if err := o.app.printJSON(r); err != nil {
			return err
		}
	} else {
		text := fmt.Sprintf("Development server, playing %s: %s\n", r.APIVersion, r.Endpoint)
		text += r.loginText(o)
		if generated && r.Password != "" {
			text += fmt.Sprintf("Password:  %s\n", r.Password)
		}
		if r.CAFile != "" {
			text += fmt.Sprintf("TLS:       --ca-file %s, or --pin-sha256 %s\n", r.CAFile, r.PinSHA256)
		}
		if _, err := io.WriteString(o.app.out, text); err != nil {
			return err
		}
	}
	found, missing := server.Interpreters(ctx)
	for _, i := range found {
		lacks := ""
		if len(i.Missing) > 0 {
			lacks = ", lacks " + strings.Join(i.Missing, ", ")
		}
		o.app.say("%-9s  %s, %s%s", i.Language, i.Version, i.Path, lacks)
	}
	for _, err := range missing {
		if ctx.Err() == nil {
			o.app.say("Missing:   %v", err)
		}
	}
	o.app.say("Ctrl-C ends the server.")
	return nil
}

// endpointOf is the address for clients on this machine of a server that listens on addr.
func endpointOf(addr string, secure bool) string {
	host, port, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		addr = net.JoinHostPort("localhost", port)
	}
	if secure {
		return "https://" + addr
	}
	return "http://" + addr
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// cannotListen keeps a taken port from looking like a server that is away.
type cannotListen struct{ err error }

func (e *cannotListen) Error() string {
	return fmt.Sprintf("cannot listen: %v (--listen 127.0.0.1:0 takes a free port)", e.err)
}
