package runtimes

import (
	"context"
	"sync"

	"github.com/mlserver-go/mls/wrapper/internal/temp"
)

// Pool keeps spare warm workers, because R takes a noticeable time to start. A spare is moved into the working directory
// of whoever asks for one; nobody used it before.
type Pool struct {
	interp *Interpreter
	spares chan *Worker
	wanted chan struct{} // has room for one: fill again
	stop   context.CancelFunc
	filler sync.WaitGroup
}

// NewPool starts to fill a pool of so many spare workers in the background. [Pool.Close] ends it.
func NewPool(i *Interpreter, spare int) *Pool {
	ctx, stop := context.WithCancel(context.Background())
	p := &Pool{
		interp: i,
		spares: make(chan *Worker, max(0, spare)),
		wanted: make(chan struct{}, 1),
		stop:   stop,
	}
	p.filler.Go(func() { p.fill(ctx) })
	p.wanted <- struct{}{}
	return p
}

// fill starts workers one after the other, so that a busy machine is not made busier. A start that fails is not
// repeated here: the next Start sees the error.
func (p *Pool) fill(ctx context.Context) {
	dir, err := temp.NewFolder("spare")
	if err != nil {
		return
	}
	defer dir.Remove()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.wanted:
		}
		for len(p.spares) < cap(p.spares) {
			w, err := p.interp.Start(ctx, Options{Dir: dir.Path})
			if err != nil {
				break
			}
			p.spares <- w // there is room, as nobody else sends
		}
	}
}

// Start returns a spare worker moved to o.Dir, or a new one when there is none. Variables that an interpreter reads only
// when it starts (R_..., PYTHON..., LD_..., those of numerical libraries) need a new one.
func (p *Pool) Start(ctx context.Context, o Options) (*Worker, error) {
	if err := checkDir(o.Dir); err != nil || startOnly(o.Env) {
		return p.interp.Start(ctx, o)
	}
	for {
		var w *Worker
		select {
		case w = <-p.spares:
			p.refill()
		default:
			p.refill()
			return p.interp.Start(ctx, o)
		}
		if err := w.rehome(ctx, o); err == nil {
			return w, nil
		}
		w.Kill() // it died while it waited
		<-w.done
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
}

func (p *Pool) refill() {
	select {
	case p.wanted <- struct{}{}:
	default:
	}
}

// Close ends the spare workers. Those that Start returned live on.
func (p *Pool) Close() {
	p.stop()
	p.filler.Wait()
	for {
		select {
		case w := <-p.spares:
			w.Close()
		default:
			return
		}
	}
}

// startPrefixes are of variables that only a new process takes notice of.
var startPrefixes = append([]string{"R_", "PYTHON", "LD_", "DYLD_", "LANG", "LC_"}, passedOnPrefixes...)

func startOnly(env []string) bool {
	for _, e := range env {
		if hasPrefix(e, startPrefixes) {
			return true
		}
	}
	return false
}
