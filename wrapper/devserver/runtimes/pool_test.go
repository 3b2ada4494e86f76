package runtimes

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// waitSpare waits until the pool has a spare worker.
func waitSpare(t *testing.T, p *Pool) {
	t.Helper()
	for ctx := bound(t); len(p.spares) == 0; <-time.After(5 * time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatal("no spare worker")
		}
	}
}

// wasSpare tells by the directory it was started in.
func wasSpare(w *Worker) bool { return strings.Contains(w.cmd.Dir, "mls-spare-") }

func TestPool(t *testing.T) {
	for lang, code := range map[Language]string{
		R:      "cat(getwd(), Sys.getenv('MINE')); cat('x', file = 'f')",
		Python: "import os; print(os.getcwd(), os.environ['MINE'], end=''); open('f', 'w').close()",
	} {
		p := NewPool(interpreter(t, lang), 1)
		defer p.Close()
		waitSpare(t, p)
		dir, err := filepath.EvalSymlinks(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		w, err := p.Start(bound(t), Options{Dir: dir, Env: []string{"MINE=yes"}, MemoryLimit: 1 << 40})
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		if !wasSpare(w) {
			t.Errorf("%s: the spare was not used", lang)
		}
		r := execute(t, w, code)
		if want := dir + " yes"; r.Console != want || len(r.Changed) != 1 || r.Changed[0] != "f" {
			t.Errorf("%s: %+v, want %q", lang, r, want)
		}
		waitSpare(t, p)
		own, err := p.Start(bound(t), Options{Dir: dir, Env: []string{"R_TEST=1"}})
		if err != nil {
			t.Fatal(err)
		}
		defer own.Close()
		if wasSpare(own) {
			t.Errorf("%s: a spare was used although its environment comes too late", lang)
		}
		if _, err := p.Start(bound(t), Options{Dir: filepath.Join(dir, "nosuch")}); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v, want that the directory does not exist", lang, err)
		}
	}
}

// A spare that died while it waited is not handed out.
func TestPoolDeadSpare(t *testing.T) {
	p := NewPool(interpreter(t, Python), 1)
	defer p.Close()
	waitSpare(t, p)
	w := <-p.spares
	w.Kill()
	<-w.Done()
	p.spares <- w
	w, err := p.Start(bound(t), Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if r := execute(t, w, "1"); !r.Success {
		t.Errorf("%+v", r)
	}
}

func TestPoolClose(t *testing.T) {
	p := NewPool(interpreter(t, Python), 2)
	waitSpare(t, p)
	used, err := p.Start(bound(t), Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer used.Close()
	p.Close()
	select {
	case w := <-p.spares:
		t.Errorf("a worker is left: %v", w.cmd.Process.Pid)
	default:
	}
	if r := execute(t, used, "1"); !r.Success {
		t.Errorf("a worker in use was ended: %+v", r)
	}
	p.Close() // again
}

func TestPoolWithoutInterpreter(t *testing.T) {
	p := NewPool(&Interpreter{Language: R, Path: "/no/such/R"}, 2)
	defer p.Close()
	if _, err := p.Start(context.Background(), Options{Dir: t.TempDir()}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
