// Command apidoc takes the published API documents to the generated clients: fetch, correct, generate, check.
// The Makefile calls it; `go run ./scripts/apidoc` says what each verb does.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
)

const usage = `usage: go run ./scripts/apidoc VERB [VERSION ...]

  fetch VERSION       bring the published document of a server version (9.0.1, 9.1.0, ...) from $SWAGGER_BASE_URL
                      (default ` + publishedSite + `; file:// works)
                      and make swagger/VERSION.json of it
  correct VERSION     make swagger/VERSION.json of the document already fetched
  generate [VERSION]  delete gen/vNNN and write it anew from swagger/VERSION.json (default: all)
  check               fail if gen/ is not what swagger/ generates, or swagger/ not what the published documents make
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if errors.Is(err, errUsage) {
		fmt.Fprint(os.Stderr, usage)
		if err != errUsage {
			fmt.Fprintf(os.Stderr, "\napidoc: %v\n", err)
		}
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "apidoc: %v\n", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("usage")

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return errUsage
	}
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	p := project{root: root, baseURL: os.Getenv("SWAGGER_BASE_URL"), out: stdout, warn: stderr}
	fs := flag.NewFlagSet("apidoc", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	if err := fs.Parse(args[1:]); err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	versions := fs.Args()
	for _, v := range versions {
		if err := validVersion(v); err != nil {
			return err
		}
	}
	switch verb := args[0]; {
	case verb == "fetch" && len(versions) == 1:
		if err := p.fetch(ctx, versions[0]); err != nil {
			return err
		}
		return p.correct(versions[0])
	case verb == "correct" && len(versions) == 1:
		return p.correct(versions[0])
	case verb == "generate":
		return p.generate(ctx, versions)
	case verb == "check" && len(versions) == 0:
		return p.check(ctx)
	case verb == "fetch" || verb == "correct":
		return fmt.Errorf("%w: %s takes one server version, for instance: make %[2]s VERSION=9.1.0", errUsage, verb)
	default:
		return fmt.Errorf("%w: unknown verb or arguments: %q", errUsage, args)
	}
}

// project is the checkout the verbs work on.
type project struct {
	root    string
	baseURL string // $SWAGGER_BASE_URL; empty: publishedSite
	out     io.Writer
	warn    io.Writer
}

func (p project) swagger(name string) string { return filepath.Join(p.root, "swagger", name) }

// moduleRoot is the folder of go.mod at or above the working directory.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, "go.mod")); err == nil {
			return d, nil
		}
		if d == filepath.Dir(d) {
			return "", fmt.Errorf("no go.mod at or above %s: run it inside the checkout", dir)
		}
	}
}

// writeFile replaces a file whole or not at all.
func writeFile(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Chmod(0o644)
	}
	if err := errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), name)
}
