package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/go-openapi/runtime"

	genauth "github.com/mlserver-go/mls/gen/v930/auth"
	"github.com/mlserver-go/mls/gen/v930/models"
	"github.com/mlserver-go/mls/wrapper/transport"
)

// Login signs in with a name and password of the server's LDAP directory or Active Directory, or as its local administrator:
// POST /login, renewed by POST /login/refreshToken. It stands for mrsdeploy's remoteLogin.
//
// A password that the server refused is not sent again: whoever asks later gets the same error, as directories lock accounts
// after some tries. Another Source tries again.
type Login struct {
	Username, Password string
	// Token, if set, is an earlier one to go on with, from OnToken. Without a password it is all there is, and once it cannot
	// be renewed the error is ErrLoginRequired.
	Token *Token
	// OnToken, if set, is told each new pair before anybody uses it, one call at a time. The pair before is invalid by then.
	OnToken func(*Token)
	// Limit is how long the server, and the directory behind it, may take to answer. Zero: 20 s.
	Limit time.Duration
	// Now is the clock. Nil: time.Now.
	Now func() time.Time
}

func (l Login) String() string {
	if l.Username == "" {
		return "login with a stored token"
	}
	return fmt.Sprintf("login as %q", l.Username)
}

// GoString keeps the secrets out of %#v.
func (l Login) GoString() string { return "auth.Login{" + l.String() + "}" }

// Format keeps the secrets out of every verb of package fmt.
func (l Login) Format(f fmt.State, verb rune) {
	if verb == 'v' && f.Flag('#') {
		_, _ = io.WriteString(f, l.GoString())
		return
	}
	_, _ = io.WriteString(f, l.String())
}

// LogValue keeps the secrets out of package log/slog.
func (l Login) LogValue() slog.Value { return slog.StringValue(l.String()) }

// Source returns a *Cache in front of this login, with a Revoke that signs out. It sends nothing.
func (l Login) Source(s Server) (Source, error) {
	if l.Token == nil || l.Token.RefreshToken == "" && l.Token.AccessToken == "" {
		l.Token = nil
		switch {
		case l.Username == "":
			return nil, errors.New("no user name to sign in with")
		case l.Password == "":
			return nil, fmt.Errorf("no password for user %q", l.Username)
		}
	}
	if err := s.Check(); err != nil {
		return nil, err
	}
	if l.Now == nil {
		l.Now = time.Now
	}
	if l.Limit == 0 {
		l.Limit = 20 * time.Second
	}
	src := &loginSource{
		login: &l,
		last:  l.Token,
		api:   genauth.New(transport.New(s.URL, s.HTTP), nil),
		host:  s.URL.Host,
		turn:  make(chan struct{}, 1),
	}
	c := NewCache(src)
	c.Now = l.Now
	if l.Token != nil && l.Token.AccessToken != "" {
		c.hold(l.Token)
	}
	return c, nil
}

// loginSource gets a new token whenever it is asked.
type loginSource struct {
	login *Login // behind a pointer, so that no verb of package fmt prints it
	api   genauth.ClientService
	host  string

	turn chan struct{} // held by whoever uses the refresh token
	last *Token        // nil: signed out

	wrong error // set once name and password were refused
}

func (s *loginSource) lock(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *loginSource) unlock() { <-s.turn }

// Token renews the last token, or signs in where that is refused.
func (s *loginSource) Token(ctx context.Context) (*Token, error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.unlock()
	t, err := s.renew(ctx)
	if t == nil && err == nil {
		t, err = s.signIn(ctx)
	}
	if err != nil {
		return nil, err
	}
	s.last = t
	if s.login.OnToken != nil {
		s.login.OnToken(t)
	}
	return t, nil
}

// renew returns nothing at all if signing in is the way to go on.
func (s *loginSource) renew(ctx context.Context) (*Token, error) {
	last := s.last
	if last == nil || last.RefreshToken == "" {
		if s.login.Password == "" {
			return nil, fmt.Errorf("%w: nothing is left of the last sign-in at %s", ErrLoginRequired, s.host)
		}
		return nil, nil
	}
	var ok *genauth.RenewTokenOK
	err := s.bounded(ctx, "renewToken", func(ctx context.Context) (err error) {
		ok, err = s.api.RenewTokenContext(ctx, &genauth.RenewTokenParams{
			RenewTokenRequest: &models.RenewTokenRequest{RefreshToken: last.RefreshToken},
		})
		return err
	})
	if err != nil {
		err = s.scrubbed(err, last.RefreshToken)
		if !refused(err) {
			return nil, err
		}
		s.last = nil
		if s.login.Password == "" {
			return nil, fmt.Errorf("%w: the sign-in at %s has ended: %w", ErrLoginRequired, s.host, err)
		}
		return nil, nil
	}
	return s.token(ok.Payload, last)
}

func (s *loginSource) signIn(ctx context.Context) (*Token, error) {
	if s.wrong != nil {
		return nil, s.wrong
	}
	var ok *genauth.LoginOK
	err := s.bounded(ctx, "login", func(ctx context.Context) (err error) {
		ok, err = s.api.LoginContext(ctx, &genauth.LoginParams{
			LoginRequest: &models.LoginRequest{Username: s.login.Username, Password: s.login.Password},
		})
		return err
	})
	if err != nil {
		err = s.scrubbed(err, s.login.Password)
		var e *transport.Error
		if errors.As(err, &e) && e.Status == http.StatusUnauthorized {
			e.Hint = "Check user name and password. The local admin is off once the server uses LDAP or Azure AD; with LDAP the account\n" +
				"must be found by the server's search filter (9.0.1 wants a userPrincipalName); with Azure AD a password is not taken here."
			s.wrong = err
		}
		return nil, err
	}
	return s.token(ok.Payload, nil)
}

// slowError is a server that did not answer within the limit.
type slowError struct{ text string }

func (e *slowError) Error() string { return e.text }
func (e *slowError) Unwrap() error { return context.DeadlineExceeded }

// bounded lets one request take no longer than the limit.
func (s *loginSource) bounded(ctx context.Context, op string, send func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, s.login.Limit)
	defer cancel()
	err := send(limited)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return &slowError{fmt.Sprintf("%s: %s has not answered within %s: it may be overloaded, or wait for its LDAP directory; try again later",
			op, s.host, s.login.Limit)}
	}
	return err
}

// token is the pair in an answer; last is the one it replaces, nil after a sign-in.
func (s *loginSource) token(a *models.AccessTokenResponse, last *Token) (*Token, error) {
	if a == nil || a.AccessToken == "" {
		return nil, fmt.Errorf("%s answered to the sign-in without an access token: is it an R Server or Machine Learning Server?", s.host)
	}
	now := s.login.Now()
	t := &Token{AccessToken: a.AccessToken, RefreshToken: a.RefreshToken, Expiry: expiry(a, now), Issued: now, SignedIn: now}
	if last != nil {
		t.SignedIn = last.SignedIn
		if t.RefreshToken == "" {
			t.RefreshToken = last.RefreshToken
		}
	}
	return t, nil
}

// Revoke stands for mrsdeploy's remoteLogout: DELETE /login/refreshToken. A token that the server does not know any more
// counts as revoked.
func (s *loginSource) Revoke(ctx context.Context) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.unlock()
	last := s.last
	s.last = nil
	if last == nil || last.RefreshToken == "" {
		return nil
	}
	err := s.bounded(ctx, "revokeRefreshToken", func(ctx context.Context) error {
		_, err := s.api.RevokeRefreshTokenContext(ctx, &genauth.RevokeRefreshTokenParams{RefreshToken: last.RefreshToken}, withoutBody)
		return err
	})
	if err == nil || refused(err) {
		return nil
	}
	return s.scrubbed(err, last.RefreshToken)
}

// withoutBody reads nothing of the answer: some servers send the revoked pair, others nothing.
func withoutBody(op *runtime.ClientOperation) {
	op.Reader = runtime.ClientResponseReaderFunc(func(runtime.ClientResponse, runtime.Consumer) (any, error) {
		return genauth.NewRevokeRefreshTokenOK(), nil
	})
}

// refused tells whether the server did not accept a refresh token, rather than failed.
func refused(err error) bool {
	return errors.Is(err, transport.ErrBadRequest) || errors.Is(err, transport.ErrUnauthorized) || errors.Is(err, transport.ErrForbidden)
}

// scrubbed takes out a secret that the server repeated in its answer.
func (s *loginSource) scrubbed(err error, secret string) error {
	var e *transport.Error
	if errors.As(err, &e) && secret != "" {
		e.Message = strings.ReplaceAll(e.Message, secret, "[redacted]")
		e.Type = strings.ReplaceAll(e.Type, secret, "[redacted]")
		e.RequestID = strings.ReplaceAll(e.RequestID, secret, "[redacted]")
	}
	return err
}
