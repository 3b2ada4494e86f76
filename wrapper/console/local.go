package console

import (
	"context"
	"errors"
	"io"

	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// stepLocal reads a statement at the local prompt and runs it here.
func (c *Console) stepLocal(ctx context.Context) error {
	code, err := c.statement(ctx, c.lang.prompt, c.unfinished)
	switch {
	case errors.Is(err, io.EOF):
		return c.atEnd(ctx)
	case errors.Is(err, ErrDropped):
		return nil
	case err != nil:
		return err
	case blank(code):
		return nil
	case c.lang.leave.MatchString(word(code)):
		return errLeave
	}
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	defer c.during(cancel)()
	err = c.cfg.Local.Execute(running, code)
	var failed *mlserver.CodeError
	if err != nil && !errors.As(err, &failed) && running.Err() == nil {
		c.cfg.Say("mls: %s", c.cfg.Explain(err))
	}
	return nil
}
