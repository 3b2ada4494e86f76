package mlserver

import (
	"context"
	"errors"
	"time"
)

// patience is how long a server that has answered before may be out of reach until asking it is given up.
const patience = 2 * time.Minute

// pace is how a server is asked again and again: it gets as much rest as its last answer took, at least, and may be away for
// a while.
type pace struct {
	asked, answered time.Time
}

// rest passes a pause, or ends with ctx.
func (p *pace) rest(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(max(pause, p.answered.Sub(p.asked)))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		p.asked = time.Now()
		return nil
	}
}

// bear returns the errors that end the asking: of ctx, what the server has said, and that it is away for too long or was never
// there.
func (p *pace) bear(ctx context.Context, err error) error {
	var refused *Error
	switch {
	case err == nil:
		p.answered = time.Now()
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &refused) && refused.Status < 500, errors.Is(err, ErrNotFound), p.answered.IsZero(), p.asked.Sub(p.answered) > patience:
		return err
	}
	return nil
}
