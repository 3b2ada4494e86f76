//go:build linux

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

func glob(t testing.TB, parts ...string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// serve starts mls devserver as a process, and waits until it answers.
func serve(t testing.TB, dir string, env []string, args ...string) (c *exec.Cmd, endpoint string) {
	t.Helper()
	ready := filepath.Join(dir, "ready.json")
	_ = os.Remove(ready)
	c = exec.Command("mls", append([]string{"devserver", "--listen", "127.0.0.1:0", "--ready-file", ready, "--password-file", "-",
		"--python", interpreter(t, runtimes.Python).Path, "--r", interpreter(t, runtimes.R).Path}, args...)...)
	c.Env = append(append(os.Environ(), "TMPDIR="+t.TempDir()), env...) // it may be killed
	var said bytes.Buffer
	c.Stdin, c.Stderr = strings.NewReader(password+"\n"), &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	var r struct{ Endpoint string }
	for end := time.Now().Add(patience); ; <-time.After(10 * time.Millisecond) {
		text, err := os.ReadFile(ready)
		if err == nil && json.Unmarshal(text, &r) == nil {
			return c, r.Endpoint
		}
		if time.Now().After(end) {
			_ = c.Process.Kill()
			_ = c.Wait()
			t.Fatalf("the server does not start: %s", said.String())
		}
	}
}

func adminOf(t testing.TB, endpoint string) *mlserver.Client {
	t.Helper()
	return clientOf(t, endpoint, "admin")
}

// TestKilledDownload: what a download that was killed had written is removed by the next one to the same folder. What one that
// still runs has written is not.
func TestKilledDownload(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.URL.Path, "/files/") {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`[{"sessionId":"id"}]`))
			return
		}
		_, _ = w.Write(make([]byte, 1<<16))
		w.(http.Flusher).Flush()
		<-ended
	}))
	t.Cleanup(func() { close(ended); server.Close() })
	u := unknownUser(t, server.URL, "MLS_TOKEN=x")
	begin := func(name string) *exec.Cmd {
		c := u.command("mls", "session", "file", "get", "id", "big.bin", "--to", name, "--endpoint", server.URL)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		return c
	}
	parts := func() []string { return glob(t, u.dir, ".mls-*") }
	first := begin("a")
	eventually(t, "the download has begun", func() bool { return len(parts()) == 1 })
	left := parts()[0]
	_ = first.Process.Kill()
	_ = first.Wait()
	if _, err := os.Stat(left); err != nil {
		t.Fatalf("a killed download leaves nothing: %v", err)
	}
	second, third := begin("b"), begin("c")
	defer func() { _ = second.Process.Kill(); _ = third.Process.Kill(); _ = second.Wait(); _ = third.Wait() }()
	eventually(t, "what was left is gone, and two downloads go on", func() bool {
		_, err := os.Stat(left)
		return os.IsNotExist(err) && len(parts()) == 2
	})
}

// TestKilledServer: the processes of a server that is killed end, busy ones as well, and the next server removes what it left.
func TestKilledServer(t *testing.T) {
	t.Parallel()
	dir, tmp := t.TempDir(), t.TempDir()
	server, endpoint := serve(t, dir, []string{"TMPDIR=" + tmp})
	client := adminOf(t, endpoint)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var pids []int
	for lang, code := range map[mlserver.Runtime]string{
		mlserver.R:      "cat(Sys.getpid(), '\\n'); repeat tryCatch(while (TRUE) {}, interrupt = function(c) 0)",
		mlserver.Python: "import os\nprint(os.getpid(), flush=True)\nwhile True: pass",
	} {
		for _, busy := range []bool{true, false} {
			session, err := client.NewSession(ctx, mlserver.SessionOptions{Runtime: lang})
			if err != nil {
				t.Fatal(err)
			}
			if !busy {
				continue
			}
			go func() { _, _ = session.Execute(ctx, code, mlserver.Execution{}) }()
			eventually(t, string(lang)+" runs", func() bool {
				text, err := session.Console(ctx)
				pid, bad := strconv.Atoi(strings.TrimSpace(text))
				if err == nil && bad == nil {
					pids = append(pids, pid)
				}
				return len(pids) > 0 && pids[len(pids)-1] == pid && bad == nil
			})
		}
	}
	all := children(t, server.Process.Pid)
	if len(all) < 4 {
		t.Fatalf("the server has the processes %v, want those of four sessions", all)
	}
	before := glob(t, tmp, "mls-*")
	if len(before) < 5 { // four workers, and the data
		t.Fatalf("the server has the folders %v", before)
	}
	if err := server.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = server.Wait()
	for _, pid := range append(all, pids...) {
		eventually(t, fmt.Sprintf("process %d ends", pid), func() bool {
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			return err != nil || strings.Contains(string(stat), ") Z ")
		})
	}
	if left := glob(t, tmp, "mls-*"); len(left) < 5 {
		t.Fatalf("a killed server leaves %v: this test shows nothing", left)
	}
	next, _ := serve(t, dir, []string{"TMPDIR=" + tmp})
	for _, folder := range before {
		if _, err := os.Stat(folder); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", folder, err)
		}
	}
	if err := next.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = next.Wait()
	if left := glob(t, tmp, "*"); len(left) > 0 {
		t.Errorf("a server that was asked to end leaves %v", left)
	}
}

// TestBecomesDevserver: the process that was started as mls is mls-devserver. Who holds its id ends the server with a signal, and
// the ready file goes with it; the port is taken until then.
func TestBecomesDevserver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server, endpoint := serve(t, dir, nil)
	program, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", server.Process.Pid))
	if err != nil || filepath.Base(program) != devserverProgram {
		t.Errorf("the process runs %s (%v), want %s", program, err, devserverProgram)
	}
	var status *exec.ExitError
	out, err := exec.Command("mls", "devserver", "--listen", strings.TrimPrefix(endpoint, "http://")).CombinedOutput()
	if !errors.As(err, &status) || status.ExitCode() != exitFailed || !strings.Contains(string(out), "mls: cannot listen: ") {
		t.Errorf("a second server: %v %s, want exit code 1 and that the port is taken", err, out)
	}
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
	if left := glob(t, dir, "*"); len(left) > 0 {
		t.Errorf("it leaves %v", left)
	}
}

// children are the processes that one has started.
func children(t testing.TB, pid int) (pids []int) {
	t.Helper()
	for _, task := range glob(t, fmt.Sprintf("/proc/%d/task/*/children", pid)) {
		text, _ := os.ReadFile(task) // a thread that has ended has none
		for _, field := range strings.Fields(string(text)) {
			child, err := strconv.Atoi(field)
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, child)
		}
	}
	return pids
}
