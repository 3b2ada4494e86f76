package mrsdeploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/mlserver"
	"github.com/mlserver-go/mls/wrapper/transport"
)

// Login is what remoteLogin or remoteLoginAAD was given.
type Login struct {
	Endpoint string
	Username string // remoteLoginAAD: may be empty
	Password string
	AAD      *AAD // nil: remoteLogin
}

// AAD are the arguments that remoteLoginAAD has beside those of remoteLogin.
type AAD struct {
	AuthURI, TenantID, ClientID, Resource string
}

// Format keeps the password out of every verb of package fmt.
func (l Login) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "login as %q at %s", l.Username, l.Endpoint)
}

// SignIn signs in with user name and password, at once, as remoteLogin does.
func SignIn(ctx context.Context, l Login) (*mlserver.Client, error) {
	if l.AAD != nil {
		return nil, errors.New("remoteLoginAAD is not available here")
	}
	base, err := url.Parse(l.Endpoint)
	if err != nil {
		return nil, err
	}
	c := mlserver.Config{
		Address: l.Endpoint, Auth: auth.Login{Username: l.Username, Password: l.Password}, HTTP: &http.Client{Transport: transport.NewPool()},
	}
	if _, err := mlserver.New(c); err != nil { // says what is wrong with the address, before anything is sent
		return nil, err
	}
	source, err := c.Auth.Source(auth.Server{URL: base, HTTP: c.HTTP})
	if err != nil {
		return nil, err
	}
	if _, err := source.Token(ctx); err != nil {
		return nil, err
	}
	c.Auth = source.(*auth.Cache) // as auth.Login says
	return mlserver.New(c)
}

// remoteLogin stands behind mrsdeploy's remoteLogin and remoteLoginAAD. A login that there was before is ended.
func (l *Local) remoteLogin(ctx context.Context, a args) (answer, error) {
	var o struct {
		Endpoint, Username, Password, Prompt string
		Session, CommandLine                 bool
		AAD                                  *AAD
	}
	err := errors.Join(a.decode("endpoint", &o.Endpoint), a.decode("username", &o.Username), a.decode("password", &o.Password),
		a.decode("prompt", &o.Prompt), a.decode("session", &o.Session), a.decode("commandline", &o.CommandLine), a.decode("aad", &o.AAD))
	if err != nil {
		return nil, errors.New("an argument is of the wrong type: endpoint, username, password and prompt are texts, session, diff and commandline TRUE or FALSE")
	}
	login := Login{Endpoint: cmp.Or(l.o.Endpoint, o.Endpoint), Username: o.Username, Password: o.Password, AAD: o.AAD}
	if login.Endpoint == "" {
		return nil, errors.New(`argument "deployr_endpoint" is missing: give the server's address, such as "http://localhost:12800"`)
	}
	if err := l.ask(ctx, &login); err != nil {
		return nil, err
	}
	client, err := l.o.Login(ctx, login)
	if err != nil {
		return nil, err
	}
	c := Connection{Client: client, Prompt: o.Prompt, Remote: o.Session && o.CommandLine && !l.o.Script}
	if o.Session {
		if c.Session, err = l.newSession(ctx, client); err != nil {
			return nil, errors.Join(err, c.end(ctx, false))
		}
	}
	if ctx.Err() != nil {
		_ = c.end(ctx, false)
		return nil, ctx.Err()
	}
	if err := l.logout(ctx, false); err != nil {
		fmt.Fprintf(l.out, "the login before was not ended: %v\n", err)
	}
	l.connection = c
	return nil, nil
}

// newSession does not leave behind a session that nobody knows: what the server has begun is waited for.
func (l *Local) newSession(ctx context.Context, client *mlserver.Client) (*mlserver.Session, error) {
	longer, cancel := lingering(ctx)
	defer cancel()
	return client.NewSession(longer, mlserver.SessionOptions{Runtime: mlserver.Runtime(l.o.Language)})
}

// ask completes user name and password. Azure AD has ways of its own.
func (l *Local) ask(ctx context.Context, login *Login) (err error) {
	if login.AAD != nil || l.o.LoginAsks {
		return nil
	}
	if login.Username == "" {
		if login.Username, err = l.question(ctx, "Username: ", false); err != nil {
			return fmt.Errorf("no user name: %w", err)
		}
	}
	if login.Password == "" {
		if login.Password, err = l.question(ctx, "Password: ", true); err != nil {
			return fmt.Errorf("no password: %w", err)
		}
	}
	return nil
}

func (l *Local) question(ctx context.Context, prompt string, hidden bool) (string, error) {
	if l.o.ReadLine == nil {
		return "", errors.New("there is nobody to ask, give username and password")
	}
	text, err := l.o.ReadLine(ctx, prompt, hidden)
	if errors.Is(err, io.EOF) || err == nil && text == "" {
		return "", errors.New("no answer was given")
	}
	return text, err
}

// remoteLogout stands behind mrsdeploy's remoteLogout.
func (l *Local) remoteLogout(ctx context.Context, _ args) (answer, error) {
	return nil, l.logout(ctx, false)
}

// switchSide stands behind mrsdeploy's pause, resume and remoteCommandLine.
func (l *Local) switchSide(_ context.Context, a args) (answer, error) {
	remote, err := a.flag("remote")
	if err != nil {
		return nil, err
	}
	prompt, err := a.text("prompt")
	if err != nil {
		return nil, err
	}
	if _, err := l.session(); remote && err != nil {
		return nil, err
	}
	l.connection.Remote = remote && !l.o.Script
	if prompt != "" {
		l.connection.Prompt = prompt
	}
	return nil, nil
}
