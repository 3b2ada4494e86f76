package cli

import (
	"context"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// signIn is how a command is signed in.
type signIn struct {
	server auth.Server
	how    string // in words
	user   string // as far as is known
	cache  *auth.Cache
	source *storedSource // set if the profile's tokens are used
	once   bool          // the sign-in is for this command alone
}

// signIn chooses: a token of the environment, credentials of the environment for somebody else than the profile is for, the
// profile, credentials of the environment.
func (a *app) signIn(s *settings) (*signIn, error) {
	server, err := s.server()
	if err != nil {
		return nil, err
	}
	if token := a.getenv("MLS_TOKEN"); token != "" {
		s.envToken = true
		return &signIn{
			server: server, how: "the token in MLS_TOKEN", user: userOf(token), cache: auth.NewCache(auth.Static(token)),
		}, nil
	}
	user := a.getenv("MLS_USERNAME")
	password, err := a.envPassword()
	if err != nil {
		return nil, err
	}
	if s.stored != nil && s.stored.Tokens != nil && (user == "" || password == "" || user == s.stored.Username) {
		source := newStoredSource(a, s, server)
		how := "mls login"
		if s.stored.AzureAD != nil {
			how = s.stored.AzureAD.String()
		}
		return &signIn{
			server: server, how: how + ", stored in profile " + s.profile, user: s.stored.Username,
			cache: auth.NewCache(source), source: source,
		}, nil
	}
	if user != "" && password != "" {
		source, err := auth.Login{Username: user, Password: password, Now: a.now}.Source(server)
		if err != nil {
			return nil, err
		}
		return &signIn{
			server: server, how: "user name and password of the environment, for each command anew", user: user,
			cache: source.(*auth.Cache), once: true,
		}, nil
	}
	if s.storeErr != nil {
		return nil, s.storeErr
	}
	return nil, &noSignIn{"not signed in to " + s.endpoint}
}

// connected runs do with a client that is signed in, and gives it no more time than --timeout says. Errors come back with
// the way out.
func (a *app) connected(ctx context.Context, do func(context.Context, *mlserver.Client) error) error {
	s, err := a.settings("")
	if err != nil {
		return err
	}
	return s.wayOut(a.connectedTo(ctx, s, do))
}

func (a *app) connectedTo(ctx context.Context, s *settings, do func(context.Context, *mlserver.Client) error) error {
	in, err := a.signIn(s)
	if err != nil {
		return err
	}
	client, err := mlserver.New(mlserver.Config{
		Address: s.endpoint, Auth: in.cache, Version: s.version, HTTP: in.server.HTTP, AllowHTTP: s.allowHTTP,
	})
	if err != nil {
		return err
	}
	defer in.end(ctx)
	ctx, cancel := a.bounded(ctx)
	defer cancel()
	return do(ctx, client)
}

// bounded is ctx with the limit of --timeout.
func (a *app) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if a.timeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, a.timeout)
}

// end leaves nothing behind: a sign-in for this command alone is revoked, and a renewal under way gets the time to store what
// the server has already issued.
func (in *signIn) end(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if in.once {
		_ = in.cache.Revoke(ctx) // it expires by itself, later
	}
	if in.source != nil {
		in.source.wait(ctx)
	}
}
