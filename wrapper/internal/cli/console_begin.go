package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/console"
	"github.com/mlserver-go/mls/wrapper/console/mrsdeploy"
	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// prompting is what a prompt stands on: both sides, and the terminal.
type prompting struct {
	app      *app
	screen   *console.Screen
	lines    input
	terminal *console.Terminal // nil: lines are piped in
	language mlserver.Runtime
	local    console.Local

	client    *mlserver.Client // nil: nobody is signed in
	sessionID string           // of an open session to go on in; empty: none
	settings  *settings        // of the login
	signIns   []*signIn        // all that were used
}

// input is where lines and answers come from.
type input interface {
	console.Lines
	asker
}

// begin signs in, if it is known where, and starts the local side.
func (o *consoleOptions) begin(ctx context.Context, c *cobra.Command) (_ *prompting, err error) {
	a := o.app
	p := &prompting{app: a, screen: console.NewScreen(a.out)}
	defer func() {
		if err != nil {
			p.end(ctx)
		}
	}()
	if p.language, err = runtimeFlag(c, o.runtime, ""); err != nil {
		return nil, err
	}
	if p.settings, err = a.settings(o.endpoint); err != nil {
		return nil, err
	}
	if p.settings.hasEndpoint() {
		if p.client, err = p.signIn(ctx, o.login()); err != nil {
			return nil, err
		}
	} else if o.sessionID != "" {
		return nil, usageError(c, "--session-id is the session of which server?")
	}
	if o.sessionID != "" {
		of := p.language
		if p.sessionID, err = sessionID(ctx, p.client, o.sessionID); err != nil {
			return nil, p.wayOut(err)
		}
		if p.language, err = p.client.Session(p.sessionID).Runtime(ctx); err != nil {
			return nil, p.wayOut(a.sessionHint(err))
		}
		if o.runtime != "" && of != p.language {
			return nil, usageError(c, "session %s runs %s", o.sessionID, p.language)
		}
	}
	if err := p.openTerminal(); err != nil {
		return nil, err
	}
	if p.local, err = p.startLocal(ctx); err != nil {
		a.say("mls: there is no local side: %v", err)
		p.local = console.WithoutInterpreter(err)
	}
	return p, nil
}

// hasEndpoint tells whether somebody has said which server.
func (s *settings) hasEndpoint() bool {
	for _, o := range s.origins {
		if o.Name == "endpoint" {
			return o.Origin != "default"
		}
	}
	return false
}

// openTerminal takes the terminal over, if there is one.
func (p *prompting) openTerminal() error {
	a := p.app
	if a.in != os.Stdin || a.out != os.Stdout || !isTerminal(a.in) || !isTerminal(a.out) {
		p.lines = console.NewPiped(a.in, p.screen, !isTerminal(a.in))
		return nil
	}
	file := filepath.Join(p.settings.store.dir, "history-"+strings.ToLower(string(p.language)))
	t, err := console.NewTerminal(p.screen, file)
	if err != nil {
		return err
	}
	p.terminal, p.lines, a.asking = t, t, t
	return nil
}

// startLocal starts the interpreter of this machine, in the working directory.
func (p *prompting) startLocal(ctx context.Context) (console.Local, error) {
	l, err := mrsdeploy.Start(ctx, mrsdeploy.Options{
		Language: runtimes.Language(p.language), Out: p.screen, ReadLine: p.readLine, Login: p.remoteLogin, LoginAsks: true,
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

// readLine asks for the code that runs here.
func (p *prompting) readLine(ctx context.Context, prompt string, hidden bool) (string, error) {
	if hidden {
		return p.lines.Secret(ctx, prompt)
	}
	return p.lines.Line(ctx, prompt)
}

// remoteLogin signs in for the local side's functions of that name.
func (p *prompting) remoteLogin(ctx context.Context, l mrsdeploy.Login) (*mlserver.Client, error) {
	login := consoleLogin{endpoint: l.Endpoint, credentials: credentials{username: l.Username}, password: l.Password}
	if l.AAD != nil {
		login.aad = aadOptions{on: true, given: azureAD{
			AuthURI: l.AAD.AuthURI, TenantID: l.AAD.TenantID, ClientID: l.AAD.ClientID, Resource: l.AAD.Resource,
		}}
	}
	client, err := p.signIn(ctx, login)
	var h *hinted
	switch {
	case errors.Is(err, errNoTerminal):
		return nil, errors.New("there is nobody to ask: give username and password, or set MLS_USERNAME and MLS_PASSWORD")
	case errors.As(err, &h):
		return nil, fmt.Errorf("%w\n%s", err, h.hint)
	}
	return client, err
}

// end leaves nothing behind.
func (p *prompting) end(ctx context.Context) {
	if p.terminal != nil {
		_ = p.terminal.Close()
		p.app.asking = nil
	}
	for _, in := range p.signIns {
		in.end(ctx)
	}
}

// consoleLogin is who signs in where: what remoteLogin and remoteLoginAAD are given.
type consoleLogin struct {
	endpoint    string
	credentials credentials
	password    string
	aad         aadOptions
}

func (o *consoleOptions) login() consoleLogin {
	return consoleLogin{endpoint: o.endpoint, credentials: o.credentials, aad: o.aad}
}

// signIn signs in: with what is given, else the stored sign-in, else the environment, else answers to questions.
func (p *prompting) signIn(ctx context.Context, l consoleLogin) (*mlserver.Client, error) {
	s, err := p.app.settings(l.endpoint)
	if err != nil {
		return nil, err
	}
	in, err := p.app.consoleSignIn(ctx, s, l)
	if err != nil {
		return nil, s.wayOut(err)
	}
	p.settings, p.signIns = s, append(p.signIns, in)
	if _, err := in.cache.Token(ctx); err != nil { // a wrong password is to be told here
		return nil, s.wayOut(err)
	}
	return mlserver.New(mlserver.Config{
		Address: s.endpoint, Auth: in.cache, Version: s.version, HTTP: in.server.HTTP, AllowHTTP: s.allowHTTP,
	})
}

func (a *app) consoleSignIn(ctx context.Context, s *settings, l consoleLogin) (*signIn, error) {
	if l.storedWillDo(s.stored) {
		in, err := a.signIn(s)
		var none *noSignIn
		if !errors.As(err, &none) {
			return in, err
		}
	}
	server, err := s.server()
	if err != nil {
		return nil, err
	}
	if err := server.Check(); err != nil { // before anybody is asked
		return nil, err
	}
	var method auth.Method
	user := l.credentials.username
	if l.aad.on {
		method, err = a.azureMethod(ctx, s, l)
	} else {
		method, user, err = a.passwordMethod(ctx, s, l)
	}
	if err != nil {
		return nil, err
	}
	source, err := method.Source(server)
	if err != nil {
		return nil, wrongUsage{err}
	}
	cache, ok := source.(*auth.Cache)
	if !ok {
		cache = auth.NewCache(source)
	}
	return &signIn{server: server, how: "mls console", user: user, cache: cache, once: true}, nil
}

// storedWillDo tells whether nothing was given that the stored sign-in does not have. There may be none.
func (l *consoleLogin) storedWillDo(p *profile) bool {
	if p == nil {
		p = &profile{}
	}
	cr := l.credentials
	if l.password != "" || cr.passwordFile != "" || cr.passwordStdin || cr.username != "" && cr.username != p.Username {
		return false
	}
	if !l.aad.on {
		return true
	}
	if p.AzureAD == nil || l.aad.secretFile != "" {
		return false
	}
	z, given := p.AzureAD, l.aad.given
	for _, both := range [][2]string{
		{given.Flow, z.Flow}, {given.AuthURI, z.AuthURI}, {given.TenantID, z.TenantID}, {given.ClientID, z.ClientID},
		{given.Resource, z.Resource}, {given.Certificate, z.Certificate},
	} {
		if both[0] != "" && both[0] != both[1] {
			return false
		}
	}
	return true
}

func (a *app) passwordMethod(ctx context.Context, s *settings, l consoleLogin) (auth.Method, string, error) {
	user, password := l.credentials.username, l.password
	if user == "" || password == "" {
		asked, err := "", error(nil)
		if user, asked, err = a.ask(ctx, l.credentials, s); err != nil {
			return nil, "", err
		}
		if password == "" {
			password = asked
		}
	}
	return auth.Login{Username: user, Password: password, Now: a.now}, user, nil
}

func (a *app) azureMethod(ctx context.Context, s *settings, l consoleLogin) (auth.Method, error) {
	z, err := a.azureAD(l.aad, l.credentials, s)
	if err != nil {
		return nil, err
	}
	sec := azureSecrets{username: l.credentials.username, password: l.password}
	if sec.password == "" {
		if sec, err = a.azureSecretsAsked(ctx, z, l.aad, l.credentials, s); err != nil {
			return nil, err
		}
	}
	return z.method(a, s, sec)
}

// wayOut adds what helps to an error of the login.
func (p *prompting) wayOut(err error) error { return p.settings.wayOut(err) }

// explain is an error with the way out, as it is said at the prompt.
func (p *prompting) explain(err error) string {
	err = p.wayOut(err)
	text := strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "\n     ")
	var h *hinted
	if errors.As(err, &h) {
		text += "\n     " + h.hint
	}
	return text
}
