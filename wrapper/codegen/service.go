package codegen

import (
	"context"
	"errors"
	"fmt"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlserver-go/mls/wrapper/internal/lazyregexp"
	"github.com/mlserver-go/mls/wrapper/internal/temp"
)

// Options say where the client of a service goes. Only Dir is needed.
type Options struct {
	// Dir is the package's folder, inside a Go module. It is made if need be. Files in it that are not generated stay.
	Dir string

	// Package is the package's name; empty: one that is made from the service's.
	Package string

	// Progress is told of each step that takes seconds when it begins; may be nil.
	Progress func(step string)
}

func (o Options) begin(step string) {
	if o.Progress != nil {
		o.Progress(step)
	}
}

// Result is what Service has written.
type Result struct {
	Name, Version string   // of the service
	Dir           string   // of the package, absolute
	ImportPath    string   // of the package
	Package       string   // its name
	Example       []string // Go lines that call the service with made-up inputs; `client` is a signed-in mlserver.Client
	Changed       []string // files written or removed, by slash-separated path below Dir; none if all was up to date
}

// Service writes a typed Go client of one published web service, from the service's own document (mrsdeploy: swagger() of
// a service; GET /api/NAME/VERSION/swagger.json), which servers have had since 9.0.1.
//
// What it makes of the service transmission 1.0.0 with the alias manualTransmission is used like this:
//
//	c := transmission.New(client.Transport()) // of a signed-in mlserver.Client
//	out, err := c.ManualTransmission(ctx, transmission.Inputs{HP: 120, Wt: 2.8})
//	fmt.Println(out.Answer, out.Console)
//	batch, err := c.StartBatch(ctx, []transmission.Inputs{{HP: 120, Wt: 2.8}, {HP: 90, Wt: 2.1}}, 0)
//
// The package is built and vetted before anything is written: what is refused leaves Dir as it was. Only files that a
// generator has marked as its own are overwritten or removed, and nothing outside Dir is touched, whatever the document says.
// It needs the Go tool chain, and on the first run the network and up to two minutes to build the generator.
func Service(ctx context.Context, doc []byte, o Options) (*Result, error) {
	s, err := parse(doc)
	if err != nil {
		return nil, fmt.Errorf("swagger.json: %w", err)
	}
	r, err := generateService(ctx, s, o)
	if err != nil {
		return nil, fmt.Errorf("service %s %s: %w", s.Name, s.Version, err)
	}
	return r, nil
}

func generateService(ctx context.Context, s *service, o Options) (*Result, error) {
	if o.Package == "" {
		o.Package = packageName(s.Name)
	}
	if !token.IsIdentifier(o.Package) || o.Package == "_" || o.Package == "main" {
		return nil, fmt.Errorf("%q can't be the name of a package: use a Go identifier", o.Package)
	}
	t, err := newTarget(ctx, o.Dir)
	if err != nil {
		return nil, err
	}
	f := newFacade(s, o.Package, t.importPath)
	_, version, _ := strings.Cut(generator, "@")
	o.begin("generating with go-swagger " + version + ": the first time it is built as well, which takes about half a minute")
	source, err := f.generate(ctx)
	if err != nil {
		return nil, err
	}
	o.begin("compiling and vetting package " + o.Package)
	changed, err := t.replace(ctx, s.Name, source)
	if err != nil {
		return nil, err
	}
	return &Result{
		Name: s.Name, Version: s.Version, Dir: t.dir, ImportPath: t.importPath, Package: o.Package, Changed: changed,
		Example: []string{"c := " + o.Package + ".New(client.Transport())", "out, err := " + f.Call()},
	}, nil
}

// source is Go source by slash-separated path below the package's folder.
type source map[string][]byte

// generate makes all files of the package, in a folder of its own.
func (f *facade) generate(ctx context.Context) (source, error) {
	files, err := f.source()
	if err != nil {
		return nil, err
	}
	doc, err := f.document()
	if err != nil {
		return nil, err
	}
	folder, err := temp.NewFolder("service")
	if err != nil {
		return nil, err
	}
	defer folder.Remove()
	tmp := folder.Path
	// The generator takes the import path from the nearest go.mod.
	err = errors.Join(
		os.WriteFile(filepath.Join(tmp, "go.mod"), []byte("module "+f.ImportPath+"\n"), 0o644),
		os.WriteFile(filepath.Join(tmp, "service.json"), doc, 0o644),
		os.Mkdir(filepath.Join(tmp, "internal"), 0o755),
	)
	if err != nil {
		return nil, err
	}
	// The document is this package's own and valid: checking it would take as long as all the rest.
	err = Swagger(ctx, tmp, "generate", "client", "--quiet", "--with-custom-formatter", "--skip-validation",
		"--name=api", "--spec=service.json", "--target=internal", "--client-package=api", "--model-package=api/models")
	if err != nil {
		return nil, err
	}
	api := os.DirFS(tmp)
	return files, fs.WalkDir(api, "internal/api", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if path.Dir(name) == "internal/api" {
			return nil // a constructor for localhost, which would only mislead
		}
		files[name], err = fs.ReadFile(api, name)
		return err
	})
}

// packages lists the folders of the source, "." for the package itself.
func (s source) packages() []string {
	dirs := map[string]bool{}
	for name := range s {
		dirs[path.Dir(name)] = true
	}
	return slices.Sorted(maps.Keys(dirs))
}

var importable = lazyregexp.New(`^[A-Za-z0-9~][A-Za-z0-9._~-]*$`)

// checkImportPath refuses folders that Go can't import from.
func checkImportPath(importPath string) error {
	for element := range strings.SplitSeq(importPath, "/") {
		if !importable().MatchString(element) || strings.HasSuffix(element, ".") {
			return fmt.Errorf("a Go package can't be imported from a folder called %q: use letters, digits, `-`, `_` and `.`", element)
		}
	}
	return nil
}
