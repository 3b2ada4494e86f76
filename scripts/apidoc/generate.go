package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlserver-go/mls/wrapper/codegen"
)

// modulePath is what the generator writes in front of the packages it makes.
const modulePath = "github.com/mlserver-go/mls"

// generate deletes gen/vNNN and writes it anew, for the given versions or all that have a document.
func (p project) generate(ctx context.Context, versions []string) error {
	if len(versions) == 0 {
		var err error
		if versions, err = p.committed(); err != nil {
			return err
		}
	}
	for _, v := range versions {
		tree, err := p.generated(ctx, v)
		if err != nil {
			return err
		}
		dir := filepath.Join(p.root, "gen", genName(v))
		if err := tree.write(dir); err != nil {
			return err
		}
		fmt.Fprintf(p.out, "wrote gen/%s (%d files)\n", genName(v), len(tree))
	}
	return nil
}

// files is generated source by slash-separated path below its folder.
type files map[string][]byte

// generated runs the generator on a version's document in a folder of its own, so that a failure leaves gen/ as it was.
func (p project) generated(ctx context.Context, version string) (files, error) {
	doc := p.swagger(version + ".json")
	if _, err := os.Stat(doc); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no swagger/%s.json: make fetch VERSION=%[1]s first", version)
	}
	tmp, err := os.MkdirTemp("", "apidoc-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	// The generator takes the import path from the nearest go.mod.
	if err := os.WriteFile(filepath.Join(tmp, "go.mod"), []byte("module "+modulePath+"\n"), 0o644); err != nil {
		return nil, err
	}
	if err := os.Mkdir(filepath.Join(tmp, "gen"), 0o755); err != nil {
		return nil, err
	}
	pkg := genName(version)
	err = codegen.Swagger(ctx, tmp, "generate", "client", "--quiet", "--with-custom-formatter", "--name=mlserver",
		"--spec="+doc, "--target=gen", "--client-package="+pkg, "--model-package="+pkg+"/models")
	if err != nil {
		return nil, fmt.Errorf("swagger/%s.json: %w", version, err)
	}
	return readFiles(filepath.Join(tmp, "gen", pkg))
}

func readFiles(dir string) (files, error) {
	tree := files{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		tree[filepath.ToSlash(rel)] = text
		return err
	})
	return tree, err
}

func (f files) write(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	for name, text := range f {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// differences names the files that two trees do not have in common.
func (f files) differences(other files) []string {
	var names []string
	for name, text := range f {
		if o, ok := other[name]; !ok || string(o) != string(text) {
			names = append(names, name)
		}
	}
	for name := range other {
		if _, ok := f[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func shorten(names []string) string {
	const most = 5
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
