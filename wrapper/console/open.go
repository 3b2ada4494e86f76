package console

import (
	"cmp"
	"context"
	"time"

	"github.com/mlserver-go/mls/wrapper/console/mrsdeploy"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// Prompt is the prompt of the remote command line unless another one is asked for.
const Prompt = "REMOTE> "

// Login is what follows signing in. The zero value is what mrsdeploy's remoteLogin does: a session, a report of what differs
// there, and its command line.
type Login struct {
	NoSession     bool
	SessionID     string // an open session instead of a new one; leaving does not close it
	NoDiff        bool
	NoCommandLine bool
	Prompt        string
}

// Open makes a client that is signed in the login of the prompt. It stands for mrsdeploy's remoteLogin.
func (c *Console) Open(ctx context.Context, client *mlserver.Client, l Login) error {
	conn := c.conn()
	*conn = mrsdeploy.Connection{Client: client, Prompt: cmp.Or(l.Prompt, Prompt)}
	switch {
	case l.SessionID != "":
		conn.Session, c.attached = client.Session(l.SessionID), l.SessionID
	case l.NoSession:
		return nil
	default:
		s, err := c.newSession(ctx, client)
		if err != nil {
			return err
		}
		conn.Session = s
	}
	if !l.NoDiff {
		c.diff(ctx)
	}
	conn.Remote = !l.NoCommandLine
	return ctx.Err()
}

// newSession starts a session. An interrupt while it starts must not leave behind one that nobody knows.
func (c *Console) newSession(ctx context.Context, client *mlserver.Client) (*mlserver.Session, error) {
	ctx, interrupt := context.WithCancel(ctx)
	defer interrupt()
	defer c.during(interrupt)()
	starting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })()
	s, err := client.NewSession(starting, mlserver.SessionOptions{Runtime: c.cfg.Language})
	if ctx.Err() == nil {
		return s, err
	}
	if err == nil {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		if err := s.ForceClose(closing); err != nil {
			c.cfg.Say("mls: session %s may still be open: %s", s.ID(), c.cfg.Explain(err))
		}
	}
	return nil, ctx.Err()
}

// diff reports what differs between the local and the remote side. Without the report there is nothing less to work with.
func (c *Console) diff(ctx context.Context) {
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	defer c.during(cancel)()
	if err := c.cfg.Local.Differences(running); err != nil && running.Err() == nil {
		c.cfg.Say("mls: local and remote side could not be compared: %s", c.cfg.Explain(err))
	}
}
