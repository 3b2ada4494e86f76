//go:build linux

package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// TestSecretService keeps the sign-in in the keyring of a desktop: GNOME's, on a bus of its own.
func TestSecretService(t *testing.T) {
	t.Parallel()
	s := startSecretService(t)
	u := newUser(t, startServer(t), append(s.env, "TEST_KEYRING=system")...)
	stored := func() string { return read(t, filepath.Join(u.dir, ".mls", "profiles"), "default.json") }

	// The refresh token is there, and nowhere else. Another process finds it.
	if got := s.entries(); got != 1 || strings.Contains(stored(), "refreshToken") {
		t.Fatalf("%d entries in the keyring, want 1; the file: %s", got, stored())
	}
	if got := u.must("whoami", "-o", "json"); !strings.Contains(got, `"store":"keyring"`) {
		t.Errorf("%s, want the sign-in in the keyring", got)
	}
	u.expireInFile()
	u.must("session", "list", "--no-input")

	// Two processes come to the end of the access token at the same time.
	a, b := u.repeated("session", "list", "--trace"), u.repeated("session", "list", "--trace")
	for range 50 {
		u.expireInFile()
		a.start()
		b.start()
		if said := a.wait() + b.wait(); strings.Count(said, "/login/refreshToken: 200") != 1 {
			t.Fatalf("the tokens were not renewed once: %s", said)
		}
	}

	// The user has left, and somebody logs in without the password of the keyring: it is locked, and nobody is asked.
	s.stop()
	s.start("")
	u.must("session", "list") // the access token is still good
	u.expireInFile()
	before := stored()
	for _, args := range [][]string{{"session", "list"}, {"token"}, {"login", "--username", "alice", "--password-file", "password.txt"}} {
		out, err := u.command("mls", args...).CombinedOutput()
		var status *exec.ExitError
		if !errors.As(err, &status) || status.ExitCode() != exitSignIn {
			t.Errorf("mls %s: %v, want exit code 4", args[0], err)
		}
		for _, want := range []string{"the keyring is locked or fails: failed to unlock", "unlock it and try again", "`mls login --plaintext-store` does without"} {
			if !strings.Contains(string(out), want) {
				t.Errorf("mls %s said %q, want %q", args[0], out, want)
			}
		}
	}
	if after := stored(); after != before {
		t.Errorf("what is stored has changed from\n%s to\n%s", before, after)
	}

	// Unlocked, nothing is lost. After logout nothing is left.
	s.stop()
	s.start(password)
	u.must("session", "list")
	u.must("logout")
	if got := s.entries(); got != 0 {
		t.Errorf("%d entries are left in the keyring, want none", got)
	}

	// Without a keyring on the bus the sign-in goes to the file, and that is said.
	s.stop()
	out, err := u.command("mls", "login", "--username", "alice", "--password-file", "password.txt").CombinedOutput()
	if err != nil || strings.Count(string(out), "no keyring answers") != 1 || !strings.Contains(stored(), "refreshToken") {
		t.Errorf("%v, %s, want the sign-in in the file", err, out)
	}
}

// expireInFile makes the stored access token look expired, whatever the keyring does.
func (u *user) expireInFile() {
	u.t.Helper()
	file := filepath.Join(u.dir, ".mls", "profiles", "default.json")
	text, err := os.ReadFile(file)
	if err != nil {
		u.t.Fatal(err)
	}
	var p profile
	if err := json.Unmarshal(text, &p); err != nil {
		u.t.Fatal(err)
	}
	p.Tokens.Expires = time.Now().Add(-time.Second)
	if text, err = json.Marshal(p); err != nil {
		u.t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		u.t.Fatal(err)
	}
}

// secretService is GNOME's keyring in a folder, with a bus of its own. Both are processes that end with the test.
type secretService struct {
	t    *testing.T
	dir  string
	env  []string
	bus  *dbus.Conn
	stop func() // ends the keyring; the bus stays
}

// The bus starts no services: neither a keyring of its own accord, nor one that would ask for a password on the screen.
const busConfig = `<busconfig><type>session</type><listen>unix:dir=%s</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`

// startSecretService starts a bus, and a keyring that is unlocked. Where they are missing the test is skipped, or fails with CI set.
func startSecretService(t *testing.T) *secretService {
	t.Helper()
	for _, program := range []string{"dbus-daemon", "gnome-keyring-daemon"} {
		if _, err := exec.LookPath(program); err != nil && os.Getenv("CI") == "" {
			t.Skipf("%v (scripts/install.sh keyring)", err)
		} else if err != nil {
			t.Fatal(err)
		}
	}
	dir, err := os.MkdirTemp("", "keyring") // the address of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &secretService{t: t, dir: dir, stop: func() {}}
	config := filepath.Join(dir, "bus.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, busConfig, dir), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.Command("dbus-daemon", "--config-file="+config, "--nofork", "--print-address")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	s.env = []string{"DBUS_SESSION_BUS_ADDRESS=" + strings.TrimSpace(address)}
	if s.bus, err = dbus.Connect(strings.TrimSpace(address)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.bus.Close() })
	s.start(password)
	return s
}

// start starts the keyring, which makes itself when there is none. Without a password it stays locked.
func (s *secretService) start(password string) {
	s.t.Helper()
	args := []string{"--foreground", "--components=secrets"}
	if password != "" {
		args = append(args, "--unlock")
	}
	c := exec.Command("gnome-keyring-daemon", args...)
	c.Stdin = strings.NewReader(password)
	c.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "XDG_RUNTIME_DIR=" + s.dir, "XDG_DATA_HOME=" + s.dir}, s.env...)
	if err := c.Start(); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = c.Wait(); close(ended) }()
	s.stop = func() {
		_ = c.Process.Kill()
		<-ended
		s.await(false)
	}
	s.t.Cleanup(func() { _ = c.Process.Kill(); <-ended })
	s.await(true)
}

// await waits until there is a keyring on the bus, or none any more.
func (s *secretService) await(want bool) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		var is bool
		if err := s.bus.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, "org.freedesktop.secrets").Store(&is); err != nil {
			s.t.Fatal(err)
		}
		if is == want {
			return
		}
	}
	s.t.Fatalf("a keyring is on the bus: %t, want %t", !want, want)
}

// entries counts those of mls.
func (s *secretService) entries() int {
	s.t.Helper()
	var unlocked, locked []dbus.ObjectPath
	err := s.bus.Object("org.freedesktop.secrets", "/org/freedesktop/secrets").
		Call("org.freedesktop.Secret.Service.SearchItems", 0, map[string]string{"service": keyringService}).Store(&unlocked, &locked)
	if err != nil {
		s.t.Fatal(err)
	}
	return len(unlocked) + len(locked)
}
