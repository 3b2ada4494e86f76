package cli

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// definitionFile is a service in YAML. Files are relative to it.
type definitionFile struct {
	Name        string            `yaml:"name"`
	Version     string            `yaml:"version"`
	Runtime     string            `yaml:"runtime"`
	Description string            `yaml:"description"`
	Code        string            `yaml:"code"`
	CodeFile    string            `yaml:"codeFile"`
	Init        string            `yaml:"init"`
	InitFile    string            `yaml:"initFile"`
	Snapshot    string            `yaml:"snapshot"`
	Objects     map[string]string `yaml:"objects"`
	Inputs      yamlParameters    `yaml:"inputs"`
	Outputs     yamlParameters    `yaml:"outputs"`
	Artifacts   []string          `yaml:"artifacts"`
	Alias       string            `yaml:"alias"`
}

// yamlParameters are names with types, in order.
type yamlParameters []mlserver.Parameter

// UnmarshalYAML implements yaml.Unmarshaler.
func (p *yamlParameters) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: give names with their types, such as {hp: numeric}", n.Line)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, typ := n.Content[i].Value, mlserver.Type(n.Content[i+1].Value)
		if !slices.Contains(types, typ) {
			return fmt.Errorf("line %d: %s: there is no type %q, only %s", n.Content[i+1].Line, name, typ, strings.Trim(fmt.Sprint(types), "[]"))
		}
		*p = append(*p, mlserver.Parameter{Name: name, Type: typ})
	}
	return nil
}

// readDefinition reads a service from a YAML file, - for the standard input, and the code that it names. Its objects are opened
// when they are read.
func (a *app) readDefinition(file string) (mlserver.Definition, error) {
	d, err := a.parseDefinition(file)
	if err != nil {
		return d, fmt.Errorf("%s: %w", file, err)
	}
	return d, nil
}

func (a *app) parseDefinition(file string) (d mlserver.Definition, err error) {
	text, err := a.readText(file)
	if err != nil {
		return d, err
	}
	var f definitionFile
	decoder := yaml.NewDecoder(strings.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&f); err != nil {
		if err == io.EOF {
			return d, errors.New("it is empty")
		}
		return d, yamlError(err)
	}
	if err := decoder.Decode(new(yaml.Node)); err != io.EOF {
		return d, errors.New("it has more than one document: give each service a file of its own")
	}
	dir := "."
	if file != "-" {
		dir = filepath.Dir(file)
	}
	runtime, err := parseRuntime(f.Runtime, f.CodeFile)
	if err != nil {
		return d, err
	}
	d = mlserver.Definition{
		Name: f.Name, Version: f.Version, Runtime: runtime, Description: f.Description, SnapshotID: f.Snapshot,
		Inputs: f.Inputs, Outputs: f.Outputs, Artifacts: f.Artifacts, Alias: f.Alias,
	}
	if d.Code, err = codeOf(dir, "code", f.Code, f.CodeFile); err != nil {
		return d, err
	}
	if d.InitCode, err = codeOf(dir, "init", f.Init, f.InitFile); err != nil {
		return d, err
	}
	switch {
	case d.Name == "":
		return d, errors.New("name is missing")
	case d.Version == "":
		return d, errors.New("version is missing: without one there is nothing to compare with")
	case d.Code == "":
		return d, errors.New("code or codeFile is missing")
	}
	d.Objects, err = objectFiles(dir, f.Objects)
	return d, err
}

// yamlError says in one line what is wrong in which, without our names for things.
func yamlError(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	var wrong *yaml.TypeError
	if errors.As(err, &wrong) {
		text = strings.Join(wrong.Errors, "; ")
	}
	return errors.New(strings.ReplaceAll(text, "not found in type cli.definitionFile", "is not known"))
}

func codeOf(dir, what, code, file string) (string, error) {
	if file == "" {
		return code, nil
	}
	if code != "" {
		return "", fmt.Errorf("give either %s or %sFile", what, what)
	}
	text, err := os.ReadFile(inDir(dir, file))
	return string(text), err
}

func inDir(dir, file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(dir, file)
}

// objectFiles are the objects that are in files, which must be there. They are read when they are sent.
func objectFiles(dir string, files map[string]string) (map[string]io.Reader, error) {
	objects := make(map[string]io.Reader, len(files))
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := inDir(dir, files[name])
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("object %s: %w", name, err)
		}
		if info.IsDir() {
			return nil, fmt.Errorf("object %s: %s is a folder", name, path)
		}
		objects[name] = &lateFile{path: path}
	}
	return objects, nil
}

// lateFile is a file that is opened when it is read, and closed at its end.
type lateFile struct {
	path string
	file *os.File
	err  error // that ended it
}

func (f *lateFile) Read(p []byte) (n int, err error) {
	if f.file == nil && f.err == nil {
		f.file, f.err = os.Open(f.path)
	}
	if f.err != nil {
		return 0, f.err
	}
	if n, f.err = f.file.Read(p); f.err != nil {
		_ = f.file.Close()
	}
	return n, f.err
}

// parseRuntime is the language that is meant: by default what the code file's extension says, else R.
func parseRuntime(name, file string) (mlserver.Runtime, error) {
	switch strings.ToLower(name) {
	case "r":
		return mlserver.R, nil
	case "python":
		return mlserver.Python, nil
	case "":
		if strings.EqualFold(filepath.Ext(file), ".py") {
			return mlserver.Python, nil
		}
		return mlserver.R, nil
	}
	return "", fmt.Errorf("runtime is r or python, not %q", name)
}
