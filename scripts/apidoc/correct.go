package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// correct makes swagger/<version>.json of the fetched document.
func (p project) correct(version string) error {
	from := p.swagger(filepath.Join("published", publishedName(version)))
	published, err := os.ReadFile(from)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is not there: make fetch VERSION=%s first", from, version)
	}
	if err != nil {
		return err
	}
	doc, undescribed, err := p.corrected(published, version)
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	for _, u := range undescribed {
		fmt.Fprintf(p.warn, "warning: %s has no line in swagger/descriptions.yaml\n", u)
	}
	if err := writeFile(p.swagger(version+".json"), doc); err != nil {
		return err
	}
	fmt.Fprintf(p.out, "wrote swagger/%s.json\n", version)
	return nil
}

// corrected applies steps two of the way from the published document to a client: its prose dropped, our corrections
// applied, our descriptions put in. undescribed names what descriptions.yaml lacks.
func (p project) corrected(published []byte, version string) (doc []byte, undescribed []string, err error) {
	dec := json.NewDecoder(bytes.NewReader(withoutBOM(published)))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return nil, nil, err
	}
	tree = withoutProse(tree)

	var corrections []correction
	if err := p.readYAML("corrections.yaml", &corrections); err != nil {
		return nil, nil, err
	}
	for i, c := range corrections {
		if err := c.apply(&tree, version); err != nil {
			return nil, nil, fmt.Errorf("correction %d (%s): %w", i+1, c.Why, err)
		}
	}
	var d descriptions
	if err := p.readYAML("descriptions.yaml", &d); err != nil {
		return nil, nil, err
	}
	undescribed = d.describe(tree.(map[string]any), version)

	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err = enc.Encode(tree)
	return out.Bytes(), undescribed, err
}

func (p project) readYAML(name string, into any) error {
	text, err := os.ReadFile(p.swagger(name))
	if err != nil {
		return err
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", p.swagger(name), err)
	}
	return nil
}

// withoutProse drops what is written for readers of the published site: descriptions, examples, links, licence texts.
// A member of that name whose value is an object is a property, and stays.
func withoutProse(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, member := range v {
			_, text := member.(string)
			switch {
			case key == "examples" || key == "externalDocs" || key == "license" || key == "contact" || key == "example",
				text && (key == "description" || key == "summary" || key == "termsOfService"):
				delete(v, key)
			default:
				v[key] = withoutProse(member)
			}
		}
	case []any:
		for i := range v {
			v[i] = withoutProse(v[i])
		}
	}
	return v
}

// correction is one entry of swagger/corrections.yaml; that file's head explains the fields.
type correction struct {
	Why     string
	At      []string
	Where   any
	Since   string
	Until   string
	Merge   any
	Replace any
	Add     any
	Remove  bool
}

func (c correction) apply(tree *any, version string) error {
	if c.Why == "" || len(c.At) == 0 {
		return errors.New("needs why and at")
	}
	if c.Since != "" && compareVersions(version, c.Since) < 0 || c.Until != "" && compareVersions(version, c.Until) > 0 {
		return nil
	}
	if c.Add != nil {
		return c.add(*tree)
	}
	matched := 0
	*tree = c.walk(*tree, c.At, &matched)
	if matched == 0 {
		return fmt.Errorf("nothing at %s in the document of %s", strings.Join(c.At, " > "), version)
	}
	return nil
}

// removed marks a value for deletion on the way back up.
type removed struct{}

func (c correction) walk(v any, at []string, matched *int) any {
	if len(at) == 0 {
		if c.Where != nil && !contains(v, c.Where) {
			return v
		}
		*matched++
		switch {
		case c.Remove:
			return removed{}
		case c.Merge != nil:
			return merge(v, c.Merge)
		default:
			return clone(c.Replace)
		}
	}
	switch v := v.(type) {
	case map[string]any:
		for key := range v {
			if at[0] != "*" && at[0] != key {
				continue
			}
			if got := c.walk(v[key], at[1:], matched); got == (removed{}) {
				delete(v, key)
			} else {
				v[key] = got
			}
		}
	case []any:
		for i := range v {
			if at[0] == "*" {
				v[i] = c.walk(v[i], at[1:], matched)
			}
		}
		return slices.DeleteFunc(v, func(e any) bool { return e == removed{} })
	}
	return v
}

func (c correction) add(v any) error {
	last := len(c.At) - 1
	for _, key := range c.At[:last] {
		m, _ := v.(map[string]any)
		if v = m[key]; v == nil {
			return fmt.Errorf("nothing at %q", key)
		}
	}
	parent, ok := v.(map[string]any)
	if !ok {
		return errors.New("its parent is no object")
	}
	if _, there := parent[c.At[last]]; there {
		return fmt.Errorf("%q is there already", c.At[last])
	}
	parent[c.At[last]] = clone(c.Add)
	return nil
}

// contains reports whether every member of want is in v; anything but objects must be equal.
func contains(v, want any) bool {
	w, ok := want.(map[string]any)
	if !ok {
		return reflect.DeepEqual(v, want)
	}
	m, ok := v.(map[string]any)
	if !ok {
		return false
	}
	for key := range w {
		if !contains(m[key], w[key]) {
			return false
		}
	}
	return true
}

// merge is RFC 7396's: objects member by member, null deletes, everything else replaces.
func merge(v, patch any) any {
	p, ok := patch.(map[string]any)
	if !ok {
		return clone(patch)
	}
	m, ok := v.(map[string]any)
	if !ok {
		m = map[string]any{}
	}
	for key, value := range p {
		if value == nil {
			delete(m, key)
		} else {
			m[key] = merge(m[key], value)
		}
	}
	return m
}

// clone keeps one correction's value from being shared by the places it is put into.
func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for key := range v {
			m[key] = clone(v[key])
		}
		return m
	case []any:
		s := make([]any, len(v))
		for i := range v {
			s[i] = clone(v[i])
		}
		return s
	}
	return v
}
