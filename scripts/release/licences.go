package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// Pinned, and run from the module cache: it is no requirement of this module.
const cyclonedx = "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0"

// accepted are the licences that go with ours, MIT, in a program that anybody may pass on.
var accepted = []string{
	"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT",
	"BSD-Source-Code", // what golang.org/x's BSD-3-Clause is taken for
}

// billOfMaterials lists the modules in a program and their licences, as CycloneDX JSON. The tool reads the clock; the time
// of the commit takes its place.
func billOfMaterials(ctx context.Context, program, version string, when time.Time) ([]byte, error) {
	text, err := output(ctx, ".", "go", "run", cyclonedx, "bin", "-json", "-licenses", "-noserial", "-version", version, program)
	if err != nil {
		return nil, err
	}
	var bill map[string]any
	if err := json.Unmarshal([]byte(text), &bill); err != nil {
		return nil, err
	}
	metadata, ok := bill["metadata"].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the bill of materials has no metadata")
	}
	metadata["timestamp"] = when.Format(time.RFC3339)
	return json.MarshalIndent(bill, "", "  ")
}

// acceptable fails for a module that has no licence, or one that is not accepted.
func acceptable(bill []byte) error {
	var b struct {
		Components []struct {
			Name, Version string
			Evidence      struct {
				Licenses []struct{ License struct{ ID, Name string } }
			}
		}
	}
	if err := json.Unmarshal(bill, &b); err != nil {
		return err
	}
	if len(b.Components) == 0 {
		return fmt.Errorf("the bill of materials lists no module")
	}
	var refused []string
	for _, c := range b.Components {
		if c.Name == "std" { // Go itself, BSD-3-Clause
			continue
		}
		if len(c.Evidence.Licenses) == 0 {
			refused = append(refused, fmt.Sprintf("%s %s: no licence found", c.Name, c.Version))
		}
		for _, l := range c.Evidence.Licenses {
			if !slices.Contains(accepted, l.License.ID) {
				refused = append(refused, fmt.Sprintf("%s %s: licence %q%s", c.Name, c.Version, l.License.ID, l.License.Name))
			}
		}
	}
	if len(refused) > 0 {
		return fmt.Errorf("licences that are not accepted:\n  %s", strings.Join(refused, "\n  "))
	}
	return nil
}

// notices are the licence texts of all that is linked into the programs, Go's own among them: most ask to be passed on. A module
// that several have is there once.
func notices(ctx context.Context, linked []*debug.Module) ([]byte, error) {
	var b bytes.Buffer
	goroot, err := output(ctx, ".", "go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	if err := notice(&b, "Go "+runtime.Version(), goroot); err != nil {
		return nil, err
	}
	for _, m := range distinct(linked) {
		dir, err := output(ctx, ".", "go", "list", "-m", "-f", "{{.Dir}}", m.Path)
		if err != nil {
			return nil, err
		}
		if err := notice(&b, m.Path+" "+m.Version, dir); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// distinct are the modules in the order of their names, each once.
func distinct(modules []*debug.Module) []*debug.Module {
	sorted := slices.SortedFunc(slices.Values(modules), func(a, b *debug.Module) int { return cmp.Compare(a.Path, b.Path) })
	return slices.CompactFunc(sorted, func(a, b *debug.Module) bool { return a.Path == b.Path })
}

var isNotice = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice)`)

func notice(b *bytes.Buffer, title, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var texts []string
	for _, e := range entries {
		if isNotice.MatchString(e.Name()) && e.Type().IsRegular() {
			texts = append(texts, filepath.Join(dir, e.Name()))
		}
	}
	if len(texts) == 0 {
		return fmt.Errorf("%s: no licence file", title)
	}
	for _, path := range texts {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "==== %s: %s\n\n%s\n\n", title, filepath.Base(path), bytes.TrimSpace(text))
	}
	return nil
}
