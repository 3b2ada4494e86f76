package console

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// endMark is what the reference prints between the answers.
const endMark = "<<end of snippet>>"

func snippets(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	list := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n#%%\n")
	if len(list) < 100 {
		t.Fatalf("%d snippets in %s, want 100 or more", len(list), file)
	}
	return list
}

// otherwiseR are the snippets for which the remote prompt prints something else than R's own terminal, and why.
var otherwiseR = map[string]string{
	"mean":           "an address in memory",
	"new.env()":      "an address in memory",
	`UseMethod("x")`: "the server evaluates code in a function: typed at R's top level this is an error of its own",
	"return(5)":      "likewise",
	"sys.call(); sys.function; parent.frame(); environment()": "likewise, and an address in memory",
	"a b":           "the server parses a text, R's terminal lines: the place of a syntax error is told otherwise",
	"'it''s'":       "likewise",
	"x <- c(1, 2))": "likewise",
	`cat("\xff\xfe", "\n"); x <- "caf\xe9"; Encoding(x) <- "latin1"; x; cat(x, "\n")`: "bytes that are no UTF-8 cannot be sent as JSON: they become U+FFFD",
}

// TestPromptIsTheTerminalR types snippets at the remote prompt and into R itself. Both print the same, byte for byte.
func TestPromptIsTheTerminalR(t *testing.T) {
	t.Parallel()
	code := snippets(t, "corpus.R")
	// base::cat, because a snippet may define its own.
	want := reference(t, code, "base::cat('"+endMark+"\\n')\n", "",
		interpreter(t, mlserver.R).Path, "--no-readline", "--interactive", "--no-echo", "--no-save", "--no-restore", "--no-init-file")
	u := open(sharedServer(t), Login{})
	compare(t, u, code, want, otherwiseR)
}

// reference is what an interpreter prints for each snippet.
func reference(t *testing.T, code []string, mark, prelude, program string, args ...string) []string {
	t.Helper()
	cmd := exec.CommandContext(bound(t), program, args...)
	cmd.Dir, cmd.Env = t.TempDir(), append(os.Environ(), "LANGUAGE=en", "LC_ALL=C.UTF-8", "TERM=dumb")
	cmd.Stdin = strings.NewReader(prelude + mark + strings.Join(code, "\n"+mark) + "\n" + mark)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	answers := strings.Split(out.String(), endMark+"\n")
	if len(answers) != len(code)+2 {
		t.Fatalf("%d answers for %d snippets:\n%s", len(answers)-2, len(code), out.String())
	}
	return answers[1:]
}

func compare(t *testing.T, u *user, code, want []string, otherwise map[string]string) {
	t.Helper()
	differ := 0
	for i, snippet := range code {
		got := u.types(snippet)
		if u.lang.name == "Python" {
			got = untold(got)
		}
		if u.prompt != Prompt {
			t.Fatalf("%s\nthe prompt is %q", snippet, u.prompt)
		}
		reason, excepted := otherwise[snippet]
		switch {
		case excepted && got == want[i]:
			t.Errorf("%s\nis no exception any more: %s", snippet, reason)
		case excepted:
			differ++
		case got != want[i]:
			t.Errorf("%s\nthe terminal: %q\nthe prompt:   %q", snippet, want[i], got)
		}
	}
	t.Logf("%d snippets, %d of them exceptions", len(code), differ)
}

// otherwisePython are the snippets for which the remote prompt prints something else than Python's own terminal, and why.
var otherwisePython = map[string]string{
	"import warnings\nwarnings.simplefilter('always')\nwarnings.warn('careful')":                      "a warning shows the code, which Python's terminal has forgotten",
	"def noisy():\n    warnings.warn('from a function', DeprecationWarning)\n    return 1\n\nnoisy()": "likewise",
	"np.array([1, 2, 3]) / 0":                "likewise",
	"def r(n):\n    return r(n + 1)\n\nr(0)": "the server's own calls count as well",
	"object()":                               "an address in memory",
}

var (
	typedFile = regexp.MustCompile(`File "<[^>]*>", line`)
	typedCode = regexp.MustCompile(`(?m)^(  File "<typed>", .*\n)(?:    .*\n)+`)
)

// untold takes from tracebacks what only one of them tells about code that was typed: Python's own terminal has forgotten it
// (before 3.13), the server shows the line.
func untold(text string) string {
	return typedCode.ReplaceAllString(typedFile.ReplaceAllString(text, `File "<typed>", line`), "$1")
}

// TestPromptIsTheTerminalPython is the same for Python.
func TestPromptIsTheTerminalPython(t *testing.T) {
	t.Parallel()
	code := snippets(t, "corpus.py")
	want := reference(t, code, "print('"+endMark+"')\n", "import sys; sys.ps1 = sys.ps2 = ''\n", interpreter(t, mlserver.Python).Path, "-q", "-i", "-u")
	u := open(sharedServer(t), Login{}, inPython)
	for i := range want {
		want[i] = untold(want[i])
	}
	compare(t, u, code, want, otherwisePython)
}
