package devserver

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
)

// The logistic model of the product's own example answers what its articles print.
func TestTransmission(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.R)
	c := start(t, only(runtimes.R))
	p := c.session(runtimes.R)
	c.run(p, "carsModel <- glm(formula = am ~ hp + wt, data = mtcars, family = binomial)")
	var id struct{ SnapshotID string }
	c.want("POST", p+"/snapshot", `{}`, 201).into(&id)
	c.want("POST", "/services/transmission/1.0.0", map[string]any{
		"code":       "newdata <- data.frame(hp = hp, wt = wt); answer <- predict(carsModel, newdata, type = \"response\")",
		"snapshotId": id.SnapshotID, "operationId": "manualTransmission",
		"inputParameterDefinitions":  []parameter{{"hp", "numeric"}, {"wt", "numeric"}},
		"outputParameterDefinitions": []parameter{{"answer", "numeric"}},
	}, 201)
	want := `{"success":true,"errorMessage":"","consoleOutput":"","changedFiles":[],"outputParameters":{"answer":0.641812528409381}}`
	if got := c.want("POST", "/api/transmission/1.0.0", `{"hp":120,"wt":2.8}`, 200).body; !strings.HasPrefix(got, want[:len(want)-5]) {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Every declared type goes in and out in its own form.
func TestTypes(t *testing.T) {
	both(t, func(t *testing.T, c *client, lang runtimes.Language) {
		values := map[string]string{
			"logical": `true`, "numeric": `1.5`, "integer": `7`, "character": `"é\"日"`, "string": `"s"`, "vector": `[1,2.5,3]`,
			"matrix": `[[1,2,3],[4,5,6]]`, "data.frame": `{"b":[1.5,2],"a":["x","y"]}`, "dataframe": `{"z":[1]}`,
		}
		for declared, value := range values {
			c.want("POST", "/services/echo/"+declared, map[string]any{
				"code": "y = x", "runtimeType": lang,
				"inputParameterDefinitions": []parameter{{"x", declared}}, "outputParameterDefinitions": []parameter{{"y", declared}},
			}, 201)
			var r struct {
				Success          bool
				ErrorMessage     string
				OutputParameters map[string]json.RawMessage
			}
			c.want("POST", "/api/echo/"+declared, `{"x":`+value+`}`, 200).into(&r)
			got := strings.NewReplacer(".0,", ",", ".0]", "]", `\u00e9`, "é", `\u65e5`, "日").Replace(string(r.OutputParameters["y"])) // Python's ways
			if !r.Success || got != value {
				t.Errorf("%s: %s came back as %s (%s)", declared, value, r.OutputParameters["y"], r.ErrorMessage)
			}
		}
	})
}

func TestBadInputs(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.Python)
	c := start(t, only(runtimes.Python))
	var ps []parameter
	for _, declared := range apiTypes() {
		ps = append(ps, parameter{strings.ReplaceAll(declared, ".", "_"), declared})
	}
	c.want("POST", "/services/s/1", map[string]any{"code": "pass", "runtimeType": "Python", "inputParameterDefinitions": ps}, 201)
	good := map[string]string{
		"logical": "false", "numeric": "1", "integer": "-2.0", "character": `""`, "vector": "[]", "matrix": "[[1],[2]]", "data_frame": `{"a":[1]}`,
	}
	body := func(name, value string) string {
		var b []string
		for n, v := range good {
			if n == name {
				v = value
			}
			if v != "" {
				b = append(b, fmt.Sprintf("%q:%s", n, v))
			}
		}
		return "{" + strings.Join(b, ",") + "}"
	}
	c.want("POST", "/api/s/1", body("", ""), 200)
	for _, ok := range []struct{ name, value string }{{"vector", "5"}, {"vector", `["a",null]`}, {"data_frame", `[{"a":1},{"a":2}]`}, {"data_frame", `{"a":[]}`},
		{"numeric", "null"}, {"integer", "null"}, {"logical", "null"}, {"character", "null"}} {
		c.want("POST", "/api/s/1", body(ok.name, ok.value), 200)
	}
	for _, bad := range []struct{ name, value string }{
		{"logical", `"true"`}, {"logical", "1"}, {"numeric", `"1"`}, {"numeric", "[1]"}, {"numeric", "true"},
		{"integer", "1.5"}, {"integer", `"1"`}, {"integer", "1e300"}, {"character", "1"}, {"vector", "{}"}, {"vector", "null"},
		{"matrix", "[1,2]"}, {"matrix", "{}"}, {"matrix", "1"}, {"data_frame", "[1]"}, {"data_frame", `{"a":1}`}, {"data_frame", `{"a":[1],"b":[1,2]}`},
		{"data_frame", "1"}, {"numeric", ""},
	} {
		var e serviceError
		c.want("POST", "/api/s/1", body(bad.name, bad.value), 400).into(&e)
		if e.Code != 400 || e.Fields != bad.name || !strings.Contains(e.Message, "input "+bad.name) {
			t.Errorf("%s = %s: %+v", bad.name, bad.value, e)
		}
	}
	var e serviceError
	c.want("POST", "/api/s/1", `{"numeric":"x","b":1,"a":2,"logical":true,"integer":1,"character":"","vector":[],"matrix":[]}`, 400).into(&e)
	if e.Fields != "numeric, data_frame, a, b" || !strings.Contains(e.Message, `"a" is unknown`) || !strings.Contains(e.Message, "data_frame (data.frame) is missing") {
		t.Errorf("several at once: %+v", e)
	}
	c.want("POST", "/api/s/1", `[1]`, 400).says("inputs")
	c.want("POST", "/api/s/1", ``, 400).says("inputs")
	c.want("POST", "/api/s/1", `{"x":1`, 400).says("JSON")
}

func TestCodeThatFails(t *testing.T) {
	both(t, func(t *testing.T, c *client, lang runtimes.Language) {
		code := `cat("said\n"); y <- stop("boom")`
		if lang == runtimes.Python {
			code = "print('said')\nraise ValueError('boom')"
		}
		c.want("POST", "/services/s/1", with(plus(lang), "code", code), 201)
		var e struct {
			Success                     bool
			ErrorMessage, ConsoleOutput string
			OutputParameters            map[string]any
		}
		c.want("POST", "/api/s/1", `{"x":1}`, 200).into(&e)
		if e.Success || !strings.Contains(e.ErrorMessage, "boom") || !strings.Contains(e.ConsoleOutput, "said") || e.OutputParameters == nil {
			t.Errorf("answer %+v", e)
		}
		for _, status := range []int{400, 500} {
			c.srv.SetFaults(Faults{CodeFailure: status})
			c.want("POST", "/api/s/1", `{"x":1}`, status).says("boom")
		}
		c.srv.SetFaults(Faults{})

		c.want("POST", "/services/s/2", with(plus(lang), "initCode", "no_such_thing()"), 201)
		c.want("POST", "/api/s/2", `{"x":1}`, 200).into(&e)
		if e.Success || !strings.Contains(e.ErrorMessage, "initCode") || !strings.Contains(e.ErrorMessage, "no_such_thing") {
			t.Errorf("initCode that fails: %+v", e)
		}
		c.want("POST", "/services/s/3", with(plus(lang), "code", "z = 1"), 201)
		c.want("POST", "/api/s/3", `{"x":1}`, 200).into(&e)
		if e.Success || !strings.Contains(e.ErrorMessage, "y") {
			t.Errorf("output that is not assigned: %+v", e)
		}
	})
}

// What one call assigns and writes is not there for the next, though it runs in the same process; initCode's work is there for all.
func TestCallsAreIsolated(t *testing.T) {
	both(t, func(t *testing.T, c *client, lang runtimes.Language) {
		code := map[runtimes.Language]string{
			runtimes.R: `stopifnot(base == 1, !exists("left"), identical(list.files(), "kept"), getOption("digits") == 7)
left <- 1; options(digits = 3, scipen = 100); dir.create("d"); writeLines("a", "d/f"); cat(Sys.getpid()); setwd("d"); y <- x`,
			runtimes.Python: "import os\nassert base == 1 and 'left' not in globals() and os.listdir() == ['kept']\nleft = 1\nos.mkdir('d')\nopen('d/f', 'w').close()\nprint(os.getpid())\nos.chdir('d')\ny = x",
		}[lang]
		initCode := map[runtimes.Language]string{
			runtimes.R: `base <- 1; writeLines("a", "kept")`, runtimes.Python: "base = 1; open('kept', 'w').close()",
		}[lang]
		c.want("POST", "/services/s/1", with(with(plus(lang), "code", code), "initCode", initCode), 201)
		pids := map[string]bool{}
		for range 5 {
			var r struct {
				Success                     bool
				ErrorMessage, ConsoleOutput string
				ChangedFiles                []string
			}
			c.want("POST", "/api/s/1", `{"x":1}`, 200).into(&r)
			if !r.Success || !slices.Equal(r.ChangedFiles, []string{"d/f"}) {
				t.Fatalf("call: %+v", r)
			}
			pids[r.ConsoleOutput] = true
		}
		if len(pids) != 1 {
			t.Errorf("processes %v, want one", pids)
		}
		// What a call can't undo costs it the process.
		for version, code := range map[string]map[runtimes.Language]string{
			"destroys": {runtimes.R: `stopifnot(file.exists("kept")); unlink(getwd(), recursive = TRUE); y <- x`, runtimes.Python: "import os, shutil\nos.stat('kept')\nshutil.rmtree(os.getcwd())\ny = x"},
			"removes":  {runtimes.R: `stopifnot(file.exists("kept")); unlink("kept"); y <- x`, runtimes.Python: "import os\nos.remove('kept')\ny = x"},
		} {
			c.want("POST", "/services/s/"+version, with(with(plus(lang), "code", code[lang]), "initCode", initCode), 201)
			for range 3 {
				if got := c.want("POST", "/api/s/"+version, `{"x":1}`, 200).body; !strings.Contains(got, `"success":true`) {
					t.Fatalf("code that %s: %s", version, got)
				}
			}
		}
	})
}

func TestArtifacts(t *testing.T) {
	both(t, func(t *testing.T, c *client, lang runtimes.Language) {
		code := map[runtimes.Language]string{
			runtimes.R:      `dir.create("sub", FALSE); if (x > 0) { cat("a,b\n", file = "sub/answer.csv"); file.create("empty") }; y <- x`,
			runtimes.Python: "import os\nos.makedirs('sub', exist_ok=True)\nif x > 0:\n  open('sub/answer.csv', 'w').write('a,b\\n')\n  open('empty', 'w').close()\ny = x",
		}[lang]
		c.want("POST", "/services/s/1", with(with(plus(lang), "code", code), "outputFileNames", []string{"sub/answer.csv", "image.png", "empty"}), 201)
		want := `"outputFiles":{"sub/answer.csv":"` + base64.StdEncoding.EncodeToString([]byte("a,b\n")) + `","image.png":null,"empty":""},"outputParameters"`
		if got := c.want("POST", "/api/s/1", `{"x":1}`, 200).body; !strings.Contains(got, want) {
			t.Errorf("call: %s, want %s", got, want)
		}
		want = `"outputFiles":{"sub/answer.csv":null,"image.png":null,"empty":null}`
		if got := c.want("POST", "/api/s/1", `{"x":0}`, 200).body; !strings.Contains(got, want) {
			t.Errorf("a call that writes nothing: %s, want %s", got, want)
		}
	})
}

// Calls run side by side, in no more processes than configured, and each gets its own answer.
func TestConcurrentCalls(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.Python)
	cfg := only(runtimes.Python)
	cfg.ServiceWorkers = 3
	c := start(t, cfg)
	c.want("POST", "/services/s/1", with(plus(runtimes.Python), "code", "import os\ny = x\nprint(os.getpid())"), 201)
	var mu sync.Mutex
	processes := map[string]bool{}
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			var r struct {
				ConsoleOutput    string
				OutputParameters map[string]float64
			}
			got := c.beside("POST", "/api/s/1", fmt.Sprintf(`{"x":%d}`, i))
			if err := json.Unmarshal([]byte(got.body), &r); err != nil || r.OutputParameters["y"] != float64(i) {
				t.Errorf("call %d: %s", i, got.body)
			}
			mu.Lock()
			processes[r.ConsoleOutput] = true
			mu.Unlock()
		})
	}
	wg.Wait()
	if len(processes) > 3 {
		t.Errorf("%d processes, want at most 3", len(processes))
	}
}

// Calls during changes of the service are answered by the old or the new version of the code, never refused.
func TestPatchUnderLoad(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.Python)
	c := start(t, only(runtimes.Python))
	c.want("POST", "/services/s/1", plus(runtimes.Python), 201)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(stop)
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if r := c.beside("POST", "/api/s/1", `{"x":1}`); r.status != 200 || !strings.Contains(r.body, `"success":true`) {
					t.Errorf("call: %d %s", r.status, r.body)
				}
			}
		})
	}
	for i := range 10 {
		c.want("PATCH", "/services/s/1", fmt.Sprintf(`{"code":"y = x + %d"}`, i), 200)
	}
}

func TestServiceTimeout(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.Python)
	cfg := only(runtimes.Python)
	cfg.ServiceTimeout = 200 * time.Millisecond
	c := start(t, cfg)
	c.want("POST", "/services/s/1", with(plus(runtimes.Python), "code", "import time\nif x < 0: time.sleep(100)\ny = x"), 201)
	c.want("POST", "/api/s/1", `{"x":-1}`, 500).says("took longer than 200ms")
	c.srv.cfg.ServiceTimeout = time.Hour // in 200 ms a busy machine may not even start another process
	c.want("POST", "/api/s/1", `{"x":1}`, 200)
}

// Workers that nobody uses end; the next call starts another.
func TestIdleWorkersEnd(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.Python)
	clk := newClock()
	cfg := only(runtimes.Python)
	cfg.Clock = clk.now
	c := start(t, cfg)
	c.want("POST", "/services/s/1", plus(runtimes.Python), 201)
	c.want("POST", "/api/s/1", `{"x":1}`, 200)
	p := c.srv.services.byKey["s\x001"].workers
	sw := p.idle[0]
	c.srv.reapBefore(clk.now())
	select {
	case <-sw.Done():
		t.Error("a worker ended before its time")
	default:
	}
	c.srv.reapBefore(clk.now().Add(time.Second))
	<-sw.Done()
	if _, err := os.Stat(sw.dir); !os.IsNotExist(err) {
		t.Errorf("directory of the ended worker: %v", err)
	}
	c.want("POST", "/api/s/1", `{"x":1}`, 200)
}

// A service of 9.0.1 sees none of the fields that came later.
func TestServices901(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.R)
	cfg := only(runtimes.R)
	cfg.APIVersion = "9.0.1"
	c := start(t, cfg)
	c.want("POST", "/services/s/1", with(with(plus(runtimes.Python), "outputFileNames", []string{"a"}), "initCode", "a b"), 201)
	if got := c.want("POST", "/api/s/1", `{"x":1}`, 200).body; strings.Contains(got, "outputFiles") || !strings.Contains(got, `"y":2`) {
		t.Errorf("call: %s", got)
	}
}
