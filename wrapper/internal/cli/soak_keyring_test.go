//go:build linux

package cli

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSoakKeyring kills mls, or the keyring, while a renewed sign-in gets into the keyring. It is there once, whole, and nowhere
// else; or one has to sign in.
func TestSoakKeyring(t *testing.T) {
	t.Parallel()
	s := newSoak(t, 4)
	ring := startSecretService(t)
	u := newUser(t, startServer(t), append(ring.env, "TEST_KEYRING=system")...)
	lost := 0
	for i := 0; s.more(); i++ {
		u.expireInFile()
		c := u.command("mls", "session", "list", "--no-input")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		if i%4 == 3 {
			<-time.After(time.Duration(s.rand.Int64N(int64(100 * time.Millisecond))))
			ring.stop()
			s.kills++
			_ = c.Wait() // whatever it says
			ring.start(password)
		} else {
			s.kill(c, 200*time.Millisecond)
		}
		file := read(t, filepath.Join(u.dir, ".mls", "profiles"), "default.json")
		if n := ring.entries(); n != 1 || strings.Contains(file, "refreshToken") {
			t.Errorf("%d entries in the keyring, want 1; the file: %s", n, file)
		}
		u.expireInFile()
		out, err := u.command("mls", "session", "list", "--no-input").CombinedOutput()
		var status *exec.ExitError
		switch {
		case errors.As(err, &status) && status.ExitCode() == exitSignIn: // the server had made the next pair, and nobody got it
			lost++
			u.must("login", u.getenv("SERVER"), "--username", "alice", "--password-file", "password.txt")
		case err != nil:
			t.Errorf("after the kill: %v %s", err, out)
		}
	}
	t.Logf("%d of the renewals that were killed had to be followed by signing in", lost)
}
