package console

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/internal/lazyregexp"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// stepRemote reads a statement at the remote prompt and runs it in the session.
func (c *Console) stepRemote(ctx context.Context) error {
	conn := c.conn()
	code, err := c.statement(ctx, conn.Prompt, c.unfinished)
	switch {
	case errors.Is(err, io.EOF):
		return c.atEnd(ctx)
	case errors.Is(err, ErrDropped):
		return nil
	case err != nil:
		return err
	case blank(code):
		return nil
	}
	switch w := word(code); {
	case w == "pause()":
		conn.Remote = false
	case w == "exit" || w == "exit()":
		return c.exit(ctx)
	case conn.Session == nil:
		c.cfg.Say("mls: there is no session: %s", c.wayToSession())
	default:
		c.execute(ctx, conn.Session, code)
	}
	return nil
}

// exit ends the session and the login.
func (c *Console) exit(ctx context.Context) error {
	if err := c.logout(ctx, false); err != nil {
		c.cfg.Say("mls: %s", c.cfg.Explain(err))
	}
	if _, alone := c.cfg.Local.(*remoteOnly); alone {
		return errLeave // nothing is left that could be done
	}
	return nil
}

// execute runs code in the session and prints what it prints while it runs. The first interrupt cancels it, the second one
// leaves it running.
func (c *Console) execute(ctx context.Context, s *mlserver.Session, code string) {
	waiting, leave := context.WithCancel(ctx)
	defer leave()
	cancelled := false
	done := c.during(func() {
		if cancelled {
			leave()
			return
		}
		cancelled = true
		go c.cancel(waiting, s)
	})
	r, err := s.Execute(waiting, code, mlserver.Execution{Console: c.cfg.Out})
	done()
	switch {
	case ctx.Err() != nil:
		return
	case waiting.Err() != nil:
		c.conn().Remote = false
		c.cfg.Out.freshLine()
		c.cfg.Say("mls: the code goes on in session %s: resume() goes back to it", s.ID())
		return
	case err != nil:
		c.failed(ctx, code, err, cancelled)
	}
	if r != nil {
		defer c.during(leave)()
		c.plots(waiting, s, r.Changed)
	}
}

// cancel interrupts what runs in the session, and tells when that does not help.
func (c *Console) cancel(ctx context.Context, s *mlserver.Session) {
	const patience = 3 * time.Second
	if err := s.Cancel(ctx); err != nil && ctx.Err() == nil {
		c.cfg.Say("mls: the code may still be running: %s", c.cfg.Explain(err))
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
		c.cfg.Say("mls: the code does not stop: Ctrl-C again leaves it running and goes to the local prompt")
	}
}

// processEnded matches how servers tell that the interpreter of a session is no more.
var processEnded = lazyregexp.New(`(?i)(process|session|shell) (has )?(ended|terminated|exited|crashed)`)

// failed tells what went wrong. The session lives on wherever it can.
func (c *Console) failed(ctx context.Context, code string, err error, cancelled bool) {
	var (
		failure *mlserver.CodeError
		answer  *mlserver.Error
	)
	switch {
	case errors.As(err, &failure):
		if !cancelled {
			c.codeFailed(ctx, code, failure)
		}
	case errors.Is(err, mlserver.ErrNotFound), errors.Is(err, mlserver.ErrGone):
		c.sessionLost(ctx)
	case errors.Is(err, auth.ErrLoginRequired), errors.Is(err, mlserver.ErrUnauthorized):
		c.cfg.Say("mls: %s", c.cfg.Explain(err))
		c.cfg.Say("     The sign-in has ended: sign in again, with remoteLogin(...) at the local prompt after pause()")
	case errors.As(err, &answer):
		c.cfg.Say("mls: %s", c.cfg.Explain(err))
	default:
		c.cfg.Say("mls: %s", c.cfg.Explain(err))
		c.cfg.Say("     The session is kept: go on here when the server can be reached again, or pause() and resume() later")
	}
}

// codeFailed prints the error unless the console's text has it already.
func (c *Console) codeFailed(ctx context.Context, code string, failure *mlserver.CodeError) {
	if text := strings.TrimSpace(failure.Message); !strings.Contains(lines(failure.Console), lines(text)) {
		c.cfg.Out.freshLine()
		_, _ = io.WriteString(c.cfg.Out, lines(text)+"\n")
	}
	if processEnded().MatchString(failure.Message) {
		if s := c.conn().Session; s != nil {
			if _, err := s.Objects(ctx); errors.Is(err, mlserver.ErrGone) || errors.Is(err, mlserver.ErrNotFound) {
				c.sessionLost(ctx)
				return
			}
		}
	}
	if advice := c.lang.advice(code, failure.Message); advice != "" {
		c.cfg.Say("     %s", advice)
	}
}

// sessionLost tells that the session is no more, and starts another one if the user likes. Without one the remote prompt stays:
// what was meant for the server must not run here.
func (c *Console) sessionLost(ctx context.Context) {
	conn := c.conn()
	c.cfg.Say("mls: the session has ended on the server, its objects and files are gone")
	closing, cancel := context.WithTimeout(ctx, grace)
	_ = conn.Session.ForceClose(closing) // a server may keep its shell
	cancel()
	conn.Session = nil
	if !c.cfg.Ask {
		c.cfg.Say("     %s", c.wayToSession())
		return
	}
	answer, err := c.cfg.Lines.Line(ctx, "Start another session? [Y/n] ")
	if answer = strings.ToLower(strings.TrimSpace(answer)); err != nil || answer != "" && answer[0] != 'y' {
		c.cfg.Say("     %s", c.wayToSession())
		return
	}
	if conn.Session, err = c.newSession(ctx, conn.Client); err != nil {
		c.cfg.Say("mls: %s", c.cfg.Explain(err))
	}
}

func (c *Console) wayToSession() string {
	if _, alone := c.cfg.Local.(*remoteOnly); alone {
		return "exit, and start mls console again"
	}
	return "pause() and remoteLogin(...) start another one; exit signs out"
}

// lines makes lines end as they do here, not as on a server with Windows.
func lines(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }
