package devserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
	"github.com/mlserver-go/mls/wrapper/internal/port"
	"github.com/mlserver-go/mls/wrapper/internal/stopwatch"
)

// What is kept in a data directory is there after a restart: services, snapshots, sign-ins and the key that signs tokens.
func TestRestart(t *testing.T) {
	t.Parallel()
	for _, lang := range []runtimes.Language{runtimes.R, runtimes.Python} {
		needs(t, lang)
		cfg := only(lang)
		cfg.DataDir = t.TempDir()
		c := start(t, cfg)
		login := c.signIn()
		p := c.session(lang)
		c.run(p, "base = 41")
		var id struct{ SnapshotID string }
		c.want("POST", p+"/snapshot", `{"name":"kept"}`, 201).into(&id)
		c.want("POST", "/services/s/1", with(with(plus(lang), "code", "y = x + base"), "snapshotId", id.SnapshotID), 201)
		c.want("POST", "/services/gone/1", plus(lang), 201)
		c.want("DELETE", "/services/gone/1", nil, 200)
		services, snapshots := c.want("GET", "/services", nil, 200).body, c.want("GET", "/snapshots", nil, 200).body
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), "in use") {
			t.Errorf("a second server in the same directory: %v", err)
		}
		if err := c.srv.Close(); err != nil {
			t.Fatal(err)
		}
		orphan := filepath.Join(cfg.DataDir, "blobs", "orphan.zip")
		if err := os.WriteFile(orphan, nil, 0o600); err != nil {
			t.Fatal(err)
		}

		c = start(t, cfg)
		old := c.with(login.AccessToken)
		if got := old.want("GET", "/services", nil, 200).body; got != services {
			t.Errorf("services after the restart:\n%s\nwant\n%s", got, services)
		}
		if got := old.want("GET", "/snapshots", nil, 200).body; got != snapshots {
			t.Errorf("snapshots after the restart:\n%s\nwant\n%s", got, snapshots)
		}
		if got := old.want("POST", "/api/s/1", `{"x":1}`, 200).body; !strings.Contains(got, `"y":42`) {
			t.Errorf("call after the restart: %s", got)
		}
		if got := old.want("GET", "/sessions", nil, 200).body; got != "[]" {
			t.Errorf("sessions after the restart: %s", got)
		}
		c.renew(login.RefreshToken, 200)
		old.want("GET", "/status", nil, 401)
		var made struct{ SessionID string }
		c.want("POST", "/sessions", map[string]any{"runtimeType": lang, "snapshotId": id.SnapshotID}, 201).into(&made)
		if _, err := os.Stat(orphan); !os.IsNotExist(err) {
			t.Errorf("a blob that nothing refers to: %v", err)
		}
		db, err := os.ReadFile(filepath.Join(cfg.DataDir, "devserver.db"))
		if err != nil || strings.Contains(string(db), login.RefreshToken) || strings.Contains(string(db), password) {
			t.Errorf("the database holds secrets in the clear (%v)", err)
		}
	}
}

// awaitEnd waits until a process has ended; the kernel says so.
func awaitEnd(t *testing.T, pid int) {
	t.Helper()
	await(t, fmt.Sprintf("process %d has ended", pid), func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
}

// Close ends every process: of sessions that run code, their children, and those of services.
func TestCloseEndsProcesses(t *testing.T) {
	needs(t, runtimes.R, runtimes.Python)
	c := start(t, Config{SpareWorkers: 2})
	dir := c.srv.store.dir
	var pids []int
	add := func(text string) {
		for line := range strings.Lines(text) {
			pid, err := strconv.Atoi(strings.TrimSpace(line))
			if err != nil {
				t.Fatalf("console %q: %v", text, err)
			}
			pids = append(pids, pid)
		}
	}
	for lang, code := range map[runtimes.Language]string{
		runtimes.R:      `cat(Sys.getpid(), "\n"); cat(system("sleep 1000 >/dev/null 2>&1 & echo $!", intern = TRUE), "\n")`,
		runtimes.Python: "import os, subprocess\nprint(os.getpid())\nprint(subprocess.Popen(['sleep', '1000']).pid)",
	} {
		p := c.session(lang)
		console, _ := c.run(p, code)
		add(console)
		c.want("POST", "/services/"+string(lang)+"/1", with(plus(lang), "code", strings.Split(code, "; cat(sys")[0]+"; y = x"), 201)
		var r struct{ ConsoleOutput string }
		c.want("POST", "/api/"+string(lang)+"/1", `{"x":1}`, 200).into(&r)
		add(r.ConsoleOutput)
	}
	// Two that can only be killed.
	const stubborn = "import os\nprint(os.getpid(), flush=True)\nopen('/proc/self/cwd/begun', 'w').close()\nwhile True:\n  try:\n    while True: pass\n  except KeyboardInterrupt: pass"
	busy := c.session(runtimes.Python)
	c.want("POST", "/services/busy/1", map[string]any{"code": stubborn, "runtimeType": "Python"}, 201)
	var done sync.WaitGroup
	for path, body := range map[string]any{busy + "/execute": map[string]string{"code": stubborn}, "/api/busy/1": map[string]string{}} {
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		done.Go(func() {
			if resp, err := http.DefaultClient.Do(c.request("POST", path, string(raw))); err == nil {
				resp.Body.Close()
			}
		})
	}
	await(t, "both have begun", func() bool {
		begun, err := filepath.Glob(filepath.Join(dir, "*", "*", "begun"))
		if err != nil {
			t.Fatal(err)
		}
		return len(begun) == 2
	})
	add(c.awaitConsole(busy, "\n"))
	took := stopwatch.Start(t)
	if err := c.srv.Close(); err != nil {
		t.Error(err)
	}
	if took := took(); took > 4*time.Second {
		t.Errorf("Close took %s", took)
	}
	done.Wait()
	if len(pids) < 8 {
		t.Fatalf("pids %v", pids)
	}
	for _, pid := range pids {
		awaitEnd(t, pid)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("temporary directory: %v", err)
	}
	c.want("GET", "/status", nil, 503).says("shutting down")
	if err := c.srv.Close(); err != nil {
		t.Errorf("Close again: %v", err)
	}
}

func (c *client) request(method, path, body string) *http.Request {
	req, err := http.NewRequest(method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	return req
}

// leaves sends a request, and leaves when the server has it, which the test knows to wait for. It says whether there was an answer.
func (c *client) leaves(method, path, body string, there func()) (answered bool) {
	c.t.Helper()
	ctx, cancel := context.WithCancel(c.t.Context())
	defer cancel()
	req := c.request(method, path, body).WithContext(ctx)
	done := make(chan bool, 1)
	go func() {
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		done <- err == nil
	}()
	there()
	cancel()
	return <-done
}

// Shutdown lets code that runs come to its end.
func TestShutdownWaits(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.Python)
	c := start(t, only(runtimes.Python))
	p := c.session(runtimes.Python)
	answer := make(chan string, 1)
	go func() {
		answer <- c.beside("POST", p+"/execute", `{"code":"print('begun', flush=True)\nimport os, time\nwhile not os.path.exists('go'): time.sleep(0.01)\n'ended'"}`).body
	}()
	c.awaitConsole(p, "begun")
	down := make(chan error, 1)
	go func() { down <- c.srv.Shutdown(context.Background()) }()
	await(t, "nobody is let in", func() bool { return c.do("GET", "/status", nil).status == 503 })
	if err := os.WriteFile(filepath.Join(c.srv.store.sessions(), strings.TrimPrefix(p, "/sessions/"), "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := <-answer; !strings.Contains(got, "ended") {
		t.Errorf("answer %s", got)
	}
	if err := <-down; err != nil {
		t.Error(err)
	}
}

func TestServe(t *testing.T) {
	t.Parallel()
	s, err := New(noLanguages)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.AdminPassword()) < 8 {
		t.Errorf("generated password %q", s.AdminPassword())
	}
	ln, err := net.Listen("tcp", port.Own(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, ln) }()
	resp, err := http.Post("http://"+ln.Addr().String()+"/login", "application/json",
		strings.NewReader(`{"username":"admin","password":"`+s.AdminPassword()+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Errorf("login with the generated password: %d", resp.StatusCode)
	}
	cancel()
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if _, err := net.Dial("tcp", ln.Addr().String()); err == nil {
		t.Error("still listening")
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	cfg := noLanguages
	c := start(t, cfg)
	c.srv.SetFaults(Faults{Answers: map[string]Answer{
		"status":            {Status: 418, Body: `{"odd":1}`, Times: 2, Header: http.Header{"Retry-After": {"1"}}},
		"getAllWebServices": {Status: 502, Body: "<html>", Header: http.Header{"Content-Type": {"text/html"}}},
	}})
	for range 2 {
		if r := c.want("GET", "/status", nil, 418); r.body != `{"odd":1}` || r.header.Get("Retry-After") != "1" {
			t.Errorf("canned answer: %+v", r)
		}
	}
	c.want("GET", "/status", nil, 200)
	if r := c.want("GET", "/services", nil, 502); r.header.Get("Content-Type") != "text/html" {
		t.Errorf("canned answer as %s", r.header.Get("Content-Type"))
	}

	for _, late := range []time.Duration{50 * time.Millisecond, time.Hour} { // after an hour nobody waits any more
		c.srv.SetFaults(Faults{LateLastChunk: late})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		began := time.Now()
		resp, err := http.DefaultClient.Do(c.request("GET", "/services", "").WithContext(ctx))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		first := make([]byte, 2)
		if _, err := io.ReadFull(resp.Body, first); err != nil || string(first) != "[]" || resp.ContentLength != -1 {
			t.Errorf("first chunk %q, length %d: %v", first, resp.ContentLength, err)
		}
		if late == time.Hour {
			cancel()
		}
		switch rest, err := io.ReadAll(resp.Body); {
		case late == time.Hour && !errors.Is(err, context.Canceled), late != time.Hour && (err != nil || time.Since(began) < late), len(rest) > 0:
			t.Errorf("late by %s, the end came after %s with %q: %v", late, time.Since(began), rest, err)
		}
	}

	c.srv.SetFaults(Faults{Delay: time.Hour})
	if c.leaves("GET", "/status", "", func() { <-time.After(50 * time.Millisecond) }) {
		t.Error("an answer though it was to be delayed by an hour")
	}
}

// Whoever leaves while waiting for the session's turn takes the code along; whoever leaves later finds it going on.
func TestClientLeaves(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.Python)
	c := start(t, only(runtimes.Python))
	p := c.session(runtimes.Python)
	body := `{"code":"import os, time\nprint('begun', flush=True)\nwhile not os.path.exists('go'): time.sleep(0.01)\nx = 1"}`
	if c.leaves("POST", p+"/execute", body, func() { c.awaitConsole(p, "begun") }) {
		t.Error("an answer before the code ended")
	}
	awaitRequests := func(n int) { // the one whose client has left is among them
		t.Helper()
		await(t, fmt.Sprintf("%d requests are under way", n), func() bool {
			c.srv.sessions.mu.Lock()
			defer c.srv.sessions.mu.Unlock()
			return c.srv.sessions.byID[strings.TrimPrefix(p, "/sessions/")].requests == n
		})
	}
	if c.leaves("POST", p+"/execute", `{"code":"y = 1"}`, func() { awaitRequests(2) }) {
		t.Error("an answer from a session that is busy")
	}
	awaitRequests(1)
	c.upload(p, "go", "", 201)
	if _, values := c.run(p, "z = (x, 'y' in globals())", "z"); values["z"] != "[1,false]" && values["z"] != "[1, false]" {
		t.Errorf("x and whether y is set: %s", values["z"])
	}
}

// TestUnusedConnections: one that a client has opened in reserve does not hold up the end.
func TestUnusedConnections(t *testing.T) {
	s, err := New(noLanguages)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, ln) }()
	unused, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer unused.Close()
	res, err := http.Get("http://" + ln.Addr().String() + "/status") // over another one: by now the first is known
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	took := stopwatch.Start(t)
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
	if took := took(); took > 4*time.Second {
		t.Errorf("it took %v to end", took)
	}
}
