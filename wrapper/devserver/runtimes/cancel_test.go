package runtimes

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// running starts code and returns when it has come to the expression SAY, which writes to a named pipe.
func running(t *testing.T, w *Worker, ctx context.Context, code string) <-chan outcomeOf {
	t.Helper()
	fifo := filepath.Join(t.TempDir(), "started")
	if out, err := exec.Command("mkfifo", fifo).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	say := map[Language]string{
		R:      "local({ f <- file('" + fifo + "', 'w', raw = TRUE); cat('x', file = f); close(f) })",
		Python: "print('x', file=open('" + fifo + "', 'w'))",
	}[w.interp.Language]
	done := make(chan outcomeOf, 1)
	go func() {
		r, err := w.Execute(ctx, Request{Code: strings.Replace(code, "SAY", say, 1)})
		done <- outcomeOf{r, err}
	}()
	if _, err := os.ReadFile(fifo); err != nil { // waits for the writer
		t.Fatal(err)
	}
	return done
}

type outcomeOf struct {
	r   *Result
	err error
}

func TestCancel(t *testing.T) {
	for _, test := range []struct {
		name string
		lang Language
		code string
	}{
		{"sleep", R, "Sys.sleep(600)"},
		{"loop", R, "repeat {}"},
		{"printing", R, "while (TRUE) print(1)"},
		{"in try", R, "try(Sys.sleep(600)); Sys.sleep(600)"},
		{"catching once", R, "tryCatch(Sys.sleep(600), interrupt = function(e) 1); Sys.sleep(600)"},
		{"child", R, "system('sleep 600')\nnot_run <- 1"},
		{"sleep", Python, "import time; time.sleep(600)"},
		{"loop", Python, "while True: pass"},
		{"printing", Python, "while True: print(1)"},
		{"catching once", Python, "import time\ntry: time.sleep(600)\nexcept KeyboardInterrupt: pass\ntime.sleep(600)"},
		{"child", Python, "import os; r = os.system('sleep 600')\nnot_run = 1"},
		{"subprocess", Python, "import subprocess; subprocess.run(['sleep', '600'])\nnot_run = 1"},
		{"regular expression", Python, "import re; re.match(r'(a+)+$', 'a' * 40 + 'b')"},
	} {
		t.Run(test.name+" "+string(test.lang), func(t *testing.T) {
			w := worker(t, test.lang)
			request(t, w, Request{Inputs: []Input{{Name: "kept", Value: raw("42")}}})
			done := running(t, w, bound(t), "partial = 1\nSAY\n"+test.code)
			if !w.Busy() {
				t.Error("not busy while it runs")
			}
			w.Cancel()
			o := <-done
			if o.err != nil || o.r.Success || o.r.Kind != KindInterrupt || o.r.Error == "" {
				t.Fatalf("%+v, %v; want kind interrupt", o.r, o.err)
			}
			if w.Busy() {
				t.Error("busy afterwards")
			}
			r := request(t, w, Request{Code: "z = kept + partial", Outputs: []Output{{Name: "z"}}})
			if !r.Success || string(r.Outputs[0].Value) != "43" {
				t.Errorf("the workspace afterwards: %+v", r)
			}
			names, err := w.Objects(bound(t))
			if err != nil || strings.Contains(strings.Join(names, " "), "not_run") {
				t.Errorf("objects %v, %v: the statement after the cancelled one ran", names, err)
			}
		})
	}
}

// A cancellation hits the execution that runs, never the next.
func TestCancelIdle(t *testing.T) {
	for _, lang := range []Language{R, Python} {
		w := worker(t, lang)
		for i := range 100 {
			w.Cancel()
			if i%2 == 0 { // and signals that come from elsewhere are ignored
				interruptGroup(w.cmd.Process.Pid)
			}
			if r := execute(t, w, "x = 1"); !r.Success {
				t.Fatalf("%s: %+v", lang, r)
			}
		}
	}
}

// Cancelling at any moment of a short execution leaves a worker that works.
func TestCancelRace(t *testing.T) {
	for lang, code := range map[Language]string{R: "for (i in 1:2000) sqrt(i)", Python: "for i in range(2000): i + 1"} {
		w := worker(t, lang)
		hits := 0
		for range 150 {
			var wg sync.WaitGroup
			var over atomic.Bool
			wg.Go(func() {
				for !w.Busy() && !over.Load() {
					runtime.Gosched()
				}
				w.Cancel()
			})
			r := execute(t, w, code)
			if r.Kind == KindInterrupt {
				hits++
			} else if !r.Success {
				t.Fatalf("%s: %+v", lang, r)
			}
			over.Store(true)
			wg.Wait()
		}
		if r := execute(t, w, "y = 1"); !r.Success {
			t.Errorf("%s: %+v", lang, r)
		}
		t.Logf("%s: %d of 150 interrupted", lang, hits)
	}
}

func TestContext(t *testing.T) {
	for lang, sleep := range map[Language]string{R: "Sys.sleep(600)", Python: "import time; time.sleep(600)"} {
		w := worker(t, lang)

		ended, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := w.Execute(ended, Request{Code: "x = 1"}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: a context that has ended: %v", lang, err)
		}

		ctx, cancel := context.WithCancel(context.Background())
		done := running(t, w, ctx, "SAY\n"+sleep)

		// Others wait as long as their contexts allow.
		short, stop := context.WithTimeout(context.Background(), 20*time.Millisecond)
		if _, err := w.Execute(short, Request{Code: "x = 1"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: waiting: %v", lang, err)
		}
		if _, err := w.Objects(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: waiting for objects: %v", lang, err)
		}
		stop()
		waiting := make(chan outcomeOf, 1)
		go func() {
			r, err := w.Execute(bound(t), Request{Code: "x = 2", Outputs: []Output{{Name: "x"}}})
			waiting <- outcomeOf{r, err}
		}()

		cancel()
		if o := <-done; o.err != nil || o.r.Kind != KindInterrupt {
			t.Errorf("%s: %+v, %v; want kind interrupt", lang, o.r, o.err)
		}
		if o := <-waiting; o.err != nil || !o.r.Success {
			t.Errorf("%s: the one that waited: %+v, %v", lang, o.r, o.err)
		}
	}
}

// Code that ignores interrupts does not hold up its caller.
func TestContextIgnored(t *testing.T) {
	w := worker(t, Python)
	w.grace = 50 * time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	// In one statement, as each gets the handler of interrupts anew.
	done := running(t, w, ctx, "import signal, time\nif True: signal.signal(signal.SIGINT, signal.SIG_IGN); SAY; time.sleep(600)")
	cancel()
	if o := <-done; !errors.Is(o.err, context.Canceled) {
		t.Errorf("%+v, %v; want the context's error", o.r, o.err)
	}
	if !w.Busy() {
		t.Error("the code still runs, but the worker is not busy")
	}
	w.Kill()
	<-w.Done()
	var gone *GoneError
	if _, err := w.Execute(bound(t), Request{Code: "1"}); !errors.As(err, &gone) || gone.Status != "signal: killed" {
		t.Errorf("%v, want a GoneError", err)
	}
}

func TestConcurrentExecutions(t *testing.T) {
	for _, lang := range []Language{R, Python} {
		w := worker(t, lang)
		execute(t, w, "n = 0")
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				r, err := w.Execute(bound(t), Request{Code: "n = n + 1\nprint('one')", Outputs: []Output{{Name: "n"}}})
				if err != nil || !r.Success || strings.Count(r.Console, "one") != 1 {
					t.Errorf("%s: %+v, %v", lang, r, err)
				}
			})
		}
		wg.Wait()
		if r := request(t, w, Request{Outputs: []Output{{Name: "n"}}}); string(r.Outputs[0].Value) != "50" {
			t.Errorf("%s: %s executions, want 50", lang, r.Outputs[0].Value)
		}
	}
}

func TestCloseWhileRunning(t *testing.T) {
	for lang, sleep := range map[Language]string{R: "Sys.sleep(600)", Python: "import time; time.sleep(600)"} {
		w := worker(t, lang)
		done := running(t, w, bound(t), "SAY\n"+sleep)
		tmp := w.tmp
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		<-done
		if _, err := os.Stat(tmp); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the temporary directory is still there: %v", lang, err)
		}
	}
}

// The text so far can be read while the code runs.
func TestConsoleWhileRunning(t *testing.T) {
	for lang, code := range map[Language]string{R: "Sys.sleep(600)", Python: "import time; time.sleep(600)"} {
		w := worker(t, lang)
		say := map[Language]string{R: "cat('so far\\n')", Python: "print('so far')"}[lang]
		done := running(t, w, bound(t), say+"\nSAY\n"+code)
		for ctx := bound(t); w.Console() != "so far\n"; <-time.After(5 * time.Millisecond) {
			if ctx.Err() != nil {
				t.Fatalf("%s: the text did not come: %q", lang, w.Console())
			}
		}
		w.Cancel()
		if o := <-done; o.err != nil || !strings.HasPrefix(o.r.Console, "so far\n") {
			t.Errorf("%s: %+v, %v", lang, o.r, o.err)
		}
	}
}

// orphanFifo in the environment makes this program one that starts a worker and is killed.
const orphanFifo = "RUNTIMES_TEST_ORPHAN"

// TestOrphan: nothing is left when this program is killed, not even a worker in the midst of something.
func TestOrphan(t *testing.T) {
	codes := map[Language]string{
		R:      "f <- file(fifo, 'w', raw = TRUE); cat('x', file = f); flush(f); Sys.sleep(600)",
		Python: "import time; f = open(fifo, 'w'); f.write('x'); f.flush(); time.sleep(600)",
	}
	if args := os.Getenv(orphanFifo); args != "" {
		lang, fifo, _ := strings.Cut(args, " ")
		w := worker(t, Language(lang))
		execute(t, w, "fifo = '"+fifo+"'\n"+codes[w.interp.Language])
		return
	}
	if runtime.GOOS != "linux" {
		t.Skip("elsewhere a busy worker finishes first")
	}
	for lang := range codes {
		interpreter(t, lang)
		fifo := filepath.Join(t.TempDir(), "fifo")
		if out, err := exec.Command("mkfifo", fifo).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		program := exec.CommandContext(bound(t), os.Args[0], "-test.run=^TestOrphan$")
		program.Env = append(os.Environ(), orphanFifo+"="+string(lang)+" "+fifo, "TMPDIR="+t.TempDir())
		if err := program.Start(); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(fifo)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		_ = program.Process.Kill()
		_ = program.Wait()
		if err := f.SetReadDeadline(time.Now().Add(3 * time.Minute)); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("%s: the worker lives on: %v", lang, err)
		}
	}
}
