package runtimes

import (
	"context"
	"encoding/json"
	"os"
	"sync"
	"testing"
	"time"
)

// The interpreters and a few spare workers are shared by the tests: finding and starting them takes most of the time.
var shared = map[Language]func() (*Pool, error){
	R:      sync.OnceValues(func() (*Pool, error) { return newPool(R) }),
	Python: sync.OnceValues(func() (*Pool, error) { return newPool(Python) }),
}

var pools struct {
	sync.Mutex
	all []*Pool
}

func newPool(lang Language) (*Pool, error) {
	i, err := Find(context.Background(), lang, "")
	if err != nil {
		return nil, err
	}
	p := NewPool(i, 2)
	pools.Lock()
	defer pools.Unlock()
	pools.all = append(pools.all, p)
	return p, nil
}

func TestMain(m *testing.M) {
	var err error
	if commonDir, err = os.MkdirTemp("", "runtimes-test-"); err != nil {
		panic(err)
	}
	code := m.Run()
	for _, w := range commonWorkers {
		w.Close()
	}
	for _, p := range pools.all {
		p.Close()
	}
	_ = os.RemoveAll(commonDir)
	os.Exit(code)
}

// missing skips a test for want of an interpreter or package; where CI is set it fails.
func missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

func interpreter(t testing.TB, lang Language) *Interpreter {
	t.Helper()
	p, err := shared[lang]()
	if err != nil {
		missing(t, "%v", err)
	}
	return p.interp
}

// bound is the time a test may take, more than it ever needs.
func bound(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// worker returns a fresh worker whose code runs in a fresh directory.
func worker(t testing.TB, lang Language) *Worker {
	t.Helper()
	interpreter(t, lang)
	p, _ := shared[lang]()
	w, err := p.Start(bound(t), Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

// execute runs code and wants it to be answered, with success or without.
func execute(t testing.TB, w *Worker, code string) *Result {
	t.Helper()
	return request(t, w, Request{Code: code})
}

func request(t testing.TB, w *Worker, r Request) *Result {
	t.Helper()
	res, err := w.Execute(bound(t), r)
	if err != nil {
		t.Fatalf("%q: %v", r.Code, err)
	}
	return res
}

// console runs code that must succeed and returns what it printed.
func consoleOf(t testing.TB, w *Worker, code string) string {
	t.Helper()
	r := execute(t, w, code)
	if !r.Success {
		t.Fatalf("%q failed: %s\n%s", code, r.Error, r.Console)
	}
	return r.Console
}

func raw(s string) json.RawMessage { return json.RawMessage(s) }

var (
	commonWorkers = map[Language]*Worker{}
	commonDir     string
)

// common returns one worker for all tests that leave nothing behind. They do not run in parallel.
func common(t testing.TB, lang Language) *Worker {
	t.Helper()
	if commonWorkers[lang] == nil {
		i := interpreter(t, lang)
		w, err := i.Start(bound(t), Options{Dir: commonDir})
		if err != nil {
			t.Fatal(err)
		}
		commonWorkers[lang] = w
	}
	return commonWorkers[lang]
}
