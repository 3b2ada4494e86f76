// Package console is mrsdeploy's remote execution prompt: what is typed runs in an R or Python session on the server, or, after
// pause(), in a process on this machine, until resume().
package console

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/mlserver-go/mls/wrapper/console/mrsdeploy"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// Local is the local side: a *mrsdeploy.Local where R or Python is installed.
type Local interface {
	// Execute runs code and prints what it prints, errors included: see mrsdeploy.Local for its errors.
	Execute(ctx context.Context, code string) error
	// Complete tells whether code is "complete", "incomplete" or "invalid".
	Complete(ctx context.Context, code string) (string, error)
	// Completions are what the word that ends at a position of the line, in bytes, can become.
	Completions(ctx context.Context, line string, pos int) ([]string, error)
	// Differences prints what code may miss in the session that it has here.
	Differences(ctx context.Context) error
	// Connection is the login, which the functions of the local side make and end; without Client there is none.
	Connection() *mrsdeploy.Connection
	// Logout ends the login, and unless told otherwise the session.
	Logout(ctx context.Context, keepSession bool) error
	Close() error
}

// Lines is where input comes from.
type Lines interface {
	// Line shows the prompt and reads a line. It returns io.EOF when there is no more, or Ctrl-D was typed, and ErrDropped when
	// Ctrl-C was.
	Line(ctx context.Context, prompt string) (string, error)
	// Remember puts a line into the history.
	Remember(line string)
}

// ErrDropped is a line that the user gave up with Ctrl-C.
var ErrDropped = errors.New("interrupted")

// Config is what a prompt needs. Local, Lines, Out and Say must be set.
type Config struct {
	Language mlserver.Runtime // of the local side and of new sessions
	Local    Local            // see WithoutInterpreter
	Lines    Lines
	Out      *Screen                          // what the code prints, there or here
	Say      func(format string, args ...any) // what the prompt itself has to say, a line
	Ask      bool                             // whether somebody is there to ask
	Keep     bool                             // leaving keeps the session
	Plots    Plots
	Explain  func(error) string // an error with the way out; nil: its text

	// Restart starts the local side again after it has ended: code can end its interpreter.
	Restart func(context.Context) (Local, error)
}

// Console is a prompt. It is used once.
type Console struct {
	cfg      Config
	lang     language
	attached string // id of a session that was there before
	greeted  string // id of the session that the banner was shown for

	mu        sync.Mutex
	interrupt func() // ends what runs; nil: nothing does
	stop      context.CancelFunc
}

// New makes a prompt.
func New(cfg Config) *Console {
	if cfg.Explain == nil {
		cfg.Explain = error.Error
	}
	c := &Console{cfg: cfg, lang: languageR}
	if cfg.Language == mlserver.Python {
		c.lang = languagePython
	}
	return c
}

// errLeave ends the prompt.
var errLeave = errors.New("leave")

// grace is how long the server gets to end what was left.
const grace = 5 * time.Second

// Run reads and runs what is typed until the user leaves, input ends or ctx does, and closes the session unless it is to be kept
// or was there before. The local side is closed.
func (c *Console) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	c.mu.Lock()
	c.stop = stop
	c.mu.Unlock()
	for {
		step := c.stepLocal
		if c.conn().Remote {
			c.greet()
			step = c.stepRemote
		}
		err := step(ctx)
		switch {
		case ctx.Err() != nil, c.cfg.Out.Err() != nil, errors.Is(err, errLeave):
			return c.leave(ctx)
		case err != nil:
			return errors.Join(err, c.leave(ctx))
		}
	}
}

func (c *Console) conn() *mrsdeploy.Connection { return c.cfg.Local.Connection() }

// greet tells how to get out of a session, when it is entered first.
func (c *Console) greet() {
	s := c.conn().Session
	if s == nil || s.ID() == c.greeted {
		return
	}
	c.greeted = s.ID()
	_, _ = io.WriteString(c.cfg.Out, "Your REMOTE "+c.lang.name+` session is now active.
Commands: 
        - pause() to switch to local session & leave remote session on hold.
        - resume() to return to remote session.
        - exit to leave (and terminate) remote session.
`)
}

// leave ends the login and the local side.
func (c *Console) leave(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	return errors.Join(c.logout(ctx, c.keeps()), c.cfg.Local.Close())
}

// keeps tells whether leaving keeps the session.
func (c *Console) keeps() bool {
	s := c.conn().Session
	return c.cfg.Keep || s != nil && s.ID() == c.attached
}

// logout ends the login. A session that is gone needs no closing.
func (c *Console) logout(ctx context.Context, keep bool) error {
	conn := c.conn()
	if conn.Client == nil {
		return nil
	}
	id, address := "", conn.Client.Address()
	if conn.Session != nil {
		id = conn.Session.ID()
	}
	err := c.cfg.Local.Logout(ctx, keep)
	switch {
	case errors.Is(err, mlserver.ErrNotFound), errors.Is(err, mlserver.ErrGone):
		return nil
	case err != nil && id != "" && !keep:
		c.cfg.Say("mls: session %s may still be open: %s", id, c.cfg.Explain(err))
		return nil
	case keep && id != "":
		c.cfg.Say("session %s is kept: mls console %s --session-id %s", id, address, id)
	}
	return err
}

// Interrupt ends what runs, as Ctrl-C does; where nobody types, and nothing runs, it ends the prompt.
func (c *Console) Interrupt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.interrupt != nil:
		c.interrupt()
	case !c.cfg.Ask && c.stop != nil:
		c.stop()
	}
}

// during lets Interrupt call f until done is called.
func (c *Console) during(f func()) (done func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.interrupt = f
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.interrupt = nil
	}
}

// Close ends the login and the local side of a prompt that does not run.
func (c *Console) Close(ctx context.Context) error { return c.leave(ctx) }
