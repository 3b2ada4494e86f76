package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// terminal is a tmux pane, in which a user types.
type terminal struct {
	t      testing.TB
	user   *user
	socket string
}

// newTerminal starts a command in a terminal of its own.
func newTerminal(u *user, command string) *terminal {
	u.t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		if os.Getenv("CI") != "" {
			u.t.Fatal(err)
		}
		u.t.Skip(err)
	}
	x := &terminal{t: u.t, user: u, socket: filepath.Join(u.t.TempDir(), "tmux")}
	x.tmux("-f", os.DevNull, "new-session", "-d", "-x", "100", "-y", "50", command)
	u.t.Cleanup(x.kill)
	return x
}

func (x *terminal) tmux(args ...string) string {
	x.t.Helper()
	out, err := x.user.command("tmux", append([]string{"-S", x.socket}, args...)...).CombinedOutput()
	if err != nil {
		x.t.Fatalf("tmux %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// kill ends the terminal, as closing its window does.
func (x *terminal) kill() { _ = x.user.command("tmux", "-S", x.socket, "kill-server").Run() }

// types types a line.
func (x *terminal) types(text string) { x.keys("-l", text); x.keys("Enter") }

// keys types keys by their names.
func (x *terminal) keys(keys ...string) {
	x.t.Helper()
	x.tmux(append([]string{"send-keys"}, keys...)...)
}

// screen is all that is shown, without blanks at the ends of lines.
func (x *terminal) screen() string {
	x.t.Helper()
	var text strings.Builder
	for line := range strings.Lines(x.tmux("capture-pane", "-p", "-J", "-S", "-500")) {
		text.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return strings.TrimRight(text.String(), "\n")
}

// await waits until the screen ends with a text.
func (x *terminal) await(end string) {
	x.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if strings.HasSuffix(x.screen(), end) {
			return
		}
		if time.Now().After(deadline) {
			x.t.Fatalf("the screen is\n%s\nwant %q at its end", x.screen(), end)
		}
	}
}

// completes presses Tab, once or more, until the screen ends with a text: what does not come within a second is not offered.
func (x *terminal) completes(end string, tabs ...string) {
	x.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		x.keys(tabs...)
		for look := time.Now().Add(3 * time.Second); time.Now().Before(look); time.Sleep(20 * time.Millisecond) {
			if strings.HasSuffix(x.screen(), end) {
				return
			}
		}
		if time.Now().After(deadline) {
			x.t.Fatalf("the screen is\n%s\nwant %q at its end", x.screen(), end)
		}
	}
}

// nobody is a user who is not signed in.
func nobody(t testing.TB, endpoint string, env ...string) *user {
	u := &user{t: t, dir: t.TempDir(), env: append(os.Environ(), "MLS_USERNAME=", "MLS_PASSWORD=")}
	for name, value := range environment(u.dir, endpoint) {
		u.env = append(u.env, name+"="+value)
	}
	u.env = append(u.env, env...)
	return u
}

// awaitNoSessions waits until the server has none.
func awaitNoSessions(t testing.TB, endpoint string) {
	t.Helper()
	u := nobody(t, endpoint, "MLS_USERNAME=admin", "MLS_PASSWORD="+password)
	var open []struct{ ID string }
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		if err := json.Unmarshal([]byte(u.must("session", "list", "--endpoint", endpoint, "-o", "json")), &open); err != nil {
			t.Fatal(err)
		}
		if len(open) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("open sessions: %v", open)
		}
	}
}

// TestTerminal types at the prompt, with the keys that a terminal has.
func TestTerminal(t *testing.T) {
	t.Parallel()
	endpoint := startServer(t)
	u := nobody(t, endpoint)
	x := newTerminal(u, "mls-terminal console --diff=false "+endpoint)
	x.await("User name for " + endpoint + ":")
	x.types("admin")
	x.await("Password of admin at " + endpoint + ":")
	x.types(password)
	x.await("        - exit to leave (and terminate) remote session.\nREMOTE>")
	if strings.Contains(x.screen(), password) {
		t.Error("the password is shown")
	}

	x.types("add <- function(a) {") // lines that go on
	x.await("\n+")
	x.types("a + 1 }")
	x.await("}\nREMOTE>")
	x.types("add(1)")
	x.await("[1] 2\nREMOTE>")
	x.types("velocity_of_light <- 299792458; velocity_of_sound <- 343") // Tab
	x.await("343\nREMOTE>")
	x.keys("-l", "velocity_of_l")
	x.completes("REMOTE> velocity_of_light", "Tab")
	x.keys("Enter")
	x.await("[1] 299792458\nREMOTE>")
	x.keys("-l", "velo")
	x.completes("velocity_of_light velocity_of_sound\nREMOTE> velocity_of_", "Tab", "Tab")
	x.keys("C-c") // drops the line
	x.await("^C\nREMOTE>")
	x.keys("Up", "Up") // history
	x.await("REMOTE> velocity_of_light <- 299792458; velocity_of_sound <- 343")
	x.keys("C-c")
	x.await("^C\nREMOTE>")
	x.types("cat('no end'); add(é <- 2)")
	x.await("no end[1] 3\nREMOTE>")
	x.types("cat('no end')")
	x.await("no end\nREMOTE>")
	x.types("cat('running\\n'); repeat {}") // Ctrl-C while it runs
	x.await("\nrunning")
	x.keys("C-c")
	x.await("\nREMOTE>")
	x.types("add(41)")
	x.await("[1] 42\nREMOTE>")
	pasted := "total <- 0\n"
	for range 20 {
		pasted += "for (i in 1:10) {\n    total <- total + i\n}\n"
	}
	x.tmux("set-buffer", pasted+"total\n")
	x.tmux("paste-buffer", "-p")
	x.await("[1] 1100\nREMOTE>")

	x.types("pause()") // the local side
	x.await("\n>")
	x.types("readline('your name: ')")
	x.await("your name:")
	x.types("Ada")
	x.await("[1] \"Ada\"\n>")
	x.keys("-l", "putLocalObj")
	x.completes("> putLocalObject", "Tab")
	x.keys("C-c")
	x.types("cat('here\\n'); repeat {}")
	x.await("\nhere")
	x.keys("C-c")
	x.await("\n>")
	x.types("resume()")
	x.await("REMOTE>")
	x.keys("C-d")
	x.await("Leave, and close the session? [y/N, k: leave and keep it]")
	x.types("n")
	x.await("n\nREMOTE>")
	x.keys("C-d")
	x.await("keep it]")
	x.types("y")
	awaitNoSessions(t, endpoint)

	// The history is there the next time, and has no secrets; a login asks for what is missing.
	x = newTerminal(u, "mls-terminal console")
	x.await(">")
	x.keys("Up")
	x.await("> resume()")
	x.keys("C-c")
	x.types(`remoteLogin("` + endpoint + `", diff = FALSE)`)
	x.await("User name for " + endpoint + ":")
	x.types("admin")
	x.await("Password of admin at " + endpoint + ":")
	x.types(password)
	x.await("remote session.\nREMOTE>")
	x.types("user_password <- '" + password + "'")
	x.await("'\nREMOTE>")
	x.kill() // while the session is open
	awaitNoSessions(t, endpoint)
	history := filepath.Join(u.dir, ".mls", "history-r")
	text, err := os.ReadFile(history)
	if err != nil || strings.Contains(string(text), password) || !strings.Contains(string(text), "remoteLogin(") {
		t.Errorf("the history is %q, %v", text, err)
	}
	if info, err := os.Stat(history); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: want a file that only its owner can read", info, err)
	}
}

func TestTerminalPython(t *testing.T) {
	t.Parallel()
	endpoint := startServer(t)
	u := nobody(t, endpoint, "MLS_USERNAME=admin", "MLS_PASSWORD="+password)
	x := newTerminal(u, "mls-terminal console --runtime python --diff=false "+endpoint)
	x.await("remote session.\nREMOTE>")
	x.types("def add(a):")
	x.await("\n...")
	x.keys("Tab")
	x.types("return a + 1")
	x.await("...     return a + 1\n...")
	x.types("")
	x.await("\nREMOTE>")
	x.keys("-l", "add(1).bit_len")
	x.keys("C-c")
	x.types("velocity_of_light = add(1)")
	x.await("add(1)\nREMOTE>")
	x.keys("-l", "velocity_of_light.bit_l")
	x.completes("bit_length()", "Tab")
	x.keys("Enter")
	x.await("\n2\nREMOTE>")
	x.types("import time; print('running', flush=True); time.sleep(600)")
	x.await("\nrunning")
	x.keys("C-c")
	x.await("KeyboardInterrupt\nREMOTE>")
	x.types("exit")
	x.await("\n>>>")
	x.types("6 * 7")
	x.await("42\n>>>")
	awaitNoSessions(t, endpoint)
}

// TestEnded ends the prompt in several ways, at rest and while code runs: no session stays open.
func TestEnded(t *testing.T) {
	t.Parallel()
	endpoint := startServer(t)
	for _, test := range []struct {
		how  string
		code string
		end  func(*exec.Cmd) error
		exit int
	}{
		{"SIGTERM", "", func(c *exec.Cmd) error { return c.Process.Signal(syscall.SIGTERM) }, exitInterrupted},
		{"SIGHUP", `cat("running\n"); repeat {}`, func(c *exec.Cmd) error { return c.Process.Signal(syscall.SIGHUP) }, exitInterrupted},
		{"SIGINT at rest", "", func(c *exec.Cmd) error { return c.Process.Signal(os.Interrupt) }, exitDone},
		{"SIGTERM while the local side runs", "pause()\n" + `cat("running\n"); repeat {}`, func(c *exec.Cmd) error { return c.Process.Signal(syscall.SIGTERM) }, exitInterrupted},
	} {
		u := nobody(t, endpoint, "MLS_USERNAME=admin", "MLS_PASSWORD="+password)
		if !strings.Contains(test.code, "pause()") {
			u.env = append(u.env, "MLS_R=/nosuch") // it is faster without local side
		}
		c := u.command("mls", "console", endpoint, "--diff=false")
		in, err := c.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		want := "remote session."
		if test.code != "" {
			want = "running"
			if _, err := in.Write([]byte(test.code + "\n")); err != nil {
				t.Fatal(err)
			}
		}
		lines := bufio.NewScanner(out)
		for lines.Scan() && !strings.HasSuffix(lines.Text(), want) {
		}
		if err := test.end(c); err != nil {
			t.Fatal(err)
		}
		err = c.Wait()
		var status *exec.ExitError
		if code := 0; errors.As(err, &status) {
			if code = status.ExitCode(); code != test.exit {
				t.Errorf("%s: exit code %d, want %d", test.how, code, test.exit)
			}
		} else if err != nil || test.exit != exitDone {
			t.Errorf("%s: %v, want exit code %d", test.how, err, test.exit)
		}
		awaitNoSessions(t, endpoint)
	}
}
