package cli

import (
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/spf13/cobra"
)

// identity is the JSON form of who is signed in.
type identity struct {
	Username string     `json:"username"`
	Endpoint string     `json:"endpoint"`
	How      string     `json:"how"`
	Profile  string     `json:"profile"`
	Store    string     `json:"store,omitempty"`    // where the refresh token is: keyring or file
	Access   *time.Time `json:"accessTokenExpires"` // null: not known
	SignIn   *time.Time `json:"signInEnds"`         // null: not known
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
	case in.source != nil:
		id.Access, id.SignIn = &s.stored.Tokens.Expires, s.stored.signInEnds()
		if s.stored.refreshes() {
			id.Store = s.stored.where()
		}
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
	if in.source != nil {
		until := text(id.SignIn)
		switch renewable := s.stored.refreshes(); {
		case renewable && s.stored.AzureAD != nil:
			until += ", later with use; " + s.stored.AzureAD.whose() + " may end it before"
		case renewable:
			until += ", later with use"
		case s.stored.AzureAD != nil && !s.stored.AzureAD.attended():
			until = "renewed as long as what it takes is there"
		}
		t.rows = append(t.rows, []string{"Sign-in until", until})
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
