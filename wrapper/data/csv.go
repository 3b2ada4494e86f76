package data

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mlserver-go/mls/wrapper/data/internal/number"
)

// ReadCSV reads a table with a line of column names and commas between the cells. A column of whole numbers is Integer, one of
// numbers Numeric, one of TRUE and FALSE (or true and false) Logical, any other Character, numbers with leading zeros included.
// NA is NA; so is an empty cell, but in Character columns, where it is an empty text. The columns called as in texts are Character
// whatever they look like.
//
// A table that is only to be sent takes less memory as ReadTable reads it.
func ReadCSV(r io.Reader, texts ...string) (Frame, error) {
	t, err := ReadTable(r, texts...)
	if err != nil {
		return nil, err
	}
	return t.take(), nil
}

// Table is a data frame that was read from CSV and still has its cells as they were written: it takes about as much memory as
// the file, where a Frame may take several times that. It goes into JSON as the Frame would.
type Table struct{ columns []*csvColumn }

// ReadTable reads what ReadCSV does.
func ReadTable(r io.Reader, texts ...string) (*Table, error) {
	c := csv.NewReader(r)
	c.ReuseRecord = true
	record, err := c.Read()
	if err == io.EOF {
		return nil, errors.New("the CSV is empty: it must begin with a line of column names")
	}
	if err != nil {
		return nil, fmt.Errorf("the CSV: %w", err)
	}
	t := &Table{}
	for i, name := range record {
		if i == 0 {
			name = strings.TrimPrefix(name, "\ufeff")
		}
		column := &csvColumn{name: strings.Clone(name), codec: number.New()}
		if slices.ContainsFunc(t.columns, func(c *csvColumn) bool { return c.name == name }) {
			return nil, fmt.Errorf("two columns are called %q", name)
		}
		if slices.Contains(texts, name) {
			column.kind = Character
		}
		t.columns = append(t.columns, column)
	}
	for {
		record, err := c.Read()
		if err == io.EOF {
			return t, nil
		}
		if err != nil {
			return nil, fmt.Errorf("the CSV: %w", err)
		}
		for i, cell := range record {
			t.columns[i].add(cell)
		}
	}
}

// Rows is the number of rows.
func (t *Table) Rows() int { return t.columns[0].rows }

// Frame is the table as a data frame.
func (t *Table) Frame() Frame { return (&Table{slices.Clone(t.columns)}).take() }

// take makes a frame of the table, which is lost as far as the frame is there: either may be large.
func (t *Table) take() Frame {
	f := make(Frame, len(t.columns))
	for i, c := range t.columns {
		f[i] = Column{c.name, c.vector()}
		t.columns[i] = nil
	}
	return f
}

// AppendJSON appends the table to b, as a JSON object with a list for each column.
func (t *Table) AppendJSON(b []byte) ([]byte, error) {
	size := 2
	for _, c := range t.columns {
		size += c.jsonSize()
	}
	b = append(slices.Grow(b, size), '{')
	for i, c := range t.columns {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = AppendString(b, c.name); err == nil {
			b, err = c.appendJSON(append(b, ':'))
		}
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", c.name, err)
		}
	}
	return append(b, '}'), nil
}

// MarshalJSON makes encoding/json write the table as an object with a list for each column.
func (t *Table) MarshalJSON() ([]byte, error) { return t.AppendJSON(nil) }

// vector makes a vector of the column's cells, by its kind.
func (c *csvColumn) vector() Vector {
	b := newBuilder(0)
	if c.kind != "" {
		_ = b.become(c.kind) // it is nothing yet
	}
	b.grow(c.rows)
	_ = c.each(func(cell []byte) error {
		if c.isNA(cell) {
			b.null()
			return nil
		}
		// None of these fails: all cells are known to be of the column's kind.
		switch c.kind {
		case Logical:
			return b.bool(isTrue(cell))
		case Integer:
			f, i, _, _ := c.codec.Parse(bytes.TrimSpace(cell))
			return b.int(i, f)
		case Numeric:
			f, _, _, _ := c.codec.Parse(bytes.TrimSpace(cell))
			return b.float(f)
		}
		return b.string(cell)
	})
	return b.finish()
}
