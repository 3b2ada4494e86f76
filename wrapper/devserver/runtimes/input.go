package runtimes

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// object is a JSON object in its own order: the columns of a data frame have one.
type object struct {
	keys   []string
	values []any
}

// MarshalJSON keeps the order.
func (o *object) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, k := range o.keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, k), ':')
		v, err := json.Marshal(o.values[i])
		if err != nil {
			return nil, err
		}
		b = append(b, v...)
	}
	return append(b, '}'), nil
}

// parseJSON reads a value into nil, bool, json.Number, string, []any and *object. Nothing at all counts as null.
func parseJSON(raw json.RawMessage) (any, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	v, err := parseValue(d, raw)
	switch {
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return nil, errors.New("it ends too early")
	case err != nil:
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("text follows the JSON value")
	}
	return v, nil
}

// parseValue takes the decoder's own way, which is the fast one, where there is no order to keep.
func parseValue(d *json.Decoder, raw json.RawMessage) (v any, err error) {
	if bytes.IndexByte(raw, '{') < 0 {
		err = d.Decode(&v)
		return v, err
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	a, o := []any{}, &object{}
	for (t == json.Delim('[') || t == json.Delim('{')) && d.More() {
		if t == json.Delim('{') {
			k, err := d.Token()
			if err != nil {
				return nil, err
			}
			o.keys = append(o.keys, k.(string))
		}
		var element json.RawMessage
		if err := d.Decode(&element); err != nil {
			return nil, err
		}
		e, err := parseJSON(element)
		if err != nil {
			return nil, err
		}
		a, o.values = append(a, e), append(o.values, e)
	}
	switch t {
	case json.Delim('['):
		_, err = d.Token()
		return a, err
	case json.Delim('{'):
		_, err = d.Token()
		return o.unique(), err
	}
	return t, nil // a string with a brace in it
}

// unique drops all but the last value of repeated keys.
func (o *object) unique() *object {
	at := make(map[string]int, len(o.keys))
	u := &object{keys: o.keys[:0], values: o.values[:0]}
	for i, k := range o.keys {
		if j, ok := at[k]; ok {
			u.values[j] = o.values[i]
			continue
		}
		at[k] = len(u.keys)
		u.keys, u.values = append(u.keys, k), append(u.values, o.values[i])
	}
	return u
}

// inputError names the input, the declared type and what arrived.
func inputError(in Input, got string) error {
	return fmt.Errorf("input %q: declared %s, got %s", in.Name, in.Type, got)
}

// check reads an input's value and holds it against the declared type. What it returns has the type's plain form: a
// scalar, an array, an array of rows, an object of columns.
func (in Input) check(lang Language) (any, error) {
	if in.Name == "" {
		return nil, fmt.Errorf("an input has no name")
	}
	v, err := parseJSON(in.Value)
	if err != nil {
		return nil, fmt.Errorf("input %q: its value is not JSON: %v", in.Name, err)
	}
	switch in.Type {
	case "":
		return v, nil
	case "numeric", "integer", "logical", "character":
		return in.checkScalar(v)
	case "vector":
		a, ok := v.([]any)
		if !ok {
			if _, ok := v.(*object); ok || v == nil {
				return nil, inputError(in, describe(v))
			}
			return []any{v}, nil
		}
		// numpy has arrays of any dimension, an R vector is flat.
		if i := slices.IndexFunc(a, notScalar); i >= 0 && lang == R {
			return nil, inputError(in, fmt.Sprintf("an array whose element %d is %s", i+1, describe(a[i])))
		}
		return a, nil
	case "matrix":
		a, ok := v.([]any)
		if !ok {
			return nil, inputError(in, describe(v)+" instead of an array of rows")
		}
		if bad := ragged(a); bad != "" {
			return nil, inputError(in, bad)
		}
		return a, nil
	case "data.frame":
		return in.checkFrame(v)
	}
	return nil, fmt.Errorf("input %q: unknown type %q (known: logical, numeric, integer, character, vector, matrix, data.frame)", in.Name, in.Type)
}

func (in Input) checkScalar(v any) (any, error) {
	if a, ok := v.([]any); ok && len(a) == 1 {
		v = a[0] // R clients write scalars as arrays of length 1
	}
	ok := v == nil // NA
	switch x := v.(type) {
	case json.Number:
		f, err := x.Float64()
		ok = err == nil && (in.Type == "numeric" || in.Type == "integer" && f == math.Trunc(f) && math.Abs(f) <= math.MaxInt32)
	case bool:
		ok = in.Type == "logical"
	case string:
		ok = in.Type == "character"
	}
	if !ok {
		return nil, inputError(in, describe(v))
	}
	return v, nil
}

// checkFrame accepts columns, {"a":[1,2]}, and rows, [{"a":1},{"a":2}]; a single value is a column of one row.
func (in Input) checkFrame(v any) (any, error) {
	if a, ok := v.([]any); ok {
		f, bad := rowsToColumns(a)
		if bad != "" {
			return nil, inputError(in, bad)
		}
		return f, nil
	}
	o, ok := v.(*object)
	if !ok {
		return nil, inputError(in, describe(v)+" instead of an object of columns")
	}
	f := &object{keys: o.keys}
	for i, c := range o.values {
		a, ok := c.([]any)
		if !ok {
			a = []any{c}
		}
		if j := slices.IndexFunc(a, notScalar); j >= 0 {
			return nil, inputError(in, fmt.Sprintf("a column %q whose value %d is %s", o.keys[i], j+1, describe(a[j])))
		}
		if i > 0 {
			if first := len(f.values[0].([]any)); len(a) != first {
				return nil, inputError(in, fmt.Sprintf("columns of different lengths (%q has %d rows, %q %d)", o.keys[0], first, o.keys[i], len(a)))
			}
		}
		f.values = append(f.values, a)
	}
	return f, nil
}

// rowsToColumns turns an array of objects into columns; what a row lacks is null. bad says why it cannot.
func rowsToColumns(rows []any) (f *object, bad string) {
	f = &object{}
	at := map[string]int{}
	for i, row := range rows {
		o, ok := row.(*object)
		if !ok {
			return nil, fmt.Sprintf("an array whose element %d is %s instead of a row", i+1, describe(row))
		}
		for j, k := range o.keys {
			if notScalar(o.values[j]) {
				return nil, fmt.Sprintf("a row %d whose %q is %s", i+1, k, describe(o.values[j]))
			}
			c, ok := at[k]
			if !ok {
				c = len(f.keys)
				at[k] = c
				f.keys, f.values = append(f.keys, k), append(f.values, make([]any, len(rows)))
			}
			f.values[c].([]any)[i] = o.values[j]
		}
	}
	return f, ""
}

// ragged says what keeps an array from being a matrix: "" if nothing does.
func ragged(rows []any) string {
	width := -1
	for i, r := range rows {
		row, ok := r.([]any)
		if !ok {
			return fmt.Sprintf("an array whose element %d is %s instead of a row", i+1, describe(r))
		}
		if j := slices.IndexFunc(row, notScalar); j >= 0 {
			return fmt.Sprintf("a row %d whose value %d is %s", i+1, j+1, describe(row[j]))
		}
		if width >= 0 && len(row) != width {
			return fmt.Sprintf("rows of different lengths (%d and %d)", width, len(row))
		}
		width = len(row)
	}
	return ""
}

func notScalar(v any) bool {
	switch v.(type) {
	case []any, *object:
		return true
	}
	return false
}

// describe says what a JSON value is, for error messages.
func describe(v any) string {
	switch x := v.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(x)
	case json.Number:
		return "the number " + x.String()
	case string:
		if r := []rune(x); len(r) > 40 {
			x = string(r[:40]) + "..."
		}
		return "the text " + strconv.Quote(x)
	case []any:
		if len(x) == 1 {
			return "an array of 1 value"
		}
		return fmt.Sprintf("an array of %d values", len(x))
	case *object:
		if len(x.keys) > 5 {
			return fmt.Sprintf("an object with %d fields", len(x.keys))
		}
		return fmt.Sprintf("an object with the fields [%s]", strings.Join(x.keys, ", "))
	}
	return fmt.Sprintf("a %T", v)
}
