package cli

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/mlserver"
	"github.com/mlserver-go/mls/wrapper/transport"
)

const (
	defaultEndpoint = "http://localhost:12800" // where servers listen unless told otherwise
	defaultProfile  = "default"
)

// settings is what flags, environment and profile say together about the server and how to sign in.
type settings struct {
	store    *store
	profile  string
	stored   *profile // nil: there is none, or it is for another server
	storeErr error    // why it could not be read

	endpoint  string
	version   mlserver.Version
	caFile    string
	allowHTTP bool
	envToken  bool // the token of the environment is used
}

// settings looks everything up: flag, environment, profile, default. The endpoint of "mls login" goes before all that.
func (a *app) settings(endpoint string) (*settings, error) {
	st, err := a.store()
	if err != nil {
		return nil, err
	}
	s := &settings{store: st, profile: cmp.Or(a.or(a.profile, "MLS_PROFILE"), defaultProfile)}
	if !profileName.MatchString(s.profile) {
		return nil, wrongUsage{fmt.Errorf("%q is no name for a profile: use letters, digits, `.`, `-` and `_`", s.profile)}
	}
	p, err := st.load(s.profile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.storeErr = err
	}
	if p == nil {
		p = &profile{}
	}
	if endpoint, err = address(cmp.Or(endpoint, a.or(a.endpoint, "MLS_ENDPOINT"), p.Endpoint, defaultEndpoint)); err != nil {
		return nil, wrongUsage{err}
	}
	if p.Endpoint == endpoint {
		s.stored = p
	} else {
		p = &profile{} // nothing of it is for this server, least of all its tokens
	}
	s.endpoint = endpoint
	s.version = mlserver.Version(cmp.Or(a.or(a.apiVersion, "MLS_API_VERSION"), p.APIVersion))
	s.caFile = cmp.Or(a.or(a.caFile, "MLS_CA_FILE"), p.CAFile)
	s.allowHTTP = a.allowHTTP || p.AllowHTTP
	return s, nil
}

// address checks a server's address and gives it one form.
func address(endpoint string) (string, error) {
	c, err := mlserver.New(mlserver.Config{Address: endpoint})
	if err != nil {
		return "", err
	}
	return c.Address(), nil
}

// server is where to sign in, with the certificates to trust.
func (s *settings) server() (auth.Server, error) {
	u, err := url.Parse(s.endpoint)
	if err != nil {
		return auth.Server{}, err
	}
	pool := transport.NewPool()
	if s.caFile != "" {
		if pool.TLSClientConfig, err = trusting(s.caFile); err != nil {
			return auth.Server{}, err
		}
	}
	return auth.Server{URL: u, HTTP: &http.Client{Transport: pool}, AllowHTTP: s.allowHTTP}, nil
}

// trusting trusts the certificates of a PEM file besides the system's.
func trusting(file string) (*tls.Config, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--ca-file: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--ca-file: %s holds no PEM certificate", file)
	}
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, nil
}

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

// loginArgs are the arguments of the mls login that these settings need.
func (s *settings) loginArgs() string {
	args := []string{s.endpoint}
	if s.stored != nil && s.stored.AzureAD != nil { // the rest is in the profile
		args = append(args, "--aad")
	}
	if s.profile != defaultProfile {
		args = append(args, "--profile", s.profile)
	}
	return strings.Join(args, " ")
}
