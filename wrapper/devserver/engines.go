package devserver

import (
	"context"
	"errors"
	"net/http"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
)

// engine is R or Python: probed for once, in the background, and from then on the source of workers.
type engine struct {
	lang   runtimes.Language
	limit  uint64
	probed chan struct{} // closed when the fields below are set
	found  *runtimes.Interpreter
	err    error
	pool   *runtimes.Pool // keeps spare workers: starting R takes a while
}

func newEngine(ctx context.Context, lang runtimes.Language, program string, cfg Config) *engine {
	e := &engine{lang: lang, limit: cfg.MemoryLimit, probed: make(chan struct{})}
	go func() {
		defer close(e.probed)
		for _, i := range cfg.Interpreters {
			if i.Language == lang {
				e.found = i
			}
		}
		if e.found == nil {
			e.found, e.err = runtimes.Find(ctx, lang, program)
		}
		if e.err == nil {
			e.pool = runtimes.NewPool(e.found, cfg.SpareWorkers)
		}
	}()
	return e
}

// find waits for the probe.
func (e *engine) find(ctx context.Context) (*runtimes.Interpreter, error) {
	select {
	case <-e.probed:
		return e.found, e.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// start starts a worker in dir. That the program is missing is not the client's fault, and repeating won't help: 500 would
// be right as well, but 503 says that the server lacks something that an administrator can provide.
func (e *engine) start(ctx context.Context, dir string) (*runtimes.Worker, error) {
	if _, err := e.find(ctx); err != nil {
		var missing *runtimes.NotFoundError
		if errors.As(err, &missing) {
			return nil, fail(http.StatusServiceUnavailable, "%v", err)
		}
		return nil, err
	}
	w, err := e.pool.Start(ctx, runtimes.Options{Dir: dir, MemoryLimit: e.limit})
	if err != nil && ctx.Err() == nil && !noRoom(err) {
		return nil, fail(http.StatusInternalServerError, "%v", err)
	}
	return w, err
}

func (e *engine) close() {
	<-e.probed
	if e.pool != nil {
		e.pool.Close()
	}
}
