// Package canary fails tests that print a secret, in a library's debug output, a log, an error that is shown; and tests that leave
// something behind: temporary files, processes, goroutines.
//
//	var printed = canary.New(password)
//
//	func TestMain(m *testing.M) { os.Exit(printed.Tests(m).Run()) }
package canary

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Printed is what the tests of a package print, and what must not be in it.
type Printed struct {
	// NotStdout leaves out the standard output, where the tests' own logs go: those of scripts show their variables, and tokens
	// that were asked for.
	NotStdout bool
	// End ends what the tests share, when they are over; or nil.
	End func()

	secrets []string

	mu   sync.Mutex
	text bytes.Buffer
}

// New looks for these passwords, and for whatever has the form of a token.
func New(secrets ...string) *Printed {
	p := &Printed{}
	for _, s := range secrets {
		quoted := fmt.Sprintf("%q", s)
		p.secrets = append(p.secrets, s, url.QueryEscape(s), url.PathEscape(s), quoted[1:len(quoted)-1])
	}
	return p
}

// Write adds to what was printed, without showing it.
func (p *Printed) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(text)
}

// Logger is a log that is searched, and shown to nobody.
func (p *Printed) Logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(p, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// Tests are those of m, with everything switched on that makes go-openapi's clients print requests. They fail if they print a
// secret, or leave something behind.
func (p *Printed) Tests(m interface{ Run() int }) interface{ Run() int } { return &tests{p, m} }

type tests struct {
	*Printed
	m interface{ Run() int }
}

func (t *tests) Run() int {
	for _, name := range []string{"DEBUG", "SWAGGER_DEBUG"} {
		if err := os.Setenv(name, "1"); err != nil {
			panic(err)
		}
	}
	tmp := ownTemp()
	restoreOut, restoreErr := func() {}, t.tee(&os.Stderr)
	if !t.NotStdout {
		restoreOut = t.tee(&os.Stdout)
	}
	log.SetOutput(io.MultiWriter(log.Writer(), t)) // not through os.Stderr: after log.Fatal nobody would read it
	code := t.m.Run()
	if t.End != nil {
		t.End()
	}
	restoreOut()
	restoreErr()
	if found := t.found(); len(found) > 0 {
		fmt.Fprintf(os.Stderr, "secrets were printed:\n%s\n", strings.Join(found, "\n"))
		code = max(code, 1)
	}
	if code == 0 && !fuzzing() { // a test that fails may leave what it likes
		if left := leaks(tmp); len(left) > 0 {
			fmt.Fprintf(os.Stderr, "left behind:\n%s\n", strings.Join(left, "\n"))
			code = 1
		}
	}
	_ = os.RemoveAll(tmp)
	return code
}

// fuzzing tells whether this is "go test -fuzz", which interrupts the processes that try inputs: they can't clean up.
func fuzzing() bool {
	f := flag.Lookup("test.fuzz")
	return f != nil && f.Value.String() != ""
}

// tee makes a stream be searched, too.
func (t *tests) tee(stream **os.File) (restore func()) {
	shown := *stream
	r, w, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	*stream = w
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.MultiWriter(shown, t), r)
	}()
	return func() {
		*stream = shown
		_ = w.Close()
		select {
		case <-ended:
		case <-time.After(10 * time.Second): // a process that a test left behind has it open still
		}
	}
}

// token matches an access token, a JWT, and a refresh token, 256 bytes in Base64.
var token = regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}|(?:[A-Za-z0-9+/]|%2[BbFf]){300}`)

// found are the lines with a secret.
func (p *Printed) found() (lines []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for line := range strings.Lines(p.text.String()) {
		secret := token.MatchString(line)
		for _, s := range p.secrets {
			secret = secret || strings.Contains(line, s)
		}
		if secret {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}
