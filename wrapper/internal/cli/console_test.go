package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// prompts are those of transcripts. What follows them was typed, all else was printed.
var prompts = regexp.MustCompile(`(?m)^(>>> ?|> ?|\+ |\.\.\. ?|REMOTE> ?)`)

// TestTranscripts types what was typed in each transcript. What is printed is the transcript, byte for byte:
// passwords are not shown.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/console/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d transcripts, %v", len(files), err)
	}
	endpoint := startServer(t)
	u := &user{t: t, dir: t.TempDir(), env: os.Environ()}
	for name, value := range environment(u.dir, endpoint) {
		u.env = append(u.env, name+"="+value)
	}
	u.env = append(u.env, "MLS_USERNAME=admin", "MLS_PASSWORD="+password)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want := strings.ReplaceAll(string(text), "http://localhost:12800", endpoint)
			var typed strings.Builder
			for line := range strings.Lines(strings.TrimSuffix(want, "\n")) {
				if at := prompts.FindStringIndex(line); at != nil {
					typed.WriteString(line[at[1]:])
				}
			}
			code := strings.ReplaceAll(typed.String(), "********", password)
			args := []string{"console"}
			if strings.Contains(file, ".py.") {
				args = append(args, "--runtime", "python")
			}
			c := u.command("mls", args...)
			var out, said bytes.Buffer
			c.Stdin, c.Stdout, c.Stderr = strings.NewReader(code), &out, &said
			if err := c.Run(); err != nil {
				t.Errorf("%v\n%s", err, said.String())
			}
			if out.String() != want {
				t.Errorf("printed:\n%s\nwant:\n%s\nsaid:\n%s", out.String(), want, said.String())
			}
			if open := u.must("session", "list", "--endpoint", endpoint, "-o", "json"); open != "[]" {
				t.Errorf("open sessions: %s", open)
			}
		})
	}
}
