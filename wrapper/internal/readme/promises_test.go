package readme

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPromises: the tests that README.md says hold its promises are there.
func TestPromises(t *testing.T) {
	text, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := testsByPackage(t)
	promises := regexp.MustCompile(`(?m)^\| (\d+) \| .* \| (.*) \|$`).FindAllSubmatch(text, -1)
	if len(promises) != 25 {
		t.Errorf("README.md has %d promises, want 25", len(promises))
	}
	for _, promise := range promises {
		for _, name := range strings.Split(string(promise[2]), ", ") {
			switch name := strings.Trim(name, "`"); {
			case strings.HasPrefix(name, "make "):
			case strings.HasSuffix(name, ".txtar"):
				if !exists(filepath.Join("../cli/testdata", name)) {
					t.Errorf("promise %s: there is no script %s", promise[1], name)
				}
			case !tests[name]:
				t.Errorf("promise %s: there is no test %s", promise[1], name)
			}
		}
	}
}

// testsByPackage are the tests of all packages, such as auth.TestLogin.
func testsByPackage(t *testing.T) map[string]bool {
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	tests := map[string]bool{}
	err := filepath.WalkDir("../..", func(path string, _ os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, name := range declared.FindAllSubmatch(text, -1) {
			tests[filepath.Base(filepath.Dir(path))+"."+string(name[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tests
}
