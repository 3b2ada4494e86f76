package runtimes

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestObjects(t *testing.T) {
	for lang, code := range map[Language]string{
		R:      "b <- 1; a <- function() 2; .hidden <- 3",
		Python: "import os\nb = 1\ndef a(): pass\n_hidden = 3",
	} {
		w := worker(t, lang)
		if got, err := w.Objects(bound(t)); err != nil || len(got) != 0 {
			t.Errorf("%s: a new workspace has %q, %v", lang, got, err)
		}
		execute(t, w, code)
		got, err := w.Objects(bound(t))
		if want := []string{"a", "b"}; err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v, want %q", lang, got, err, want)
		}
		if err := w.RemoveObject(bound(t), "b"); err != nil {
			t.Errorf("%s: %v", lang, err)
		}
		if got, _ := w.Objects(bound(t)); !slices.Equal(got, []string{"a"}) {
			t.Errorf("%s: after removing %q", lang, got)
		}
		var buf bytes.Buffer
		for _, err := range []error{w.RemoveObject(bound(t), "b"), w.WriteObject(bound(t), "b", &buf), w.WriteObject(bound(t), "print", &buf)} {
			if !errors.Is(err, ErrNoObject) {
				t.Errorf("%s: %v, want ErrNoObject", lang, err)
			}
		}
		if buf.Len() > 0 {
			t.Errorf("%s: %d bytes of an object that is none", lang, buf.Len())
		}
	}
}

func TestObjectMoves(t *testing.T) {
	for _, test := range []struct {
		lang               Language
		define, use, want  string
		header, damagedErr string
	}{
		{R, "model <- lm(am ~ hp + wt, mtcars)", "cat(format(predict(moved, data.frame(hp = 120, wt = 2.8)), digits = 7))", "0.5332669", "\x1f\x8b", "unknown input format"},
		{Python, "from sklearn import svm, datasets\niris = datasets.load_iris()\nmodel = svm.SVC(); _ = model.fit(iris.data, iris.target)", "print(moved.predict([[7, 3.2, 4.7, 1.4]]))", "[1]\n", "\x80", "invalid load key"},
	} {
		from, to := worker(t, test.lang), worker(t, test.lang)
		consoleOf(t, from, test.define)
		var buf bytes.Buffer
		if err := from.WriteObject(bound(t), "model", &buf); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(buf.String(), test.header) {
			t.Errorf("%s: the object begins %.10q", test.lang, buf.String())
		}
		if err := to.ReadObject(bound(t), "moved", &buf); err != nil {
			t.Fatal(err)
		}
		if got := consoleOf(t, to, test.use); got != test.want {
			t.Errorf("%s: %q, want %q", test.lang, got, test.want)
		}
		err := to.ReadObject(bound(t), "damaged", strings.NewReader("not an object"))
		if err == nil || !strings.Contains(err.Error(), test.damagedErr) {
			t.Errorf("%s: damaged data: %v", test.lang, err)
		}
		files, _ := filepath.Glob(filepath.Join(to.tmp, "object-*"))
		if len(files) > 0 {
			t.Errorf("%s: left behind: %q", test.lang, files)
		}
	}
}

// TestReadObjectForms: all that R programs make of an object for upload.
func TestReadObjectForms(t *testing.T) {
	w := worker(t, R)
	consoleOf(t, w, `x <- c(a = 1.5, b = 2); y <- 'other'
writeBin(serialize(x, NULL), 'serialize')
writeBin(serialize(x, NULL, ascii = TRUE), 'ascii')
writeBin(serialize(x, NULL, version = 2), 'version2')
saveRDS(x, 'rds.gz'); saveRDS(x, 'rds.xz', compress = 'xz'); saveRDS(x, 'rds.bz2', compress = 'bzip2'); saveRDS(x, 'rds', compress = FALSE)
save(x, file = 'save'); save(x, file = 'save2', version = 2); save(x, file = 'savexz', compress = 'xz'); save(x, file = 'saveascii', ascii = TRUE); save(x, file = 'saveplain', compress = FALSE)
z <- x; save(y, z, file = 'several'); other <- x; save(other, file = 'othername')`)
	for _, name := range []string{"serialize", "ascii", "version2", "rds.gz", "rds.xz", "rds.bz2", "rds", "save", "save2", "savexz", "saveascii", "saveplain", "several", "othername"} {
		f, err := os.Open(filepath.Join(w.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		execute(t, w, "rm(z)")
		err = w.ReadObject(bound(t), "z", f)
		f.Close()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got := consoleOf(t, w, "identical(x, z)"); got != "[1] TRUE\n" {
			t.Errorf("%s: identical says %s", name, got)
		}
	}
	f, err := os.Open(filepath.Join(w.dir, "several"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := w.ReadObject(bound(t), "absent", f); err == nil || !strings.Contains(err.Error(), "the file holds 2 objects, none of them named absent") {
		t.Errorf("several objects: %v", err)
	}
}

func TestWorkspace(t *testing.T) {
	for _, test := range []struct {
		lang      Language
		define    string
		use, want string
		skipped   string
	}{
		{R, "y <- 10; f <- function(x) x + y; .h <- 'hidden'; d <- data.frame(a = 1:2)", "y <- 100; cat(f(5), .h, sum(d$a), kept)", "105 hidden 3 yes", ""},
		{Python, "import math\ny = 10\ndef f(x): return x + y\nclass A:\n  v = math.pi\na = [1]; b = a; g = (i for i in range(3))", "y = 100; a.append(2); print(f(5), A.v > 3, b, math.e > 2, kept)", "105 True [1, 2] True yes\n", "g: "},
	} {
		from, to := worker(t, test.lang), worker(t, test.lang)
		consoleOf(t, from, test.define)
		path := filepath.Join(t.TempDir(), "workspace")
		skipped, err := from.SaveWorkspace(bound(t), path)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(skipped, "; "); !strings.HasPrefix(got, test.skipped) || (got == "") != (test.skipped == "") {
			t.Errorf("%s: skipped %q, want %q", test.lang, got, test.skipped)
		}
		request(t, to, Request{Inputs: []Input{{Name: "kept", Value: raw(`"yes"`)}, {Name: "y", Value: raw("1")}}})
		if err := to.LoadWorkspace(bound(t), path); err != nil {
			t.Fatal(err)
		}
		if got := consoleOf(t, to, test.use); got != test.want {
			t.Errorf("%s: %q, want %q", test.lang, got, test.want)
		}
		if err := to.LoadWorkspace(bound(t), filepath.Join(t.TempDir(), "nosuch")); err == nil {
			t.Errorf("%s: a workspace file that does not exist was loaded", test.lang)
		}
		if _, err := to.SaveWorkspace(bound(t), filepath.Join(t.TempDir(), "no", "such")); err == nil {
			t.Errorf("%s: a workspace was saved in a directory that does not exist", test.lang)
		}
		if r := execute(t, to, "1"); !r.Success || r.Console == "" {
			t.Errorf("%s: after errors: %+v", test.lang, r)
		}
	}
}

// Without dill Python still runs code; objects say what is missing.
func TestPythonWithoutDill(t *testing.T) {
	i := *interpreter(t, Python)
	blocked := t.TempDir()
	if err := os.WriteFile(filepath.Join(blocked, "dill.py"), []byte("raise ImportError('blocked')"), 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := i.Start(bound(t), Options{Dir: t.TempDir(), Env: []string{"PYTHONPATH=" + blocked}})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if got := consoleOf(t, w, "x = 1; print(x)"); got != "1\n" {
		t.Errorf("console %q", got)
	}
	err = w.WriteObject(bound(t), "x", &bytes.Buffer{})
	if want := "objects and snapshots need the Python package dill"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
}

func TestComplete(t *testing.T) {
	for lang, codes := range map[Language]map[string]string{
		R: {
			"1 + 1": "complete", "": "complete", "# comment": "complete", "f(": "incomplete", "1 +": "incomplete", "x <-": "incomplete",
			"function(x)": "incomplete", "if (x)": "incomplete", `"abc`: "incomplete", "`abc": "incomplete", `r"(abc`: "incomplete",
			"x |>": "incomplete", "repeat": "incomplete", "{": "incomplete", "a b": "invalid", ")": "invalid", "%in%": "invalid",
			"if (TRUE) {\n1\n} else {": "incomplete", "if (TRUE) {\n1\n}": "complete",
		},
		Python: {
			"1 + 1": "complete", "": "complete", "# comment": "complete", "f(": "incomplete", "def f():": "incomplete", "def f():\n  return 1": "incomplete",
			"def f():\n  return 1\n": "complete", "'''abc": "incomplete", "a b": "invalid", ")": "invalid", "x = 1\ny = 2": "complete", "x = [1,": "incomplete",
			"for i in x:": "incomplete", "x = 1 +": "invalid", "x = 1\nf(": "incomplete",
		},
	} {
		w := common(t, lang)
		for code, want := range codes {
			if got, err := w.Complete(bound(t), code); err != nil || got != want {
				t.Errorf("%s: %q is %s, %v; want %s", lang, code, got, err, want)
			}
		}
	}
}
