package runtimes

import (
	"context"
	"errors"
	"io"
)

// Worker is a running R or Python process. Its methods may be called from several goroutines: one request runs at a
// time, the others wait for their turn as long as their contexts allow.
type Worker struct {
	done chan struct{}
}

var errTODO = errors.New("not yet")

// Find searches.
func Find(ctx context.Context, lang Language, explicit string) (*Interpreter, error) {
	return nil, errTODO
}

// Start starts.
func (i *Interpreter) Start(ctx context.Context, o Options) (*Worker, error) { return nil, errTODO }

func (w *Worker) Execute(ctx context.Context, r Request) (*Result, error)           { return nil, errTODO }
func (w *Worker) Call(ctx context.Context, r Request) (*Result, error)              { return nil, errTODO }
func (w *Worker) Console() string                                                   { return "" }
func (w *Worker) Busy() bool                                                        { return false }
func (w *Worker) Cancel()                                                           {}
func (w *Worker) Complete(ctx context.Context, code string) (string, error)         { return "", errTODO }
func (w *Worker) Objects(ctx context.Context) ([]string, error)                     { return nil, errTODO }
func (w *Worker) WriteObject(ctx context.Context, name string, dst io.Writer) error { return errTODO }
func (w *Worker) ReadObject(ctx context.Context, name string, src io.Reader) error  { return errTODO }
func (w *Worker) RemoveObject(ctx context.Context, name string) error               { return errTODO }
func (w *Worker) SaveWorkspace(ctx context.Context, path string) (skipped []string, err error) {
	return nil, errTODO
}
func (w *Worker) LoadWorkspace(ctx context.Context, path string) error { return errTODO }
func (w *Worker) Done() <-chan struct{}                                { return w.done }
func (w *Worker) Close() error                                         { return nil }
func (w *Worker) Kill()                                                {}

// Pool keeps spare workers.
type Pool struct{}

// NewPool returns a pool.
func NewPool(i *Interpreter, spare int) *Pool                         { return &Pool{} }
func (p *Pool) Start(ctx context.Context, o Options) (*Worker, error) { return nil, errTODO }
func (p *Pool) Close() error                                          { return nil }
