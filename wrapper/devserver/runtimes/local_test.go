package runtimes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// heard is an Out that can be looked at while it is written.
type heard struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.Write(p)
}

// take returns what has come since the last time.
func (h *heard) take() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	defer h.text.Reset()
	return h.text.String()
}

// localWorker starts a user's own worker, with the program's answers by the name of the question.
func localWorker(t *testing.T, lang Language, answers map[string]func(context.Context, []Named) ([]Input, error)) (*Worker, *heard) {
	t.Helper()
	out := &heard{}
	t.Setenv("MLS_TEST_OWN", "mine")
	w, err := interpreter(t, lang).Start(bound(t), Options{Dir: t.TempDir(), Local: &Local{
		Out: out, Args: []string{"one", "two words"},
		Source: map[Language]string{R: "shim$host <- host", Python: "ns['host'] = host"}[lang],
		Call: func(ctx context.Context, name string, args []Named) ([]Input, error) {
			if answer := answers[name]; answer != nil {
				return answer(ctx, args)
			}
			return nil, fmt.Errorf("nobody answers to %s", name)
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w, out
}

func echo(_ context.Context, args []Named) (answer []Input, err error) {
	for _, a := range args {
		answer = append(answer, Input{Name: a.Name, Value: a.Value})
	}
	return answer, nil
}

func TestLocalAsks(t *testing.T) {
	w, out := localWorker(t, R, map[string]func(context.Context, []Named) ([]Input, error){
		"echo": echo,
		"nul": func(context.Context, []Named) ([]Input, error) {
			return []Input{{Name: "v", Value: raw(`"a\u0000b"`)}}, nil
		},
		"as": func(_ context.Context, args []Named) ([]Input, error) {
			return []Input{{"v", string(unquoted(args[0])), args[1].Value}}, nil
		},
	})
	for _, c := range []struct{ code, want string }{
		{`host("nul")`, "$v\n[1] \"ab\"\n\n"},
		{`x <- c(pi, 1/3, 5e-324, 1.7976931348623157e308, -0); identical(host("echo", x = x)$x, x)`, "[1] TRUE\n"},
		{`set.seed(1); x <- rnorm(1000); identical(host("echo", x = x)$x, x)`, "[1] TRUE\n"},
		{`host("echo", a = "é", b = NULL, c = TRUE)`, "$a\n[1] \"é\"\n\n$b\nNULL\n\n$c\n[1] TRUE\n\n"},
		{`host("as", "list", list(list(name = "x", n = c(1, 2)), list(name = "y")))$v[[1]]$n`, "[1] 1 2\n"},
		{`host("as", "data.frame", data.frame(x = 1, y = "b"))$v`, "  x y\n1 1 b\n"},
		{`cat("before "); tryCatch(host("nothing"), error = function(e) cat("<", conditionMessage(e), ">\n"))`, "before < nobody answers to nothing >\n"},
		{`host("echo", f = mean)`, "Error: a value of class \"function\" has no form in JSON\n"},
		{`commandArgs(TRUE); Sys.getenv("MLS_TEST_OWN")`, "[1] \"one\"       \"two words\"\n[1] \"mine\"\n"},
	} {
		execute(t, w, c.code)
		if got := out.take(); got != c.want {
			t.Errorf("%s\nprinted %q\nwant    %q", c.code, got, c.want)
		}
	}
	if r := execute(t, w, `cat("x\n"); q(status = 4); cat("y\n")`); r.Kind != KindExit || r.Status != 4 || out.take() != "x\n" {
		t.Errorf("q() gave %+v", r)
	}
	names, err := w.Completions(bound(t), "y <- mtc", 8)
	if err != nil || !slices.Contains(names, "mtcars") {
		t.Errorf("mtc completes to %q, %v", names, err)
	}
}

// unquoted is the text of a JSON string.
func unquoted(n Named) []byte { return bytes.Trim(n.Value, `"`) }

func TestLocalAsksPython(t *testing.T) {
	w, out := localWorker(t, Python, map[string]func(context.Context, []Named) ([]Input, error){
		"echo": echo,
		"readline": func(_ context.Context, args []Named) ([]Input, error) {
			return []Input{{Name: "line", Value: raw(`"yes"`)}}, nil
		},
	})
	for _, c := range []struct{ code, want string }{
		{"x = [0.1, 1/3, 5e-324, 2**53]; host('echo', x=x)['x'] == x", "True\n"},
		{"input('sure? ')", "'yes'\n"},
		{"import sys; sys.argv[1:]; import os; os.environ['MLS_TEST_OWN']", "['one', 'two words']\n'mine'\n"},
		{"host('nothing')", "RuntimeError: nobody answers to nothing\n"},
		{"import threading\nt = threading.Thread(target=lambda: host('echo'))\nt.start(); t.join()", "RuntimeError: only the main thread can ask the program that Python belongs to, during an execution\n"},
	} {
		execute(t, w, c.code)
		if got := out.take(); !strings.HasSuffix(got, c.want) {
			t.Errorf("%s\nprinted %q\nwant    %q", c.code, got, c.want)
		}
	}
	for code, want := range map[string]int{"exit()": 0, "import sys; sys.exit(5)": 5, "raise SystemExit('no')": 1} {
		if r := execute(t, w, code); r.Kind != KindExit || r.Status != want {
			t.Errorf("%s gave %+v", code, r)
		}
	}
	names, err := w.Completions(bound(t), "import os; os.getc", 18)
	if err != nil || !slices.Contains(names, "os.getcwd") && !slices.Contains(names, "os.getcwd()") {
		t.Errorf("os.getc completes to %q, %v", names, err)
	}
}

// TestLocalInterrupted: an interrupt while the program answers ends the execution, and the next one works.
func TestLocalInterrupted(t *testing.T) {
	for lang, codes := range map[Language][2]string{
		R:      {`tryCatch(host("wait"), error = function(e) cat("caught")); cat("went on")`, `host("echo", x = 2)$x`},
		Python: {"try:\n    host('wait')\nexcept Exception:\n    print('caught')\nprint('went on')", "host('echo', x=2)['x']"},
	} {
		asked := make(chan struct{}, 1)
		w, out := localWorker(t, lang, map[string]func(context.Context, []Named) ([]Input, error){
			"echo": echo,
			"wait": func(ctx context.Context, _ []Named) ([]Input, error) {
				asked <- struct{}{}
				<-ctx.Done()
				return nil, errors.New("cut short")
			},
		})
		for range 3 {
			go func() { <-asked; w.Cancel() }()
			r := execute(t, w, codes[0])
			if text := out.take(); r.Kind != KindInterrupt || strings.Contains(text, "caught") || strings.Contains(text, "went on") {
				t.Errorf("%s: %+v, %q", lang, r, text)
			}
			if r := execute(t, w, codes[1]); !r.Success || !strings.HasSuffix(strings.TrimSpace(out.take()), "2") {
				t.Errorf("%s: afterwards %+v", lang, r)
			}
		}
	}
}
