package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"

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
the Azure SDK finds (default). Users stay signed in by a refresh token here too, as long as Azure AD lets them: usually until it is
unused for 90 days. Applications get the next access token with their certificate, or with the secret in the environment. Where
that does not do, sign in again: "mls login ADDRESS --aad" remembers the rest.`,
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
