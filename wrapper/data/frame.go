package data

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/mlserver-go/mls/wrapper/data/internal/number"
)

// Column is a named vector of a Frame.
type Column struct {
	Name   string
	Values Vector
}

// Frame is a data frame: columns of equal length, in order, each with a name of its own. Row names are not sent. For what
// happens to NA, NaN and the types see Vector.
//
//	Frame{
//		{Name: "hp", Values: Floats(120, 93)},
//		{Name: "name", Values: Strings("Mazda RX4", "Datsun 710")},
//	}
type Frame []Column

// Rows is the number of rows.
func (f Frame) Rows() int {
	if len(f) == 0 {
		return 0
	}
	return f[0].Values.Len()
}

// Column is the column of that name.
func (f Frame) Column(name string) (Vector, bool) {
	i := slices.IndexFunc(f, func(c Column) bool { return c.Name == name })
	if i < 0 {
		return Vector{}, false
	}
	return f[i].Values, true
}

// check refuses columns of different lengths or of the same name.
func (f Frame) check() error {
	seen := make(map[string]bool, len(f))
	for _, c := range f {
		if seen[c.Name] {
			return fmt.Errorf("two columns are called %q", c.Name)
		}
		seen[c.Name] = true
		if c.Values.Len() != f.Rows() {
			return fmt.Errorf("column %q has %d values, column %q has %d", f[0].Name, f.Rows(), c.Name, c.Values.Len())
		}
	}
	return nil
}

// AppendJSON appends the frame to b, as a JSON object with a list for each column.
func (f Frame) AppendJSON(b []byte) ([]byte, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	b = append(slices.Grow(b, f.size()), '{')
	for i, c := range f {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = AppendString(b, c.Name); err != nil {
			return nil, err
		}
		b = append(b, ':')
		if b, err = c.Values.AppendJSON(b); err != nil {
			return nil, fmt.Errorf("column %q: %w", c.Name, err)
		}
	}
	return append(b, '}'), nil
}

// size is about how long the JSON will be: taking memory twice, or more than there is need for, costs more time than writing does.
func (f Frame) size() int {
	const sampled = 100 // numbers of each column
	size := 4096        // which a number may want to be written
	for _, c := range f {
		n := c.Values.Len()
		size += len(c.Name) + 8
		switch c.Values.kind {
		case Numeric:
			some := c.Values.floats[:min(n, sampled)]
			text := number.New().AppendList(make([]byte, 0, 8<<10), some)
			size += (len(text) + 1) * n / max(1, len(some)) * 33 / 32
		case Character:
			for _, s := range c.Values.texts {
				size += len(s) + 3
			}
		default:
			size += 6 * n
		}
	}
	return size
}

// MarshalJSON makes encoding/json write the frame as an object with a list for each column.
func (f Frame) MarshalJSON() ([]byte, error) { return f.AppendJSON(nil) }

// UnmarshalJSON reads an object of columns, or a list of rows that are objects. A row that lacks a column has NA there.
func (f *Frame) UnmarshalJSON(data []byte) error {
	read, rest, err := parseFrame(data)
	if err == nil {
		err = atEnd(rest)
	}
	if err == nil {
		err = read.check()
	}
	if err == nil {
		*f = read
	}
	return err
}

func parseFrame(data []byte) (Frame, []byte, error) {
	if data = space(data); len(data) == 0 {
		return nil, nil, errCut
	}
	switch data[0] {
	case '{':
		return parseColumns(data)
	case '[':
		return parseRows(data)
	}
	return nil, nil, unexpected(data, "an object of columns or a list of rows")
}

func parseColumns(data []byte) (Frame, []byte, error) {
	f := Frame{}
	rest, err := eachMember(data, func(name, data []byte) ([]byte, error) {
		v, rest, err := parseVector(data)
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", name, err)
		}
		f = append(f, Column{string(name), v})
		return rest, nil
	})
	return f, rest, err
}

// eachMember calls read for each member of the object that data starts with; it returns what comes after the value.
func eachMember(data []byte, read func(name, value []byte) ([]byte, error)) (rest []byte, err error) {
	if data = space(data[1:]); len(data) > 0 && data[0] == '}' {
		return data[1:], nil
	}
	for more := true; more; {
		if len(data) == 0 {
			return nil, errCut
		}
		if data[0] != '"' {
			return nil, unexpected(data, "a name")
		}
		name, after, err := parseString(data)
		if err != nil {
			return nil, err
		}
		if after = space(after); len(after) == 0 {
			return nil, errCut
		}
		if after[0] != ':' {
			return nil, unexpected(after, "a colon")
		}
		if data, err = read(name, space(after[1:])); err != nil {
			return nil, err
		}
		if data, more, err = next(data, '}'); err != nil {
			return nil, err
		}
	}
	return data, nil
}

func parseRows(data []byte) (Frame, []byte, error) {
	var names []string
	var columns []*vectorBuilder
	row := 0
	data = space(data[1:])
	if len(data) > 0 && data[0] == ']' {
		return Frame{}, data[1:], nil
	}
	for more := true; more; row++ {
		if len(data) == 0 {
			return nil, nil, errCut
		}
		if data[0] != '{' {
			return nil, nil, fmt.Errorf("row %d is no object", row)
		}
		at := 0 // rows mostly have the same order
		var err error
		data, err = eachMember(data, func(name, data []byte) ([]byte, error) {
			if at >= len(names) || names[at] != string(name) {
				at = slices.Index(names, string(name))
			}
			if at < 0 {
				at = len(names)
				names, columns = append(names, string(name)), append(columns, newBuilder(0))
			}
			b := columns[at]
			at++
			for b.n < row {
				b.null()
			}
			if b.n > row {
				return nil, fmt.Errorf("row %d has %q twice", row, name)
			}
			rest, err := b.value(data)
			if err != nil {
				return nil, fmt.Errorf("column %q: %w", name, err)
			}
			return rest, nil
		})
		if err != nil {
			return nil, nil, err
		}
		if data, more, err = next(data, ']'); err != nil {
			return nil, nil, err
		}
	}
	f := make(Frame, len(names))
	for i, b := range columns {
		for b.n < row {
			b.null()
		}
		f[i] = Column{names[i], b.finish()}
	}
	return f, data, nil
}

// Members calls each with the name and the JSON of every member of the object that a text starts with, and returns what comes
// after it. It looks only for where values end: whether they are valid is left to who reads them.
func Members(json []byte, each func(name string, value []byte) error) (rest []byte, err error) {
	return Fields(json, func(name, value []byte) error { return each(string(name), value) })
}

// Fields is Members with names that are good during the call.
func Fields(json []byte, each func(name, value []byte) error) (rest []byte, err error) {
	return Object(json, func(name, text []byte) ([]byte, error) {
		value, rest, err := Value(text)
		if err != nil {
			return nil, err
		}
		return rest, each(name, value)
	})
}

// Object is Fields of a read that finds out itself where a value ends: it gets the text that starts with the value, and returns
// what comes after it.
func Object(json []byte, read func(name, text []byte) (rest []byte, err error)) (rest []byte, err error) {
	if json = space(json); len(json) == 0 {
		return nil, errCut
	}
	if json[0] != '{' {
		return nil, unexpected(json, "an object")
	}
	return eachMember(json, read)
}

// Value is the value that a text starts with, and what comes after it: see Members.
func Value(json []byte) (value, rest []byte, err error) {
	switch n := ValueEnd(json); {
	case n < 0:
		return nil, nil, errCut
	case n == 0:
		return nil, nil, unexpected(json, "a value")
	default:
		return json[:n:n], json[n:], nil
	}
}

// Elements calls each with the JSON of every element of the list that a text starts with, and returns what comes after it: see
// Members.
func Elements(json []byte, each func(value []byte) error) (rest []byte, err error) {
	if json = space(json); len(json) == 0 {
		return nil, errCut
	}
	if json[0] != '[' {
		return nil, unexpected(json, "a list")
	}
	if json = space(json[1:]); len(json) > 0 && json[0] == ']' {
		return json[1:], nil
	}
	for more := true; more; {
		n := ValueEnd(json)
		if n < 0 {
			return nil, errCut
		}
		if n == 0 {
			return nil, unexpected(json, "a value")
		}
		if err := each(json[:n:n]); err != nil {
			return nil, err
		}
		if json, more, err = next(json[n:], ']'); err != nil {
			return nil, err
		}
	}
	return json, nil
}

// ValueEnd is the length of the value that data starts with, whether or not it is valid; -1 if it has no end, 0 if nothing is there
// that could be one.
func ValueEnd(data []byte) int {
	depth, closing := 0, 0 // closing is where the next ] is
	for at := 0; at < len(data); {
		switch c := data[at]; c {
		case '"':
			end := stringEnd(data[at:])
			if end < 0 {
				return -1
			}
			at += end + 1
		case '[':
			depth++
			if closing <= at {
				if closing = bytes.IndexByte(data[at:], ']') + at; closing < at {
					return -1
				}
			}
			if flat(data[at+1 : closing]) {
				at = closing
			} else {
				at++
			}
			continue
		case '{':
			depth++
			at++
			continue
		case ']', '}':
			if depth == 0 {
				return at
			}
			depth--
			at++
		case ',', ':', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return at
			}
			at++
			continue
		default:
			for at < len(data) && !delimiter[data[at]] {
				at++
			}
		}
		if depth == 0 {
			return at
		}
	}
	if depth > 0 {
		return -1
	}
	return len(data)
}

// flat tells whether a text is of numbers and words only.
func flat(data []byte) bool {
	return bytes.IndexByte(data, '[') < 0 && bytes.IndexByte(data, '"') < 0 && bytes.IndexByte(data, '{') < 0
}

var delimiter = [256]bool{',': true, ':': true, ' ': true, '\t': true, '\r': true, '\n': true, '"': true, '[': true, ']': true, '{': true, '}': true}
