package canary_test

import (
	"encoding/base64"
	"fmt"
	"log"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/mlserver-go/mls/wrapper/internal/canary"
)

// left lets something stay behind.
func left(t *testing.T, leave func(tmp string) error) {
	t.Helper()
	if err := leave(os.TempDir()); err != nil {
		t.Fatal(err)
	}
}

const secret = `Canary "ü" /Zaunkönig`

var printed = canary.New(secret)

func TestMain(m *testing.M) { os.Exit(printed.Tests(m).Run()) }

// TestLeaks runs this test binary again for each way to print a secret: it must fail then, and only then.
func TestLeaks(t *testing.T) {
	refresh := base64.StdEncoding.EncodeToString(make([]byte, 256))
	leaks := map[string]func(){
		"nothing":         func() { fmt.Println("password: [redacted]"); printed.Logger().Debug("token [redacted]") },
		"standard output": func() { fmt.Println(secret) },
		"standard error":  func() { fmt.Fprintln(os.Stderr, secret) },
		"log":             func() { log.Print(secret) },
		"server's log":    func() { printed.Logger().Debug("signed in", "password", secret) },
		"test's log":      func() { t.Log(secret) },
		"address":         func() { fmt.Println("http://h/?password=" + url.QueryEscape(secret)) },
		"access token":    func() { fmt.Println("Bearer eyJhbGciOiJSUzUxMiJ9.eyJzdWIiOiJhbm4ifQ.c2ln") },
		"refresh token":   func() { fmt.Println("?refreshToken=" + url.QueryEscape(refresh)) },
		"file":            func() { left(t, func(dir string) error { return os.WriteFile(filepath.Join(dir, "x"), nil, 0o600) }) },
		"process":         func() { left(t, func(string) error { return exec.Command("sleep", "60").Start() }) },
		"goroutine":       func() { left(t, func(string) error { go func() { canary.New().Logger(); select {} }(); return nil }) },
		"child": func() {
			c := exec.Command("echo", secret)
			c.Stdout = os.Stdout
			if err := c.Run(); err != nil {
				t.Fatal(err)
			}
		},
	}
	if leak := leaks[os.Getenv("LEAK")]; leak != nil {
		leak()
		return
	}
	var runs sync.WaitGroup
	for name := range leaks {
		runs.Go(func() {
			again := exec.Command(os.Args[0], "-test.v", "-test.run=^TestLeaks$")
			again.Env = append(os.Environ(), "LEAK="+name)
			out, err := again.CombinedOutput()
			told := strings.Contains(string(out), "secrets were printed:") || strings.Contains(string(out), "left behind:\n")
			if told != (name != "nothing") || (err != nil) != told {
				t.Errorf("%s: %v\n%.300s", name, err, strings.ReplaceAll(string(out), secret, "SECRET"))
			}
		})
	}
	runs.Wait()
	if os.Getenv("DEBUG") != "1" || os.Getenv("SWAGGER_DEBUG") != "1" {
		t.Error("debug output is off")
	}
}
