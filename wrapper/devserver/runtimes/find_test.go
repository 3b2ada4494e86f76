package runtimes

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/internal/program"
)

// script writes a shell script that can be run, and returns its path.
func script(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := program.Write(path, "#!/bin/sh\n"+text+"\n"); err != nil {
		t.Fatal(err)
	}
	return path
}

// What a probe answers.
func answers(path, version, packages string) string {
	return "echo 'text of a start-up file'; echo; echo '" + probed + `{"path":"` + path + `","version":"` + version + `","packages":{` + packages + "}}'"
}

func TestFind(t *testing.T) {
	const all = `"dill":"1","numpy":"1","pandas":"1","sklearn":"1"`
	bare := script(t, "python3", answers("/real/bare", "3.11.7", ""))
	some := script(t, "python3", answers("/real/some", "3.12.0", `"numpy":"2"`))
	full := script(t, "python", answers("/real/full", "3.11.2", all))
	other := script(t, "python3", answers("/real/other", "3.10.0", all))
	broken := script(t, "python3", "echo 'python3: cannot start' >&2; exit 127")
	old := script(t, "python", "echo 'it is Python 2.7, at least 3.7 is needed' >&2; exit 1")
	silent := script(t, "python3", "echo hello")
	link := filepath.Join(t.TempDir(), "python3")
	if err := os.Symlink(some, link); err != nil {
		t.Fatal(err)
	}
	venv := filepath.Dir(filepath.Dir(script(t, "x", "")))
	if err := os.MkdirAll(filepath.Join(venv, "v", "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(other, filepath.Join(venv, "v", "bin", "python")); err != nil {
		t.Fatal(err)
	}
	path := func(programs ...string) string {
		var dirs []string
		for _, p := range programs {
			dirs = append(dirs, filepath.Dir(p))
		}
		return strings.Join(dirs, ":")
	}
	for _, test := range []struct {
		name     string
		env      environ
		explicit string
		usual    []string
		want     string
		missing  string
	}{
		{name: "a shim without packages comes first", env: environ{"PATH=" + path(bare, full)}, want: "/real/full"},
		{name: "the first that lacks nothing", env: environ{"PATH=" + path(full, other)}, want: "/real/full"},
		{name: "broken ones", env: environ{"PATH=" + path(broken, old, silent, full)}, want: "/real/full"},
		{name: "the one that lacks least", env: environ{"PATH=" + path(bare, some)}, want: "/real/some", missing: "dill pandas sklearn"},
		{name: "the usual places", env: environ{"PATH=" + path(bare)}, usual: []string{full}, want: "/real/full"},
		{name: "nothing on PATH", usual: []string{filepath.Dir(full) + "/p*"}, want: "/real/full"},
		{name: "relative directories of PATH are not looked into", env: environ{"PATH=.:" + path(full)}, want: "/real/full"},
		{name: "virtual environment", env: environ{"PATH=" + path(full), "VIRTUAL_ENV=" + filepath.Join(venv, "v")}, want: "/real/other"},
		{name: "conda", env: environ{"PATH=" + path(full), "CONDA_PREFIX=" + filepath.Join(venv, "v")}, want: "/real/other"},
		{name: "the variable", env: environ{"PATH=" + path(full), "MLS_PYTHON=" + bare}, want: "/real/bare", missing: "dill numpy pandas sklearn"},
		{name: "explicit", env: environ{"PATH=" + path(full), "MLS_PYTHON=" + broken}, explicit: some, want: "/real/some", missing: "dill pandas sklearn"},
		{name: "a link", env: environ{"PATH=" + path(link, some)}, want: "/real/some", missing: "dill pandas sklearn"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := finder{env: test.env, usual: map[Language][]string{Python: test.usual}, patience: 3 * time.Minute}
			i, err := f.find(bound(t), Python, test.explicit)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(i.Missing, " "); i.Path != test.want || got != test.missing || i.Version == "" || i.Language != Python {
				t.Errorf("%+v, want %s lacking %q", i, test.want, test.missing)
			}
		})
	}

	t.Run("each program once", func(t *testing.T) {
		f := finder{env: environ{"PATH=" + path(link, some, some, full)}}
		if got, want := f.candidates(Python), []string{link, full}; !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	})
	t.Run("none", func(t *testing.T) {
		for lang, want := range map[Language]string{R: "apt-get install --no-install-recommends r-base-core", Python: "apt-get install --no-install-recommends python3 python3-dill"} {
			_, err := finder{}.find(bound(t), lang, "")
			var missing *NotFoundError
			if !errors.As(err, &missing) || missing.Language != lang || !strings.Contains(err.Error(), "no usable "+string(lang)+" found") || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", lang, err)
			}
		}
	})
	t.Run("only broken ones", func(t *testing.T) {
		f := finder{env: environ{"PATH=" + path(broken, old, silent)}, patience: 3 * time.Minute}
		_, err := f.find(bound(t), Python, "")
		for _, want := range []string{broken + ": python3: cannot start (exit status 127)", "at least 3.7 is needed", "it does not answer as Python does"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v\nwant it to contain %q", err, want)
			}
		}
	})
	t.Run("explicit and broken", func(t *testing.T) {
		f := finder{env: environ{"PATH=" + path(full), "MLS_PYTHON=/no/such/python"}, patience: 3 * time.Minute}
		for explicit, want := range map[string]string{"": "/no/such/python (from MLS_PYTHON): there is no such program", broken: broken + ": python3: cannot start"} {
			_, err := f.find(bound(t), Python, explicit)
			var missing *NotFoundError
			if !errors.As(err, &missing) || !strings.Contains(err.Error(), want) {
				t.Errorf("%v\nwant it to contain %q", err, want)
			}
		}
	})
	t.Run("one that hangs", func(t *testing.T) {
		f := finder{patience: 50 * time.Millisecond}
		_, err := f.find(bound(t), Python, script(t, "python3", "sleep 600"))
		if err == nil || !strings.Contains(err.Error(), "no answer within 50ms") {
			t.Errorf("%v", err)
		}
	})
	t.Run("context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := Find(ctx, Python, full); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
	t.Run("unknown language", func(t *testing.T) {
		if _, err := Find(bound(t), "Julia", ""); err == nil || !strings.Contains(err.Error(), `unknown language "Julia" (known: R, Python)`) {
			t.Errorf("%v", err)
		}
	})
}

// What is installed here is found, whatever comes first on PATH.
func TestFindReal(t *testing.T) {
	for _, lang := range []Language{R, Python} {
		i := interpreter(t, lang)
		if i.Version == "" || !filepath.IsAbs(i.Path) {
			t.Errorf("%+v", i)
		}
		if lang == Python && len(i.Missing) > 0 {
			missing(t, "the best Python, %s, lacks %q", i.Path, i.Missing)
		}
		again, err := Find(bound(t), lang, i.Path)
		if err != nil || again.Version != i.Version {
			t.Errorf("%s named explicitly: %+v, %v", i.Path, again, err)
		}
	}
}

// A program that cannot be started, or ends at once, says why.
func TestStartFails(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct {
		path, dir, want string
	}{
		{"/no/such/program", dir, "no such file or directory"},
		{script(t, "python3", "echo 'cannot load libpython' >&2; exit 127"), dir, "it ended at once (exit status 127): cannot load libpython"},
		{"/bin/true", filepath.Join(dir, "nosuch"), "working directory: stat"},
		{"/bin/true", "/bin/true", "working directory: /bin/true is not a directory"},
	} {
		i := &Interpreter{Language: Python, Path: test.path}
		if _, err := i.Start(bound(t), Options{Dir: test.dir}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v, want %q", err, test.want)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	i := &Interpreter{Language: R, Path: script(t, "R", "sleep 600")}
	if _, err := i.Start(ctx, Options{Dir: dir}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a start that hangs: %v", err)
	}
	if runtime.GOOS != "linux" {
		if _, err := interpreter(t, R).Start(bound(t), Options{Dir: dir, MemoryLimit: 1 << 40}); err == nil {
			t.Error("a memory limit was accepted")
		}
	}
}
