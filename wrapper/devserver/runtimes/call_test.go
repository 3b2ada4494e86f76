package runtimes

import (
	"testing"
)

func call(t *testing.T, w *Worker, code string, outputs ...Output) *Result {
	t.Helper()
	r, err := w.Call(bound(t), Request{Code: code, Inputs: []Input{{"x", "numeric", raw("100")}}, Outputs: outputs})
	if err != nil {
		t.Fatalf("%q: %v", code, err)
	}
	return r
}

func TestCall(t *testing.T) {
	for _, test := range []struct {
		lang    Language
		prepare string
		code    string
		console string
		answer  string
	}{
		{R, "", "answer <- x + 1", "", "101"},
		{R, "k <- 5; add <- function(x) x + k", "answer <- add(x); print(answer); answer", "[1] 105\n[1] 105\n", "105"},
		{R, "k <- 5", "k <- k + x; helper <- function() k + 1; answer <- helper()", "", "106"},
		{R, "answer <- 7", "invisible(x)", "", "7"}, // assigned by the preparation
		{R, "", "print.thing <- function(x, ...) cat('<thing>\\n'); structure(1, class = 'thing'); answer <- 1", "<thing>\n", "1"},
		{Python, "", "answer = x + 1", "", "101.0"},
		{Python, "k = 5\ndef add(x): return x + k", "answer = add(x); print(answer)", "105.0\n", "105.0"},
		{Python, "k = 5", "def helper(): return k + x\nanswer = [helper() for i in range(1)][0]", "", "105.0"},
		{Python, "answer = 7", "None", "", "7"},
	} {
		w := worker(t, test.lang)
		consoleOf(t, w, test.prepare)
		for range 3 { // each call is like the first
			r := call(t, w, test.code, Output{"answer", "numeric"})
			if !r.Success || r.Console != test.console || string(r.Outputs[0].Value) != test.answer {
				t.Errorf("%s: %+v, want console %q, answer %s", test.code, r, test.console, test.answer)
			}
		}
		r := request(t, w, Request{Code: "x"})
		if r.Success {
			t.Errorf("%s: the input is still there", test.code)
		}
	}
}

// TestCallLeavesNothing: neither plain assignments nor those meant for the global workspace reach the next call.
func TestCallLeavesNothing(t *testing.T) {
	for lang, c := range map[Language]struct{ prepare, change, check string }{
		R: {
			"n <- 1; bump <- function() n <<- n + 1; lockBinding('n0', list2env(list(n0 = 1), globalenv()))",
			"bump(); leak <<- 1; assign('leak2', 1, envir = globalenv()); local <- 2; rm(bump, envir = globalenv())",
			"c(n, exists('leak'), exists('leak2'), exists('local', inherits = FALSE), is.function(bump))",
		},
		Python: {
			"n = 1\ndef bump():\n  global n\n  n += 1",
			"bump()\nglobals()['leak'] = 1\ndef f():\n  global leak2\n  leak2 = 1\nf()\nlocal = 2\ndel bump",
			"[n, 'leak' in globals(), 'leak2' in globals(), 'local' in globals(), callable(bump)]",
		},
	} {
		w := worker(t, lang)
		consoleOf(t, w, c.prepare)
		want := map[Language]string{R: "[1] 1 0 0 0 1\n", Python: "[1, False, False, False, True]\n"}[lang]
		for range 2 {
			if r := call(t, w, c.change); !r.Success {
				t.Fatalf("%s: %+v", lang, r)
			}
			if r := call(t, w, c.check); r.Console != want {
				t.Errorf("%s: %+v, want %q", lang, r, want)
			}
		}
		if got := consoleOf(t, w, c.check); got != want {
			t.Errorf("%s: afterwards %q, want %q", lang, got, want)
		}
	}
}

func TestCallFails(t *testing.T) {
	for _, test := range []struct {
		lang        Language
		code        string
		kind, error string
		console     string
	}{
		{R, "stop('boom')", KindError, "Error: boom", "Error: boom\n"},
		{R, "f <- function(n) stop('inner ', n); f(3)", KindError, "Error in f(3) : inner 3", "Error in f(3) : inner 3\n"},
		{R, "nosuch", KindError, "Error: object 'nosuch' not found", "Error: object 'nosuch' not found\n"},
		{R, "warning('careful'); as.integer('x')", "", "", "Warning message:\ncareful \n[1] NA\nWarning message:\nNAs introduced by coercion \n"},
		{R, "f(", KindIncomplete, "Error: <text>:2:0: unexpected end of input\n1: f(\n   ^", "Error: <text>:2:0: unexpected end of input\n1: f(\n   ^\n"},
		{Python, "raise ValueError('boom')", KindError, "ValueError: boom", "Traceback (most recent call last):\n  File \"<service>\", line 1, in <module>\n    raise ValueError('boom')\nValueError: boom\n"},
		{Python, "exit()", KindExit, "SystemExit: None", "SystemExit: None\n"},
	} {
		w := common(t, test.lang)
		for range 2 {
			r := call(t, w, test.code)
			if r.Kind != test.kind || r.Error != test.error || r.Console != test.console {
				t.Errorf("%s: %+v\nwant %q %q %q", test.code, r, test.kind, test.error, test.console)
			}
		}
		answer := call(t, w, "answer = x + 1", Output{"answer", "integer"})
		if !answer.Success || string(answer.Outputs[0].Value) != "101" {
			t.Errorf("after %s: %+v", test.code, answer)
		}
	}
}
