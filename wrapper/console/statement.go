package console

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"
)

// statement reads lines until they are complete. It returns ErrDropped when the user gave them up, and io.EOF when there are no
// more.
func (c *Console) statement(ctx context.Context, prompt string, unfinished func(context.Context, string) bool) (string, error) {
	var code strings.Builder
	for {
		line, err := c.cfg.Lines.Line(ctx, prompt)
		if errors.Is(err, io.EOF) && code.Len() > 0 {
			if c.cfg.Ask {
				return "", ErrDropped
			}
			return code.String(), nil // the interpreter says what is missing
		}
		if err != nil {
			return "", err
		}
		if strings.TrimSpace(line) != "" {
			c.cfg.Lines.Remember(line)
		}
		code.WriteString(line)
		if blank(code.String()) || !unfinished(ctx, code.String()) {
			return code.String(), nil
		}
		code.WriteByte('\n')
		prompt = c.lang.more
	}
}

// unfinished asks the local interpreter, which knows its grammar, or else guesses.
func (c *Console) unfinished(ctx context.Context, code string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second) // it may be busy with what was interrupted in vain
	defer cancel()
	state, err := c.cfg.Local.Complete(ctx, code)
	if err != nil {
		return c.lang.unfinished(code)
	}
	return state == "incomplete"
}

// atEnd is what the end of input, or Ctrl-D, means.
func (c *Console) atEnd(ctx context.Context) error {
	conn := c.conn()
	if !c.cfg.Ask {
		return errLeave
	}
	question := "Leave? [y/N] "
	if conn.Session != nil && !c.keeps() {
		question = "Leave, and close the session? [y/N, k: leave and keep it] "
	}
	answer, err := c.cfg.Lines.Line(ctx, question)
	if errors.Is(err, ErrDropped) {
		return nil
	}
	if err != nil { // Ctrl-D again, or the terminal is gone
		return errLeave
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "k", "keep":
		c.cfg.Keep = true
		return errLeave
	case "y", "yes":
		return errLeave
	}
	return nil
}
