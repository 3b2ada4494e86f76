package console

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestHistory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "new", "history-r")
	first, err := openHistory(file)
	if err != nil {
		t.Fatal(err)
	}
	for line, kept := range map[string]bool{`remoteLogin("x", password = "secret")`: false, "api_key <- 'k'": false, `{"token": 1}`: false, "a\nb": false} {
		if first.add(line) != kept {
			t.Errorf("%q: kept is %v", line, !kept)
		}
	}
	for _, line := range []string{"x <- 1", "x <- 1", "passing(1)", "é"} {
		first.add(line)
	}
	second, err := openHistory(file) // while the first one is open
	if err != nil {
		t.Fatal(err)
	}
	second.add("of the second")
	first.add("of the first")
	for _, h := range []*history{first, second} {
		if err := h.close(); err != nil {
			t.Error(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil || string(text) != "x <- 1\npassing(1)\né\nof the second\nof the first\n" {
		t.Errorf("the file is %q, %v", text, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}

	var long strings.Builder
	for n := range 2*historyLines + 1 {
		fmt.Fprintf(&long, "line %d\n", n)
	}
	if err := os.WriteFile(file, []byte(long.String()+"\xff\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h, err := openHistory(file)
	if err != nil {
		t.Fatal(err)
	}
	defer h.close()
	if text, _ := os.ReadFile(file); len(h.lines) != historyLines || h.lines[historyLines-1] != "line 2000" || strings.Count(string(text), "\n") != historyLines {
		t.Errorf("%d lines, the last one %q, %d in the file", len(h.lines), h.lines[len(h.lines)-1], strings.Count(string(text), "\n"))
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if _, err := openHistory(t.TempDir()); err == nil {
		t.Error("a folder is a history")
	}
}
