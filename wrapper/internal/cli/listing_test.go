//go:build linux

package cli

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestProcessListings: what ps shows of mls, of the development server and of its R and Python has no secret in it, and those two
// do not get the environment in which the user may have put one.
func TestProcessListings(t *testing.T) {
	t.Parallel()
	const other = "Canary-51cc-Iltis"
	server, endpoint := serve(t, t.TempDir(), []string{"MLS_PASSWORD=" + password, "MLS_TOKEN=" + other})
	u := unknownUser(t, endpoint, "MLS_PASSWORD="+password)
	u.must("login", endpoint, "--username", "admin")
	_, stored := u.stored()
	secrets := []string{password, other, stored.Tokens.Access, stored.Tokens.Refresh}
	look := func(pid int, file string) (found bool) {
		t.Helper()
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
		if err != nil || len(text) == 0 {
			t.Fatalf("%s of process %d: %d bytes, %v", file, pid, len(text), err)
		}
		for _, secret := range secrets {
			found = found || strings.Contains(string(text), secret)
		}
		return found
	}
	var running []*exec.Cmd
	for lang, code := range map[string]string{"r": "cat('begun\n'); Sys.sleep(600)", "python": "import time\nprint('begun', flush=True)\ntime.sleep(600)"} {
		c := u.command("mls", "exec", "--runtime", lang, "-e", code)
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Process.Signal(os.Interrupt); _ = c.Wait() }()
		if _, err := out.Read(make([]byte, 1)); err != nil { // the code runs
			t.Fatal(err)
		}
		running = append(running, c)
	}
	if !look(server.Process.Pid, "environ") || !look(running[0].Process.Pid, "environ") {
		t.Fatal("the environment that was given cannot be read: this test shows nothing")
	}
	workers := children(t, server.Process.Pid)
	if len(workers) < 2 {
		t.Fatalf("the server's processes are %v", workers)
	}
	for _, pid := range workers {
		if look(pid, "environ") {
			t.Errorf("process %d has a secret in its environment", pid)
		}
	}
	for _, pid := range append(workers, server.Process.Pid, running[0].Process.Pid, running[1].Process.Pid) {
		if look(pid, "cmdline") {
			t.Errorf("process %d has a secret in its command line", pid)
		}
	}
}
