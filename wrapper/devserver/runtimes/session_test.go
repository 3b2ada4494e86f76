package runtimes

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestChangedFiles(t *testing.T) {
	for _, test := range []struct {
		lang       Language
		code, undo string
	}{
		{R, "setwd('..'); cat('x', file = file.path(d, 'new.txt')); dir.create(file.path(d, 'sub')); cat('y', file = file.path(d, 'sub', 'b.txt')); cat('longer', file = file.path(d, 'old.txt')); unlink(file.path(d, 'gone.txt'))", "d"},
		{Python, "import os; os.chdir('..'); j = os.path.join\nopen(j(d, 'new.txt'), 'w').close(); os.mkdir(j(d, 'sub')); open(j(d, 'sub', 'b.txt'), 'w').close(); _ = open(j(d, 'old.txt'), 'w').write('longer'); os.remove(j(d, 'gone.txt'))", "d"},
	} {
		w := worker(t, test.lang)
		for _, name := range []string{"old.txt", "gone.txt", "same.txt"} {
			if err := os.WriteFile(filepath.Join(w.dir, name), []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		r := request(t, w, Request{Code: test.code, Inputs: []Input{{Name: "d", Value: raw(`"` + w.dir + `"`)}}})
		if want := []string{"new.txt", "old.txt", "sub/b.txt"}; !r.Success || !slices.Equal(r.Changed, want) {
			t.Errorf("%s: %+v, want %q", test.lang, r, want)
		}
		if r := execute(t, w, test.undo); len(r.Changed) != 0 {
			t.Errorf("%s: nothing done, changed %q", test.lang, r.Changed)
		}
	}
}

func TestPlotsR(t *testing.T) {
	w := worker(t, R)
	for _, step := range []struct {
		code    string
		changed string
	}{
		{"hist(mtcars$mpg)", "Rplot001.png"},
		{"par(mfrow = c(1, 2)); plot(1:3); plot(2:4); plot(3:5)", "Rplot002.png Rplot003.png"},
		{"png('own.png'); plot(1:3); dev.off()", "own.png"},
		{"png('left open.png'); plot(1:3)", "left open.png"},
		{"plot(1:3); stop('after plotting')", "Rplot004.png"},
		{"1", ""},
	} {
		r := execute(t, w, step.code)
		if got := strings.Join(r.Changed, " "); got != step.changed {
			t.Errorf("%s: changed %q, want %q; %s", step.code, got, step.changed, r.Error)
		}
	}
	png, err := os.ReadFile(filepath.Join(w.dir, "Rplot001.png"))
	if err != nil || len(png) < 24 || string(png[1:4]) != "PNG" {
		t.Fatalf("%v, %d bytes", err, len(png))
	}
	if width, height := int(png[18])<<8|int(png[19]), int(png[22])<<8|int(png[23]); width != 400 || height != 400 {
		t.Errorf("%d x %d pixels, want 400 x 400", width, height)
	}
	if r := execute(t, w, "lines(1:3)"); !strings.Contains(r.Error, "plot.new has not been called yet") {
		t.Errorf("a device outlived its execution: %+v", r)
	}
	if _, err := os.Stat(filepath.Join(w.dir, "Rplots.pdf")); err == nil {
		t.Error("Rplots.pdf was written")
	}
}

func TestPlotsPython(t *testing.T) {
	w := worker(t, Python)
	if r := execute(t, w, "import matplotlib.pyplot as plt"); !r.Success {
		missing(t, "Python lacks matplotlib: %s", r.Error)
	}
	r := execute(t, w, "open('plot001.png', 'w').close()") // not to be written over
	if want := []string{"plot001.png"}; !slices.Equal(r.Changed, want) {
		t.Fatalf("%+v, want %q", r, want)
	}
	r = execute(t, w, "_ = plt.plot([1, 2, 3]); _ = plt.figure(); _ = plt.hist([1, 1, 2])")
	if want := []string{"plot002.png", "plot003.png"}; !r.Success || !slices.Equal(r.Changed, want) {
		t.Errorf("%+v, want %q", r, want)
	}
	if png, err := os.ReadFile(filepath.Join(w.dir, "plot002.png")); err != nil || !strings.HasPrefix(string(png), "\x89PNG") {
		t.Errorf("%v, %d bytes", err, len(png))
	}
	if r := execute(t, w, "1"); len(r.Changed) != 0 {
		t.Errorf("plotted again: %+v", r)
	}
	r = execute(t, w, "_ = plt.plot([1, 2]); plt.figure = None")
	if !r.Success || !strings.Contains(r.Console, "plot: 'NoneType' object is not callable") {
		t.Errorf("a figure that cannot be saved: %+v", r)
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("MLS_TEST_SECRET", "secret")
	t.Setenv("OMP_TEST", "passed on")
	show := map[Language]string{
		R:      "e <- Sys.getenv(); cat(paste0(names(e), '=', e), sep = '\\n')",
		Python: "import os; print('\\n'.join(k + '=' + v for k, v in os.environ.items()))",
	}
	for lang, code := range show {
		w, err := interpreter(t, lang).Start(bound(t), Options{Dir: t.TempDir(), Env: []string{"MINE=yes=no"}})
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		env := consoleOf(t, w, code)
		for _, want := range []string{"MINE=yes=no\n", "TMPDIR=" + w.tmp + "\n", "LANGUAGE=en\n", "OMP_TEST=passed on\n"} {
			if !strings.Contains(env, want) {
				t.Errorf("%s: no %q in\n%s", lang, want, env)
			}
		}
		if strings.Contains(env, "secret") {
			t.Errorf("%s: the parent's environment got in", lang)
		}
	}
}

func TestEnvironLocale(t *testing.T) {
	usual := "LANG=C.UTF-8"
	if runtime.GOOS == "darwin" {
		usual = "LANG=en_US.UTF-8"
	}
	for _, test := range []struct {
		env  environ
		want string
	}{
		{environ{"LANG=de_DE.UTF-8"}, "LANG=de_DE.UTF-8"},
		{environ{"LANG=de_DE.UTF-8", "LC_ALL=fr_FR.utf8"}, "LANG=fr_FR.utf8"},
		{environ{"LANG=de_DE", "LC_ALL=C"}, usual},
		{nil, usual},
	} {
		if got := test.env.clean(); !slices.Contains(got, test.want) {
			t.Errorf("%q gives %q, want %q", test.env, got, test.want)
		}
	}
}

func TestTemporaryFiles(t *testing.T) {
	for lang, code := range map[Language]string{
		R:      "cat('x', file = tempfile()); cat(dirname(dirname(tempfile())))",
		Python: "import tempfile, os; print(os.path.dirname(tempfile.mkstemp()[1]), end='')",
	} {
		w := worker(t, lang)
		if got := consoleOf(t, w, code); got != w.tmp {
			t.Errorf("%s: temporary files are in %s, want %s", lang, got, w.tmp)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(w.tmp); err == nil {
			t.Errorf("%s: %s is still there", lang, w.tmp)
		}
	}
}

func TestMemoryLimit(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("a limit is supported on Linux only")
	}
	for lang, c := range map[Language]struct{ code, error string }{
		R:      {"x <- numeric(1e9)", "cannot allocate vector of size 7.5 Gb"},
		Python: {"x = bytearray(8 * 10**9)", "MemoryError"},
	} {
		w, err := interpreter(t, lang).Start(bound(t), Options{Dir: t.TempDir(), MemoryLimit: 3 << 30})
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		if r := execute(t, w, c.code); r.Success || !strings.Contains(r.Error, c.error) {
			t.Errorf("%s: %+v, want %q", lang, r, c.error)
		}
		if r := execute(t, w, "1"); !r.Success {
			t.Errorf("%s: afterwards %+v", lang, r)
		}
	}
}

// Output that the user sent to a file goes there until the user ends it; executions end all the same.
func TestOutputRedirected(t *testing.T) {
	for lang, c := range map[Language][3]string{
		R:      {"sink('f'); print(1)", "print(2)", "sink(); cat(readLines('f'))"},
		Python: {"import sys; sys.stdout = open('f', 'w'); print('[1] 1')", "print('[1] 2')", "sys.stdout.close(); sys.stdout = sys.__stdout__; print(*open('f').read().splitlines(), end='')"},
	} {
		w := worker(t, lang)
		if got := consoleOf(t, w, c[0]) + consoleOf(t, w, c[1]); got != "" {
			t.Errorf("%s: %q was printed", lang, got)
		}
		if got, want := consoleOf(t, w, c[2]), "[1] 1 [1] 2"; got != want {
			t.Errorf("%s: the file holds %q, want %q", lang, got, want)
		}
	}
}

// A worker starts with nothing that its own preparation left.
func TestFreshWorker(t *testing.T) {
	for lang, c := range map[Language]struct{ code, want string }{
		R:      {"cat(length(ls(all.names = TRUE)), search()[2], is.null(warnings()), exists('plain'), nrow(showConnections()), '\\n')", "0 mlserver:session TRUE FALSE 3 \n"},
		Python: {"import sys; print(sorted(globals()), sys.argv, sys.path[0] == '', __name__)", "['__builtins__', '__doc__', '__loader__', '__name__', '__package__', '__spec__', 'sys'] [''] True __main__\n"},
	} {
		w := worker(t, lang)
		if w.Console() != "" || w.Busy() {
			t.Errorf("%s: console %q", lang, w.Console())
		}
		if got := consoleOf(t, w, c.code); got != c.want {
			t.Errorf("%s: %q, want %q", lang, got, c.want)
		}
	}
}
