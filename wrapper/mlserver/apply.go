package mlserver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Difference is one field in which a published service is not what its Definition says.
type Difference struct {
	Field string `json:"field"` // code, initCode, description, alias, snapshot, objects, inputs, outputs, artifacts or runtime
	Old   string `json:"old"`   // as published; empty: nothing
	New   string `json:"new"`   // as defined
}

// Diff is what Apply would do.
type Diff struct {
	Name        string       `json:"name"`
	Version     string       `json:"version"`
	Exists      bool         `json:"exists"` // false: the service would be published
	Differences []Difference `json:"differences"`

	change Change
}

// Empty reports whether the service is published just as it is defined.
func (d *Diff) Empty() bool { return d.Exists && len(d.Differences) == 0 }

// Diff compares a definition with what is published under its name and version. It changes nothing and reads no objects: a
// server does not tell which ones a service has, so that objects always count as a difference.
//
// The definition says it all: what it leaves empty is to be empty. Only the version must be there.
func (c *Client) Diff(ctx context.Context, d Definition) (*Diff, error) {
	if d.Name == "" || d.Version == "" {
		return nil, errors.New("a service that is to be compared needs a name and a version")
	}
	if _, err := c.publishRequest(d); err != nil {
		return nil, err
	}
	diff := &Diff{Name: d.Name, Version: d.Version}
	published, err := c.Service(d.Name, d.Version).Describe(ctx)
	if errors.Is(err, ErrNotFound) {
		diff.compare(&ServiceInfo{Runtime: runtimeOf(string(d.Runtime))}, d)
		return diff, nil
	}
	if err != nil {
		return nil, err
	}
	diff.Exists = true
	diff.compare(published, d)
	return diff, nil
}

// Apply publishes a service, or updates it if it differs from the definition, and tells what it did: see Diff. What has
// become the same meanwhile is left alone.
func (c *Client) Apply(ctx context.Context, d Definition) (*Service, *Diff, error) {
	diff, err := c.Diff(ctx, d)
	if err != nil {
		return nil, nil, err
	}
	if !diff.Exists {
		s, err := c.Publish(ctx, d)
		return s, diff, err
	}
	s := c.Service(d.Name, d.Version)
	if diff.Empty() {
		return s, diff, nil
	}
	diff.change.Objects = d.Objects
	if len(d.Objects) > 0 && d.SnapshotID != "" {
		diff.change.SnapshotID = &d.SnapshotID // they go on top of it
	}
	return s, diff, s.Update(ctx, diff.change)
}

func (d *Diff) compare(have *ServiceInfo, want Definition) {
	c := &d.change
	c.Runtime = runtimeOf(string(want.Runtime))
	d.text("code", have.Code, want.Code, &c.Code)
	d.text("initCode", have.InitCode, want.InitCode, &c.InitCode)
	d.text("description", have.Description, want.Description, &c.Description)
	d.text("alias", aliasOf(have.Alias), aliasOf(want.Alias), &c.Alias)
	if c.Alias != nil {
		c.Alias = &want.Alias
	}
	if len(want.Objects) > 0 {
		old := ""
		if d.Exists {
			old = "(cannot be compared)"
		}
		d.add("objects", old, strings.Join(slices.Sorted(maps.Keys(want.Objects)), ", "))
	} else {
		d.text("snapshot", have.SnapshotID, want.SnapshotID, &c.SnapshotID)
	}
	if d.add("inputs", describeParameters(have.Inputs), describeParameters(want.Inputs)) {
		c.Inputs = append([]Parameter{}, want.Inputs...)
	}
	if d.add("outputs", describeParameters(have.Outputs), describeParameters(want.Outputs)) {
		c.Outputs = append([]Parameter{}, want.Outputs...)
	}
	if d.add("artifacts", strings.Join(have.Artifacts, ", "), strings.Join(want.Artifacts, ", ")) {
		c.Artifacts = append([]string{}, want.Artifacts...)
	}
	d.add("runtime", string(have.Runtime), string(c.Runtime))
}

func (d *Diff) add(field, have, want string) bool {
	if have == want {
		return false
	}
	d.Differences = append(d.Differences, Difference{field, have, want})
	return true
}

func (d *Diff) text(field, have, want string, change **string) {
	if d.add(field, have, want) {
		*change = &want
	}
}

// aliasOf makes one of the names that servers have for a service without an alias.
func aliasOf(alias string) string {
	switch alias {
	case "consume", "ConsumeWebService":
		return ""
	}
	return alias
}

func describeParameters(list []Parameter) string {
	texts := make([]string, len(list))
	for i, p := range list {
		texts[i] = p.Name + " (" + string(p.Type.canonical()) + ")"
	}
	return strings.Join(texts, ", ")
}

// canonical is the API's own word for a type: articles publish a "string" and a "dataframe" too.
func (t Type) canonical() Type {
	switch t {
	case "string":
		return Character
	case "dataframe":
		return DataFrame
	}
	return t
}

// String shows the difference for people, line by line for code.
func (d *Diff) String() string {
	var b strings.Builder
	id := d.Name + "/" + d.Version
	switch {
	case !d.Exists:
		fmt.Fprintf(&b, "%s is new\n", id)
	case len(d.Differences) == 0:
		fmt.Fprintf(&b, "%s is published as defined\n", id)
	default:
		fmt.Fprintf(&b, "%s changes\n", id)
	}
	for _, f := range d.Differences {
		if !strings.Contains(f.Old+f.New, "\n") {
			fmt.Fprintf(&b, "  %s: %s\n", f.Field, change(f.Old, f.New))
			continue
		}
		fmt.Fprintf(&b, "  %s:\n", f.Field)
		lineDiff(&b, splitLines(f.Old), splitLines(f.New))
	}
	return b.String()
}

func change(before, after string) string {
	switch {
	case before == "":
		return "+ " + after
	case after == "":
		return "- " + before
	}
	return before + " -> " + after
}

func splitLines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}

// lineDiff shows the lines from the first to the last that differ, and one around them.
func lineDiff(b *strings.Builder, before, after []string) {
	head := 0
	for head < len(before) && head < len(after) && before[head] == after[head] {
		head++
	}
	tail := 0
	for tail < len(before)-head && tail < len(after)-head && before[len(before)-1-tail] == after[len(after)-1-tail] {
		tail++
	}
	show := func(sign string, lines []string) {
		for _, l := range lines {
			fmt.Fprintf(b, "    %s %s\n", sign, strings.TrimSuffix(l, "\r"))
		}
	}
	if head > 0 {
		show(" ", before[head-1:head])
	}
	show("-", before[head:len(before)-tail])
	show("+", after[head:len(after)-tail])
	if tail > 0 {
		show(" ", before[len(before)-tail:len(before)-tail+1])
	}
}
