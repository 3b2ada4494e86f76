package console

import (
	"context"
	"errors"
	"fmt"

	"github.com/mlserver-go/mls/wrapper/console/mrsdeploy"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// remoteOnly is the local side where no interpreter is installed: pause(), resume() and exit are all there is.
type remoteOnly struct {
	conn mrsdeploy.Connection
	why  error
}

// WithoutInterpreter is the local side of a machine that has no R or Python; why says so.
func WithoutInterpreter(why error) Local { return &remoteOnly{why: why} }

func (l *remoteOnly) Connection() *mrsdeploy.Connection { return &l.conn }

func (l *remoteOnly) Execute(_ context.Context, code string) error {
	switch w := word(code); {
	case w == "resume()" && l.conn.Session != nil:
		l.conn.Remote = true
		return nil
	case w == "resume()":
		return errors.New("there is no session to resume")
	case w == "q()", w == "quit()", w == "exit()":
		return &mrsdeploy.QuitError{}
	}
	return fmt.Errorf("nothing can run here but resume() and exit: %w", l.why)
}

func (l *remoteOnly) Complete(context.Context, string) (string, error) { return "", l.why }

func (l *remoteOnly) Completions(context.Context, string, int) ([]string, error) { return nil, l.why }

func (l *remoteOnly) Differences(context.Context) error { return nil }

func (l *remoteOnly) Logout(ctx context.Context, keepSession bool) error {
	conn := l.conn
	l.conn = mrsdeploy.Connection{}
	var closed error
	if conn.Session != nil && !keepSession {
		if closed = conn.Session.ForceClose(ctx); errors.Is(closed, mlserver.ErrNotFound) {
			closed = nil
		}
	}
	return errors.Join(closed, conn.Client.Logout(ctx))
}

func (l *remoteOnly) Close() error { return nil }
