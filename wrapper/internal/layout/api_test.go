package layout

import (
	"flag"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/api anew")

// TestAPI compares what the packages export with testdata/api, so that no change of it goes unnoticed: what goes from there is code of
// a user that no longer compiles, or does something else.
func TestAPI(t *testing.T) {
	seen := 0
	for _, p := range packages(t, "./wrapper/...") {
		if strings.Contains(p.ImportPath, "/internal/") || strings.Contains(p.ImportPath, "/cmd/") {
			continue
		}
		name := strings.TrimPrefix(p.ImportPath, module+"/wrapper/")
		golden := filepath.Join("testdata", "api", strings.ReplaceAll(name, "/", ".")+".txt")
		is := exported(t, p)
		if *update {
			if err := os.WriteFile(golden, []byte(strings.Join(is, "\n\n")+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		text, err := os.ReadFile(golden)
		if err != nil {
			t.Error(err)
			continue
		}
		was := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n\n")
		for _, d := range was {
			if !slices.Contains(is, d) {
				t.Errorf("%s has no longer:\n%s", name, d)
			}
		}
		for _, d := range is {
			if !slices.Contains(was, d) {
				t.Errorf("%s has as well:\n%s", name, d)
			}
		}
		seen += len(is)
	}
	if t.Failed() {
		t.Log("the exported API is another. If that is meant: go test ./wrapper/internal/layout -run TestAPI -update")
	}
	if seen < 300 {
		t.Errorf("only %d declarations seen", seen)
	}
}

var blank = regexp.MustCompile(`\n\s*\n`)

// exported is what a package exports, sorted, without comments and function bodies.
func exported(t *testing.T, p goPackage) []string {
	fset := token.NewFileSet()
	var list []string
	add := func(node any) {
		var b strings.Builder
		if err := format.Node(&b, fset, node); err != nil {
			t.Fatal(err)
		}
		list = append(list, blank.ReplaceAllString(b.String(), "\n"))
	}
	for _, name := range p.GoFiles {
		file, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.FileExports(file)
		for _, decl := range file.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				if decl.Recv == nil || ast.IsExported(receiver(decl.Recv.List[0].Type)) {
					decl.Body = nil
					add(decl)
				}
			case *ast.GenDecl:
				switch decl.Tok {
				case token.TYPE:
					for _, spec := range decl.Specs {
						add(&ast.GenDecl{Tok: token.TYPE, Specs: []ast.Spec{spec}})
					}
				case token.CONST, token.VAR:
					add(decl)
				}
			}
		}
	}
	slices.Sort(list)
	return list
}

// receiver is the name of a method's type.
func receiver(of ast.Expr) string {
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	if generic, ok := of.(*ast.IndexExpr); ok {
		of = generic.X
	}
	return of.(*ast.Ident).Name
}
