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

// between empties the workspace after each transcript: they are typed one after the other.
var between = map[string]string{
	"R":      "> rm(list = ls())\n",
	"python": ">>> _ = [globals().pop(n) for n in list(globals()) if n[0] != '_']\n",
}

// TestTranscripts types what was typed in each transcript. What is printed is the transcript, byte for byte: passwords are not
// shown.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	endpoint := startServer(t)
	for _, language := range []string{"R", "python"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			files, err := filepath.Glob("testdata/console/*." + language + ".txt")
			if err != nil || len(files) < 6 {
				t.Fatalf("%d transcripts, %v", len(files), err)
			}
			var wants []string
			for _, file := range files {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				want := strings.ReplaceAll(string(text), "http://localhost:12800", endpoint)
				wants = append(wants, want[:strings.LastIndex(strings.TrimSuffix(want, "\n"), "\n")+1]) // without the last prompt
			}
			u := nobody(t, endpoint, "MLS_USERNAME=admin", "MLS_PASSWORD="+password)
			c := u.command("mls", "console", "--runtime", language)
			var out, said bytes.Buffer
			c.Stdin, c.Stdout, c.Stderr = strings.NewReader(typed(strings.Join(wants, between[language]))), &out, &said
			if err := c.Run(); err != nil {
				t.Errorf("%v\n%s", err, said.String())
			}
			got := strings.Split(out.String(), between[language])
			if len(got) != len(wants) {
				t.Fatalf("%d transcripts were printed, want %d:\n%s\n%s", len(got), len(wants), out.String(), said.String())
			}
			for i, want := range wants {
				if i == len(wants)-1 {
					got[i] = got[i][:strings.LastIndex(strings.TrimSuffix(got[i], "\n"), "\n")+1]
				}
				if got[i] != want {
					t.Errorf("%s: printed:\n%s\nwant:\n%s\nsaid:\n%s", files[i], got[i], want, said.String())
				}
			}
		})
	}
	t.Cleanup(func() { awaitNoSessions(t, endpoint) })
}

// typed is what a user has typed of a transcript.
func typed(transcript string) string {
	var lines strings.Builder
	for line := range strings.Lines(transcript) {
		if at := prompts.FindStringIndex(line); at != nil {
			lines.WriteString(line[at[1]:])
		}
	}
	return strings.ReplaceAll(lines.String(), "********", password)
}
