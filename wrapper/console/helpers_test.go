package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/devserver"
	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
	"github.com/mlserver-go/mls/wrapper/internal/canary"
	"github.com/mlserver-go/mls/wrapper/internal/port"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

var found = map[mlserver.Runtime]func() (*runtimes.Interpreter, error){
	mlserver.R:      find(runtimes.R),
	mlserver.Python: find(runtimes.Python),
}

// find probes once for all tests.
func find(lang runtimes.Language) func() (*runtimes.Interpreter, error) {
	return sync.OnceValues(func() (*runtimes.Interpreter, error) {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		return runtimes.Find(ctx, lang, "")
	})
}

// interpreter skips a test for want of R or Python; where CI is set it fails.
func interpreter(t testing.TB, lang mlserver.Runtime) *runtimes.Interpreter {
	t.Helper()
	i, err := found[lang]()
	if err == nil {
		return i
	}
	if os.Getenv("CI") != "" {
		t.Fatal(err)
	}
	t.Skip(err)
	return nil
}

const password = "Canary-58d1-Dachs"

// printed must not have it, at the prompt or elsewhere.
var printed = canary.New(password)

// server is a development server that can be ended and started again at the same address.
type server struct {
	t    testing.TB
	addr string
	user string // who sees these sessions
	*devserver.Server
	stop func()
}

// shared is the server of the tests that don't end theirs. Each is another user, with sessions of its own.
var shared struct {
	sync.Mutex
	*server
	users int
}

func TestMain(m *testing.M) {
	printed.End = func() {
		if shared.server != nil {
			shared.stop()
		}
	}
	os.Exit(printed.Tests(m).Run())
}

func sharedServer(t testing.TB) *server {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil {
		shared.server = &server{t: t, addr: "127.0.0.1:0"}
		shared.start()
	}
	shared.users++
	return &server{t: t, addr: shared.addr, user: userName(shared.users)}
}

func userName(n int) string { return fmt.Sprintf("user%d", n) }

func newServer(t testing.TB) *server {
	t.Helper()
	s := &server{t: t, addr: port.Own(t), user: userName(0)}
	s.start()
	t.Cleanup(func() { s.stop() })
	return s
}

func (s *server) start() {
	s.t.Helper()
	users := map[string]string{}
	for n := range 40 {
		users[userName(n)] = password
	}
	var err error
	s.Server, err = devserver.New(devserver.Config{
		AdminPassword: password, Users: users, SpareWorkers: -1, MaxSessions: 100,
		Interpreters: []*runtimes.Interpreter{interpreter(s.t, mlserver.R), interpreter(s.t, mlserver.Python)},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	ln, err := net.Listen("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.addr = ln.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, ln) }()
	s.stop = sync.OnceFunc(func() {
		stop()
		if err := <-ended; err != nil {
			s.t.Error(err)
		}
	})
}

// client is signed in.
func (s *server) client() *mlserver.Client {
	s.t.Helper()
	c, err := mlserver.New(mlserver.Config{Address: "http://" + s.addr, Auth: auth.Login{Username: s.user, Password: password}})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func (s *server) sessions() (open []mlserver.SessionInfo) {
	s.t.Helper()
	open, err := s.client().Sessions(bound(s.t))
	if err != nil {
		s.t.Fatal(err)
	}
	return open
}

// patience is how long tests wait for what others do, on a machine that does much else.
const patience = 5 * time.Minute

// bound is the time a test may take, more than it ever needs.
func bound(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// user types at a prompt, and sees what is printed.
type user struct {
	t       testing.TB
	prompts chan string // shown, and waiting for a line
	typed   chan typedLine
	ended   chan error
	*Console

	mu      sync.Mutex
	printed bytes.Buffer
	prompt  string // that waits
	first   string // what was printed before the first one
}

// open starts a prompt in a session of the server, and waits for its prompt.
func open(s *server, l Login, change ...func(*Config)) *user {
	t := s.t
	t.Helper()
	u := &user{t: t, prompts: make(chan string), typed: make(chan typedLine), ended: make(chan error, 1)}
	cfg := Config{
		Language: mlserver.R, Local: WithoutInterpreter(errors.New("no interpreter in this test")), Lines: u, Out: NewScreen(u),
		Say: func(format string, args ...any) { fmt.Fprintf(u, format+"\n", args...) }, Plots: Plots{Dir: t.TempDir()},
	}
	for _, change := range change {
		change(&cfg)
	}
	u.Console = New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	if err := u.Open(bound(t), s.client(), l); err != nil {
		t.Fatal(err)
	}
	go func() { u.ended <- u.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if u.prompt != "" {
			if err := u.end(); err != nil {
				t.Error(err)
			}
		}
	})
	u.first = u.await()
	return u
}

func inPython(c *Config) { c.Language = mlserver.Python }

func asked(c *Config) { c.Ask = true }

func (u *user) Write(p []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if p[0] != '\x1b' { // base64 of an image looks like a token
		_, _ = printed.Write(p)
	}
	return u.printed.Write(p)
}

func (u *user) Line(ctx context.Context, prompt string) (string, error) {
	select {
	case u.prompts <- prompt:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	select {
	case l := <-u.typed:
		return l.text, l.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (u *user) Remember(string) {}

// await waits for the next prompt and returns what was printed before it.
func (u *user) await() string {
	u.t.Helper()
	select {
	case u.prompt = <-u.prompts:
	case err := <-u.ended:
		u.ended <- err
		u.prompt = ""
	case <-time.After(patience):
		u.t.Fatalf("no prompt after %q", u.seen())
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	defer u.printed.Reset()
	return u.printed.String()
}

// seen is what was printed since the last prompt.
func (u *user) seen() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.printed.String()
}

// types types lines and returns what is printed until the next prompt.
func (u *user) types(lines string) (printed string) {
	u.t.Helper()
	for line := range strings.SplitSeq(lines, "\n") {
		u.begins(line)
		printed += u.await()
	}
	return printed
}

// begins types a line and does not wait for what comes of it.
func (u *user) begins(line string) { u.typed <- typedLine{text: line} }

// key types Ctrl-C or Ctrl-D at a prompt.
func (u *user) key(err error) (printed string) {
	u.t.Helper()
	u.typed <- typedLine{err: err}
	return u.await()
}

// awaitText waits until a text is printed by what runs.
func (u *user) awaitText(text string) {
	u.t.Helper()
	for deadline := time.Now().Add(patience); !strings.Contains(u.seen(), text); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			u.t.Fatalf("printed %q, want %q in it", u.seen(), text)
		}
	}
}

// completed is what a line can become, which must be what is wanted. What does not come within a second is not offered: then Tab is pressed
// again.
func (u *user) completed(line, want string) {
	u.t.Helper()
	got := ""
	for deadline := time.Now().Add(patience); ; {
		got = strings.Join(u.Complete(line, len(line)), " ")
		if got != "" || want == "" || time.Now().After(deadline) {
			break
		}
	}
	if got != want {
		u.t.Errorf("%q can become %q, want %q", line, got, want)
	}
}

// end waits for the end of the prompt.
func (u *user) end() error {
	for {
		select {
		case <-u.prompts:
			u.typed <- typedLine{err: io.EOF}
		case u.typed <- typedLine{err: io.EOF}:
		case err := <-u.ended:
			return err
		}
	}
}
