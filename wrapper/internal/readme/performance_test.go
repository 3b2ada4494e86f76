package readme

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "put the table of the last benchmark into README.md")

// TestPerformance: the figures in README.md are those that `make bench` wrote, and nobody's wishes.
func TestPerformance(t *testing.T) {
	const file, begin, end = "../../../README.md", "<!-- figures -->\n", "<!-- end of figures -->\n"
	table, err := os.ReadFile("../bench/figures.md")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	was, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("README.md has no place for the figures between %q and %q", begin, end)
	}
	want := "\n" + string(table) + "\n"
	if *update {
		if err := os.WriteFile(file, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if was != want {
		t.Error("the figures in README.md are not those of wrapper/internal/bench/figures.md: go test ./wrapper/internal/readme -run TestPerformance -update")
	}
}
