package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/mlserver-go/mls/wrapper/internal/lazyregexp"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// parseLock reads what a file says should be installed: JSON is renv's, all else pip's.
func parseLock(name string, text []byte) (*mlserver.Environment, error) {
	if filepath.Ext(name) == ".lock" || json.Valid(text) {
		return parseRenv(text)
	}
	return parseRequirements(string(text))
}

func parseRenv(text []byte) (*mlserver.Environment, error) {
	var lock struct {
		R        struct{ Version string }
		Packages map[string]struct{ Version string }
	}
	if err := json.Unmarshal(text, &lock); err != nil {
		return nil, fmt.Errorf("it is no renv.lock: %w", err)
	}
	if lock.Packages == nil {
		return nil, errors.New("it is no renv.lock: it has no Packages")
	}
	e := &mlserver.Environment{Runtime: mlserver.R, Version: lock.R.Version, Packages: map[string]string{}}
	for name, p := range lock.Packages {
		e.Packages[name] = p.Version
	}
	return e, nil
}

// requirement is name, extras and the rest of a line, in which one version may be pinned.
var (
	requirement = lazyregexp.New(`^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?\s*($|[=<>!~;@].*)`)
	pinned      = lazyregexp.New(`^===?\s*([^\s,;*]+)\s*(;|$)`)
)

func parseRequirements(text string) (*mlserver.Environment, error) {
	e := &mlserver.Environment{Runtime: mlserver.Python, Packages: map[string]string{}}
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\\\n", " ")
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if j := strings.Index(line, " #"); j >= 0 {
			line = strings.TrimSpace(line[:j])
		}
		if line == "" || line[0] == '#' {
			continue
		}
		if strings.HasPrefix(line, "-r") || strings.HasPrefix(line, "--requirement") || strings.HasPrefix(line, "-c") {
			return nil, fmt.Errorf("line %d: %q names another file: give that one", i+1, line)
		}
		if line[0] == '-' { // an option of pip's
			continue
		}
		if j := strings.Index(line, " --"); j >= 0 { // options, such as hashes
			line = strings.TrimSpace(line[:j])
		}
		m := requirement().FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("line %d: %q names no package", i+1, line)
		}
		version := ""
		if p := pinned().FindStringSubmatch(m[3]); p != nil {
			version = p[1]
		}
		e.Packages[m[1]] = version
	}
	return e, nil
}
