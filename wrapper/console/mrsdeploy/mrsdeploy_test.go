package mrsdeploy

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/devserver"
	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
	"github.com/mlserver-go/mls/wrapper/internal/canary"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// password is that of all users of the test server. It must never be printed.
const password = "Canary-5d1c-Fuchs"

// printed is what these tests, the local processes and the server print.
var printed = canary.New(password)

// shared is the server of all tests, and a local process for each language, which they use one after the other.
var shared struct {
	address string
	locals  map[runtimes.Language]*local
}

func TestMain(m *testing.M) {
	shared.locals = map[runtimes.Language]*local{}
	server, err := devserver.New(devserver.Config{AdminPassword: password, Users: map[string]string{"alice": password}, Logger: printed.Logger()})
	if err != nil {
		panic(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	shared.address = "http://" + listener.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, listener) }()
	printed.End = func() {
		for _, l := range shared.locals {
			_ = l.Close()
			_ = os.RemoveAll(l.dir)
		}
		stop()
		<-served
	}
	os.Exit(printed.Tests(m).Run())
}

// patience is how long tests wait for what others do, on a machine that does much else.
const patience = 5 * time.Minute

// local is a local side whose output can be looked at.
type local struct {
	*Local
	t       *testing.T
	dir     string
	out     *screen
	answers []string // to what it asks
	asked   []string
}

// screen is what was printed.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = printed.Write(p) // never fails
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (s *screen) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.text.Reset()
	return s.text.String()
}

// shared local side of a language, in an empty workspace and signed out.
func localSide(t *testing.T, language runtimes.Language) *local {
	t.Helper()
	l := shared.locals[language]
	if l == nil {
		l = startLocal(t, Options{Language: language})
		shared.locals[language] = l
	}
	l.t = t
	l.answers, l.asked = nil, nil
	if language == runtimes.R {
		l.run(`rm(list = ls(all.names = TRUE)); SERVER <- "` + shared.address + `"; PASSWORD <- "` + password + `"`)
	} else {
		l.run("for n in [n for n in globals() if not n.startswith('_')]: del globals()[n]\n\n")
		l.run(`SERVER = "` + shared.address + `"; PASSWORD = "` + password + `"`)
	}
	l.out.take()
	t.Cleanup(func() {
		if err := l.Logout(context.Background(), false); err != nil {
			t.Errorf("logging out: %v", err)
		}
	})
	return l
}

func startLocal(t *testing.T, o Options) *local {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	dir, err := os.MkdirTemp("", "mrsdeploy-test-")
	if err != nil {
		t.Fatal(err)
	}
	l := &local{t: t, dir: dir, out: &screen{}}
	o.Dir, o.Out = dir, l.out
	o.ReadLine = func(_ context.Context, prompt string, hidden bool) (string, error) {
		if hidden {
			prompt += "(hidden)"
		}
		l.asked = append(l.asked, prompt)
		if len(l.answers) == 0 {
			return "", errors.New("no answer is left")
		}
		answer := l.answers[0]
		l.answers = l.answers[1:]
		return answer, nil
	}
	l.Local, err = Start(ctx, o)
	var missing *runtimes.NotFoundError
	if errors.As(err, &missing) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// execute runs code and returns what it printed.
func (l *local) execute(code string) (string, error) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := l.Execute(ctx, code)
	text := l.out.take()
	if strings.Contains(text, password) {
		l.t.Errorf("%s\nprinted a password:\n%s", code, text)
	}
	return text, err
}

// run runs code that must succeed, and returns what it printed.
func (l *local) run(code string) string {
	l.t.Helper()
	text, err := l.execute(code)
	if err != nil {
		l.t.Fatalf("%s\n%v\n%s", code, err, text)
	}
	return text
}

// prints runs code that must succeed and print the given text.
func (l *local) prints(code, want string) {
	l.t.Helper()
	if got := l.run(code); got != want {
		l.t.Errorf("%s\nprinted:\n%s\nwant:\n%s", code, got, want)
	}
}

// fails runs code that must fail and print the given text.
func (l *local) fails(code, want string) {
	l.t.Helper()
	got, err := l.execute(code)
	var failed *mlserver.CodeError
	if !errors.As(err, &failed) || !strings.Contains(got, want) {
		l.t.Errorf("%s\nended with %v and printed:\n%s\nwant:\n%s", code, err, got, want)
	}
}

// admin is a client of the server, to look at what is there.
func admin(t *testing.T) *mlserver.Client {
	t.Helper()
	c, err := mlserver.New(mlserver.Config{Address: shared.address, Auth: auth.Login{Username: "admin", Password: password}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sessions counts those that are open on the server.
func sessions(t *testing.T) int {
	t.Helper()
	list, err := admin(t).Sessions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// matches runs code that must succeed and print what a pattern, line by line, describes.
func (l *local) matches(code, pattern string) {
	l.t.Helper()
	if got := l.run(code); !regexp.MustCompile("^" + strings.TrimPrefix(pattern, "\n") + "$").MatchString(got) {
		l.t.Errorf("%s\nprinted:\n%s\nwant:\n%s", code, got, pattern)
	}
}
