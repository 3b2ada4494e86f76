package devserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
)

// servicePool runs one service version in workers that are kept warm: snapshot loaded, initCode run. It grows on demand, and
// unused workers end after a while, but for those of a dedicated pool.
type servicePool struct {
	s     *Server
	svc   *service
	ready chan struct{} // closed when the first worker is warm, or is not going to be
	ctx   context.Context
	stop  context.CancelFunc // ends ctx: no more calls are taken

	mu      sync.Mutex
	idle    []*serviceWorker // the one used last is at the end
	used    int              // workers that run calls or are being started
	most    int              // idle and used together
	waiting []chan place     // calls that wait, oldest first
	empty   []chan struct{}  // to close when none is used

	size    *poolSize // of a dedicated pool, nil without one
	filling bool      // its workers are being started
	era     int       // ends when a dedicated pool is deleted, and with it the workers of that time
	leaving int       // how many of them are still used
}

func newServicePool(s *Server, svc *service) *servicePool {
	p := &servicePool{s: s, svc: svc, most: s.cfg.ServiceWorkers, ready: make(chan struct{})}
	p.ctx, p.stop = context.WithCancel(s.ctx)
	return p
}

// errRetired says that the version was changed or deleted after the caller had looked it up.
var errRetired = errors.New("devserver: service version retired")

// serviceWorker is a process with a directory of its own.
type serviceWorker struct {
	*runtimes.Worker
	dir   string
	files map[string]bool // that every call finds: of the snapshot, and what initCode wrote
	top   map[string]bool // their first path elements
	used  time.Time
	era   int // of the place that it has
}

func (sw *serviceWorker) end() {
	_ = sw.Close() // the process has ended in any case
	_ = os.RemoveAll(sw.dir)
}

// initError is initCode that failed.
type initError struct{ res *runtimes.Result }

func (e *initError) Error() string { return "initCode: " + e.res.Error }

// acquire takes a warm worker, or makes one, when fewer than the most are in use.
func (p *servicePool) acquire(ctx context.Context) (*serviceWorker, error) {
	select {
	case <-p.ready:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	at := p.enter(ctx)
	if at.err != nil {
		return nil, at.err
	}
	if sw := at.worker; sw != nil {
		select {
		case <-sw.Done(): // its process has ended meanwhile
			sw.end()
		default:
			sw.era = at.era
			return sw, nil
		}
	}
	return p.start(ctx, at.era)
}

// start makes a warm worker for a place, or gives the place back.
func (p *servicePool) start(ctx context.Context, era int) (*serviceWorker, error) {
	sw, err := p.spawn(ctx)
	if err == nil {
		sw.era = era
		err = p.prepare(ctx, sw)
	}
	if err != nil {
		p.leave(era)
		return nil, err
	}
	return sw, nil
}

// release gives a worker back: for the next call, or to be ended when it is not what it was, or one too many.
func (p *servicePool) release(sw *serviceWorker, reusable bool) {
	p.mu.Lock()
	if reusable && p.ctx.Err() == nil && sw.era == p.era && p.used+len(p.idle) <= p.most {
		sw.used = p.s.cfg.Clock()
		p.idle = append(p.idle, sw)
		p.free(sw.era)
		p.mu.Unlock()
		return
	}
	p.mu.Unlock()
	sw.end() // before another takes its place
	p.leave(sw.era)
	p.fill()
}

// keep makes the first worker idle, unless the pool is closed.
func (p *servicePool) keep(sw *serviceWorker) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil || p.used+len(p.idle) >= p.most {
		return false
	}
	sw.used = p.s.cfg.Clock()
	p.idle = append(p.idle, sw)
	return true
}

// spawn starts a process that knows nothing yet.
func (p *servicePool) spawn(ctx context.Context) (*serviceWorker, error) {
	dir, err := os.MkdirTemp(p.s.store.workers(), "service-")
	if err != nil {
		return nil, err
	}
	w, err := p.s.engines[p.svc.Language].start(ctx, dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &serviceWorker{Worker: w, dir: dir}, nil
}

// prepare loads the snapshot and runs initCode, or ends the worker. The document has initCode run before each request, Microsoft's
// notebooks before the first: here it is once per process, in the workspace that all its calls see.
func (p *servicePool) prepare(ctx context.Context, sw *serviceWorker) (err error) {
	defer func() {
		if err != nil {
			sw.end()
		}
	}()
	defer context.AfterFunc(p.s.ctx, sw.Kill)()
	if p.svc.Realtime {
		if err := sw.LoadModel(ctx, modelName, p.s.store.blob(p.svc.Blob)); err != nil {
			return err
		}
	} else if p.svc.Blob != "" {
		err := p.s.restore(ctx, p.s.store.blob(p.svc.Blob), p.svc.Language, sw.Worker, sw.dir)
		if err != nil {
			return fmt.Errorf("snapshot of service %s version %s: %w", p.svc.Name, p.svc.Version, err)
		}
	}
	if start, _ := p.svc.program(); start != nil {
		res, err := sw.Execute(ctx, runtimes.Request{Code: *start})
		if err != nil {
			return err
		}
		if !res.Success {
			return &initError{res}
		}
	}
	names, err := filesBelow(sw.dir)
	sw.files, sw.top = map[string]bool{}, map[string]bool{}
	for _, name := range names {
		first, _, _ := strings.Cut(name, "/")
		sw.files[name], sw.top[first] = true, true
	}
	return err
}

// warm prepares a spawned worker for the first call, in the background. Where that fails the first call tries again, and tells.
func (p *servicePool) warm(sw *serviceWorker) {
	if !p.s.gate.enter() {
		sw.end()
		close(p.ready)
		return
	}
	go func() {
		defer p.s.gate.leave()
		defer close(p.ready)
		if err := p.prepare(p.ctx, sw); err != nil {
			p.notStarted(err)
		} else if !p.keep(sw) {
			sw.end()
		}
	}()
}

func (p *servicePool) notStarted(err error) {
	if p.ctx.Err() == nil {
		p.s.cfg.Logger.Warn("service does not start", "service", p.svc.Name, "version", p.svc.Version, "error", err)
	}
}

// call runs one request. It returns the artifacts, nil for those not written.
//
// A call finds workspace, files, directory and R's options as every other call does. What R and Python keep besides goes from
// call to call of one worker: attached packages and imported modules, options that a package adds, environment variables.
func (p *servicePool) call(ctx context.Context, req runtimes.Request) (res *runtimes.Result, artifacts map[string][]byte, err error) {
	sw, err := p.acquire(ctx)
	if err != nil {
		return nil, nil, err
	}
	reusable := false
	defer func() { p.release(sw, reusable) }()
	defer context.AfterFunc(p.s.ctx, sw.Kill)() // code that ignores interrupts must not hold up the server's end
	if res, err = sw.Call(ctx, req); err != nil {
		return nil, nil, err
	}
	if artifacts, err = sw.artifacts(p.svc.Files); err != nil {
		return nil, nil, err
	}
	reusable = sw.clean(res.Changed)
	return res, artifacts, nil
}

func (sw *serviceWorker) artifacts(names []string) (map[string][]byte, error) {
	if len(names) == 0 {
		return nil, nil
	}
	root, err := os.OpenRoot(sw.dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	files := map[string][]byte{}
	for _, name := range names {
		content, err := root.ReadFile(filepath.FromSlash(name))
		if err != nil {
			content = nil // not written by this call, or no file
		} else if content == nil {
			content = []byte{}
		}
		files[name] = content
	}
	return files, nil
}

// clean removes what a call wrote, so that the next does not see it. It reports false when the worker can't be used again: the
// call changed or removed files that every call must find.
func (sw *serviceWorker) clean(written []string) bool {
	if slices.ContainsFunc(written, func(name string) bool { return sw.files[name] }) {
		return false
	}
	entries, err := os.ReadDir(sw.dir)
	if err != nil {
		return false
	}
	for _, e := range entries {
		if !sw.top[e.Name()] && os.RemoveAll(filepath.Join(sw.dir, e.Name())) != nil {
			return false
		}
	}
	names, err := filesBelow(sw.dir)
	own := 0
	for _, name := range names {
		if sw.files[name] {
			own++
		} else if os.Remove(filepath.Join(sw.dir, filepath.FromSlash(name))) != nil {
			return false
		}
	}
	return err == nil && own == len(sw.files)
}

// reap ends workers unused since before t, but for those that a dedicated pool keeps; what it lacks is started.
func (p *servicePool) reap(t time.Time) {
	var old []*serviceWorker
	p.mu.Lock()
	least := 0
	if p.size != nil {
		least = p.size.Initial - p.used
	}
	left := len(p.idle)
	p.idle = slices.DeleteFunc(p.idle, func(sw *serviceWorker) bool {
		dead := false
		select {
		case <-sw.Done():
			dead = true
		default:
		}
		if dead || sw.used.Before(t) && left > least {
			old = append(old, sw)
			left--
			return true
		}
		return false
	})
	p.mu.Unlock()
	endAll(old)
	p.fill()
}

func endAll(workers []*serviceWorker) {
	var wg sync.WaitGroup
	for _, sw := range workers {
		wg.Go(sw.end)
	}
	wg.Wait()
}

// close ends the idle workers at once, the others when their call is over.
func (p *servicePool) close() {
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	p.stop()
	p.turnAway(errRetired)
	p.mu.Unlock()
	endAll(idle)
}

// wait waits until a closed pool's calls are over, or ctx.
func (p *servicePool) wait(ctx context.Context) {
	p.mu.Lock()
	if p.used == 0 {
		p.mu.Unlock()
		return
	}
	done := make(chan struct{})
	p.empty = append(p.empty, done)
	p.mu.Unlock()
	select {
	case <-done:
	case <-ctx.Done():
	}
}
