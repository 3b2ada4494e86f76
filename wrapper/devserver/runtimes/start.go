package runtimes

import (
	"context"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/mlserver-go/mls/wrapper/internal/temp"
)

//go:embed harness
var harness embed.FS

// harnessSource is the program a worker runs, put together from its parts.
func harnessSource(lang Language, local *Local) ([]byte, error) {
	parts, suffix := []string{"protocol", "values", "execute", "objects"}, ".py"
	if lang == R {
		parts, suffix = []string{"protocol", "values", "conditions", "session", "execute", "objects"}, ".R"
	}
	switch {
	case local != nil:
		parts = append(parts, "local")
	case lang == R:
		parts = append(parts, "served")
	}
	var src strings.Builder
	if lang == R {
		// Base functions come first: the user's own of the same name must not get into the harness.
		src.WriteString("local({\n")
	}
	for _, p := range append(parts, "main") {
		if p == "main" && local != nil {
			src.WriteString(local.Source)
			src.WriteByte('\n')
		}
		b, err := harness.ReadFile("harness/" + p + suffix)
		if err != nil {
			return nil, err
		}
		src.Write(b)
		src.WriteByte('\n')
	}
	if lang == R {
		src.WriteString("}, new.env(parent = baseenv()))\n")
	}
	return []byte(src.String()), nil
}

// warmups is how many executions make the ones after them fast: R compiles the harness when it has run twice.
const warmups = 3

// Start starts a worker and warms it up. ctx bounds only the start; the worker ends with [Worker.Close] or
// [Worker.Kill], or when this process ends (outside Linux: once the worker is idle).
func (i *Interpreter) Start(ctx context.Context, o Options) (*Worker, error) {
	w, err := i.launch(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("start %s (%s): %w", i.Language, i.Path, err)
	}
	return w, nil
}

func (i *Interpreter) launch(ctx context.Context, o Options) (*Worker, error) {
	if err := supported(); err != nil {
		return nil, err
	}
	if err := checkDir(o.Dir); err != nil {
		return nil, err
	}
	tmp, err := temp.NewFolder("worker")
	if err != nil {
		return nil, err
	}
	w, err := i.spawn(o, tmp)
	if err != nil {
		_ = tmp.Remove()
		return nil, err
	}
	if err = w.warm(ctx); err == nil {
		err = limit(w.cmd.Process.Pid, o.MemoryLimit)
	}
	if err != nil {
		w.Kill()
		<-w.done
		return nil, err
	}
	return w, nil
}

func checkDir(dir string) error {
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a directory", dir)
	}
	if err != nil {
		return fmt.Errorf("working directory: %w", err)
	}
	return nil
}

// spawn starts the process; folder is its own and goes when it has ended.
func (i *Interpreter) spawn(o Options, folder *temp.Folder) (w *Worker, err error) {
	src, err := harnessSource(i.Language, o.Local)
	if err != nil {
		return nil, err
	}
	var args []string
	tmp := folder.Path
	script := filepath.Join(tmp, "worker.py")
	if i.Language == R {
		script = filepath.Join(tmp, "worker.R")
		args = []string{"--no-echo", "--no-restore", "--no-save", "--no-init-file", "-f"}
		if o.Local != nil {
			args = slices.Delete(args, 3, 4) // the user's own .Rprofile
		}
	}
	if err := os.WriteFile(script, src, 0o600); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	args = append(args, script)
	if o.Local != nil && len(o.Local.Args) > 0 {
		if i.Language == R {
			args = append(args, "--args")
		}
		args = append(args, o.Local.Args...)
	}
	cmd := exec.Command(i.Path, args...)
	cmd.Dir = dir
	cmd.Env = environ(os.Environ()).clean()
	if o.Local != nil {
		cmd.Env = o.Local.environ()
	}
	cmd.Env = append(cmd.Env, "TMPDIR="+tmp)
	cmd.Env = append(cmd.Env, o.Env...)
	ownGroup(cmd)
	dieWithParent(cmd)

	var p [3]struct{ r, w *os.File } // requests, replies, console
	for n := range p {
		if p[n].r, p[n].w, err = os.Pipe(); err != nil {
			break
		}
	}
	w = &Worker{
		interp: i, dir: dir, tmp: tmp, folder: folder, cmd: cmd,
		requests: p[0].w,
		replies:  make(chan []byte, 1),
		console:  &console{},
		local:    o.Local,
		turn:     make(chan struct{}, 1),
		done:     make(chan struct{}),
		grace:    5 * time.Second,
	}
	if err == nil {
		cmd.ExtraFiles = []*os.File{p[0].r, p[1].w} // descriptors 3 and 4
		cmd.Stdout, cmd.Stderr = p[2].w, p[2].w     // one pipe, so that the order is right
		w.console.begin("\x00")                     // whatever is printed before the first execution explains a failed start
		started := make(chan error)
		go func() {
			runtime.LockOSThread() // and never unlocked: see dieWithParent
			err := cmd.Start()
			started <- err
			if err == nil {
				w.reap(p[1].r, p[2].r)
			}
		}()
		err = <-started
	}
	p[0].r.Close()
	p[1].w.Close()
	p[2].w.Close()
	if err != nil {
		p[0].w.Close()
		p[1].r.Close()
		p[2].r.Close()
		return nil, err
	}
	return w, nil
}

// rehome moves a worker that nobody has used yet.
func (w *Worker) rehome(ctx context.Context, o Options) error {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return err
	}
	m := message{op: "home", dir: dir, env: map[string]string{}}
	for _, e := range o.Env {
		if name, value, ok := strings.Cut(e, "="); ok {
			m.env[name] = value
		}
	}
	if _, err := w.operate(ctx, m); err != nil {
		return err
	}
	w.dir = dir
	return limit(w.cmd.Process.Pid, o.MemoryLimit)
}

// warm waits until the harness is there and makes it fast.
func (w *Worker) warm(ctx context.Context) error {
	select {
	case b := <-w.replies:
		if _, err := w.decode(b); err != nil {
			return err
		}
	case <-w.done:
		return fmt.Errorf("it ended at once (%s): %s", w.status, strings.TrimSpace(w.console.text()))
	case <-ctx.Done():
		return ctx.Err()
	}
	warm := Request{
		Code:    "x\n",
		Inputs:  []Input{{Name: "x", Type: "numeric", Value: []byte("1")}},
		Outputs: []Output{{Name: "x", Type: "numeric"}},
	}
	for range warmups {
		if r, err := w.Call(ctx, warm); err != nil {
			return err
		} else if !r.Success {
			return fmt.Errorf("its first execution failed: %s", r.Error)
		}
	}
	w.console.begin("\x00")
	w.console.end()
	if w.local != nil {
		w.console.setOut(w.local.Out)
	}
	return nil
}
