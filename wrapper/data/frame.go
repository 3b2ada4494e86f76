package data

import (
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
		if err := f.checkLength(c); err != nil {
			return err
		}
	}
	return nil
}

func (f Frame) checkLength(c Column) error {
	if c.Values.Len() != f.Rows() {
		return fmt.Errorf("column %q has %d values, column %q has %d", f[0].Name, f.Rows(), c.Name, c.Values.Len())
	}
	return nil
}

// AppendJSON appends the frame to b, as a JSON object with a list for each column.
func (f Frame) AppendJSON(b []byte) ([]byte, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	b = append(slices.Grow(b, f.size()), '{')
	for i := range f {
		var err error
		if b, err = f.appendColumn(b, i, 0, f.Rows()); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

func (f Frame) appendColumn(b []byte, i, from, to int) (_ []byte, err error) {
	if from == 0 {
		if b, err = AppendString(next(b, i), f[i].Name); err != nil {
			return nil, err
		}
		b = append(b, ':')
	}
	if b, err = f[i].Values.AppendCells(b, from, to); err != nil {
		return nil, fmt.Errorf("column %q: %w", f[i].Name, err)
	}
	return b, nil
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
	return unmarshal(data, f, (*Reader).Frame)
}

// Frame reads an object of columns, or a list of rows that are objects. A row that lacks a column has NA there.
func (r *Reader) Frame() (f Frame, err error) {
	c, err := r.Peek()
	switch {
	case err != nil:
		return nil, err
	case c == '{':
		f, err = r.columns()
	case c == '[':
		f, err = r.rows()
	default:
		err = unexpected(r.text, "an object of columns or a list of rows")
	}
	if err == nil {
		err = f.check()
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (r *Reader) columns() (Frame, error) {
	f := Frame{}
	err := r.Object(func(name []byte) error {
		c := Column{Name: string(name)}
		var err error
		if c.Values, err = r.vector(f.Rows()); err != nil {
			return fmt.Errorf("column %q: %w", c.Name, err)
		}
		f = append(f, c)
		return f.checkLength(c) // at once: memory was taken for as many
	})
	return f, err
}

func (r *Reader) rows() (Frame, error) {
	var names []string
	var columns []*vectorBuilder
	rows := 0
	err := r.List(func(row int) error {
		c, err := r.Peek()
		if err != nil {
			return err
		}
		if c != '{' {
			return fmt.Errorf("row %d is no object", row)
		}
		at := 0 // rows mostly have the same order
		rows++
		return r.Object(func(name []byte) error {
			if at >= len(names) || names[at] != string(name) {
				at = slices.Index(names, string(name))
			}
			if at < 0 {
				at = len(names)
				names, columns = append(names, string(name)), append(columns, newBuilder(0))
			}
			b, column := columns[at], names[at]
			at++
			for b.n < row {
				b.null()
			}
			if b.n > row {
				return fmt.Errorf("row %d has %q twice", row, column)
			}
			if err := b.read(r); err != nil {
				return fmt.Errorf("column %q: %w", column, err)
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	f := make(Frame, len(names))
	for i, b := range columns {
		for b.n < rows {
			b.null()
		}
		f[i] = Column{names[i], b.finish()}
	}
	return f, nil
}
