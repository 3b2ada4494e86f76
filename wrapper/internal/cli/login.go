package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

type loginOptions struct {
	app         *app
	endpoint    string
	credentials credentials
	plaintext   bool
	aad         aadOptions
}

func (a *app) loginCmd() *cobra.Command {
	o := &loginOptions{app: a}
	c := &cobra.Command{
		Use:   "login [ENDPOINT]",
		Short: "Sign in to a server and stay signed in",
		Long: `Sign in to a server, as a user of its LDAP directory or Active Directory or as its local administrator, and stay signed in:
the tokens that the server issues are stored, together with the address, and are renewed when need be. The password is not
stored.

The refresh token, which is good for weeks, goes into the keyring of the operating system. If no keyring answers, or with
--plaintext-store, it goes into a file that only you can read. The access token, good for an hour, is always in that file.

User name and password are asked for at a terminal. Without one they come from flags and environment, see "mls --help".
Several servers, or users, need a profile each.

A sign-in ends with "mls logout", after 14 days without use, and after 90 days anyway.

Where the server uses Azure AD, or AD FS:

  mls login https://mls.example.com --aad --tenantid example.com --clientid NATIVE_APP --resource WEB_APP

signs in there with a code that you enter in any browser (device-code), or in the browser of this machine if there is one
(interactive). Other ways are user name and password, the secret or certificate of an application, the Azure CLI, and whatever
the Azure SDK finds (default). The access token is stored, and lasts about an hour. Then commands get another one by themselves
if nobody has to be asked: with the certificate, the Azure CLI, or the secret or password in the environment. Else sign in
again: "mls login ADDRESS --aad" remembers the rest.`,
		Example: `  mls login http://localhost:12800 --username admin --password-file password.txt
  echo "$PASSWORD" | mls login http://localhost:12800 --username admin --password-stdin
  MLS_USERNAME=admin MLS_PASSWORD_FILE=password.txt mls login http://localhost:12800
  mls login http://localhost:12800 --username admin --password-file password.txt --profile work`,
		Args: args(0, 1, "one address"),
		RunE: func(c *cobra.Command, args []string) error {
			if flag := o.aad.misused(c); flag != "" {
				return usageError(c, "--%s is for --aad", flag)
			}
			if len(args) > 0 {
				o.endpoint = args[0]
			}
			return o.run(c.Context())
		},
	}
	o.credentials.flags(c)
	c.Flags().BoolVar(&o.plaintext, "plaintext-store", false, "store the refresh token in a file that only you can read, not in the keyring")
	o.aad.flags(c)
	return c
}

func (o *loginOptions) run(ctx context.Context) error {
	a := o.app
	s, err := a.settings(o.endpoint)
	if err != nil {
		return err
	}
	plaintext, err := o.inFile()
	if err != nil {
		return err
	}
	p := s.profileOf("")
	signIn := o.signIn
	if o.aad.on {
		signIn = o.signInAzure
	}
	t, err := signIn(ctx, s, p)
	if errors.Is(err, mlserver.ErrUnauthorized) || errors.Is(err, auth.ErrLoginRequired) {
		return err // "sign in" would be no way out
	} else if err != nil {
		return s.wayOut(err)
	}
	if s.caFile != "" {
		if p.CAFile, err = filepath.Abs(s.caFile); err != nil {
			return err
		}
	}
	p.Tokens = pairOf(t)
	before, err := a.keep(ctx, s, p, plaintext)
	if err != nil {
		return errors.Join(fmt.Errorf("the sign-in could not be stored: %w", err), a.revoke(ctx, p))
	}
	if before != nil {
		_ = a.revoke(ctx, before) // it was to be forgotten anyway
	}
	a.say("signed in to %s as %s", s.endpoint, p.Username)
	return nil
}

// inFile tells whether the refresh token is to be stored in the file.
func (o *loginOptions) inFile() (bool, error) {
	text := o.app.getenv("MLS_PLAINTEXT_STORE")
	if o.plaintext || text == "" {
		return o.plaintext, nil
	}
	in, err := strconv.ParseBool(text)
	if err != nil {
		return false, wrongUsage{fmt.Errorf("MLS_PLAINTEXT_STORE is true or false, not %q", text)}
	}
	return in, nil
}

// keep stores a new sign-in, in the keyring unless there is none or the user wants a file. It returns what it replaces, if that
// can still be read.
func (a *app) keep(ctx context.Context, s *settings, p *profile, plaintext bool) (before *profile, err error) {
	p.Keyring = !plaintext && p.Tokens.Refresh != "" // or there is nothing to keep in it
	store := func() error {
		return s.store.update(ctx, s.profile, func(old *profile) (*profile, error) {
			before = old
			return p, nil
		})
	}
	err = store()
	if errors.Is(err, errNoKeyring) {
		a.say("mls: %v: the sign-in is stored in %s, which only you can read", err, s.store.path(s.profile))
		p.Keyring = false
		err = store()
	}
	if err == nil && !p.Keyring && before != nil && before.Keyring {
		if err := s.store.keys.delete(ctx, s.store.path(s.profile)); err != nil { // perhaps that is why a file was asked for
			a.say("mls: warning: the sign-in before stays in the keyring: %v", err)
		}
	}
	return before, err
}

// signIn signs in at the server.
func (o *loginOptions) signIn(ctx context.Context, s *settings, p *profile) (*auth.Token, error) {
	server, err := s.server()
	if err != nil {
		return nil, err
	}
	user, password, err := o.app.ask(ctx, o.credentials, s)
	if err != nil {
		return nil, err
	}
	p.Username = user
	ctx, cancel := o.app.bounded(ctx)
	defer cancel()
	source, err := auth.Login{Username: user, Password: password, Now: o.app.now}.Source(server)
	if err != nil {
		return nil, err
	}
	return source.Token(ctx)
}

// signInAzure signs in at Azure AD.
func (o *loginOptions) signInAzure(ctx context.Context, s *settings, p *profile) (*auth.Token, error) {
	server, err := s.server()
	if err != nil {
		return nil, err
	}
	if err := server.Check(); err != nil { // before anybody is asked
		return nil, err
	}
	z, err := o.app.azureAD(o.aad, o.credentials, s)
	if err != nil {
		return nil, err
	}
	sec, err := o.app.azureSecretsAsked(ctx, z, o.aad, o.credentials, s)
	if err != nil {
		return nil, err
	}
	ctx, cancel := o.app.bounded(ctx)
	defer cancel()
	t, err := z.token(ctx, o.app, s, sec)
	if err != nil {
		return nil, err
	}
	if err := z.accepted(ctx, s, server, t); err != nil {
		return nil, err
	}
	p.AzureAD, p.Username = z, cmp.Or(sec.username, userOf(t.AccessToken))
	return t, nil
}

// revoke signs a profile out at its server.
func (a *app) revoke(ctx context.Context, p *profile) error {
	if p.Tokens == nil || p.AzureAD != nil { // the server has not issued those
		return nil
	}
	if p.Keyring && p.Tokens.Refresh == "" {
		return errors.New("the refresh token could not be read")
	}
	server, err := (&settings{endpoint: p.Endpoint, caFile: p.CAFile, pin: p.PinSHA256, allowHTTP: p.AllowHTTP, trace: a.traceFunc()}).server()
	if err != nil {
		return err
	}
	source, err := auth.Login{Username: p.Username, Token: p.Tokens.token(), Now: a.now}.Source(server)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	return source.(*auth.Cache).Revoke(ctx)
}

func (a *app) logoutCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "logout",
		Short: "Sign out: revoke the tokens at the server and forget them here",
		Long: `Sign out: revoke the tokens at the server and forget them here. They are forgotten even if the server cannot be reached.
Open sessions stay open: "mls session close --all" closes them first.`,
		Example: `  mls logout
  mls logout --profile work`,
		Args: args(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error { return a.logout(c.Context()) },
	}
}

func (a *app) logout(ctx context.Context) error {
	s, err := a.settings("")
	if err != nil {
		return err
	}
	was, err := a.forget(ctx, s.store, s.profile, func(p *profile) error {
		forgotten := *p
		forgotten.Tokens, forgotten.Keyring = nil, false
		return s.store.save(ctx, s.profile, &forgotten)
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err == nil && !was {
		a.say("not signed in")
	}
	return err
}

// forget signs a profile out: here first, then at the server, which may be away. left makes of the file what is to be left. It
// tells whether somebody was signed in, as far as is known.
func (a *app) forget(ctx context.Context, st *store, name string, left func(*profile) error) (was bool, err error) {
	unlock, err := st.lock(ctx, name)
	if err != nil {
		return false, err
	}
	defer unlock()
	p, err := st.load(name)
	var bad *noSignIn
	if errors.As(err, &bad) {
		a.say("mls: warning: %v: it is removed, and the server could not be told", err)
		return true, errors.Join(os.Remove(st.path(name)), st.keys.delete(ctx, st.path(name)))
	}
	if err != nil {
		return false, err
	}
	if p.Tokens == nil {
		return false, left(p)
	}
	unread := st.complete(ctx, name, p)
	if err := left(p); err != nil {
		return true, err
	}
	if p.Keyring {
		err = st.keys.delete(ctx, st.path(name))
	}
	if told := cmp.Or(unread, a.revoke(ctx, p)); told != nil {
		a.say("mls: warning: forgotten here, but %s could not be told and may accept the tokens until they expire: %v", p.Endpoint, told)
	} else {
		a.say("signed out of %s", p.Endpoint)
		if p.AzureAD != nil && p.Tokens.Expires.After(a.now()) {
			a.say("The access token is forgotten here, but good until %s: only Azure AD could end it.", timeText(p.Tokens.Expires))
		}
	}
	return true, err
}

// identity is the JSON form of who is signed in.
type identity struct {
	Username string     `json:"username"`
	Endpoint string     `json:"endpoint"`
	How      string     `json:"how"`
	Profile  string     `json:"profile"`
	Store    string     `json:"store,omitempty"`    // where the refresh token is: keyring or file
	Access   *time.Time `json:"accessTokenExpires"` // null: not known
	SignIn   *time.Time `json:"signInEnds"`
}

func (a *app) whoamiCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "whoami",
		Short: "Tell who is signed in, where, how, and for how long",
		Long: `Tell who is signed in, where, how, and for how long: the access token is renewed by itself, until the sign-in ends. The
server is not asked; "mls status" shows whether it agrees.`,
		Example: `  mls whoami
  mls whoami -o json`,
		Args: args(0, 0, ""),
		RunE: func(*cobra.Command, []string) error { return a.whoami() },
	}
}

func (a *app) whoami() error {
	s, err := a.settings("")
	if err != nil {
		return err
	}
	in, err := a.signIn(s)
	if err != nil {
		return s.wayOut(err)
	}
	id := identity{Username: in.user, Endpoint: s.endpoint, How: in.how, Profile: s.profile}
	switch {
	case in.source != nil && s.stored.AzureAD != nil:
		id.Access = &s.stored.Tokens.Expires // renewed or not, as the environment has it
		if s.stored.AzureAD.attended() {
			id.SignIn = id.Access
		}
	case in.source != nil:
		ends := s.stored.Tokens.signInEnds()
		id.Store = s.stored.where()
		id.Access, id.SignIn = &s.stored.Tokens.Expires, &ends
	case !in.once:
		id.Access = expiryOf(a.getenv("MLS_TOKEN"))
	}
	text := func(t *time.Time) string {
		if t == nil || t.IsZero() {
			return "not known"
		}
		if left := t.Sub(a.now()).Round(time.Second); left > 0 {
			return fmt.Sprintf("%s (in %s)", timeText(*t), left)
		}
		return timeText(*t) + " (expired)"
	}
	t := table{rows: [][]string{{"User", id.Username}, {"Server", id.Endpoint}, {"Signed in by", id.How}}}
	if id.Store != "" {
		t.rows = append(t.rows, []string{"Stored in", id.Store})
	}
	if !in.once {
		t.rows = append(t.rows, []string{"Access token until", text(id.Access)})
	}
	if id.SignIn != nil {
		later := ", later with use"
		if id.SignIn == id.Access {
			later = ""
		}
		t.rows = append(t.rows, []string{"Sign-in until", text(id.SignIn) + later})
	}
	return a.print(id, t)
}

func (a *app) tokenCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "token",
		Short: "Print an access token, renewed if need be",
		Long: `Print an access token, renewed if need be, for programs that send it as "Authorization: Bearer". Treat it like a password.
Renewing makes the token before invalid.`,
		Example: `  curl -H "Authorization: Bearer $(mls token)" http://localhost:12800/status`,
		Args:    args(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := a.settings("")
			if err != nil {
				return err
			}
			in, err := a.signIn(s)
			if err != nil {
				return s.wayOut(err)
			}
			ctx, cancel := a.bounded(c.Context())
			defer cancel()
			in.once = false // the token is to outlive this command
			defer in.end(ctx)
			t, err := in.cache.Token(ctx)
			if err != nil {
				return s.wayOut(err)
			}
			return a.printLine(map[string]any{"accessToken": t.AccessToken, "expires": t.Expiry}, t.AccessToken)
		},
	}
}

// claimsOf reads an access token without verifying it, which only the server can do.
func claimsOf(token string) jwt.MapClaims {
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(token, claims); err != nil {
		return nil
	}
	return claims
}

func userOf(token string) string {
	claims := claimsOf(token)
	for _, name := range []string{"unique_name", "upn", "preferred_username", "appid", "name", "sub"} {
		if user, ok := claims[name].(string); ok && user != "" {
			return user
		}
	}
	return "not known"
}

func expiryOf(token string) *time.Time {
	expires, err := claimsOf(token).GetExpirationTime()
	if err != nil || expires == nil {
		return nil
	}
	return &expires.Time
}
