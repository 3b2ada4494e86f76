// Package readme compiles and runs every sample of README.md.
package readme

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/mlserver-go/mls/wrapper/devserver"
	"github.com/mlserver-go/mls/wrapper/internal/canary"
)

const password = "Readme-pass-1"

// printed is what the samples and their server print.
var printed = canary.New(password)

func TestMain(m *testing.M) { os.Exit(printed.Tests(m).Run()) }

// sample is a fenced block of README.md.
type sample struct {
	language, text string
	line           int
}

func samples(t *testing.T, root string) []sample {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var found []sample
	for i, line := range strings.SplitAfter(string(text), "\n") {
		fence, isFence := strings.CutPrefix(line, "```")
		open := len(found) > 0 && found[len(found)-1].line < 0
		switch {
		case isFence && open:
			found[len(found)-1].line *= -1
		case isFence:
			found = append(found, sample{language: strings.TrimSpace(fence), line: -(i + 1)})
		case open:
			found[len(found)-1].text += line
		}
	}
	return found
}

func TestSamples(t *testing.T) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	checkout := filepath.Join(work, "checkout") // the samples write to gen/, which other tests are compiling
	copyCheckout(t, root, checkout)
	run(t, exec.Command("go", "build", "-o", filepath.Join(work, "mls"), "./wrapper/cmd/mls"), root)
	if err := os.WriteFile(filepath.Join(checkout, "password"), []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(),
		"PATH="+work+string(os.PathListSeparator)+os.Getenv("PATH"),
		"MLS_CONFIG_DIR="+filepath.Join(work, "config"),
		"MLS_ENDPOINT="+serve(t),
		"MLS_PASSWORD="+password,
	)
	if os.Getenv("SWAGGER_BASE_URL") == "" {
		if copied := filepath.Join(root, "..", "shared", "deployr-api-docs"); exists(copied) {
			env = append(env, "SWAGGER_BASE_URL=file://"+copied)
		}
	}

	all := samples(t, root)
	ran := map[string]int{}
	for _, s := range all {
		ran[s.language]++
		switch s.language {
		case "go":
			dir, err := os.MkdirTemp(checkout, "sample")
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(s.text), 0o644); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("go", "run", ".")
			cmd.Env = env
			out := run(t, cmd, dir)
			if want := regexp.MustCompile(`Println\(.*\) // (.*)`).FindStringSubmatch(s.text); want != nil && strings.TrimSpace(out) != want[1] {
				t.Errorf("README.md:%d: printed %q, want %q", s.line, out, want[1])
			}
		case "console":
			for _, c := range commands(t, s) {
				cmd := exec.Command("bash", "-euo", "pipefail", "-c", c.line)
				cmd.Env = env
				out := run(t, cmd, checkout)
				if !c.want.MatchString(out) {
					t.Errorf("README.md:%d: %s\nprinted %q, want a match of %s", s.line, c.line, out, c.want)
				}
			}
		default:
			t.Errorf("README.md:%d: a sample in %q, which this test does not run", s.line, s.language)
		}
	}
	if ran["go"] < 2 || ran["console"] < 2 {
		t.Errorf("ran %v: samples are missing", ran)
	}
}

type command struct {
	line string
	want *regexp.Regexp
}

// commands reads a transcript: lines that begin with "$ ", each followed by what it prints, in which ... stands for anything.
func commands(t *testing.T, s sample) []command {
	t.Helper()
	var list []command
	for _, part := range strings.Split("\n"+s.text, "\n$ ")[1:] {
		line, printed, _ := strings.Cut(part, "\n")
		want := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(printed)), `\.\.\.`, `(?s:.*)`)
		list = append(list, command{line, regexp.MustCompile(`^\s*` + want + `\s*$`)})
	}
	if len(list) == 0 {
		t.Errorf("README.md:%d: a transcript without commands", s.line)
	}
	return list
}

// serve starts a development server and returns its address.
func serve(t *testing.T) string {
	t.Helper()
	s, err := devserver.New(devserver.Config{AdminPassword: password, Logger: printed.Logger()})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return "http://" + listener.Addr().String()
}

func run(t *testing.T, cmd *exec.Cmd, dir string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	err := cmd.Run()
	_, _ = printed.Write(append(stdout.Bytes(), stderr.Bytes()...)) // never fails
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", cmd, err, stdout.String(), stderr.String())
	}
	return stdout.String()
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// copyCheckout copies what git tracks.
func copyCheckout(t *testing.T, from, to string) {
	t.Helper()
	for name := range strings.Lines(run(t, exec.Command("git", "ls-files"), from)) {
		name = strings.TrimSpace(name)
		text, err := os.ReadFile(filepath.Join(from, name))
		if os.IsNotExist(err) {
			continue // deleted, and not committed yet
		}
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(to, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, name), text, info.Mode()); err != nil {
			t.Fatal(err)
		}
	}
}
