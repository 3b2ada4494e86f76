package codegen

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mlserver-go/mls/wrapper/internal/canary"
)

// printed is what these tests print, and the programs that they run. The password is that of testdata/calls.
var printed = canary.New("Batch-pass-1")

func TestMain(m *testing.M) { os.Exit(printed.Tests(m).Run()) }

var transmission = published{
	name: "transmission", alias: "manualTransmission", description: "Probability of a manual transmission.",
	inputs: []string{"hp numeric", "wt numeric"}, outputs: []string{"answer numeric"},
}

// newModule makes an empty module that has the requirements of this one, whose packages it finds in the checkout.
func newModule(t testing.TB) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	_, requirements, _ := strings.Cut(string(mod), "\n")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "module example.com/clients\n"+requirements+
		"\nrequire github.com/mlserver-go/mls v0.0.0\n\nreplace github.com/mlserver-go/mls => "+root+"\n")
	write(t, filepath.Join(dir, "go.sum"), string(sum))
	return dir
}

// tree has the content and age of all files below dir.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		if !d.Type().IsRegular() {
			files[rel] = d.Type().String()
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		files[rel] = info.ModTime().String() + "\n" + string(text)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func write(t testing.TB, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func run(t testing.TB, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	_, _ = printed.Write(out) // never fails
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
}

// TestGeneratedClients generates a client of every kind of service that servers publish, and calls them all: testdata/calls
// has what is expected. One module and one run for all of them keep this within seconds.
func TestGeneratedClients(t *testing.T) {
	module := newModule(t)
	if err := os.CopyFS(filepath.Join(module, "calls"), os.DirFS("testdata/calls")); err != nil {
		t.Fatal(err)
	}
	one := []string{"a numeric"}
	var wg sync.WaitGroup
	slots := make(chan struct{}, 2)
	for _, p := range []published{
		transmission,
		{name: "loan", version: "v1.0", alias: "loanPredict", era: "9.0.1", indent: strings.Repeat(" ", 16), eol: "\r\n", bom: true,
			inputs:  []string{"count integer", "good logical", "text character", "score numeric"},
			outputs: []string{"count integer", "good logical", "text character", "score numeric"}},
		{name: "Flight Delay", version: "3.5.5", era: "9.3.0", eol: "\r\r\n", artifacts: true, description: "Two lines.\r\n*/ package x\x00",
			inputs:  []string{"flights data.frame", "weights vector", "table matrix"},
			outputs: []string{"scored data.frame", "weights vector", "table matrix"}},
		{name: "kyphosis", version: "0.1", description: "+build ignore\ngo:build ignore\nDeprecated: no.", inputs: []string{"inputData data.frame"}, outputs: []string{"outputData data.frame"}},
		{name: "func", alias: "StartBatchExecution",
			inputs: []string{"x numeric", "X numeric", "Sepal.Length numeric", "Sepal_Length numeric", "1st numeric", "größe numeric",
				"type numeric", "func numeric", "x y numeric", "validate numeric", ".y numeric", "价格 numeric", "error numeric", "userId numeric", "_x numeric"},
			outputs: []string{"console character", "X integer", "x integer", "outputs integer", "raw integer"}},
		{name: "Größe #1", version: "1.0 beta", alias: "do.it now"},
		{name: "User", alias: "login", inputs: one, outputs: one},
		{name: "v1", alias: "batches", inputs: one, outputs: one},
		{name: "internal", alias: "new", inputs: one},
		{name: "models", alias: "models", inputs: one, outputs: []string{"a data.frame"}},
	} {
		document := p.document(t)
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			s, err := parse(document)
			if err != nil {
				t.Errorf("%s: %v", p.name, err)
				return
			}
			pkg := packageName(s.Name)
			files, err := newFacade(s, pkg, "example.com/clients/"+pkg).generate(t.Context())
			if err != nil {
				t.Errorf("%s: %v", p.name, err)
				return
			}
			for name, text := range files {
				path := filepath.Join(module, pkg, name)
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, text, 0o644)); err != nil {
					t.Errorf("%s: %v", p.name, err)
				}
			}
		})
	}
	wg.Wait()
	run(t, module, "go", "vet", "./...")
	run(t, module, "go", "test", "-v", "./calls")
}

// TestService goes through the life of one generated package.
func TestService(t *testing.T) {
	module := newModule(t)
	dir := filepath.Join(module, "made", "transmission")
	r, err := Service(t.Context(), transmission.document(t), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	want := &Result{
		Name: "transmission", Version: "1.0.0", Dir: r.Dir, ImportPath: "example.com/clients/made/transmission", Package: "transmission",
		Example: []string{
			"c := transmission.New(client.Transport())",
			"out, err := c.ManualTransmission(ctx, transmission.Inputs{HP: 1.5, Wt: 1.5})",
		},
		Changed: r.Changed,
	}
	if !reflect.DeepEqual(r, want) || !slices.Contains(r.Changed, "client.go") {
		t.Errorf("got %+v, want %+v", r, want)
	}
	run(t, module, "go", "vet", "./made/...")

	// Again changes nothing, and what the user added stays, whether it compiles or not.
	write(t, filepath.Join(dir, "extra.go"), "package transmission\n\nvar _ = undefined\n")
	before := tree(t, module)
	if r, err = Service(t.Context(), transmission.document(t), Options{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	if len(r.Changed) > 0 {
		t.Errorf("the second run changed %v", r.Changed)
	}
	if after := tree(t, module); !reflect.DeepEqual(after, before) {
		t.Errorf("the second run made %v of %v", after, before)
	}

	// A new version of the service replaces the old one, down to the files that are no more.
	next := transmission
	next.version = "2.0.0"
	doc := regexp.MustCompile(`"(/api/[^"]*)/batch`).ReplaceAll(next.document(t), []byte(`"$1/none`))
	if r, err = Service(t.Context(), doc, Options{Dir: dir, Package: "gears"}); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(r.Changed, "batch.go") {
		t.Errorf("changed %v, want batch.go among them", r.Changed)
	}
	after := tree(t, dir)
	for name := range after {
		if strings.Contains(name, "batch") {
			t.Errorf("%s is still there", name)
		}
	}
	if !strings.Contains(after["client.go"], "package gears") || !strings.Contains(after["client.go"], `ServiceVersion = "2.0.0"`) {
		t.Errorf("client.go is not of the new version:\n%s", after["client.go"])
	}
	if _, ok := after["extra.go"]; !ok {
		t.Error("extra.go is gone")
	}
}

// BenchmarkService takes a document to a package that builds and vets; the caches of the Go tools are warm after the first.
func BenchmarkService(b *testing.B) {
	module := newModule(b)
	for i := 0; b.Loop(); i++ {
		if _, err := Service(b.Context(), transmission.document(b), Options{Dir: filepath.Join(module, fmt.Sprintf("t%d", i))}); err != nil {
			b.Fatal(err)
		}
	}
}
