package runtimes

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mlserver-go/mls/wrapper/internal/temp"
)

// Find looks for the interpreter to use. A program given as explicit, or else by the environment variable MLS_R or
// MLS_PYTHON, is the only one considered. Otherwise each candidate is started and asked what it has, since the first
// python3 on PATH is often one without packages: the active virtual or conda environment, everything on PATH, the usual
// places. The first that lacks nothing is taken, else the one that lacks least. Without any the error is a
// [*NotFoundError].
//
// It takes some tenths of a second; keep the result.
func Find(ctx context.Context, lang Language, explicit string) (*Interpreter, error) {
	return finder{env: os.Environ(), usual: usualPlaces, patience: 20 * time.Second}.find(ctx, lang, explicit)
}

// finder is what Find depends on.
type finder struct {
	env      environ
	usual    map[Language][]string // patterns of paths
	patience time.Duration         // with one candidate
}

var usualPlaces = map[Language][]string{
	R: {
		"/usr/lib/R/bin/R", "/usr/local/bin/R", "/opt/R/*/bin/R",
		"/Library/Frameworks/R.framework/Resources/bin/R", "/opt/homebrew/bin/R",
	},
	Python: {"/usr/bin/python3", "/usr/local/bin/python3", "/opt/homebrew/bin/python3"},
}

func (f finder) find(ctx context.Context, lang Language, explicit string) (*Interpreter, error) {
	if lang != R && lang != Python {
		return nil, fmt.Errorf("unknown language %q (known: %s, %s)", lang, R, Python)
	}
	if err := supported(); err != nil {
		return nil, err
	}
	variable := map[Language]string{R: "MLS_R", Python: "MLS_PYTHON"}[lang]
	from := ""
	if explicit == "" {
		explicit, from = f.env.get(variable), " (from "+variable+")"
	}
	if explicit != "" {
		i, err := f.probe(ctx, lang, explicit)
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, &NotFoundError{Language: lang, Reason: fmt.Sprintf("%s%s: %v", explicit, from, err)}
		}
		return i, nil
	}
	var best *Interpreter
	var tried []string
	for _, path := range f.candidates(lang) {
		i, err := f.probe(ctx, lang, path)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			tried = append(tried, fmt.Sprintf("%s: %v", path, err))
			continue
		}
		if best == nil || len(i.Missing) < len(best.Missing) {
			best = i
		}
		if len(best.Missing) == 0 {
			break
		}
	}
	if best == nil {
		return nil, &NotFoundError{Language: lang, Tried: tried}
	}
	return best, nil
}

// candidates are the programs that exist, each once, in the order of the search.
func (f finder) candidates(lang Language) []string {
	var paths []string
	add := func(pattern string) {
		found, _ := filepath.Glob(pattern)
		slices.Reverse(found) // the newest version of /opt/R/*
		paths = append(paths, found...)
	}
	names := []string{"R"}
	if lang == R {
		if home := f.env.get("R_HOME"); home != "" {
			add(filepath.Join(home, "bin", "R"))
		}
	} else {
		names = []string{"python3", "python"}
		for _, v := range []string{"VIRTUAL_ENV", "CONDA_PREFIX"} {
			if prefix := f.env.get(v); prefix != "" {
				add(filepath.Join(prefix, "bin", "python"))
			}
		}
	}
	for _, dir := range filepath.SplitList(f.env.get("PATH")) {
		for _, name := range names {
			if filepath.IsAbs(dir) {
				add(filepath.Join(dir, name))
			}
		}
	}
	for _, pattern := range f.usual[lang] {
		add(pattern)
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(paths, func(path string) bool {
		info, err := os.Stat(path)
		if err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			return true
		}
		// A link in another directory is the same program, except in a virtual environment: there Python looks at
		// the link's own place.
		real, err := filepath.EvalSymlinks(path)
		if _, venv := os.Stat(filepath.Join(filepath.Dir(path), "..", "pyvenv.cfg")); err != nil || venv == nil {
			real = path
		}
		if seen[real] {
			return true
		}
		seen[real] = true
		return false
	})
}

// What each probe prints, behind a line of its own: a site's start-up file may print too.
const probed = "mls-probe:"

const probePython = `
import sys
if sys.version_info < (3, 7):
    sys.exit('it is Python %d.%d, at least 3.7 is needed' % sys.version_info[:2])
import importlib.util, json
try:
    from importlib.metadata import version
except ImportError:
    version = lambda name: 'unknown'
found = {}
for module, dist in (('dill', 'dill'), ('numpy', 'numpy'), ('pandas', 'pandas'), ('sklearn', 'scikit-learn')):
    if importlib.util.find_spec(module):
        try:
            found[module] = version(dist)
        except Exception:
            found[module] = 'unknown'
print('\n` + probed + `' + json.dumps({'path': sys.executable, 'version': '%d.%d.%d' % sys.version_info[:3], 'packages': found}))
`

const probeR = `
if (getRversion() < '3.5.0') stop('it is R ', getRversion(), ', at least 3.5.0 is needed')
cat('\n` + probed + `{"version":"', as.character(getRversion()), '"}\n', sep = '')
`

// wanted are the packages that objects, snapshots and the usual examples need. R has all it takes.
var wanted = map[Language][]string{
	Python: {"dill", "numpy", "pandas", "sklearn"},
}

// probe starts a program and asks what it is.
func (f finder) probe(ctx context.Context, lang Language, path string) (*Interpreter, error) {
	full, err := exec.LookPath(path)
	if err != nil {
		return nil, errors.New("there is no such program")
	}
	if full, err = filepath.Abs(full); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, f.patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, full, "-c", probePython)
	if lang == R {
		cmd = exec.CommandContext(ctx, full, "--no-echo", "--no-restore", "--no-save", "--no-init-file", "-e", probeR)
	}
	tmp, err := temp.NewFolder("probe") // R leaves its own when it is killed
	if err != nil {
		return nil, err
	}
	defer tmp.Remove()
	cmd.Env = append(f.env.clean(), "TMPDIR="+tmp.Path)
	cmd.Dir = string(filepath.Separator) // a module of the current directory must not get in
	cmd.WaitDelay = time.Second          // a wrapper's child may hold the output open
	ownGroup(cmd)
	cmd.Cancel = func() error { killGroup(cmd.Process.Pid); return nil }
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	if ctx.Err() != nil {
		return nil, fmt.Errorf("no answer within %v", f.patience)
	}
	if err != nil {
		if line := lastLine(stderr.String()); line != "" {
			return nil, fmt.Errorf("%s (%w)", line, err)
		}
		return nil, err
	}
	_, answer, ok := strings.Cut(stdout.String(), "\n"+probed)
	var a struct {
		Path, Version string
		Packages      map[string]string
	}
	if !ok || json.Unmarshal([]byte(answer), &a) != nil {
		return nil, fmt.Errorf("it does not answer as %s does", lang)
	}
	i := &Interpreter{Language: lang, Path: full, Version: a.Version, Packages: a.Packages}
	if a.Path != "" {
		i.Path = a.Path // what a shim starts
	}
	for _, p := range wanted[lang] {
		if _, ok := a.Packages[p]; !ok {
			i.Missing = append(i.Missing, p)
		}
	}
	return i, nil
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return strings.TrimSpace(s[strings.LastIndexByte(s, '\n')+1:])
}
