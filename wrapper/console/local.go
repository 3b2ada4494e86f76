package console

import (
	"context"
	"errors"
	"io"

	"github.com/mlserver-go/mls/wrapper/console/mrsdeploy"
	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
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
	case word(code) == "exit":
		return errLeave
	}
	return c.executeLocal(ctx, code)
}

// executeLocal runs code here. An interrupt cancels it.
func (c *Console) executeLocal(ctx context.Context, code string) error {
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	done := c.during(cancel)
	err := c.cfg.Local.Execute(running, code)
	done()
	var (
		failed *mlserver.CodeError
		quit   *mrsdeploy.QuitError
		gone   *runtimes.GoneError
	)
	switch {
	case errors.As(err, &quit):
		if c.conn().Session != nil && !c.keeps() {
			return c.atEnd(ctx) // which is to be closed
		}
		return errLeave
	case errors.As(err, &gone):
		c.restart(ctx, gone)
	case err == nil, errors.As(err, &failed), errors.Is(err, mrsdeploy.ErrInterrupted), ctx.Err() != nil:
	case running.Err() != nil:
		c.cfg.Say("mls: the code does not stop: what is typed next waits for it")
	default:
		c.cfg.Say("mls: %s", c.cfg.Explain(err))
	}
	return nil
}

// restart starts the local interpreter again after it has ended. The login stays.
func (c *Console) restart(ctx context.Context, why *runtimes.GoneError) {
	c.cfg.Out.freshLine()
	c.cfg.Say("mls: the local %s has ended (%s), its objects are gone: it is started again", c.lang.name, why.Status)
	conn := *c.conn()
	_ = c.cfg.Local.Close()
	local := WithoutInterpreter(why)
	if c.cfg.Restart != nil {
		if again, err := c.cfg.Restart(ctx); err == nil {
			local = again
		} else {
			c.cfg.Say("mls: it cannot be started again: %v", err)
		}
	}
	*local.Connection() = conn
	c.cfg.Local = local
}
