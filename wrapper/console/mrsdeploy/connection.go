// Package mrsdeploy is the local side of the remote execution prompt: an R or Python process on this machine in which the
// functions of the R package mrsdeploy, which can no longer be had, exist under their own names and work.
package mrsdeploy

import (
	"context"
	"errors"
	"fmt"

	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// Connection is the one login that a process has at a time, as in mrsdeploy: remoteLogin makes it, remoteLogout and exit end
// it.
type Connection struct {
	Client  *mlserver.Client
	Session *mlserver.Session // nil after remoteLogin(session = FALSE)
	Prompt  string            // of the remote command line, "REMOTE> " by default
	Remote  bool              // whether input goes to the session: the remote command line; pause() ends it, resume() begins it
}

// Connection is the login; without Client there is none. It may be changed, but not while code runs.
func (l *Local) Connection() *Connection { return &l.connection }

var (
	errNotLoggedIn = errors.New("not logged in: remoteLogin() comes first")
	errNoSession   = errors.New("there is no remote session: remoteLogin() with session = TRUE creates one")
)

func (l *Local) client() (*mlserver.Client, error) {
	if l.connection.Client == nil {
		return nil, errNotLoggedIn
	}
	return l.connection.Client, nil
}

func (l *Local) session() (*mlserver.Session, error) {
	switch {
	case l.connection.Client == nil:
		return nil, errNotLoggedIn
	case l.connection.Session == nil:
		return nil, errNoSession
	}
	return l.connection.Session, nil
}

// Logout closes the session, unless it is to be kept, and ends the login, even when ctx has ended. Without a login it does
// nothing. Scripts that run in sessions of their own end as well. It stands for mrsdeploy's remoteLogout, and for exit at the remote command line.
func (l *Local) Logout(ctx context.Context, keepSession bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.logout(ctx, keepSession)
}

func (l *Local) logout(ctx context.Context, keepSession bool) error {
	c, detached := l.connection, l.detached
	l.connection, l.detached, l.services = Connection{}, nil, nil
	if c.Client == nil {
		return nil
	}
	for _, d := range detached {
		if keepSession {
			break
		}
		if err := l.closeDetached(ctx, d.session); err != nil {
			fmt.Fprintf(l.out, "session %s may still be open: %v\n", d.session.ID(), err)
		}
	}
	return c.end(ctx, keepSession)
}

func (c *Connection) end(ctx context.Context, keepSession bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
	defer cancel()
	var err error
	if c.Session != nil && !keepSession {
		err = gone(c.Session.ForceClose(ctx))
	}
	return errors.Join(err, c.Client.Logout(ctx))
}

// gone takes it as done when what is to be closed is not there.
func gone(err error) error {
	if errors.Is(err, mlserver.ErrNotFound) || errors.Is(err, mlserver.ErrGone) {
		return nil
	}
	return err
}
