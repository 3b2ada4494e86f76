package mlserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/mlserver-go/mls/gen/v930/models"
	"github.com/mlserver-go/mls/wrapper/internal/lazyregexp"
)

// Environment is an R or Python with its packages.
type Environment struct {
	Runtime  Runtime           `json:"runtime"`
	Version  string            `json:"version"`  // of R or Python, such as "3.4.3"; empty: not known
	Packages map[string]string `json:"packages"` // name to version; an empty version: any will do
}

// Of several installations of a package the first on the search path counts. The packages that come with R have its version. The
// Python of servers is 3.5, which has no importlib.metadata.
const (
	environmentR = `.mls.packages <- local({
  p <- installed.packages()[, c("Package", "Version", "Priority"), drop = FALSE]
  p <- p[!duplicated(p[, 1L]) & !(p[, 3L] %in% "base"), , drop = FALSE]
  data.frame(name = unname(p[, 1L]), version = unname(p[, 2L]), stringsAsFactors = FALSE)
})
.mls.version <- as.character(getRversion())
`
	environmentPython = `
def _mls_environment():
    import platform
    packages = {}
    try:
        from importlib.metadata import distributions
        found = [(d.metadata['Name'], d.version) for d in distributions()]
    except ImportError:
        import pkg_resources
        found = [(d.project_name, d.version) for d in pkg_resources.working_set]
    for name, version in found:
        if name:
            packages.setdefault(name, version)
    return {'name': list(packages), 'version': list(packages.values())}, platform.python_version()
_mls_packages, _mls_version = _mls_environment()
del _mls_environment
`
)

// EnvironmentCode is code that finds out what environment it runs in, and the outputs that have it then: for EnvironmentOf.
func EnvironmentCode(runtime Runtime) (code string, outputs []string) {
	if runtime == Python {
		return environmentPython, []string{"_mls_packages", "_mls_version"}
	}
	return environmentR, []string{".mls.packages", ".mls.version"}
}

// EnvironmentOf reads what EnvironmentCode has found out.
func EnvironmentOf(runtime Runtime, o Outputs) (*Environment, error) {
	var found struct{ Name, Version []string }
	_, outputs := EnvironmentCode(runtime)
	e := &Environment{Runtime: runtime, Packages: map[string]string{}}
	if err := errors.Join(o.Decode(outputs[0], &found), o.Decode(outputs[1], &e.Version)); err != nil {
		return nil, err
	}
	if len(found.Name) != len(found.Version) {
		return nil, errors.New("the list of packages is broken")
	}
	for i, name := range found.Name {
		e.Packages[name] = found.Version[i]
	}
	return e, nil
}

// Environment asks the session for its version of R or Python and for the packages installed there. It leaves nothing behind but
// a line in the session's history.
func (s *Session) Environment(ctx context.Context) (*Environment, error) {
	runtime, err := s.Runtime(ctx)
	if err != nil {
		return nil, err
	}
	code, outputs := EnvironmentCode(runtime)
	r, err := s.run(ctx, &models.ExecuteRequest{Code: code, OutputParameters: outputs})
	if err != nil {
		return nil, fmt.Errorf("list the packages of session %s: %w", s.id, err)
	}
	for _, name := range outputs {
		err = errors.Join(err, s.DeleteObject(ctx, name))
	}
	if err != nil {
		return nil, err
	}
	return EnvironmentOf(runtime, r.Outputs)
}

// EnvironmentDiff is what code that runs here may miss there. Packages that are only there are not part of it.
type EnvironmentDiff struct {
	Runtime Runtime       `json:"runtime"`
	Version *VersionDiff  `json:"version,omitempty"` // of R or Python; nil: the same, or not known
	Missing []Package     `json:"missing"`           // packages that are here only, by name
	Differs []PackageDiff `json:"differs"`           // packages of which another version is there, by name
}

// VersionDiff are two versions of the same.
type VersionDiff struct {
	Local  string `json:"local"`
	Remote string `json:"remote"`
}

// Package is a package with its version.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// PackageDiff is a package that is here and there in different versions.
type PackageDiff struct {
	Name string `json:"name"`
	VersionDiff
}

// Diff compares what is here with what is there, of the same language. It stands for mrsdeploy's diffLocalRemote.
func (local *Environment) Diff(remote *Environment) EnvironmentDiff {
	d := EnvironmentDiff{Runtime: local.Runtime, Missing: []Package{}, Differs: []PackageDiff{}}
	if local.Version != remote.Version && local.Version != "" && remote.Version != "" {
		d.Version = &VersionDiff{local.Version, remote.Version}
	}
	there := make(map[string]string, len(remote.Packages))
	for name, version := range remote.Packages {
		there[packageKey(remote.Runtime, name)] = version
	}
	for name, version := range local.Packages {
		switch found, ok := there[packageKey(local.Runtime, name)]; {
		case !ok:
			d.Missing = append(d.Missing, Package{name, version})
		case version != "" && !sameVersion(version, found):
			d.Differs = append(d.Differs, PackageDiff{name, VersionDiff{version, found}})
		}
	}
	slices.SortFunc(d.Missing, func(a, b Package) int { return byName(a.Name, b.Name) })
	slices.SortFunc(d.Differs, func(a, b PackageDiff) int { return byName(a.Name, b.Name) })
	return d
}

func byName(a, b string) int {
	return cmp.Or(strings.Compare(strings.ToLower(a), strings.ToLower(b)), strings.Compare(a, b))
}

var separators = lazyregexp.New(`[-_.]+`)

// packageKey is what two names of one package have in common: Python's are compared without regard to case and separators.
func packageKey(runtime Runtime, name string) string {
	if runtime != Python {
		return name
	}
	return separators().ReplaceAllString(strings.ToLower(name), "-")
}

// sameVersion: R takes 1.1-3 and 1.1.3 for the same.
func sameVersion(a, b string) bool {
	return strings.ReplaceAll(a, "-", ".") == strings.ReplaceAll(b, "-", ".")
}

// Empty tells whether there is no difference.
func (d EnvironmentDiff) Empty() bool {
	return d.Version == nil && len(d.Missing) == 0 && len(d.Differs) == 0
}

// String is a report for people, in several lines.
func (d EnvironmentDiff) String() string {
	if d.Empty() {
		return fmt.Sprintf("%s and its packages are the same here and on the server.\n", d.Runtime)
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	if d.Version != nil {
		fmt.Fprintf(w, "The version of %s differs:\n  here %s, on the server %s\n", d.Runtime, d.Version.Local, d.Version.Remote)
	}
	if len(d.Missing) > 0 {
		fmt.Fprintf(w, "Packages that are here and not on the server (%d):\n", len(d.Missing))
		for _, p := range d.Missing {
			fmt.Fprintf(w, "  %s\t%s\n", p.Name, p.Version)
		}
		w.Flush()
	}
	if len(d.Differs) > 0 {
		fmt.Fprintf(w, "Packages of which the server has another version (%d):\n", len(d.Differs))
		for _, p := range d.Differs {
			fmt.Fprintf(w, "  %s\there %s\ton the server %s\n", p.Name, p.Local, p.Remote)
		}
	}
	w.Flush()
	return b.String()
}
