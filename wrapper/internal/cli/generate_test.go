package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestGenerate runs the examples of "mls service generate" in a Go module that has the requirements of this one.
func TestGenerate(t *testing.T) {
	t.Parallel()
	u := newUser(t, startServer(t))
	goEnv, err := exec.Command("go", "env", "GOMOD", "GOCACHE", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(goEnv), "\n")
	u.env = append(u.env, "GOCACHE="+lines[1], "GOMODCACHE="+lines[2])
	root := filepath.Dir(lines[0])
	u.write("go.mod", "module example.com/clients\n"+strings.TrimPrefix(read(t, root, "go.mod"), "module github.com/mlserver-go/mls\n")+
		"\nrequire github.com/mlserver-go/mls v0.0.0\n\nreplace github.com/mlserver-go/mls => "+root+"\n")
	u.write("go.sum", read(t, root, "go.sum"))

	u.must("service", "publish", "transmission", "--version", "1.0.0", "--code", "answer <- hp / wt",
		"--input", "hp=numeric", "--input", "wt=numeric", "--output", "answer=numeric")
	generate, _, err := (&app{}).root().Find([]string{"service", "generate"})
	if err != nil {
		t.Fatal(err)
	}
	if out, err := u.command("sh", "-ec", generate.Example+"\ngo vet ./...").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, generate.Example, out)
	}
	if got := u.must("service", "generate", "transmission", "--out", "transmission", "-o", "json"); !strings.Contains(got, `"importPath":"example.com/clients/transmission","package":"transmission","changedFiles":[]`) {
		t.Errorf("generated again: %s, want the same package, and no changed files", got)
	}
	out, err := u.command("mls", "service", "generate", "--from", "transmission.json", "--out", "clients/transmission", "--endpoint", "http://127.0.0.1:1").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "generating with go-swagger v") || !strings.Contains(string(out), "compiling and vetting package transmission\n") {
		t.Errorf("from a file, without a server: %v\n%s", err, out)
	}
	for _, args := range [][]string{{}, {"transmission", "--from", "transmission.json"}} {
		if out, err := u.command("mls", append([]string{"service", "generate", "--out", "x"}, args...)...).CombinedOutput(); err == nil || !strings.Contains(string(out), "give the service, or with --from") {
			t.Errorf("%v: %v %s", args, err, out)
		}
	}
	u.write("hostile.json", `{"swagger":"2.0","paths":{"/api/s/1":{"post":{"parameters":[{"in":"body","schema":{"$ref":"file:///etc/passwd"}}]}}}}`)
	out, err = u.command("mls", "service", "generate", "--from", "hostile.json", "--out", "hostile").CombinedOutput()
	if _, there := os.Stat(filepath.Join(u.dir, "hostile")); err == nil || !strings.HasPrefix(string(out), `mls: hostile.json: swagger.json: $ref "file:///etc/passwd" leads out of the document`) || there == nil {
		t.Errorf("a hostile document: %v %s", err, out)
	}
	outside := t.TempDir()
	if out, err := u.command("mls", "service", "generate", "transmission", "--out", outside).CombinedOutput(); err == nil || !strings.Contains(string(out), "go mod init") {
		t.Errorf("outside of a module: %v %s, want a word about go mod init", err, out)
	}
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
