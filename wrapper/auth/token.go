package auth

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// Token is what a server issued at sign-in. However it is printed or logged, its secrets stay out; to keep it, store the fields.
// Tokens are not changed once they are made.
type Token struct {
	AccessToken  string    // goes into the Authorization header of every request
	RefreshToken string    // buys the next pair, once; empty if there is none
	Expiry       time.Time // of the access token; zero: it does not expire, as far as is known
	Issued       time.Time // when this pair was issued; unused, a refresh token is good for 14 days from here
	SignedIn     time.Time // when the password was checked last; renewals may follow for 90 days
}

func (t Token) String() string {
	if t.AccessToken == "" && t.RefreshToken == "" {
		return "no token"
	}
	if t.Expiry.IsZero() {
		return "token [redacted]"
	}
	return "token [redacted] until " + t.Expiry.Format(time.RFC3339)
}

// GoString keeps the secrets out of %#v.
func (t Token) GoString() string { return "auth.Token{" + t.String() + "}" }

// Format keeps the secrets out of every verb of package fmt.
func (t Token) Format(f fmt.State, verb rune) {
	if verb == 'v' && f.Flag('#') {
		_, _ = io.WriteString(f, t.GoString())
		return
	}
	_, _ = io.WriteString(f, t.String())
}

// LogValue keeps the secrets out of package log/slog.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// Source gives the token to sign a request with. It is safe for concurrent use.
type Source interface {
	Token(ctx context.Context) (*Token, error)
}

// Method is a way to sign in: credentials, but not yet the server they are for.
type Method interface {
	// Source checks the credentials without sending them, and returns the tokens that they bring at a server.
	Source(Server) (Source, error)
}

// SourceFunc is a Source that is a function. It is also the Method that uses this source with any server: a bridge to the
// tokens of other libraries.
type SourceFunc func(ctx context.Context) (*Token, error)

// Token calls the function.
func (f SourceFunc) Token(ctx context.Context) (*Token, error) { return f(ctx) }

// Source returns the function.
func (f SourceFunc) Source(Server) (Source, error) { return f, nil }

// Static is a Source and Method for an access token that somebody else takes care of.
func Static(accessToken string) SourceFunc {
	t := &Token{AccessToken: accessToken}
	return func(context.Context) (*Token, error) { return t, nil }
}
