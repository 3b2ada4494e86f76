package console

import (
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mlserver-go/mls/wrapper/mlserver"
)

var unfinishedInR, finishedInR = []string{
	"f(", "x[1", "x[[1]", "{", "1 +", "x <-", "x =", "function(x)", `\(x)`, "if (x)", "while (TRUE)", "for (i in 1:3)", "if (x) 1 else",
	`"abc`, `'it\'s`, "`abc", `r"(abc`, `r"--(a)-"`, "x |>", "x$", "x@", "repeat", "a %in%", "x ~", "!", "-", "f(1,\n", "f <- function(x) {\n  x + 1",
	"c(1, # one", "1 + # more", "x <- c('a)',", "function", "if (a) {\n1\n} else",
}, []string{
	"", " ", "# (", "1", "f()", "x[[1]]", "{}", "1 + 1", "x <- 1", "function(x) x", `\(x) x`, "if (x) 1", "if (x) 1 else 2",
	`"a(c"`, `'it\'s'`, "`a b`", `r"(a"b)"`, `r"--(a)-)--"`, `R'[x]'`, "x$y", "repeat break", "1 %in% 2", "f(1,\n2)", "a b", ")", "f)", "%in", "x}",
	"f <- function(x) {\n  x + 1 # (\n}", "1;", "elsewhere", "if_x", "é + ü", "'('", "\xff", "x <- 5 # (",
}

var unfinishedInPython, finishedInPython = []string{
	"f(", "x = [1,", "{", "'''abc", `"""a` + "\nb", "x = 1 + \\", "def f():", "def f():\n    return 1", "if x: print(1)", "for i in y:\n  i\n\n  j", "@d\ndef f():",
	"class A:", "try:\n  1\nexcept E:", "async def f():", "match x:", "f(1, # )", "'''a\n",
}, []string{
	"", "1", "f()", "x = [1,\n2]", "'''a\nb'''", "x = 1 + \\\n1", "def f():\n    return 1\n", "if x: print(1)\n", "'abc", "definite = 1", "iffy", "x = ')'", "# (", ")",
	"x[1:2]", "{'a': 1}", `"it\"s ("`, "tryout()", "lambda: 1",
}

// TestUnfinished compares the guess with what R and Python themselves say.
func TestUnfinished(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		language             mlserver.Runtime
		guess                func(string) bool
		unfinished, finished []string
	}{
		{mlserver.R, unfinishedR, unfinishedInR, finishedInR},
		{mlserver.Python, unfinishedPython, unfinishedInPython, finishedInPython},
	} {
		cfg := Config{Out: NewScreen(io.Discard)}
		withLocal(t, test.language)(&cfg)
		defer cfg.Local.Close()
		for i, code := range append(slices.Clone(test.unfinished), test.finished...) {
			want := i < len(test.unfinished)
			if got := test.guess(code); got != want {
				t.Errorf("%s: %q: unfinished is %v, want %v", test.language, code, got, want)
			}
			if utf8.ValidString(code) {
				said, err := cfg.Local.Complete(bound(t), code)
				if err != nil || (said == "incomplete") != want {
					t.Errorf("%s says of %q: %s, %v; unfinished is to be %v", test.language, code, said, err, want)
				}
			}
		}
	}
}

func FuzzUnfinished(f *testing.F) {
	for _, code := range []string{"f(", `r"--(a)--"`, "x %in% y", "if (a) {\n1\n} else", "'''a", "def f():\n  x\\\n", "\xff(", "`a`"} {
		f.Add(code)
	}
	f.Fuzz(func(t *testing.T, code string) {
		// Whatever stands in a comment, the line is finished.
		comment := "1 # " + strings.NewReplacer("\n", " ", "\r", " ").Replace(code)
		if unfinishedR(comment) {
			t.Errorf("R: %q wants more lines", comment)
		}
		if unfinishedPython(strings.TrimRight(comment, "\\")) {
			t.Errorf("Python: %q wants more lines", comment)
		}
		_, _ = unfinishedR(code), unfinishedPython(code) // there is an end to it
	})
}
