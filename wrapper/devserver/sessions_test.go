package devserver

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
)

// both runs a test for each language, with a server of its own, beside other tests.
func both(t *testing.T, test func(t *testing.T, c *client, lang runtimes.Language)) {
	t.Helper()
	t.Parallel()
	for _, lang := range []runtimes.Language{runtimes.R, runtimes.Python} {
		t.Run(string(lang), func(t *testing.T) {
			t.Parallel()
			needs(t, lang)
			test(t, start(t, only(lang)), lang)
		})
	}
}

// only makes a server that starts no process of the other language.
func only(lang runtimes.Language) Config {
	if lang == runtimes.R {
		return Config{Python: noLanguages.Python}
	}
	return Config{R: noLanguages.R}
}

func TestExecute(t *testing.T) {
	both(t, func(t *testing.T, c *client, lang runtimes.Language) {
		p := c.session(lang)
		want := map[runtimes.Language]string{
			runtimes.R: `{"success":true,"errorMessage":"","outputParameters":[{"name":"y","value":[120.5]},{"name":"l","value":[1,2]}],` +
				`"consoleOutput":"[1] 2\n","changedFiles":[]}`,
			runtimes.Python: `{"success":true,"errorMessage":"","outputParameters":[{"name":"y","value":120.5},{"name":"l","value":[1,2]}],` +
				`"consoleOutput":"2\n","changedFiles":[]}`,
		}[lang]
		body := `{"code":"1+1\ny = x","inputParameters":[{"name":"x","value":120.5},{"name":"l","value":[1,2]},{"name":"n"}],"outputParameters":["y","l"]}`
		if got := c.want("POST", p+"/execute", body, 200).body; got != want {
			t.Errorf("execute answered %s\nwant %s", got, want)
		}
		if _, v := c.run(p, "y = y + 1", "y"); !strings.Contains(v["y"], "121.5") {
			t.Errorf("y = %s, want the workspace to persist", v["y"])
		}

		var e executeResponse
		c.want("POST", p+"/execute", map[string]any{"code": map[runtimes.Language]string{
			runtimes.R: `f <- function(x) stop("inner ", x); f(3)`, runtimes.Python: `raise ValueError("inner 3")`,
		}[lang]}, 200).into(&e)
		if e.Success || !strings.Contains(e.ErrorMessage, "inner 3") || e.OutputParameters == nil || e.ChangedFiles == nil {
			t.Errorf("code that fails: %+v", e)
		}
		c.want("POST", p+"/execute", `{"code":"1","outputParameters":["nope"]}`, 200).into(&e)
		if e.Success || !strings.Contains(e.ErrorMessage, "nope") {
			t.Errorf("output that is missing: %+v", e)
		}

		for body, says := range map[string]string{
			`{}`: "code is missing", `{"code":1}`: "executeRequest.code", `{"code":"1","inputParameters":[{"value":1}]}`: "no name",
			`{"code":"1","outputParameters":"x"}`: "executeRequest.outputParameters",
		} {
			c.want("POST", p+"/execute", body, 400).says(says)
		}
		history := c.want("GET", p+"/history", nil, 200).names()
		if len(history) != 4 || history[0] != "1+1\ny = x" || history[3] != "1" {
			t.Errorf("history %q", history)
		}
	})
}

// Large whole numbers and long decimals come back as they went in.
func TestExactNumbers(t *testing.T) {
	both(t, func(t *testing.T, c *client, lang runtimes.Language) {
		const value = `[0.1,0.5332668559970368,9007199254740991]`
		var e struct{ OutputParameters []workspaceObject }
		c.want("POST", c.session(lang)+"/execute",
			`{"code":"y = x","inputParameters":[{"name":"x","value":`+value+`}],"outputParameters":["y"]}`, 200).into(&e)
		if got := string(e.OutputParameters[0].Value); got != value {
			t.Errorf("got %s, want %s", got, value)
		}
	})
}

func TestConsoleAndCancel(t *testing.T) {
	both(t, func(t *testing.T, c *client, lang runtimes.Language) {
		p := c.session(lang)
		code := `cat("begun\n"); repeat Sys.sleep(0.01)`
		if lang == runtimes.Python {
			code = "import time\nprint('begun', flush=True)\nwhile True: time.sleep(0.01)"
		}
		done := make(chan executeResponse, 1)
		go func() {
			var e executeResponse
			_ = json.Unmarshal([]byte(c.beside("POST", p+"/execute", map[string]string{"code": code}).body), &e)
			done <- e
		}()
		c.awaitConsole(p, "begun")
		c.want("POST", p+"/cancel", nil, 200)
		if e := <-done; e.Success || !strings.Contains(e.ConsoleOutput, "begun") {
			t.Errorf("cancelled execution: %+v", e)
		}
		c.want("POST", p+"/cancel", nil, 200) // nothing to cancel is fine
		c.run(p, "1")
		var out struct{ ConsoleOutput string }
		c.want("GET", p+"/console-output", nil, 200).into(&out)
		if !strings.Contains(out.ConsoleOutput, "1") {
			t.Errorf("console of the last execution: %q", out.ConsoleOutput)
		}
	})
}

// Closing ends code that runs.
func TestCloseSession(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.Python)
	c := start(t, only(runtimes.Python))
	for force, want := range map[string]int{"": 200, "/force": 404} { // asked to end, the code gets to say that it was interrupted
		p := c.session(runtimes.Python)
		done := make(chan int, 1)
		go func() {
			done <- c.beside("POST", p+"/execute", `{"code":"print('begun', flush=True)\nimport time\nwhile True: time.sleep(1)"}`).status
		}()
		c.awaitConsole(p, "begun")
		var text string
		c.want("DELETE", p+force, nil, 200).into(&text)
		if got := <-done; got != want {
			t.Errorf("execution in a session closed under it: status %d, want %d", got, want)
		}
		c.want("DELETE", p+force, nil, 404).says("not found")
	}
	if list, err := os.ReadDir(c.srv.store.sessions()); err != nil || len(list) > 0 {
		t.Errorf("directories of closed sessions: %v, %v", list, err)
	}
}

func TestSessionsArePrivate(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.Python)
	c := start(t, only(runtimes.Python))
	bob := c.as("bob")
	p := c.session(runtimes.Python)
	c.run(p, "x = 1\nopen('f.txt', 'w').close()")
	var snap struct{ SnapshotID string }
	c.want("POST", p+"/snapshot", `{}`, 201).into(&snap)

	var list []struct{ ID, Name, Owner, RuntimeType string }
	c.want("GET", "/sessions", nil, 200).into(&list)
	if len(list) != 1 || "/sessions/"+list[0].ID != p || len(list[0].Name) != 15 || list[0].Owner != "admin" || list[0].RuntimeType != "Python" {
		t.Errorf("sessions %+v", list)
	}
	for _, path := range []string{"/sessions", "/snapshots"} {
		if got := bob.want("GET", path, nil, 200).body; got != "[]" {
			t.Errorf("bob sees %s: %s", path, got)
		}
	}
	for op, method := range map[string]string{
		p: "DELETE", p + "/force": "DELETE", p + "/cancel": "POST", p + "/console-output": "GET", p + "/history": "GET",
		p + "/files": "GET", p + "/files/f.txt": "GET", p + "/workspace": "GET", p + "/workspace/x": "GET",
		"/snapshots/" + snap.SnapshotID: "GET",
	} {
		bob.want(method, op, nil, 404).says("not found")
	}
	bob.want("POST", p+"/execute", `{"code":"1"}`, 404)
	bob.want("DELETE", "/snapshots/"+snap.SnapshotID, nil, 404)
	bob.want("POST", "/sessions", `{"snapshotId":"`+snap.SnapshotID+`","runtimeType":"Python"}`, 404)
	bob.want("POST", bob.session(runtimes.Python)+"/loadsnapshot/"+snap.SnapshotID, nil, 404)
	bob.want("POST", "/services/s", `{"code":"1","runtimeType":"Python","snapshotId":"`+snap.SnapshotID+`"}`, 400)
	if fi, err := os.Stat(c.srv.store.sessions() + strings.TrimPrefix(p, "/sessions")); err != nil || fi.Mode().Perm() != 0o700 {
		t.Errorf("session directory: %v, %v", fi.Mode(), err)
	}
}

func TestMaxSessions(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.Python)
	cfg := only(runtimes.Python)
	cfg.MaxSessions = 2
	c := start(t, cfg)
	p := c.session(runtimes.Python)
	c.session(runtimes.Python)
	c.want("POST", "/sessions", `{"runtimeType":"Python"}`, 503).says("busy")
	c.want("DELETE", p, nil, 200)
	c.session(runtimes.Python)
}

// A session that nobody uses ends after a while; one that does something does not.
func TestIdleSessions(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.Python)
	cfg, clk := only(runtimes.Python), newClock()
	cfg.SessionIdle, cfg.Clock = 10*time.Minute, clk.now
	c := start(t, cfg)
	idle, used, busy := c.session(runtimes.Python), c.session(runtimes.Python), c.session(runtimes.Python)
	ended := make(chan *reply, 1)
	go func() {
		ended <- c.beside("POST", busy+"/execute", map[string]string{"code": "import os, time\nwhile not os.path.exists('go'): time.sleep(0.01)"})
	}()
	await(t, "something runs", func() bool { return len(c.want("GET", busy+"/history", nil, 200).names()) > 0 })
	clk.pass(9 * time.Minute)
	c.want("GET", used+"/history", nil, 200)
	clk.pass(2 * time.Minute)
	c.srv.expireSessions()

	c.want("GET", used+"/history", nil, 200)
	c.want("GET", busy+"/history", nil, 200)
	c.want("GET", idle+"/workspace", nil, 410).says("nobody had used it for 10m0s")
	c.want("POST", idle+"/execute", `{"code":"1"}`, 404).says("nobody had used it")
	c.want("DELETE", idle, nil, 404)
	if strings.Contains(c.want("GET", "/sessions", nil, 200).body, strings.TrimPrefix(idle, "/sessions/")) {
		t.Error("it is still listed")
	}
	if _, err := os.Stat(c.srv.store.sessions() + strings.TrimPrefix(idle, "/sessions")); !os.IsNotExist(err) {
		t.Errorf("its directory: %v, want it removed", err)
	}
	if err := os.WriteFile(c.srv.store.sessions()+strings.TrimPrefix(busy, "/sessions")+"/go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := <-ended; r.status != 200 || !strings.Contains(r.body, `"success":true`) {
		t.Errorf("the code that ran: %d %s", r.status, r.body)
	}
}

// A process that the code ends: the execution says so, what comes later is told that the session is gone.
func TestDeadProcess(t *testing.T) {
	both(t, func(t *testing.T, c *client, lang runtimes.Language) {
		p := c.session(lang)
		code := `cat("last words\n"); base::quit(status = 3)`
		if lang == runtimes.Python {
			code = "import os\nprint('last words', flush=True)\nos._exit(3)"
		}
		var e executeResponse
		c.want("POST", p+"/execute", map[string]string{"code": code}, 200).into(&e)
		if e.Success || !strings.Contains(e.ErrorMessage, "exit status 3") || !strings.Contains(e.ConsoleOutput, "last words") {
			t.Errorf("answer %+v", e)
		}
		c.want("POST", p+"/execute", `{"code":"1"}`, 404).says(string(lang), "new")
		c.want("POST", p+"/snapshot", `{}`, 404).says("exit status 3")
		for path, method := range map[string]string{"/workspace": "GET", "/workspace/x": "DELETE"} {
			c.want(method, p+path, nil, 410).says("exit status 3")
		}
		c.want("GET", p+"/workspace/x", nil, 410)
		c.want("POST", p+"/workspace/x", strings.NewReader("x"), 410)
		c.want("GET", p+"/files", nil, 200)
		if h := c.want("GET", p+"/history", nil, 200).names(); !slices.Equal(h, []string{code}) {
			t.Errorf("history %q", h)
		}
		c.want("DELETE", p, nil, 200)
	})
}

// Version 9.0.1 knows no runtimeType: it is ignored, and not told.
func TestSessions901(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.R)
	cfg := only(runtimes.R)
	cfg.APIVersion = "9.0.1"
	c := start(t, cfg)
	p := c.session(runtimes.Python)
	if console, _ := c.run(p, "cat(R.version$language)"); console != "R" {
		t.Errorf("a 9.0.1 session answers %q, want R", console)
	}
	if got := c.want("GET", "/sessions", nil, 200).body; strings.Contains(got, "runtimeType") {
		t.Errorf("9.0.1 lists %s", got)
	}
	var h health
	r := c.want("GET", "/status", nil, 200)
	r.into(&h)
	if h.StatusCode != "green" || !strings.Contains(r.body, `"active Shell Count":1`) || strings.Contains(r.body, "ython") {
		t.Errorf("9.0.1 status: %s", r.body)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.Python)
	c := start(t, only(runtimes.Python))
	c.session(runtimes.Python)
	var h health
	c.want("GET", "/status", nil, 200).into(&h)
	if h.StatusCode != "warn" {
		t.Errorf("status without R: %s, want warn", h.StatusCode)
	}
	node := h.Components["backends"].Components[c.url+"/"]
	for name, want := range map[string]any{
		"rCanOpenShell": "False", "pythonCanOpenShell": "True", "pythonActiveShellCount": 1.0, "pythonMaxPoolSize": 20.0, "apiVersion": "1.0",
	} {
		if got := node.Details[name]; got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if why := fmt.Sprint(node.Details["rError"]); !strings.Contains(why, "/nonexistent/R") {
		t.Errorf("rError: %s", why)
	}
	if v := fmt.Sprint(node.Details["pythonVersion"]); !strings.HasPrefix(v, "3.") {
		t.Errorf("pythonVersion: %s", v)
	}
	if db := h.Components["database"]; db == nil || db.StatusCode != "pass" || db.Details["state"] != "Open" {
		t.Errorf("database: %+v", db)
	}
}
