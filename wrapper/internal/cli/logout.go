package cli

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/auth"
)

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
		a.say("mls: warning: forgotten here, but %s could not be told and may accept the tokens until they expire: %s", p.Endpoint, inWords(told))
	} else {
		a.say("signed out of %s", p.Endpoint)
		if p.AzureAD != nil && (p.refreshes() || p.Tokens.Expires.After(a.now())) {
			a.say("The tokens are forgotten here; only %s could end them (the access token is good until %s).", p.AzureAD.whose(), timeText(p.Tokens.Expires))
		}
	}
	return true, err
}
