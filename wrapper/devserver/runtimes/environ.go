package runtimes

import (
	"runtime"
	"slices"
	"strings"
)

// environ is a process environment, as [os.Environ] returns it.
type environ []string

func (e environ) get(name string) string {
	for _, v := range e {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// passedOn are the variables that a worker gets; all others may be secrets. The prefixes set up the numerical libraries,
// without which the last digits of a result would differ from those the user sees elsewhere.
var (
	passedOn = []string{
		"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TZ", "LD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH",
		"R_LIBS", "R_LIBS_USER", "R_LIBS_SITE", "PYTHONPATH",
	}
	passedOnPrefixes = []string{"OPENBLAS_", "OMP_", "MKL_", "BLIS_", "VECLIB_"}
)

// clean returns the environment of a worker.
func (e environ) clean() []string {
	var env []string
	for _, v := range e {
		name, _, _ := strings.Cut(v, "=")
		if slices.Contains(passedOn, name) || hasPrefix(name, passedOnPrefixes) {
			env = append(env, v)
		}
	}
	// R's messages are recognised by their English text, and without UTF-8 R prints é as \303\251.
	return append(env, "LANG="+e.utf8Locale(), "LANGUAGE=en", "MPLBACKEND=Agg")
}

func (e environ) utf8Locale() string {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		v := e.get(name)
		if u := strings.ToUpper(v); strings.HasSuffix(u, ".UTF-8") || strings.HasSuffix(u, ".UTF8") {
			return v
		}
	}
	if runtime.GOOS == "darwin" {
		return "en_US.UTF-8"
	}
	return "C.UTF-8"
}

func hasPrefix(s string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(s, p) })
}
