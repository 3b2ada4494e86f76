package cli

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// TestRunChild is how mls runs mls-devserver where a process cannot become another program: with its streams, and its exit code.
// What an interrupt does is left to the child.
func TestRunChild(t *testing.T) {
	in, answer := io.Pipe()
	out, question := io.Pipe()
	var said bytes.Buffer
	ended := make(chan error, 1)
	go func() {
		a := &app{in: in, out: question, err: &said}
		ended <- a.runChild(exec.Command("sh", "-c", `echo begun; read line; echo "got $line" >&2; exit 6`))
	}()
	if _, err := io.ReadFull(out, make([]byte, len("begun\n"))); err != nil {
		t.Fatal(err)
	}
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if err := self.Signal(os.Interrupt); err != nil { // without runChild this process would end
		t.Fatal(err)
	}
	eventually(t, "the interrupt has come, while the child runs", func() bool {
		status, _ := os.ReadFile("/proc/self/status") // elsewhere nobody tells
		pending := regexp.MustCompile(`ShdPnd:\s*[0-9a-f]*([0-9a-f])\n`).FindSubmatch(status)
		return pending == nil || !strings.ContainsAny(string(pending[1]), "2367abef") // SIGINT is the second bit
	})
	if _, err := io.WriteString(answer, "a line\n"); err != nil {
		t.Fatal(err)
	}
	if err := answer.Close(); err != nil {
		t.Fatal(err)
	}
	var status programStatus
	if err := <-ended; !errors.As(err, &status) || exitCode(err) != 6 || said.String() != "got a line\n" {
		t.Errorf("ended with %v, said %q, want exit code 6 and the line", err, said.String())
	}
	if err := (&app{}).runChild(exec.Command("true")); err != nil {
		t.Errorf("a program that ends well: %v", err)
	}
}
