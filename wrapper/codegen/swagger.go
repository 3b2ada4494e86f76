// Package codegen makes typed Go clients of Swagger documents with go-swagger.
package codegen

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// generator is the one place that pins go-swagger. It is run, not imported: its dependencies stay out of this module's
// requirements, and an installed command finds it wherever there is a Go tool chain.
const generator = "github.com/go-swagger/go-swagger/cmd/swagger@v0.36.7"

// Swagger runs the pinned go-swagger in dir. Its first run builds it, which takes about half a minute and needs the module
// proxy. The error carries what the generator said.
func Swagger(ctx context.Context, dir string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"run", generator}, args...)...)
	cmd.Dir = dir
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, exec.ErrNotFound):
		return errNoGo
	case err != nil:
		return fmt.Errorf("go-swagger: %w: %s", err, lastLines(said.String(), 5))
	}
	return nil
}

var errNoGo = errors.New("generating a client needs the Go tool chain: install it from https://go.dev/dl and see that `go` is on the PATH")

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
