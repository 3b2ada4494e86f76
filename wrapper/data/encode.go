package data

import (
	"fmt"
	"strconv"

	"github.com/mlserver-go/mls/wrapper/data/internal/number"
)

// AppendJSON appends the vector as a JSON array to b.
func (v Vector) AppendJSON(b []byte) ([]byte, error) { return v.AppendCells(b, 0, v.Len()) }

// MarshalJSON makes encoding/json write the vector as an array.
func (v Vector) MarshalJSON() ([]byte, error) { return v.AppendJSON(nil) }

// Cells is how many values AppendCells can be asked for.
func (v Vector) Cells() int { return v.Len() }

// AppendCells appends a part of what AppendJSON does: the values in [from, to), counted from 0, with what is in front of the first
// and after the last of all. Parts one after the other, without a gap, make the whole.
func (v Vector) AppendCells(b []byte, from, to int) ([]byte, error) {
	if from == 0 {
		b = append(b, '[')
	} else {
		b = append(b, ',')
	}
	start := len(b)
	switch v.kind {
	case Numeric:
		b = number.New().AppendList(b, v.floats[from:to])
	case Integer:
		for i, n := range v.ints[from:to] {
			b = strconv.AppendInt(next(b, i), n, 10)
			b = v.orNull(b, from+i)
		}
	case Logical:
		for i, t := range v.bools[from:to] {
			b = strconv.AppendBool(next(b, i), t)
			b = v.orNull(b, from+i)
		}
	case Character:
		for i, s := range v.texts[from:to] {
			if b = next(b, i); v.NA(from + i) {
				b = append(b, "null"...)
				continue
			}
			var err error
			if b, err = AppendString(b, s); err != nil {
				return nil, fmt.Errorf("value %d: %w", from+i, err)
			}
		}
	}
	if from > 0 && len(b) == start { // no values
		b = b[:start-1]
	}
	if to == v.Len() {
		b = append(b, ']')
	}
	return b, nil
}

func next(b []byte, i int) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	return b
}

// orNull takes back what was written of a value that is NA.
func (v Vector) orNull(b []byte, i int) []byte {
	if v.na == nil || !v.na[i] {
		return b
	}
	for b[len(b)-1] != ',' && b[len(b)-1] != '[' {
		b = b[:len(b)-1]
	}
	return append(b, "null"...)
}

// CellsSize is how long the text is that AppendCells appends, in bytes. For numbers it takes half as long as to append it.
func (v Vector) CellsSize(from, to int) (int, error) {
	if v.kind == Numeric {
		size := number.New().Size(v.floats[from:to])
		if from == 0 || from < to {
			size++ // what is in front
		}
		if to == v.Len() {
			size++
		}
		return size, nil
	}
	const some = 1 << 10
	size, text := 0, []byte(nil)
	for start := true; start || from < to; start = false {
		end := min(from+some, to)
		var err error
		if text, err = v.AppendCells(text[:0], from, end); err != nil {
			return 0, err
		}
		size, from = size+len(text), end
	}
	return size, nil
}

// Cells is how many values AppendCells can be asked for.
func (f Frame) Cells() int { return len(f) * f.Rows() }

// AppendCells is that of Vector, column by column.
func (f Frame) AppendCells(b []byte, from, to int) ([]byte, error) {
	rows := f.Rows()
	if from == 0 {
		if err := f.check(); err != nil {
			return nil, err
		}
		b = append(b, '{')
	}
	for from < to {
		column, row := from/rows, from%rows
		some := min(rows-row, to-from)
		var err error
		if b, err = f.appendColumn(b, column, row, row+some); err != nil {
			return nil, err
		}
		from += some
	}
	if to == len(f)*rows {
		b = append(b, '}')
	}
	return b, nil
}

// CellsSize is that of Vector.
func (f Frame) CellsSize(from, to int) (int, error) {
	rows := f.Rows()
	size := 0
	if from == 0 {
		if err := f.check(); err != nil {
			return 0, err
		}
		size++ // {
	}
	if to == len(f)*rows {
		size++
	}
	for from < to {
		i, row := from/rows, from%rows
		some := min(rows-row, to-from)
		if row == 0 {
			name, err := AppendString(next(nil, i), f[i].Name)
			if err != nil {
				return 0, err
			}
			size += len(name) + len(":")
		}
		values, err := f[i].Values.CellsSize(row, row+some)
		if err != nil {
			return 0, fmt.Errorf("column %q: %w", f[i].Name, err)
		}
		size, from = size+values, from+some
	}
	return size, nil
}

// Cells is how many values AppendCells can be asked for.
func (m Matrix) Cells() int { return len(m.Values) }

// AppendCells is that of Vector, row by row.
func (m Matrix) AppendCells(b []byte, from, to int) ([]byte, error) {
	codec := number.New()
	if from == 0 {
		if err := m.check(); err != nil {
			return nil, err
		}
		b = append(b, '[')
	}
	for from < to {
		row, col := from/m.Cols, from%m.Cols
		some := min(m.Cols-col, to-from)
		if col > 0 {
			b = append(b, ',')
		} else {
			b = append(next(b, row), '[')
		}
		b = codec.AppendList(b, m.Values[from:from+some])
		if col+some == m.Cols {
			b = append(b, ']')
		}
		from += some
	}
	if to == len(m.Values) {
		b = append(b, ']')
	}
	return b, nil
}

// CellsSize is that of Vector.
func (m Matrix) CellsSize(from, to int) (int, error) {
	if from == 0 {
		if err := m.check(); err != nil {
			return 0, err
		}
	}
	size := number.New().Size(m.Values[from:to])
	if from == 0 || from < to {
		size++ // what is in front
	}
	if to == len(m.Values) {
		size++
	}
	if m.Cols > 0 { // the brackets of rows that begin and end here
		size += (to+m.Cols-1)/m.Cols - (from+m.Cols-1)/m.Cols + to/m.Cols - from/m.Cols
	}
	return size, nil
}
