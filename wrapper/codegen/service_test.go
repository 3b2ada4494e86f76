package codegen

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

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
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
}

func TestService(t *testing.T) {
	module := newModule(t)
	r, err := Service(t.Context(), transmission.document(t), Options{Dir: filepath.Join(module, "transmission")})
	if err != nil {
		t.Fatal(err)
	}
	if want := "example.com/clients/transmission"; r.ImportPath != want {
		t.Errorf("import path %s, want %s", r.ImportPath, want)
	}
}
