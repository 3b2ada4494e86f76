//go:build linux

package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/devserver"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// TestSoakSignals interrupts and terminates mls at random moments. Nothing is left behind: no session, no batch, no process and no
// goroutine in the server, no file of the command's.
func TestSoakSignals(t *testing.T) {
	s := newSoak(t, 3)                // not in parallel with others, whose processes would count
	if signal.Ignored(os.Interrupt) { // by what a script runs in the background; mls would inherit that, and miss one that comes early
		heard := make(chan os.Signal, 1)
		signal.Notify(heard, os.Interrupt)
		t.Cleanup(func() { signal.Stop(heard) })
	}
	endpoint := startServer(t, func(c *devserver.Config) { c.SpareWorkers, c.ServiceWorkers = -1, 1 })
	tmp := t.TempDir()
	u := newUser(t, endpoint, "TMPDIR="+tmp)
	client, err := mlserver.New(mlserver.Config{Address: endpoint, Auth: auth.Login{Username: "alice", Password: password}})
	if err != nil {
		t.Fatal(err)
	}
	u.write("rows.csv", "x\n1\n2\n")
	u.must("service", "publish", "slow", "--version", "1", "--runtime", "python", "--input", "x=numeric", "--code", "import time; time.sleep(3600)")
	u.must("service", "publish", "quick", "--version", "1", "--runtime", "python", "--code", "pass")
	u.must("service", "call", "quick/1")
	if got := left(t, client, u.dir, tmp); got.sessions != 0 || got.batches != 0 || got.files != "" {
		t.Fatalf("before anything is interrupted there is %+v", got)
	}
	before := settled(t, client, u.dir, tmp, remains{processes: 1 << 20, goroutines: 1 << 20})
	for i := 0; s.more(); i++ {
		args := [][]string{
			{"exec", "--runtime", "python", "-e", "import time; time.sleep(3600)"},
			{"batch", "start", "slow/1", "--csv", "rows.csv", "--wait", "--cancel-on-interrupt"},
			{"exec", "--runtime", "python", "-e", "print(1)"},
		}[i%3]
		sig := []os.Signal{syscall.SIGINT, syscall.SIGTERM}[s.rand.IntN(2)]
		c := u.command("mls", args...)
		var said bytes.Buffer
		c.Stderr = &said
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		after := time.Duration(s.rand.Int64N(int64(700 * time.Millisecond)))
		timer := time.AfterFunc(after, func() { _ = c.Process.Signal(sig) })
		err := c.Wait()
		timer.Stop()
		s.kills++
		var status *exec.ExitError
		if err != nil && !errors.As(err, &status) {
			t.Fatal(err)
		}
		if status != nil && status.ExitCode() != 130 && status.ExitCode() != 143 && status.ExitCode() != -1 { // -1: before it listens to signals
			t.Errorf("mls %s, %s after %s: exit code %d: %s", args[0], sig, after, status.ExitCode(), said.String())
		}
		settled(t, client, u.dir, tmp, before)
	}
}

// remains is what may be left of a command.
type remains struct {
	sessions, batches     int
	processes, goroutines int
	files                 string
}

// settled waits until no more is left than there was before.
func settled(t *testing.T, client *mlserver.Client, work, tmp string, before remains) remains {
	t.Helper()
	const slack = 3 // goroutines of connections that are about to be closed
	end := time.Now().Add(patience)
	for {
		got := left(t, client, work, tmp)
		if got.sessions == 0 && got.batches == 0 && got.files == "" && got.processes <= before.processes && got.goroutines <= before.goroutines+slack {
			return got
		}
		if time.Now().After(end) {
			t.Fatalf("there is %+v, want no more than %+v", got, before)
		}
		<-time.After(20 * time.Millisecond)
	}
}

func left(t *testing.T, client *mlserver.Client, work, tmp string) (r remains) {
	t.Helper()
	ctx := context.Background()
	sessions, err := client.Sessions(ctx)
	if err != nil {
		t.Fatal(err)
	}
	batches, err := client.Service("slow", "1").Batches(ctx)
	if err != nil {
		t.Fatal(err)
	}
	r.sessions, r.batches = len(sessions), len(batches)
	for _, pattern := range []string{filepath.Join(tmp, "*"), filepath.Join(work, ".mls-*"), filepath.Join(work, ".mls", "profiles", ".mls-*")} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		r.files += strings.Join(names, " ")
	}
	tasks, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		children, _ := os.ReadFile(task) // a thread that has ended has none
		r.processes += len(strings.Fields(string(children)))
	}
	r.goroutines = runtime.NumGoroutine()
	return r
}
