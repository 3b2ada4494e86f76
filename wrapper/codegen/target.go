package codegen

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/mlserver-go/mls/wrapper/internal/lazyregexp"
	"github.com/mlserver-go/mls/wrapper/internal/temp"
)

// target is the folder of a generated package.
type target struct {
	dir        string // absolute
	importPath string
}

// newTarget finds the module that dir is in. Nothing is made yet.
func newTarget(ctx context.Context, dir string) (*target, error) {
	if dir == "" {
		return nil, errors.New("no folder given to write to")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	existing, missing := dir, ""
	for {
		info, err := os.Stat(existing)
		if err == nil && !info.IsDir() {
			return nil, fmt.Errorf("%s is not a folder", existing)
		}
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) || existing == filepath.Dir(existing) {
			return nil, err
		}
		missing = filepath.Join(filepath.Base(existing), missing)
		existing = filepath.Dir(existing)
	}
	// The go command sees a folder without its symbolic links.
	if existing, err = filepath.EvalSymlinks(existing); err != nil {
		return nil, err
	}
	said, err := goCommand(ctx, existing, "list", "-m", "-f", "{{.Path}}\n{{.Dir}}")
	if err != nil {
		return nil, fmt.Errorf("%s is in no Go module that works, `go mod init` makes one: %w", dir, err)
	}
	t := &target{dir: filepath.Join(existing, missing)}
	// In a workspace all modules are listed; ours is the innermost.
	for lines := strings.Split(strings.TrimSpace(said), "\n"); len(lines) > 1; lines = lines[2:] {
		rel, err := filepath.Rel(lines[1], t.dir)
		if err != nil || !filepath.IsLocal(rel) {
			continue
		}
		if p := path.Join(lines[0], filepath.ToSlash(rel)); len(p) > len(t.importPath) {
			t.importPath = p
		}
	}
	if t.importPath == "" {
		return nil, fmt.Errorf("%s is in no Go module: `go mod init` makes one", dir)
	}
	return t, checkImportPath(t.importPath)
}

// replace puts the files in the place of those generated before, if they build and vet. It tells which have changed.
func (t *target) replace(ctx context.Context, service string, files source) (changed []string, err error) {
	made, err := t.makeFolders(files)
	defer func() {
		if err != nil {
			for _, dir := range slices.Backward(made) {
				os.Remove(dir) // succeeds only as long as it is empty
			}
		}
	}()
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(t.dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()

	if err := checkSame(root, service); err != nil {
		return nil, err
	}
	stale, foreign, err := t.present(root, files)
	if err != nil {
		return nil, err
	}
	if err := t.check(ctx, files, append(slices.Clone(stale), foreign...)); err != nil {
		return nil, err
	}
	for name, text := range files {
		if have, err := root.ReadFile(name); err == nil && bytes.Equal(have, text) {
			continue
		}
		if err := writeFile(root, name, text); err != nil {
			return nil, err
		}
		changed = append(changed, name)
	}
	for _, name := range stale {
		if err := root.Remove(name); err != nil {
			return nil, err
		}
		changed = append(changed, name)
	}
	slices.Sort(changed)
	return changed, nil
}

// makeFolders makes the folders that are not there yet and lists them, outer ones first.
func (t *target) makeFolders(files source) (made []string, err error) {
	mkdir := func(dir string) error {
		err := os.Mkdir(dir, 0o755)
		if err == nil {
			made = append(made, dir)
		}
		if errors.Is(err, fs.ErrExist) {
			return nil
		}
		return err
	}
	var outer []string
	for dir := t.dir; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		outer = append(outer, dir)
	}
	for _, dir := range slices.Backward(outer) {
		if err := mkdir(dir); err != nil {
			return made, err
		}
	}
	root, err := os.OpenRoot(t.dir)
	if err != nil {
		return made, err
	}
	defer root.Close()
	for _, pkg := range files.packages() {
		dir := "."
		for element := range strings.SplitSeq(pkg, "/") {
			dir = path.Join(dir, element)
			if err := mkdir(filepath.Join(t.dir, filepath.FromSlash(dir))); err != nil {
				return made, err
			}
			// A symbolic link may lead out of the folder: the root refuses to follow it.
			if info, err := root.Stat(dir); err != nil {
				return made, err
			} else if !info.IsDir() {
				return made, fmt.Errorf("%s is in the way: a folder of that name is needed", filepath.Join(t.dir, dir))
			}
		}
	}
	return made, nil
}

// present sorts what is in the package's folders already: stale files were generated and are no more; foreign ones are
// not to be touched.
func (t *target) present(root *os.Root, files source) (stale, foreign []string, err error) {
	for _, pkg := range files.packages() {
		entries, err := fs.ReadDir(root.FS(), pkg)
		if err != nil {
			return nil, nil, err
		}
		for _, e := range entries {
			name := path.Join(pkg, e.Name())
			_, wanted := files[name]
			if e.IsDir() && !wanted {
				continue
			}
			text, err := root.ReadFile(name)
			ours := err == nil && generated(name, text)
			switch {
			case wanted && !ours:
				return nil, nil, fmt.Errorf("%s is there and was not generated: move it, or choose another folder", filepath.Join(t.dir, name))
			case wanted:
			case ours:
				stale = append(stale, name)
			default:
				foreign = append(foreign, name)
			}
		}
	}
	return stale, foreign, nil
}

// generated tells whether a file is of an earlier run.
func generated(name string, text []byte) bool {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	if strings.Contains(name, "/") {
		return string(line) == "// Code generated by go-swagger; DO NOT EDIT."
	}
	return string(line) == header
}

var serviceName = lazyregexp.New(`(?m)^\tServiceName\s+= (".*")$`)

// checkSame refuses a folder with the client of another service, which somebody may still need.
func checkSame(root *os.Root, name string) error {
	text, err := root.ReadFile("client.go")
	if err != nil {
		return nil // whatever it is will show on writing
	}
	if m := serviceName().FindSubmatch(text); m != nil && string(m[1]) != strconv.Quote(name) {
		return fmt.Errorf("%s has the client of service %s: choose another folder", root.Name(), m[1])
	}
	return nil
}

// check builds and vets the files as if they were in place and all hidden ones gone.
func (t *target) check(ctx context.Context, files source, hidden []string) error {
	folder, err := temp.NewFolder("check")
	if err != nil {
		return err
	}
	defer folder.Remove()
	tmp := folder.Path
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for _, name := range hidden {
		overlay.Replace[filepath.Join(t.dir, filepath.FromSlash(name))] = ""
	}
	for name, text := range files {
		name = filepath.FromSlash(name)
		overlay.Replace[filepath.Join(t.dir, name)] = filepath.Join(tmp, name)
		if err := os.MkdirAll(filepath.Dir(filepath.Join(tmp, name)), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(tmp, name), text, 0o644); err != nil {
			return err
		}
	}
	text, err := json.Marshal(overlay)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(tmp, "overlay.json"), text, 0o644); err != nil {
		return err
	}
	for _, verb := range []string{"build", "vet"} {
		args := []string{verb, "-overlay", filepath.Join(tmp, "overlay.json")}
		for _, pkg := range files.packages() {
			args = append(args, path.Join(t.importPath, pkg))
		}
		if _, err := goCommand(ctx, t.dir, args...); err != nil {
			return fmt.Errorf("the generated package does not pass go %s: %s", verb, strings.ReplaceAll(err.Error(), tmp, t.dir))
		}
	}
	return nil
}

// goCommand runs the go command and returns what it printed.
func goCommand(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err == nil {
		return stdout.String(), nil
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if errors.Is(err, exec.ErrNotFound) {
		return "", errNoGo
	}
	said := stderr.String()
	for _, lack := range []string{"no required module provides", "missing go.sum entry", "updates to go.mod needed"} {
		if strings.Contains(said, lack) {
			return "", fmt.Errorf("the module lacks what generated clients import, run `go get github.com/mlserver-go/mls/wrapper/mlserver` in it first: %s", lastLines(said, 3))
		}
	}
	return "", fmt.Errorf("%w: %s", err, lastLines(said, 5))
}

// writeFile replaces a file whole or not at all.
func writeFile(root *os.Root, name string, text []byte) error {
	err := root.WriteFile(name+".new", text, 0o644)
	if err == nil {
		err = root.Rename(name+".new", name)
	}
	if err != nil {
		root.Remove(name + ".new")
	}
	return err
}
