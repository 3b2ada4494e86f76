package runtimes

import (
	"errors"
	"strings"
	"testing"
)

// after is run on the same worker afterwards: a session lives on.
var after = map[Language]Request{
	R:      {Code: "cat('alive\\n'); y <- 40 + 2", Outputs: []Output{{Name: "y"}}},
	Python: {Code: "print('alive'); y = 40 + 2", Outputs: []Output{{Name: "y"}}},
}

func TestBehaviour(t *testing.T) {
	top, sessions := t, map[Language]*Worker{}
	for _, test := range []struct {
		name    string
		lang    Language
		code    string
		kind    string
		error   string // contained in Error
		console string // contained in Console
	}{
		{"error", R, "f <- function(n) stop('inner ', n); f(3)", KindError, "Error in f(3) : inner 3", "Error in f(3) : inner 3\n"},
		{"error", Python, "def f(n):\n  raise ValueError('boom')\nf(3)", KindError, "ValueError: boom", "line 2, in f\n    raise ValueError('boom')\n"},
		{"quit", R, "quit()", KindError, "'quit' is not available in a remote session", ""},
		{"help", R, "help(lm)", KindError, "'help' is not available", ""},
		{"browser", R, "browser()", KindError, "'browser' is not available", ""},
		{"exit", Python, "exit()", KindExit, "SystemExit", ""},
		{"sys.exit", Python, "import sys; sys.exit(3)", KindExit, "SystemExit: 3", ""},
		{"recursion", R, "f <- function(x) f(x + 1); f(1)", KindError, "Error: ", ""},
		{"recursion", Python, "def f(x): return f(x + 1)\nf(1)", KindError, "RecursionError", ""},
		{"syntax", R, "a b", KindSyntax, "unexpected symbol", "unexpected symbol"},
		{"syntax", Python, "a b", KindSyntax, "SyntaxError: invalid syntax", "SyntaxError"},
		{"syntax: nothing runs", R, "cat('ran')\n)", KindSyntax, "unexpected ')'", ""},
		{"incomplete", R, "f(", KindIncomplete, "unexpected end of input", ""},
		{"incomplete string", R, "x <- 'abc", KindIncomplete, "unexpected INCOMPLETE_STRING", ""},
		{"incomplete", Python, "f(", KindIncomplete, "SyntaxError", ""},
		{"null byte", R, "1\x00", KindSyntax, "NUL", ""},
		{"standard input", R, "length(readLines('stdin')); length(scan(quiet = TRUE)); readline(); nchar(readline())", "", "", "[1] 0\n"},
		{"standard input", Python, "input()", KindError, "EOFError", ""},
		{"menu", R, "menu(c('a', 'b'))", KindError, "menu() cannot be used non-interactively", ""},
		{"sink left open", R, "sink('f'); print(1); sink(); cat('back')", "", "", "back"},
		{"spoilt: remove everything", R, "rm(list = ls(all.names = TRUE))", "", "", ""},
		{"spoilt: remove everything", Python, "for k in list(globals()): del globals()[k]", "", "", ""},
		{"spoilt: detach", R, "detach('mlserver:session')", "", "", ""},
		{"spoilt: options(error)", R, "options(error = quote(q())); stop('x')", KindError, "Error: x", ""},
		{"connections closed", R, "closeAllConnections(); cat('still here')", "", "", "still here"},
		{"spoilt: connections closed and numbers taken", R, "closeAllConnections(); a <- file('a', 'w'); b <- file('b', 'w'); d <- file('d', 'w')", "", "", ""},
		{"stdout closed", Python, "import sys; sys.stdout.close()", "", "", ""},
		{"stderr closed, then an error", Python, "import sys; sys.stderr.close(); 1/0", KindError, "ZeroDivisionError", "ZeroDivisionError"},
		{"stdin closed", Python, "import sys; sys.stdin.close()", "", "", ""},
		{"descriptors closed", Python, "import os; os.close(1); os.close(2)", "", "", ""},
		{"stdout replaced", Python, "import sys, io; sys.stdout = io.StringIO(); print('lost'); sys.stdout = sys.__stdout__", "", "", ""},
		{"spoilt: locale", R, "invisible(Sys.setlocale('LC_ALL', 'C')); cat('\\u00e9')", "", "", "<U+00E9>"},
		{"setwd", R, "setwd('/'); invisible(1)", "", "", ""},
		{"spoilt: base functions redefined", R, "c <- list <- serialize <- writeBin <- cat <- function(...) stop('mine'); rm(cat)", "", "", ""},
		{"spoilt: builtins redefined", Python, "open = print = len = isinstance = None; del print", "", "", ""},
		{"fork", R, "p <- parallel::mcparallel(1); x <- parallel::mccollect(p)[[1]]", "", "", ""},
		{"fork", Python, "import os\npid = os.fork()\nif pid: os.waitpid(pid, 0)", "", "", ""},
		{"thread", Python, "import threading; t = threading.Thread(target=print, args=('in a thread',)); t.start(); t.join()", "", "", "in a thread\n"},
		{"future", Python, "from __future__ import annotations\ndef f(x: nosuch): pass", "", "", ""},
		{"pickled class", Python, "import pickle\nclass A: pass\n_ = pickle.loads(pickle.dumps(A()))", "", "", ""},
		{"condition without message", R, "stop(structure(class = c('odd', 'error', 'condition'), list()))", KindError, "Error: ", ""},
		{"failing conditionMessage", R, "conditionMessage.bad <- function(c) stop('x'); stop(structure(class = c('bad', 'error', 'condition'), list(message = 'm', call = NULL)))", KindError, "Error in conditionMessage.bad(cond) : x", ""},
		{"exception without str", Python, "class E(Exception):\n  def __str__(self): raise ValueError\nraise E", KindError, "E: <exception str() failed>", ""},
	} {
		t.Run(test.name+" "+string(test.lang), func(t *testing.T) {
			// One session survives it all, except what spoils its workspace.
			if sessions[test.lang] == nil {
				sessions[test.lang] = worker(top, test.lang)
			}
			w := sessions[test.lang]
			if strings.HasPrefix(test.name, "spoilt: ") {
				w = worker(t, test.lang)
			}
			r := execute(t, w, test.code)
			if r.Kind != test.kind || r.Success != (test.kind == "") || r.Success != (r.Error == "") {
				t.Errorf("success %v, kind %q, error %q, want kind %q", r.Success, r.Kind, r.Error, test.kind)
			}
			if !strings.Contains(r.Error, test.error) {
				t.Errorf("error %q, want it to contain %q", r.Error, test.error)
			}
			if !strings.Contains(r.Console, test.console) {
				t.Errorf("console %q, want it to contain %q", r.Console, test.console)
			}
			r = request(t, w, after[test.lang])
			if !r.Success || r.Console != "alive\n" || string(r.Outputs[0].Value) != "42" {
				t.Errorf("afterwards: %+v", r)
			}
		})
	}
}

func TestGone(t *testing.T) {
	for _, test := range []struct {
		name    string
		lang    Language
		code    string
		status  string
		console string
	}{
		{"quit", R, "cat('bye'); base::quit(status = 3)", "exit status 3", "bye"},
		{"exit", Python, "import os; print('bye'); os._exit(4)", "exit status 4", "bye"},
		{"segfault", R, "cat('bye'); tools::pskill(Sys.getpid(), 11); Sys.sleep(9)", "signal: segmentation fault", "caught segfault"},
		{"segfault", Python, "import ctypes; print('bye'); ctypes.string_at(0)", "signal: segmentation fault", "bye"},
		{"pipes closed", Python, "import os; os.close(3); os.close(4)", "exit status 1", ""},
		{"frame forged", Python, "import os, time; os.write(4, b'\\x00\\x00\\x00\\x02{}'); time.sleep(9)", "signal: killed", ""},
		{"children left", R, "system('sleep 600 &'); base::quit(status = 5)", "exit status 5", ""},
	} {
		t.Run(test.name+" "+string(test.lang), func(t *testing.T) {
			w := worker(t, test.lang)
			_, err := w.Execute(bound(t), Request{Code: test.code})
			var gone *GoneError
			if !errors.As(err, &gone) {
				t.Fatalf("error %v, want a GoneError", err)
			}
			if !strings.HasPrefix(gone.Status, test.status) || gone.Language != test.lang || !strings.Contains(gone.Console, test.console) {
				t.Errorf("%q %q, console %q; want %q", gone.Language, gone.Status, gone.Console, test.status)
			}
			<-w.Done()
			if _, err := w.Execute(bound(t), Request{Code: "1"}); !errors.As(err, &gone) {
				t.Errorf("later: %v, want a GoneError", err)
			}
			if _, err := w.Objects(bound(t)); !errors.As(err, &gone) {
				t.Errorf("objects: %v, want a GoneError", err)
			}
			w.Cancel()
			w.Kill()
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
