package console

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/mlserver-go/mls/wrapper/internal/port"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// TestRefused: what the server does not do, and what to do instead.
func TestRefused(t *testing.T) {
	t.Parallel()
	u := open(sharedServer(t), Login{})
	for _, test := range []struct{ code, refusal, way string }{
		{"q()", "Error: 'q' is not available in a remote session\n", "exit ends the session"},
		{"quit('no')", "Error: 'quit' is not available in a remote session\n", "pause() leaves it on hold"},
		{"help(mean)", "Error: 'help' is not available in a remote session\n", "pause(), then ask here"},
		{"browser()", "Error: 'browser' is not available in a remote session\n", "print what you want to see"},
		{"putLocalObject('x')", "could not find function \"putLocalObject\"\n", "function of the local side"},
		{"x <- 1; pause()", "could not find function \"pause\"\n", "when nothing else is in the line"},
		{"stop('resume() is what I say')", "Error: resume() is what I say\n", ""},
		{"a b", "Error: <text>:1:3: unexpected symbol\n1: a b\n      ^\n", ""},
		{"stop('mine')", "Error: mine\n", ""},
	} {
		got := u.types(test.code)
		if !strings.Contains(got, test.refusal) || !strings.Contains(got, test.way) || test.way == "" && got != test.refusal {
			t.Errorf("%s: %q, want %q and %q", test.code, got, test.refusal, test.way)
		}
	}
}

// TestInterrupts: the first one cancels, the second one does not wait any longer.
func TestInterrupts(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	u := open(s, Login{})
	for i, code := range []string{`x <- 5; repeat {}`, `Sys.sleep(600)`, `system("sleep 600")`} {
		u.begins(fmt.Sprintf(`cat("running %d\n"); %s`, i, code))
		u.awaitText("running")
		u.Interrupt()
		if got := u.await(); strings.Contains(got, "mls:") || u.prompt != Prompt {
			t.Errorf("%s: %q, the prompt is %q", code, got, u.prompt)
		}
	}
	if got := u.types("x"); got != "[1] 5\n" {
		t.Errorf("x is %q", got)
	}
	u.begins(`cat("running\n"); repeat tryCatch(Sys.sleep(600), interrupt = function(e) NULL)`)
	u.awaitText("running\n")
	u.Interrupt()
	u.Interrupt()
	id := u.conn().Session.ID()
	if got := u.await(); !strings.Contains(got, "goes on in session "+id) || u.prompt != "> " {
		t.Errorf("%q, the prompt is %q", got, u.prompt)
	}
	if u.types("resume()"); u.prompt != Prompt {
		t.Errorf("the prompt is %q", u.prompt)
	}
	if err := u.leave(t, "exit"); err != nil || len(s.sessions()) != 0 {
		t.Errorf("%v, open are %v", err, s.sessions())
	}
	p := open(s, Login{}, inPython)
	p.types("x = 5")
	p.begins("while [print('running', flush=True)]: pass")
	p.await() // a block
	p.begins("")
	p.awaitText("running\n")
	p.Interrupt()
	if got := p.await(); !strings.HasSuffix(got, "KeyboardInterrupt\n") || p.types("x") != "5\n" {
		t.Errorf("%.200q", got)
	}
}

// TestEndedInterpreter: a session whose interpreter is gone, whatever ended it.
func TestEndedInterpreter(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	u := open(s, Login{}, asked)
	for _, code := range []string{"tools::pskill(Sys.getpid(), 11); Sys.sleep(600)", "tools::pskill(Sys.getpid(), 9); Sys.sleep(600)", "base::quit(status = 3)"} {
		u.types("x <- 1")
		got := u.types(code)
		if !strings.Contains(got, "process has ended") || !strings.Contains(got, "its objects and files are gone") || u.prompt != "Start another session? [Y/n] " {
			t.Errorf("%s: %q, the prompt is %q", code, got, u.prompt)
		}
		u.begins("")
		if banner := u.await(); u.prompt != Prompt || !strings.HasPrefix(banner, "Your REMOTE R session") {
			t.Errorf("%q, the prompt is %q", banner, u.prompt)
		}
		if got := u.types("ls()"); got != "character(0)\n" || len(s.sessions()) != 1 {
			t.Errorf("the new session has %q, open are %v", got, s.sessions())
		}
	}
	u.types("base::quit()\nn")
	if got := u.types("1 + 1"); !strings.Contains(got, "there is no session") || u.prompt != Prompt {
		t.Errorf("without session: %q, the prompt is %q", got, u.prompt)
	}
	for _, code := range []string{"import os; os._exit(3)", "import os; os.kill(os.getpid(), 11)"} {
		p := open(s, Login{}, inPython)
		// Nobody is there to ask: what follows must not run anywhere else.
		if got := p.types(code + "\nprint('here')"); !strings.Contains(got, "its objects and files are gone") || !strings.Contains(got, "there is no session") || strings.Contains(got, "\nhere") {
			t.Errorf("%s: %q", code, got)
		}
	}
}

// TestFlood: much is printed. The beginning and the end are seen, and nothing hangs.
func TestFlood(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	for language, code := range map[mlserver.Runtime]string{
		mlserver.R:      `for (i in 1:200000) cat("line", i, "\n")`,
		mlserver.Python: `for i in range(1, 200001): print("line", i, "")` + "\n",
	} {
		u := open(s, Login{}, func(c *Config) { c.Language = language })
		got := u.types(code)
		if !strings.HasPrefix(got, "line 1 \nline 2 \n") || !strings.HasSuffix(got, "line 199999 \nline 200000 \n") || u.prompt != Prompt {
			t.Errorf("%s: %d bytes: %.40q ... %q", language, len(got), got, got[max(0, len(got)-40):])
		}
		if got := u.types(`print("and on")`); !strings.Contains(got, "and on") {
			t.Errorf("%s: afterwards %q", language, got)
		}
	}
}

// TestServerGone: the server ends and is started again. Its sessions are gone, and it says so.
func TestServerGone(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	u := open(s, Login{}, asked)
	u.types("x <- 1")
	s.stop()
	for range 2 {
		if got := u.types("x"); !strings.Contains(got, "connection refused") || !strings.Contains(got, "The session is kept") || u.prompt != Prompt {
			t.Errorf("without server: %q, the prompt is %q", got, u.prompt)
		}
	}
	s.start()
	if got := u.types("x"); !strings.Contains(got, "its objects and files are gone") || u.prompt != "Start another session? [Y/n] " {
		t.Errorf("with another server: %q, the prompt is %q", got, u.prompt)
	}
	u.types("y")
	if got := u.types("exists('x')"); got != "[1] FALSE\n" {
		t.Errorf("printed %q", got)
	}
}

// TestNetworkGone: the network is away for a while, at rest and in the middle of an execution. The session is there afterwards.
func TestNetworkGone(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	around := s.client()
	n := newNetwork(t, s.addr)
	s.addr = n.addr
	u := open(s, Login{})
	u.types("x <- 1")
	u.begins(`cat("running\n"); while (!file.exists("go")) Sys.sleep(0.01); x <- 2`)
	u.awaitText("running\n")
	n.cut()
	if got := u.await(); !strings.Contains(got, "The session is kept") || u.prompt != Prompt {
		t.Errorf("%q, the prompt is %q", got, u.prompt)
	}
	if got := u.types("pause()\nresume()\nx"); !strings.Contains(got, "The session is kept") || u.prompt != Prompt {
		t.Errorf("%q, the prompt is %q", got, u.prompt)
	}
	if err := around.Session(u.conn().Session.ID()).PutFile(bound(t), "go", strings.NewReader("")); err != nil {
		t.Fatal(err)
	}
	n.heal()
	if got := u.types("x"); !strings.HasSuffix(got, "[1] 2\n") {
		t.Errorf("x is %q: want 2, of the execution that went on", got)
	}
	n.cut()
	id := u.conn().Session.ID()
	if got := u.types("pause()") + fmt.Sprint(u.end()); !strings.Contains(got+u.seen(), "session "+id+" may still be open") {
		t.Errorf("leaving without network says %q", got+u.seen())
	}
	u.prompt = ""
}

// network passes connections on to a server.
type network struct {
	t        testing.TB
	addr, to string
	mu       sync.Mutex
	ln       net.Listener
	conns    []net.Conn
}

func newNetwork(t testing.TB, to string) *network {
	n := &network{t: t, addr: port.Own(t), to: to}
	n.heal()
	t.Cleanup(n.cut)
	return n
}

func (n *network) heal() {
	n.t.Helper()
	ln, err := net.Listen("tcp", n.addr)
	if err != nil {
		n.t.Fatal(err)
	}
	n.mu.Lock()
	n.ln = ln
	n.mu.Unlock()
	go func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", n.to)
			if err != nil {
				in.Close()
				continue
			}
			n.mu.Lock()
			away := n.ln != ln
			if !away {
				n.conns = append(n.conns, in, out)
			}
			n.mu.Unlock()
			if away { // it was cut meanwhile
				in.Close()
				out.Close()
				return
			}
			go func() { _, _ = io.Copy(in, out); in.Close() }()
			go func() { _, _ = io.Copy(out, in); out.Close() }()
		}
	}()
}

func (n *network) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ln == nil {
		return
	}
	n.ln.Close()
	n.ln = nil
	for _, c := range n.conns {
		c.Close()
	}
	n.conns = nil
}
