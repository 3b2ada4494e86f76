package mlserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/mlserver-go/mls/wrapper/data"
)

// Output is a named value that code gave, as the server's JSON: nothing is lost, whatever the type.
type Output struct {
	Name string
	JSON json.RawMessage
}

// Outputs are what code gave, each name once, in the order of the server's answer. Their own JSON is an object.
type Outputs []Output

// OutputsOf makes outputs of a map, as generated clients have them, in the order of their names.
func OutputsOf(named map[string]json.RawMessage) Outputs {
	o := make(Outputs, 0, len(named))
	for _, name := range slices.Sorted(maps.Keys(named)) {
		o = append(o, Output{name, named[name]})
	}
	return o
}

// JSON is the named output; nil if there is none.
func (o Outputs) JSON(name string) json.RawMessage {
	for i := range o {
		if o[i].Name == name {
			return o[i].JSON
		}
	}
	return nil
}

// Names are the names of all outputs.
func (o Outputs) Names() []string {
	names := make([]string, len(o))
	for i := range o {
		names[i] = o[i].Name
	}
	return names
}

// set adds an output, or takes another value for it.
func (o *Outputs) set(name string, value json.RawMessage) {
	for i := range *o {
		if (*o)[i].Name == name {
			(*o)[i].JSON = value
			return
		}
	}
	*o = append(*o, Output{name, value})
}

// MarshalJSON makes an object of the outputs.
func (o Outputs) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, output := range o {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = data.AppendString(b, output.Name); err != nil {
			return nil, err
		}
		if b = append(b, ':'); output.JSON == nil {
			output.JSON = []byte(null)
		}
		b = append(b, output.JSON...)
	}
	return append(b, '}'), nil
}

// UnmarshalJSON reads an object.
func (o *Outputs) UnmarshalJSON(text []byte) error {
	read := Outputs{}
	_, err := data.Members(text, func(name string, value []byte) error {
		read.set(name, bytes.Clone(value))
		return nil
	})
	if err == nil {
		*o = read
	}
	return err
}

// Decode stores the named output in dst, a pointer: a *data.Vector, *data.Matrix or *data.Frame directly, anything else as
// encoding/json does. R sessions send every vector as a list, even one of length 1: a list of one is accepted where dst is a
// single value. For a slice of structs from a data frame see DecodeRows.
func (o Outputs) Decode(name string, dst any) error {
	raw := o.JSON(name)
	if raw == nil {
		return fmt.Errorf("no output %q: have %q", name, o.Names())
	}
	var err error
	switch dst := dst.(type) {
	case *float64:
		if f, ok := data.Float(raw); ok {
			*dst = f
		} else {
			err = json.Unmarshal(raw, dst) // which leaves dst as it is for null
		}
	case *data.Vector:
		err = dst.UnmarshalJSON(raw)
	case *data.Matrix:
		err = dst.UnmarshalJSON(raw)
	case *data.Frame:
		err = dst.UnmarshalJSON(raw)
	default:
		err = json.Unmarshal(raw, dst)
	}
	if err == nil {
		return nil
	}
	var boxed []json.RawMessage
	if json.Unmarshal(raw, &boxed) == nil && len(boxed) == 1 && json.Unmarshal(boxed[0], dst) == nil {
		return nil
	}
	return fmt.Errorf("output %q: %w", name, err)
}

// DecodeRows reads the named output, a data frame, into a struct for each row: see data.RowsOf for how.
//
//	cars, err := mlserver.DecodeRows[car](result.Outputs, "cars")
func DecodeRows[T any](o Outputs, name string) ([]T, error) {
	var frame data.Frame
	if err := o.Decode(name, &frame); err != nil {
		return nil, err
	}
	rows, err := data.RowsOf[T](frame)
	if err != nil {
		return nil, fmt.Errorf("output %q: %w", name, err)
	}
	return rows, nil
}

// Result is what code gave, in a session or as a service.
type Result struct {
	Outputs Outputs
	Console string            // what it printed; lines end as on the server, "\r\n" on Windows
	Changed []string          // files it wrote to the working directory
	Files   map[string][]byte // services: content of the declared files; nil for one that was not written
}

// Plots are the names of the changed files that are pictures, by their extension: what the code has drawn. Session.File fetches
// them. R's own name for them is Rplot001.png, and so on. They stand for what mrsdeploy's displayPlots and writePlots take.
func (r *Result) Plots() []string {
	var names []string
	for _, name := range r.Changed {
		switch strings.ToLower(path.Ext(name)) {
		case ".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".svg", ".pdf":
			names = append(names, name)
		}
	}
	return names
}
