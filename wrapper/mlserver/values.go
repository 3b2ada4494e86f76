package mlserver

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/mlserver-go/mls/gen/v930/models"
)

// Values are inputs by name. A value is anything that encoding/json encodes: numbers, strings, booleans, nil (NA), slices
// (vectors), slices of slices (matrices, by rows), map[string][]T or structs of slices (data frames, by columns).
type Values map[string]any

// encode gives each value's JSON and names the one that has none.
func (v Values) encode() (map[string]json.RawMessage, error) {
	raw := make(map[string]json.RawMessage, len(v))
	for name, value := range v {
		text, err := json.Marshal(value)
		if err != nil {
			return nil, fmt.Errorf("input %q has no JSON form: %w (NA is nil; NaN and infinity cannot be sent)", name, err)
		}
		raw[name] = text
	}
	return raw, nil
}

// workspaceObjects lists the values as sessions want them, sorted by name.
func (v Values) workspaceObjects() ([]*models.WorkspaceObject, error) {
	raw, err := v.encode()
	if err != nil {
		return nil, err
	}
	objects := make([]*models.WorkspaceObject, 0, len(raw))
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		objects = append(objects, &models.WorkspaceObject{Name: name, Value: raw[name]})
	}
	return objects, nil
}

// Outputs are outputs by name, as the server's JSON: nothing is lost, whatever the type.
type Outputs map[string]json.RawMessage

// Decode stores the named output in dst, a pointer, as encoding/json does. R sessions send every vector as a list, even one
// of length 1: a list of one is accepted where dst is a single value.
func (o Outputs) Decode(name string, dst any) error {
	raw, ok := o[name]
	if !ok {
		return fmt.Errorf("no output %q: have %q", name, slices.Sorted(maps.Keys(o)))
	}
	err := json.Unmarshal(raw, dst)
	if err == nil {
		return nil
	}
	var boxed []json.RawMessage
	if json.Unmarshal(raw, &boxed) == nil && len(boxed) == 1 && json.Unmarshal(boxed[0], dst) == nil {
		return nil
	}
	return fmt.Errorf("output %q: %w", name, err)
}

// Result is what code gave, in a session or as a service.
type Result struct {
	Outputs Outputs
	Console string            // what it printed; lines end as on the server, "\r\n" on Windows
	Changed []string          // files it wrote to the working directory
	Files   map[string][]byte // services: content of the declared files; nil for one that was not written
}
