package data

import (
	"fmt"
	"slices"

	"github.com/mlserver-go/mls/wrapper/data/internal/number"
)

// Matrix is a matrix of numbers: servers know no other ones. NaN is NA, see Vector. On the wire it is a list of rows.
type Matrix struct {
	Rows, Cols int
	Values     []float64 // row by row: Rows * Cols of them
}

// At is the number in a row and column, counted from 0.
func (m Matrix) At(row, col int) float64 { return m.Values[row*m.Cols+col] }

// AppendJSON appends the matrix as a JSON list of rows to b.
func (m Matrix) AppendJSON(b []byte) ([]byte, error) {
	if m.Rows < 0 || m.Cols < 0 || len(m.Values) != m.Rows*m.Cols {
		return nil, fmt.Errorf("a matrix of %d rows and %d columns has %d values", m.Rows, m.Cols, len(m.Values))
	}
	codec := number.New()
	b = append(slices.Grow(b, 20*len(m.Values)+3*m.Rows+2), '[')
	for row := range m.Rows {
		if row > 0 {
			b = append(b, ',')
		}
		b = append(b, '[')
		b = codec.AppendList(b, m.Values[row*m.Cols:(row+1)*m.Cols])
		b = append(b, ']')
	}
	return append(b, ']'), nil
}

// MarshalJSON makes encoding/json write the matrix as a list of rows.
func (m Matrix) MarshalJSON() ([]byte, error) { return m.AppendJSON(nil) }

// UnmarshalJSON reads a list of rows of numbers, all of one length.
func (m *Matrix) UnmarshalJSON(data []byte) error {
	read, rest, err := parseMatrix(data)
	if err == nil {
		err = atEnd(rest)
	}
	if err == nil {
		*m = read
	}
	return err
}

func parseMatrix(data []byte) (Matrix, []byte, error) {
	var m Matrix
	if data = space(data); len(data) == 0 {
		return m, nil, errCut
	}
	if data[0] != '[' {
		return m, nil, unexpected(data, "a list of rows")
	}
	if data = space(data[1:]); len(data) > 0 && data[0] == ']' {
		return m, data[1:], nil
	}
	codec := number.New()
	for more := true; more; m.Rows++ {
		if len(data) == 0 {
			return m, nil, errCut
		}
		if data[0] != '[' {
			return m, nil, fmt.Errorf("row %d is no list", m.Rows)
		}
		start := len(m.Values)
		rest, err := parseRow(codec, &m, data)
		if err != nil {
			return m, nil, fmt.Errorf("row %d: %w", m.Rows, err)
		}
		if cols := len(m.Values) - start; m.Rows == 0 {
			m.Cols = cols
		} else if cols != m.Cols {
			return m, nil, fmt.Errorf("row %d has %d values, row 0 has %d", m.Rows, cols, m.Cols)
		}
		if data, more, err = next(rest, ']'); err != nil {
			return m, nil, err
		}
	}
	return m, data, nil
}

func parseRow(codec *number.Codec, m *Matrix, data []byte) ([]byte, error) {
	b := vectorBuilder{codec: codec, v: Vector{kind: Numeric, floats: m.Values}}
	data = space(data[1:])
	if len(data) > 0 && data[0] == ']' {
		return data[1:], nil
	}
	var err error
	for more := true; more; {
		if data, err = b.value(data); err != nil {
			return nil, err
		}
		b.v.floats, data = parseFloats(codec, b.v.floats, data)
		if data, more, err = next(data, ']'); err != nil {
			return nil, err
		}
	}
	m.Values = b.v.floats
	return data, nil
}
