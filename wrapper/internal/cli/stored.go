package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/mlserver-go/mls/wrapper/auth"
)

// storedSource takes the tokens of a profile and renews them there. Renewing makes the pair before invalid, for other
// processes as well: it happens under the profile's lock, and whoever waited for that takes what the other has got.
type storedSource struct {
	app      *app
	settings *settings
	server   auth.Server
	turn     chan struct{} // held while tokens are looked up
	given    string        // the access token given last: asked again, it was refused or is expiring
}

func newStoredSource(a *app, s *settings, server auth.Server) *storedSource {
	return &storedSource{app: a, settings: s, server: server, turn: make(chan struct{}, 1)}
}

// Token gives the stored access token, or renews it if it is expiring or was given before.
func (s *storedSource) Token(ctx context.Context) (*auth.Token, error) {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	if t, err := s.usable(); t != nil || err != nil {
		return t, err
	}
	unlock, err := s.settings.store.lock(ctx, s.settings.profile)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if t, err := s.usable(); t != nil || err != nil {
		return t, err // another process was faster
	}
	return s.renew(ctx)
}

// wait lets a renewal under way finish: what the server has issued must get into the store.
func (s *storedSource) wait(ctx context.Context) {
	select {
	case s.turn <- struct{}{}:
		<-s.turn
	case <-ctx.Done():
	}
}

func (s *storedSource) load() (*profile, error) {
	p, err := s.settings.store.load(s.settings.profile)
	if err != nil {
		return nil, err
	}
	if p.Endpoint != s.settings.endpoint || p.Tokens == nil {
		return nil, fmt.Errorf("%w: profile %s was signed out meanwhile", auth.ErrLoginRequired, s.settings.profile)
	}
	return p, nil
}

// usable is the stored token; nil if it has to be renewed.
func (s *storedSource) usable() (*auth.Token, error) {
	p, err := s.load()
	if err != nil {
		return nil, err
	}
	t := p.Tokens
	if t.Access == "" || t.Access == s.given || t.expiring(s.app.now()) {
		return nil, nil
	}
	s.given = t.Access
	return t.token(), nil
}

func (s *storedSource) renew(ctx context.Context) (*auth.Token, error) {
	p, err := s.load()
	if err != nil {
		return nil, err
	}
	if err := s.settings.store.complete(ctx, s.settings.profile, p); err != nil {
		return nil, err
	}
	t, err := s.next(ctx, p)
	if err != nil {
		return nil, err
	}
	s.given, p.Tokens = t.AccessToken, pairOf(t)
	if err := s.settings.store.save(ctx, s.settings.profile, p); err != nil {
		s.app.say("mls: the renewed sign-in could not be stored, the next command will ask for a new one: %v", err)
	}
	return t, nil
}

// next is the token after the stored one.
func (s *storedSource) next(ctx context.Context, p *profile) (*auth.Token, error) {
	if p.AzureAD != nil {
		return p.AzureAD.renewed(ctx, s.app, s.settings, p)
	}
	old := p.Tokens.token()
	old.AccessToken = "" // or else it would be used on
	source, err := auth.Login{Username: p.Username, Token: old, Now: s.app.now}.Source(s.server)
	if err != nil {
		return nil, err
	}
	return source.Token(ctx)
}

// expiring tells whether the access token ends within a minute, or a tenth of its lifetime if that is less.
func (t *tokenPair) expiring(now time.Time) bool {
	return !t.Expires.IsZero() && !now.Before(t.Expires.Add(-min(time.Minute, t.Expires.Sub(t.Issued)/10)))
}

func (t *tokenPair) token() *auth.Token {
	return &auth.Token{AccessToken: t.Access, RefreshToken: t.Refresh, Expiry: t.Expires, Issued: t.Issued, SignedIn: t.SignedIn}
}

func pairOf(t *auth.Token) *tokenPair {
	return &tokenPair{Access: t.AccessToken, Refresh: t.RefreshToken, Expires: t.Expiry, Issued: t.Issued, SignedIn: t.SignedIn}
}
