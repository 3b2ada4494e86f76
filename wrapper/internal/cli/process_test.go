package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/devserver"
)

// user runs mls as a process, with a configuration of its own.
type user struct {
	t   testing.TB
	dir string
	env []string
}

// unknownUser is not signed in.
func unknownUser(t testing.TB, endpoint string, env ...string) *user {
	u := &user{t: t, dir: t.TempDir(), env: os.Environ()}
	for name, value := range environment(u.dir, endpoint) {
		u.env = append(u.env, name+"="+value)
	}
	u.env = append(u.env, env...)
	u.write("password.txt", password+"\n")
	return u
}

// newUser signs alice in.
func newUser(t testing.TB, endpoint string, env ...string) *user {
	u := unknownUser(t, endpoint, env...)
	u.must("login", endpoint, "--username", "alice", "--password-file", "password.txt")
	return u
}

func (u *user) write(name, content string) {
	u.t.Helper()
	if err := os.WriteFile(filepath.Join(u.dir, name), []byte(content), 0o600); err != nil {
		u.t.Fatal(err)
	}
}

func (u *user) command(name string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	u.t.Cleanup(cancel)
	c := exec.CommandContext(ctx, name, args...)
	c.Dir, c.Env = u.dir, u.env
	return c
}

// must runs mls, which must end well, and returns its standard output.
func (u *user) must(args ...string) string {
	u.t.Helper()
	c := u.command("mls", args...)
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		u.t.Fatalf("mls %s: %v\n%s", strings.Join(args, " "), err, said.String())
	}
	return strings.TrimSpace(string(out))
}

// TestInterrupt interrupts an execution: it is cancelled, a temporary session is closed, another one lives on.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	u := newUser(t, startServer(t))
	id := u.must("session", "create")
	u.must("session", "exec", id, "-e", "kept <- 42; n <- 0")
	const endless = `cat("running\n"); repeat { n <- 1; Sys.sleep(0.01) }`
	for _, args := range [][]string{{"exec", "-e", endless}, {"session", "exec", id, "-e", endless}} {
		c := u.command("mls", args...)
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		// The text arrives while the code runs.
		text := make([]byte, len("running\n"))
		if _, err := io.ReadFull(out, text); err != nil || string(text) != "running\n" {
			t.Fatalf("read %q, %v; want the text of the running code", text, err)
		}
		if err := c.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		var status *exec.ExitError
		if err := c.Wait(); !errors.As(err, &status) || status.ExitCode() != 130 {
			t.Errorf("mls %s: %v, want exit code 130", args[0], err)
		}
	}
	// The session takes code again, so nothing runs in it any more; and it is the only one left.
	if got := u.must("session", "exec", id, "-e", "cat(kept, n)"); got != "42 1" {
		t.Errorf("the session's objects are %q, want 42 1", got)
	}
	var open []struct{ ID string }
	if err := json.Unmarshal([]byte(u.must("session", "list", "-o", "json")), &open); err != nil {
		t.Fatal(err)
	}
	if len(open) != 1 || open[0].ID != id {
		t.Errorf("open sessions: %v, want only %s", open, id)
	}
}

// TestTerminate ends mls while the temporary session starts: nothing stays open.
func TestTerminate(t *testing.T) {
	t.Parallel()
	behind, err := url.Parse(startServer(t, func(c *devserver.Config) { c.Faults.Delay = 300 * time.Millisecond }))
	if err != nil {
		t.Fatal(err)
	}
	proxy, starts := httputil.NewSingleHostReverseProxy(behind), make(chan struct{}, 1)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Path == "/sessions" {
			starts <- struct{}{}
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	u := newUser(t, front.URL)
	c := u.command("mls", "exec", "-e", "Sys.sleep(600)")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-starts:
	case <-time.After(patience):
		t.Fatal("no session starts")
	}
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	var status *exec.ExitError
	if err := c.Wait(); !errors.As(err, &status) {
		t.Errorf("%v, want an exit code", err)
	}
	if got := u.must("session", "list", "-o", "json"); got != "[]" {
		t.Errorf("open sessions: %s, want none", got)
	}
}

// TestSharedProfile lets two processes that share a profile come to its tokens' end at the same time, over and over: a renewal
// makes the pair before invalid, and yet both succeed every time, with one renewal.
func TestSharedProfile(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"file", "keyring"} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			const rounds = 50
			u := newUser(t, startServer(t), "TEST_KEYRING="+map[string]string{"file": "none", "keyring": t.TempDir()}[where])
			if got := u.must("whoami", "-o", "json"); !strings.Contains(got, `"store":"`+where+`"`) {
				t.Fatalf("%s, want the sign-in in the %s", got, where)
			}
			a, b := u.repeated("session", "list", "--trace"), u.repeated("session", "list", "--trace")
			for range rounds {
				u.expire()
				before := u.tokens()
				a.start()
				b.start()
				said := a.wait() + b.wait()
				if after := u.tokens(); after.Refresh == before.Refresh || strings.Count(said, "/login/refreshToken: 200") != 1 {
					t.Errorf("the tokens were not renewed once: %s", said)
				}
			}
		})
	}
}

// TestWrongClocks sets the clock of the server, of this computer, or of both a day on or back between two commands. Nobody has to
// sign in for that, and a refresh token that lay unused for longer than it is good is told as that.
func TestWrongClocks(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64 // of the server
	u := newUser(t, startServer(t, func(c *devserver.Config) {
		c.Clock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	}))
	const day = 24 * time.Hour
	list := func(server, here time.Duration) ([]byte, error) {
		ahead.Store(int64(server))
		c := u.command("mls", "session", "list", "--no-input")
		c.Env = append(slices.Clone(u.env), "TEST_AHEAD="+here.String())
		return c.CombinedOutput()
	}
	for _, jump := range []struct{ server, here time.Duration }{
		{day, 0}, {0, 0}, {-day, 0}, {0, 0}, {0, day}, {0, 0}, {0, -day}, {0, 0}, {day, day}, {-day, -day}, {day, -day}, {-day, day}, {0, 0},
	} {
		for range 2 {
			if out, err := list(jump.server, jump.here); err != nil {
				t.Errorf("the server's clock is %s ahead, this one %s: %v %s", jump.server, jump.here, err, out)
			}
		}
	}
	out, err := list(20*day, 20*day)
	var status *exec.ExitError
	if !errors.As(err, &status) || status.ExitCode() != exitSignIn || !strings.Contains(string(out), "mls login") {
		t.Errorf("after 20 days: %v %s, want exit code 4 and how to go on", err, out)
	}
}

// TestRefusedUpload: a token that ends while a file is sent. The file is not sent again by itself, and nobody has to sign in.
func TestRefusedUpload(t *testing.T) {
	t.Parallel()
	u := newUser(t, startServer(t, func(c *devserver.Config) {
		c.Faults.Answers = map[string]devserver.Answer{"uploadSessionFile": {Status: 401, Body: `{"message":"expired"}`, Times: 1}}
	}))
	id := u.must("session", "create")
	u.write("cars.csv", strings.Repeat("speed,dist\n", 100_000))
	put := []string{"session", "file", "put", id, "cars.csv"}
	out, err := u.command("mls", put...).CombinedOutput()
	var status *exec.ExitError
	if !errors.As(err, &status) || status.ExitCode() != exitSignIn || !strings.Contains(string(out), "There is a new token now: send it again.") ||
		strings.Contains(string(out), "mls login") {
		t.Errorf("%v %s, want exit code 4 and how to go on", err, out)
	}
	u.must(put...)
}

// repeated is a process that runs one command of mls again and again, when told to.
type repeated struct {
	t   testing.TB
	in  io.Writer
	out *bufio.Reader
}

func (u *user) repeated(args ...string) *repeated {
	u.t.Helper()
	c := u.command("mls-repeated", args...)
	in, err := c.StdinPipe()
	if err != nil {
		u.t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		u.t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		u.t.Fatal(err)
	}
	u.t.Cleanup(func() { _ = in.Close(); _ = c.Wait() })
	return &repeated{u.t, in, bufio.NewReader(out)}
}

func (r *repeated) start() {
	r.t.Helper()
	if _, err := io.WriteString(r.in, "go\n"); err != nil {
		r.t.Fatal(err)
	}
}

func (r *repeated) wait() (said string) {
	r.t.Helper()
	said, err := r.out.ReadString('\n')
	if err != nil || !strings.HasPrefix(said, "0 ") {
		r.t.Errorf("the command ended with %q, %v, want 0", said, err)
	}
	return said
}

// repeatedMain is the process: for each line it reads it runs the command, and writes the exit code and what was said.
func repeatedMain() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var said bytes.Buffer
		code := guardedMain((*app).root, strings.NewReader(""), io.Discard, &said)
		fmt.Println(strings.Join(strings.Fields(fmt.Sprint(code, " ", said.String())), " "))
	}
}

func (u *user) tokens() *tokenPair {
	u.t.Helper()
	_, p := u.stored()
	return p.Tokens
}

// stored is what mls has stored for the user, in the keyring as well.
func (u *user) stored() (*store, *profile) {
	u.t.Helper()
	s := &store{dir: filepath.Join(u.dir, ".mls"), keys: keys{vault: testVault(u.getenv("TEST_KEYRING"))}}
	p, err := s.load(defaultProfile)
	if err == nil {
		err = s.complete(context.Background(), defaultProfile, p)
	}
	if err != nil {
		u.t.Fatal(err)
	}
	return s, p
}

// getenv looks into the environment of the user's commands.
func (u *user) getenv(name string) (value string) {
	for _, v := range u.env {
		if v, ok := strings.CutPrefix(v, name+"="); ok {
			value = v
		}
	}
	return value
}

// expire makes the stored access token look expired.
func (u *user) expire() {
	u.t.Helper()
	s, p := u.stored()
	p.Tokens.Expires = time.Now().Add(-time.Second)
	if err := s.save(context.Background(), defaultProfile, p); err != nil {
		u.t.Fatal(err)
	}
}

// TestInterruptedWait interrupts waiting for a batch: the batch goes on, unless it is to be cancelled.
func TestInterruptedWait(t *testing.T) {
	t.Parallel()
	u := newUser(t, startServer(t))
	u.write("rows.csv", "x\n1\n2\n")
	u.must("service", "publish", "slow", "--version", "1", "--runtime", "python", "--input", "x=numeric", "--code", "import time; time.sleep(3600)")
	id := u.must("batch", "start", "slow/1", "--csv", "rows.csv")
	for _, test := range []struct {
		args []string
		says string
	}{
		{[]string{"batch", "wait", "slow/1", id}, "the batch goes on: `mls batch wait slow/1 " + id + "` waits again"},
		{[]string{"batch", "wait", "slow/1", id, "--cancel-on-interrupt"}, "cancelled " + id},
	} {
		if got := u.must("batch", "list", "slow", "-o", "json"); !strings.Contains(got, id) {
			t.Fatalf("batches are %s, want %s among them", got, id)
		}
		c := u.command("mls", test.args...)
		out, err := c.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		said := bufio.NewReader(out)
		line, err := said.ReadString('\n')
		if err != nil || !strings.Contains(line, "0 of 2 rows") {
			t.Fatalf("said %q, %v, want how far it is", line, err)
		}
		if err := c.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(said)
		if err != nil || !strings.Contains(string(rest), test.says) {
			t.Errorf("said %q, %v, want %q", rest, err, test.says)
		}
		var status *exec.ExitError
		if err := c.Wait(); !errors.As(err, &status) || status.ExitCode() != 130 {
			t.Errorf("mls %s: %v, want exit code 130", strings.Join(test.args, " "), err)
		}
	}
	if got := u.must("batch", "list", "slow", "-o", "json"); got != "[]" {
		t.Errorf("batches are %s, want none", got)
	}
}
