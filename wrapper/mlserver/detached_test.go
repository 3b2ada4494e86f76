package mlserver_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// TestDetached detaches an execution, and learns of its end by another client, as another process would.
func TestDetached(t *testing.T) {
	server := newServer(t, mlserver.V930)
	client := server.client(t)
	for runtime, code := range map[mlserver.Runtime]struct{ waits, fails, message, broken, dies string }{
		mlserver.R: {
			waits: "x\nwhile (!file.exists('go')) Sys.sleep(0.01)\ny <- x * 2\nprint('done: \"é\"')",
			fails: "f <- function() stop('no \\\\ \"further\"\nthan this'); f()", message: "Error in f() : no \\ \"further\"\nthan this",
			broken: "f(", dies: "base::quit(status = 3)",
		},
		mlserver.Python: {
			waits: "import os, time\nx\nwhile not os.path.exists('go'): time.sleep(0.01)\ny = [v * 2 for v in x]\nprint('done: \"é\"')",
			fails: "def f(): raise ValueError('no \\\\ \"further\"')\nf()", message: "ValueError: no \\ \"further\"",
			broken: "f(", dies: "import os; os._exit(3)",
		},
	} {
		t.Run(string(runtime), func(t *testing.T) {
			ctx := t.Context()
			session := newSession(t, client, mlserver.SessionOptions{Runtime: runtime})
			other := func() *mlserver.Detached { return server.client(t).Session(session.ID()).Detached() }

			if _, err := other().State(ctx); !errors.Is(err, mlserver.ErrNotFound) {
				t.Errorf("with nothing detached: %v, want not found", err)
			}
			detached, err := session.Detach(ctx, code.waits, mlserver.Execution{Inputs: mlserver.Values{"x": []int{1, 2}}, Outputs: []string{"y"}})
			if err != nil {
				t.Fatal(err)
			}
			if state, err := other().State(ctx); err != nil || !state.Running || state.Error != "" || len(state.Outputs) != 1 {
				t.Errorf("the state is %+v, %v, want it running", state, err)
			}
			waited := make(chan error, 1)
			var text bytes.Buffer
			d := other()
			go func() {
				result, err := d.Wait(ctx, &text)
				if err == nil {
					err = doubled(result)
				}
				waited <- err
			}()
			put(t, session, "go")
			if err := <-waited; err != nil {
				t.Error(err)
			}
			if !strings.Contains(text.String(), "1") || !strings.HasSuffix(text.String(), "done: \"é\"\n") && !strings.HasSuffix(text.String(), "\"done: \\\"é\\\"\"\n") {
				t.Errorf("the console's text is %q", text.String())
			}
			result, err := detached.Wait(ctx, nil)
			if err != nil || doubled(result) != nil || !strings.Contains(result.Console, "done") || slices.Contains(result.Changed, mlserver.DetachedFile) {
				t.Errorf("the process that detached it got %+v, %v", result, err)
			}
			if state, err := other().State(ctx); err != nil || state.Running || state.Error != "" {
				t.Errorf("the state is %+v, %v, want it done", state, err)
			}

			// Code that fails, and code that does not parse.
			if detached, err = session.Detach(ctx, code.fails, mlserver.Execution{}); err != nil {
				t.Fatal(err)
			}
			for name, d := range map[string]*mlserver.Detached{"who detached it": detached, "another": other()} {
				var failed *mlserver.CodeError
				if _, err := d.Wait(ctx, nil); !errors.As(err, &failed) || failed.Message != code.message {
					t.Errorf("%s got %q, want %q", name, err, code.message)
				}
			}
			var failed *mlserver.CodeError
			if _, err := session.Detach(ctx, code.broken, mlserver.Execution{}); !errors.As(err, &failed) {
				t.Errorf("code that does not parse gave %v", err)
			}

			// Cancelled from elsewhere. The session lives on.
			if err := session.DeleteFile(ctx, "go"); err != nil {
				t.Fatal(err)
			}
			if _, err := session.Detach(ctx, code.waits, mlserver.Execution{}); err != nil {
				t.Fatal(err)
			}
			if err := server.client(t).Session(session.ID()).Cancel(ctx); err != nil {
				t.Fatal(err)
			}
			if _, err := other().Wait(ctx, nil); !errors.As(err, &failed) || !strings.Contains(strings.ToLower(failed.Message), "interrupt") {
				t.Errorf("cancelled, it gave %v", err)
			}

			// A process that dies cannot tell.
			if _, err := session.Detach(ctx, code.dies, mlserver.Execution{}); err != nil && !errors.As(err, &failed) {
				t.Fatal(err)
			}
			if _, err := other().Wait(ctx, nil); !errors.Is(err, mlserver.ErrGone) {
				t.Errorf("a process that died gave %v, want gone", err)
			}
		})
	}
}

func doubled(r *mlserver.Result) error {
	var y []int
	if err := r.Outputs.Decode("y", &y); err != nil || len(y) != 2 || y[1] != 4 {
		return errors.Join(errors.New("y is not doubled: "+string(r.Outputs.JSON("y"))), err)
	}
	return nil
}

// TestDetachedOutlivesItsConnection lets the network be away for a while: the process that detached the execution learns of its
// end all the same, and so does another one.
func TestDetachedOutlivesItsConnection(t *testing.T) {
	server := newServer(t, mlserver.V930)
	session := newSession(t, server.client(t), mlserver.SessionOptions{Runtime: mlserver.Python})
	var network unreliable
	client, err := mlserver.New(mlserver.Config{
		Address: server.address, Auth: auth.Login{Username: "admin", Password: adminPassword},
		HTTP: &http.Client{Transport: &http.Transport{DialContext: network.dial}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	detached, err := client.Session(session.ID()).Detach(ctx, "import os, time\nwhile not os.path.exists('go'): time.sleep(0.01)\nx = 1", mlserver.Execution{Outputs: []string{"x"}})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	network.goes()
	waited := make(chan error, 1)
	go func() {
		result, err := detached.Wait(t.Context(), nil)
		if err == nil && string(result.Outputs.JSON("x")) != "1" {
			err = fmt.Errorf("x is %s", result.Outputs.JSON("x"))
		}
		waited <- err
	}()
	poll(t, "the network was missed", func() bool { return network.missed() > 1 })
	put(t, session, "go")
	if result, err := session.Detached().Wait(t.Context(), nil); err != nil || string(result.Outputs.JSON("x")) != "1" {
		t.Errorf("another process got %+v, %v, want x to be 1", result, err)
	}
	network.returns()
	if err := <-waited; err != nil {
		t.Error(err)
	}
}

// unreliable is a network that may be away.
type unreliable struct {
	mu    sync.Mutex
	conns []net.Conn
	away  bool
	tried int // in vain
}

func (u *unreliable) dial(ctx context.Context, network, address string) (net.Conn, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.away {
		u.tried++
		return nil, syscall.ECONNREFUSED
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	u.conns = append(u.conns, conn)
	return conn, err
}

func (u *unreliable) goes() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.away = true
	for _, conn := range u.conns {
		_ = conn.Close()
	}
}

func (u *unreliable) returns() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.away = false
}

func (u *unreliable) missed() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.tried
}
