package mlserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/mlserver-go/mls/gen/v930/models"
	"github.com/mlserver-go/mls/wrapper/data"
)

// Values are inputs by name. A value is a data.Vector, data.Matrix, data.Frame or *data.Table, or anything that encoding/json encodes:
// numbers, strings, booleans, nil (NA), slices (vectors), slices of slices (matrices, by rows), map[string][]T or structs of
// slices (data frames, by columns). JSON that is there already goes in as json.RawMessage.
//
// What becomes of numbers, both ways:
//
//   - A float64 arrives and comes back with all its bits, -0 and the smallest included: as a float64, a []float64 or data.Floats.
//     Deeper inside of other Go values, -0 is 0 to Python.
//   - An int64 arrives in Python with all its digits. To R every number is a double: beyond 2^53 it is the nearest one. What
//     comes back has the digits that the code had, and Outputs.Decode stores them in an int64 without a detour.
//   - nil is R's NULL and Python's None; within a list it is NA, of R, and None. NULL, None and NA come back as null, which
//     data.Vector takes for NA, a pointer for nil, and a Go number for nothing: it keeps what it was.
//   - NaN and the infinities have no form in JSON. They come back as null, as NA does, and go in as NA in data.Floats and not
//     at all elsewhere. Who must tell them apart lets the code do it, by is.nan and the like, or moves the object itself by
//     Session.PutObject and Session.Object: in serialized form nothing is lost.
type Values map[string]any

func notFinite(f float64) bool { return math.IsNaN(f) || math.IsInf(f, 0) }

// encode gives each value's JSON and names the one that has none.
func (v Values) encode() (map[string]json.RawMessage, error) {
	raw := make(map[string]json.RawMessage, len(v))
	for name, value := range v {
		text, err := appendValue(nil, value)
		if err != nil {
			return nil, fmt.Errorf("input %q has no JSON form: %w", name, err)
		}
		raw[name] = text
	}
	return raw, nil
}

// body is the JSON object of all values, sorted by name. at, if there is one, is told where in its text each value is, but for the
// large ones. It is written only once: encoding/json would read it again to check it, and copy it.
func (v Values) body(at map[string]span) (*body, error) {
	var room [8]string
	names := room[:0]
	size := 2
	for name, value := range v {
		if raw, _ := value.(json.RawMessage); len(raw) < largeRaw {
			size += len(raw)
		}
		size += len(name) + 12
		names = append(names, name)
	}
	slices.Sort(names)
	body := &body{}
	b := append(make([]byte, 0, size), '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = data.AppendString(b, name); err != nil {
			return nil, fmt.Errorf("the name of an input: %w", err)
		}
		b = append(b, ':')
		start := len(b)
		large, ok, err := largeOf(v[name])
		if ok {
			large.name, large.at = name, start
			body.large = append(body.large, large)
			continue
		}
		if err == nil {
			b, err = appendValue(b, v[name])
		}
		if err != nil {
			return nil, fmt.Errorf("input %q has no JSON form: %w", name, err)
		}
		if at != nil {
			at[name] = span{start, len(b)}
		}
	}
	body.text = append(b, '}')
	return body, nil
}

// span is a part of a text.
type span struct{ start, end int }

var errNotJSON = errors.New("it is no valid JSON")

func appendValue(b []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case interface{ AppendJSON([]byte) ([]byte, error) }:
		return v.AppendJSON(b)
	case json.RawMessage:
		if !json.Valid(v) {
			return nil, errNotJSON
		}
		return append(b, v...), nil
	case []float64: // encoding/json writes -0, which Python reads as the integer 0
		if len(v) > 0 && !slices.ContainsFunc(v, notFinite) {
			return data.Floats(v...).AppendJSON(b)
		}
	case float64: // what tables hold needs no reflection
		a := math.Abs(v)
		if a == 0 && math.Signbit(v) {
			return append(b, "-0.0"...), nil
		}
		if a == 0 || a >= 1e-6 && a < 1e21 { // else there is an exponent
			return data.AppendFloat(b, v), nil
		}
	case int:
		return strconv.AppendInt(b, int64(v), 10), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	}
	text, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("%w (NA is nil; NaN and infinity can only be sent as NA, in a data.Vector)", err)
	}
	if b == nil {
		return text, nil
	}
	return append(b, text...), nil
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
