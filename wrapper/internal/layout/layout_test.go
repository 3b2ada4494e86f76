// Package layout checks what the tree promises: where generated and hand-written code stand, and who imports whom.
package layout

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	module = "github.com/mlserver-go/mls"
	root   = "../../.."
)

// TestHalves: all under gen/ is generated, and nothing elsewhere is.
func TestHalves(t *testing.T) {
	generated := regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)
	seen := 0
	for _, file := range tracked(t) {
		text, err := os.ReadFile(filepath.Join(root, file))
		if errors.Is(err, os.ErrNotExist) {
			continue // deleted, and not committed yet
		}
		if err != nil {
			t.Fatal(err)
		}
		switch below := strings.HasPrefix(file, "gen/"); {
		case below && !strings.HasSuffix(file, ".go"):
			t.Errorf("%s is not Go source", file)
		case below && !generated.Match(text):
			t.Errorf("%s is not generated", file)
		case strings.HasSuffix(file, ".go") && !below && generated.Match(text):
			t.Errorf("%s is generated", file)
		}
		seen++
	}
	if seen < 500 {
		t.Errorf("only %d files seen", seen)
	}
}

func TestTopLevel(t *testing.T) {
	allowed := []string{"go.mod", "go.sum", "swagger", "gen", "wrapper", "scripts", "Makefile", "README.md", "LICENSE"}
	for _, file := range tracked(t) {
		top, _, _ := strings.Cut(file, "/")
		if !slices.Contains(allowed, top) && !strings.HasPrefix(top, ".") {
			t.Errorf("%s: the layout names no %s", file, top)
		}
	}
}

// TestImports: they point one way. The development server shares no code with the client, with which it could then only agree.
func TestImports(t *testing.T) {
	below := func(paths ...string) func(string) bool {
		return func(p string) bool {
			return slices.ContainsFunc(paths, func(prefix string) bool {
				prefix = module + "/" + prefix
				return p == prefix || strings.HasPrefix(p, prefix+"/")
			})
		}
	}
	leaf := below("wrapper/internal/lazyregexp", "wrapper/internal/temp") // know nothing of the project
	rules := []struct {
		of, not func(string) bool
		why     string
	}{
		{below("gen"), below("wrapper", "scripts", "swagger"), "generated code stands on its own"},
		{below("wrapper/transport"), below("gen", "wrapper"), "the transport is under all clients"},
		{below("wrapper/auth"), below("wrapper/mlserver", "wrapper/devserver", "wrapper/codegen", "wrapper/internal"), "auth is under mlserver"},
		{below("wrapper/mlserver"), below("wrapper/devserver", "wrapper/codegen", "wrapper/internal"), "mlserver is what users import"},
		{below("wrapper/devserver"), below("gen", "wrapper/mlserver", "wrapper/auth", "wrapper/transport", "wrapper/codegen", "wrapper/internal"), "a server that shares code with the client can only agree with it"},
		{below("wrapper"), below("scripts"), "scripts are not part of the product"},
		{leaf, below("gen", "wrapper", "scripts", "swagger"), "everybody may import it, because it knows nothing of the project"},
	}
	for _, p := range packages(t, "./...") {
		for _, imported := range p.Imports {
			for _, rule := range rules {
				if rule.of(p.ImportPath) && rule.not(imported) && (!leaf(imported) || leaf(p.ImportPath)) {
					t.Errorf("%s imports %s: %s", p.ImportPath, imported, rule.why)
				}
			}
		}
	}
}

// TestImportersLinkLittle: what a program that uses mlserver links beyond the standard library.
func TestImportersLinkLittle(t *testing.T) {
	allowed := []string{module + "/", "github.com/go-openapi/", "github.com/golang-jwt/jwt/v5",
		// Those come with go-openapi/runtime and strfmt.
		"github.com/go-viper/mapstructure/v2", "github.com/google/uuid", "github.com/oklog/ulid/v2", "go.opentelemetry.io/",
		"github.com/go-logr/", "github.com/cespare/xxhash/v2", "go.yaml.in/yaml/v3", "golang.org/x/", "vendor/"}
	linked := 0
	for _, p := range packages(t, "-deps", "./wrapper/mlserver") {
		if p.Standard {
			continue
		}
		linked++
		if !slices.ContainsFunc(allowed, func(prefix string) bool { return strings.HasPrefix(p.ImportPath+"/", prefix) }) {
			t.Errorf("wrapper/mlserver links %s", p.ImportPath)
		}
	}
	if linked == 0 {
		t.Error("no packages seen")
	}
}

// TestCanaries: tests that sign in search what they print for passwords and tokens.
func TestCanaries(t *testing.T) {
	signsIn := []string{module + "/wrapper/devserver", module + "/wrapper/transport", module + "/wrapper/mlserver"}
	seen := 0
	for _, p := range packages(t, "./wrapper/...") {
		imported := slices.Concat(p.TestImports, p.XTestImports)
		if len(imported) == 0 || !slices.ContainsFunc(append(imported, p.ImportPath), func(path string) bool { return slices.Contains(signsIn, path) }) {
			continue
		}
		seen++
		if !slices.Contains(imported, module+"/wrapper/internal/canary") {
			t.Errorf("the tests of %s may print secrets: give them a TestMain with package canary", p.ImportPath)
		}
	}
	if seen < 7 {
		t.Errorf("only %d packages seen", seen)
	}
}

type goPackage struct {
	ImportPath, Dir                    string
	Standard                           bool
	GoFiles                            []string
	Imports, TestImports, XTestImports []string
}

func packages(t *testing.T, args ...string) []goPackage {
	t.Helper()
	out := command(t, "go", append([]string{"list", "-json=ImportPath,Dir,Standard,GoFiles,Imports,TestImports,XTestImports"}, args...)...)
	var list []goPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		switch err := dec.Decode(&p); {
		case errors.Is(err, io.EOF):
			return list
		case err != nil:
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

func tracked(t *testing.T) []string {
	t.Helper()
	return strings.Split(strings.TrimSpace(string(command(t, "git", "ls-files"))), "\n")
}

func command(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stderr = root, &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, stderr.String())
	}
	return out
}
