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
	if err := m.check(); err != nil {
		return nil, err
	}
	b = slices.Grow(b, 20*len(m.Values)+3*m.Rows+2)
	if m.Cols > 0 {
		return m.AppendCells(b, 0, len(m.Values))
	}
	b = append(b, '[')
	for row := range m.Rows {
		b = append(next(b, row), '[', ']')
	}
	return append(b, ']'), nil
}

// check refuses a matrix with more or less values than there is room for.
func (m Matrix) check() error {
	if m.Rows < 0 || m.Cols < 0 || len(m.Values) != m.Rows*m.Cols {
		return fmt.Errorf("a matrix of %d rows and %d columns has %d values", m.Rows, m.Cols, len(m.Values))
	}
	return nil
}

// MarshalJSON makes encoding/json write the matrix as a list of rows.
func (m Matrix) MarshalJSON() ([]byte, error) { return m.AppendJSON(nil) }

// UnmarshalJSON reads a list of rows of numbers, all of one length.
func (m *Matrix) UnmarshalJSON(data []byte) error {
	return unmarshal(data, m, (*Reader).Matrix)
}

// Matrix reads a list of rows of numbers, all of one length.
func (r *Reader) Matrix() (Matrix, error) {
	var m Matrix
	b := vectorBuilder{codec: number.New(), v: Vector{kind: Numeric}}
	more, err := r.start('[', "a list of rows")
	for ; more && err == nil; more, err = r.next(']') {
		if c, err := r.Peek(); err == nil && c != '[' {
			return Matrix{}, fmt.Errorf("row %d is no list", m.Rows)
		}
		start := b.n
		if err := b.row(r); err != nil {
			return Matrix{}, fmt.Errorf("row %d: %w", m.Rows, err)
		}
		if cols := b.n - start; m.Rows == 0 {
			m.Cols = cols
		} else if cols != m.Cols {
			return Matrix{}, fmt.Errorf("row %d has %d values, row 0 has %d", m.Rows, cols, m.Cols)
		}
		m.Rows++
	}
	m.Values = b.v.floats
	return m, err
}

// row reads a list of numbers behind those that are there.
func (b *vectorBuilder) row(r *Reader) error {
	more, err := r.start('[', "a list")
	for ; more && err == nil; more, err = r.next(']') {
		if err := b.read(r); err != nil {
			return err
		}
		b.v.floats, r.text = b.codec.ParseList(b.v.floats, r.text, r.tail)
		b.n = len(b.v.floats)
	}
	return err
}
