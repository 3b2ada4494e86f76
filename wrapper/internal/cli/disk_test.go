//go:build linux

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// A limit for the size of files stops a process from writing as a full disk does, and every user may set one.

// TestLimitedServer: a server that may not write any more refuses what it cannot keep. What it had acknowledged is there, also
// after a kill, and when it may write again it goes on.
func TestLimitedServer(t *testing.T) {
	t.Parallel()
	k := &kept{soak: &soak{t: t, rand: rand.New(rand.NewPCG(1, 1))}, dir: t.TempDir(), services: map[string]certainty{}, snapshots: map[string]bool{}}
	server := k.start()
	k.check()
	ctx := context.Background()
	publish := func(name string) error {
		_, err := k.client.Publish(ctx, mlserver.Definition{Name: name, Version: "1", Runtime: mlserver.Python, Code: "answer = '" + name + "'",
			Outputs: []mlserver.Parameter{{Name: "answer", Type: "character"}}})
		return err
	}
	session, err := k.client.NewSession(ctx, mlserver.SessionOptions{Runtime: mlserver.Python})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b"} {
		if err := publish(name); err != nil {
			t.Fatal(err)
		}
		k.services[name] = there
		id, err := session.Snapshot(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		k.snapshots[id] = true
	}
	limit := func(bytes uint64) {
		t.Helper()
		if err := unix.Prlimit(server.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: bytes, Max: unix.RLIM_INFINITY}, nil); err != nil {
			t.Fatal(err)
		}
	}
	limit(8192) // the database's first two pages, and nothing more
	service := k.client.Service("a", "1")
	_, snapshot := session.Snapshot(ctx, "c")
	for what, err := range map[string]error{
		"publishing": publish("c"), "an update": service.Update(ctx, mlserver.Change{Description: new("x")}), "a deletion": service.Delete(ctx),
		"a snapshot": snapshot, "an upload": session.PutFile(ctx, "big", strings.NewReader(strings.Repeat("x", 100_000))),
	} {
		var refused *mlserver.Error
		if !errors.As(err, &refused) || refused.Status != http.StatusInsufficientStorage || !strings.Contains(refused.Message, "disk is full") {
			t.Errorf("%s: %v, want status 507", what, err)
		}
	}
	if status, _ := k.post(ctx, "/login/refreshToken", map[string]string{"refreshToken": k.refresh}); status != http.StatusInsufficientStorage {
		t.Errorf("a renewal: status %d, want 507", status)
	}
	if files, err := session.Files(ctx); err != nil || slices.Contains(files, "big") {
		t.Errorf("files are %v, %v", files, err)
	}
	k.services["c"] = gone
	limit(unix.RLIM_INFINITY)
	k.check() // the refresh token is still good
	if err := publish("d"); err != nil {
		t.Error(err)
	}
	k.services["d"] = there
	if n := len(glob(t, k.dir, "data", "blobs", "*")); n != 2 {
		t.Errorf("there are %d blobs, want those of the two snapshots", n)
	}
	if left := glob(t, k.dir, "data", "workers", "temp-*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	limit(8192)
	if err := publish("e"); err == nil {
		t.Error("published in spite of the limit")
	}
	k.services["e"] = gone
	_ = server.Process.Kill()
	_ = server.Wait()
	k.start()
	k.check()
}

// TestLimitedUser: the command says what it could not write, leaves nothing of it, and keeps what there was.
func TestLimitedUser(t *testing.T) {
	t.Parallel()
	u := newUser(t, startServer(t))
	id := u.must("session", "create", "--runtime", "python")
	u.must("session", "exec", id, "-e", "n = open('big.bin', 'w').write('x' * 1000000)")
	u.write("old.bin", "old")
	profile := filepath.Join(u.dir, ".mls", "profiles", "default.json")
	limited := func(args ...string) (said string, code int) {
		t.Helper()
		c := u.command("sh", append([]string{"-c", `ulimit -f 0; exec "$@"`, "sh", "mls"}, args...)...)
		c.Stdout = io.Discard
		var text strings.Builder
		c.Stderr = &text
		var status *exec.ExitError
		if err := c.Run(); err != nil && !errors.As(err, &status) {
			t.Fatal(err)
		}
		return text.String(), c.ProcessState.ExitCode()
	}
	names := func() string {
		t.Helper()
		return fmt.Sprint(glob(t, u.dir, "*"), glob(t, u.dir, ".mls-*"), glob(t, filepath.Dir(profile), "*"), glob(t, filepath.Dir(profile), ".*"))
	}
	before, stored := names(), read(t, filepath.Dir(profile), "default.json")
	for _, test := range []struct {
		args []string
		says string
	}{
		{[]string{"session", "file", "get", id, "big.bin", "--to", "new.bin"}, "new.bin cannot be written: file too large"},
		{[]string{"session", "file", "get", id, "big.bin", "--to", "old.bin", "--force"}, "old.bin cannot be written: file too large"},
		{[]string{"login", "--username", "alice", "--password-file", "password.txt", "--plaintext-store"}, profile + ": file too large"},
	} {
		if said, code := limited(test.args...); code != 1 || !strings.Contains(said, test.says) {
			t.Errorf("mls %s: exit code %d, %s; want 1 and %q", strings.Join(test.args, " "), code, said, test.says)
		}
	}
	if after := names(); after != before {
		t.Errorf("files were %s, now there are %s", before, after)
	}
	if got := read(t, u.dir, "old.bin"); got != "old" {
		t.Errorf("the file that was there has %d bytes", len(got))
	}
	if got := read(t, filepath.Dir(profile), "default.json"); got != stored {
		t.Errorf("what was stored has changed to %s", got)
	}
	u.must("session", "list")
	// A renewal that cannot be stored serves this command, and the next one says that one has to sign in.
	u.expire()
	if said, code := limited("session", "list"); code != 0 || !strings.Contains(said, "could not be stored") || !strings.Contains(said, profile+": file too large") {
		t.Errorf("exit code %d, %s; want the sessions, and what could not be stored", code, said)
	}
	out, err := u.command("mls", "session", "list").CombinedOutput()
	var status *exec.ExitError
	if !errors.As(err, &status) || status.ExitCode() != exitSignIn {
		t.Errorf("after that: %v %s, want exit code 4", err, out)
	}
	_ = os.Remove(profile)
}
