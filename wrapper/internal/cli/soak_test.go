//go:build unix

package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// soak says for how long processes are killed, at which moments. SOAK is the time of each test, a few kills where it is not set;
// SEED makes the same moments again.
type soak struct {
	t     *testing.T
	end   time.Time
	least int // kills, however long they take
	kills int
	rand  *rand.Rand
}

func newSoak(t *testing.T, least int) *soak {
	t.Helper()
	seed, err := rand.Uint64(), error(nil)
	if text := os.Getenv("SEED"); text != "" {
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	s := &soak{t: t, end: time.Now(), least: least, rand: rand.New(rand.NewPCG(seed, seed))}
	if text := os.Getenv("SOAK"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		s.end = s.end.Add(d / 2) // one test runs alone, and then all others at the same time
	}
	t.Logf("SEED=%d", seed)
	t.Cleanup(func() { t.Logf("%d kills", s.kills) })
	return s
}

func (s *soak) more() bool { return !s.t.Failed() && (s.kills < s.least || time.Now().Before(s.end)) }

// kill ends a process at a random moment. It says whether that had not ended by itself.
func (s *soak) kill(c *exec.Cmd, within time.Duration) bool {
	ended := make(chan struct{})
	go func() { _ = c.Wait(); close(ended) }()
	select {
	case <-time.After(time.Duration(s.rand.Int64N(int64(within)))):
	case <-ended:
		return false
	}
	_ = c.Process.Kill()
	<-ended
	if c.ProcessState.Exited() {
		return false
	}
	s.kills++
	return true
}

// TestSoakWorkers kills R or Python in the middle of what it does. Whoever waits gets an error, and the next call works.
func TestSoakWorkers(t *testing.T) {
	t.Parallel()
	s := newSoak(t, 4)
	client, err := mlserver.New(mlserver.Config{Address: startServer(t), Auth: auth.Login{Username: "admin", Password: password}})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	pidFile := filepath.Join(t.TempDir(), "pid")
	codes := map[mlserver.Runtime]string{
		mlserver.Python: fmt.Sprintf("import os, time\nif wait > 0:\n    open(%q, 'w').write(str(os.getpid()) + '.')\n    time.sleep(wait)\nanswer = 6 * 7", pidFile),
		mlserver.R:      fmt.Sprintf("if (wait > 0) {\n    cat(Sys.getpid(), '.', sep = '', file = %q)\n    Sys.sleep(wait)\n}\nanswer <- 6 * 7", pidFile),
	}
	services := map[mlserver.Runtime]*mlserver.Service{}
	for lang, code := range codes {
		if services[lang], err = client.Publish(ctx, mlserver.Definition{Name: "slow-" + string(lang), Version: "1", Runtime: lang, Code: code,
			Inputs: []mlserver.Parameter{{Name: "wait", Type: "numeric"}}, Outputs: []mlserver.Parameter{{Name: "answer", Type: "numeric"}}}); err != nil {
			t.Fatal(err)
		}
	}
	call := func(lang mlserver.Runtime, wait float64) error {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		r, err := services[lang].Consume(ctx, mlserver.Values{"wait": wait})
		var answer float64
		if err == nil {
			err = r.Outputs.Decode("answer", &answer)
		}
		if err == nil && answer != 42 {
			err = fmt.Errorf("the answer is %v", answer)
		}
		return err
	}
	inSession := func(lang mlserver.Runtime, wait float64) error {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		session, err := client.NewSession(ctx, mlserver.SessionOptions{Runtime: lang})
		if err != nil {
			return err
		}
		_, err = session.Execute(ctx, codes[lang], mlserver.Execution{Inputs: mlserver.Values{"wait": wait}})
		if closed := session.ForceClose(ctx); err == nil {
			err = closed
		}
		return err
	}
	for i := 0; s.more(); i++ {
		do := []func(mlserver.Runtime, float64) error{call, inSession}[i%2]
		lang := []mlserver.Runtime{mlserver.Python, mlserver.Python, mlserver.R, mlserver.R}[i%4]
		_ = os.Remove(pidFile)
		failed := make(chan error, 1)
		go func() { failed <- do(lang, 3600) }()
		pid := 0
		for end := time.Now().Add(patience); pid == 0 && time.Now().Before(end); <-time.After(5 * time.Millisecond) {
			if text, err := os.ReadFile(pidFile); err == nil && bytes.HasSuffix(text, []byte(".")) {
				pid, _ = strconv.Atoi(strings.TrimSuffix(string(text), "."))
			}
		}
		worker, err := os.FindProcess(pid)
		if pid == 0 || err != nil {
			t.Fatalf("the code does not run: %v", err)
		}
		<-time.After(time.Duration(s.rand.IntN(100)) * time.Millisecond)
		if err := worker.Kill(); err != nil {
			t.Fatal(err)
		}
		s.kills++
		if err := <-failed; err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the call whose process was killed gave %v, want an error at once", err)
		}
		if err := do(lang, 0); err != nil {
			t.Errorf("the next call: %v", err)
		}
	}
	if open, err := client.Sessions(ctx); err != nil || len(open) > 0 {
		t.Errorf("open sessions: %v, %v; want none", open, err)
	}
}

// TestSoakCommands kills mls in the middle of a download, an upload, a renewal, and one of two that share a sign-in. A file is whole
// or not there, and the sign-in can be used, or says that one has to sign in.
func TestSoakCommands(t *testing.T) {
	t.Parallel()
	s := newSoak(t, 4)
	u := newUser(t, startServer(t))
	id := u.must("session", "create", "--runtime", "python")
	const size = 4 << 20
	u.must("session", "exec", id, "-e", fmt.Sprintf("n = open('big.bin', 'w').write('x' * %d)", size))
	u.write("up.bin", strings.Repeat("y", size))
	whole := func(path string) {
		t.Helper()
		if info, err := os.Stat(filepath.Join(u.dir, path)); err == nil && info.Size() != size {
			t.Errorf("%s has %d bytes after a kill, want all %d or no file", path, info.Size(), size)
		}
	}
	lost := 0
	for i := 0; s.more(); i++ {
		args := [][]string{
			{"session", "file", "get", id, "big.bin", "--to", "down.bin"}, {"session", "file", "put", id, "up.bin"}, {"session", "list"}, {"session", "list"},
		}[i%4]
		_ = os.Remove(filepath.Join(u.dir, "down.bin"))
		renews := i%4 >= 2
		var other *exec.Cmd
		if renews {
			u.expire()
		}
		if i%4 == 3 {
			other = u.command("mls", "session", "list")
			if err := other.Start(); err != nil {
				t.Fatal(err)
			}
		}
		c := u.command("mls", args...)
		c.Stdout, c.Stderr = io.Discard, io.Discard
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		s.kill(c, 400*time.Millisecond)
		if other != nil {
			if _ = other.Wait(); other.ProcessState.ExitCode() != 0 && other.ProcessState.ExitCode() != exitSignIn {
				t.Errorf("the other process: %v", other.ProcessState)
			}
		}
		whole("down.bin")
		if _, p := u.stored(); p.Tokens == nil || p.Tokens.Access == "" || p.Tokens.Refresh == "" {
			t.Errorf("the stored sign-in is %+v", p)
		}
		files, err := u.command("mls", "session", "file", "list", id, "-o", "json").CombinedOutput()
		var status *exec.ExitError
		switch {
		case errors.As(err, &status) && status.ExitCode() == exitSignIn && renews:
			lost++ // the server had made the next pair, and nobody got it
			u.must("login", u.getenv("SERVER"), "--username", "alice", "--password-file", "password.txt")
		case err != nil:
			t.Errorf("after the kill: %v %s", err, files)
		case strings.Contains(string(files), "up.bin"):
			u.must("session", "file", "get", id, "up.bin", "--to", "back.bin", "--force")
			whole("back.bin")
			u.must("session", "file", "rm", id, "up.bin")
		}
	}
	u.expire()
	u.must("session", "file", "get", id, "big.bin", "--to", "down.bin", "--force")
	if left := append(glob(t, u.dir, ".mls-*"), glob(t, u.dir, ".mls", "profiles", ".mls-*")...); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	t.Logf("%d of the renewals that were killed had to be followed by signing in", lost)
}
