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
func ReadCSV(r io.Reader, texts ...string) (Frame, error) {
	c := csv.NewReader(r)
	c.ReuseRecord = true
	record, err := c.Read()
	if err == io.EOF {
		return nil, errors.New("the CSV is empty: it must begin with a line of column names")
	}
	if err != nil {
		return nil, fmt.Errorf("the CSV: %w", err)
	}
	names := slices.Clone(record)
	names[0] = strings.TrimPrefix(names[0], "\ufeff")
	cells := make([]cellTexts, len(names))
	for {
		record, err := c.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("the CSV: %w", err)
		}
		for i, cell := range record {
			cells[i].text = append(cells[i].text, cell...)
			cells[i].ends = append(cells[i].ends, len(cells[i].text))
		}
	}
	f := make(Frame, len(names))
	for i, name := range names {
		v, ok := Vector{}, false
		if !slices.Contains(texts, name) {
			v, ok = cells[i].values()
		}
		if !ok {
			v = cells[i].texts()
		}
		f[i] = Column{name, v}
		cells[i] = cellTexts{} // a table may be large
	}
	return f, f.check()
}

// cellTexts is what is written in a column, one cell after the other.
type cellTexts struct {
	text []byte
	ends []int
}

func (c cellTexts) each(do func(cell []byte) bool) bool {
	start := 0
	for _, end := range c.ends {
		if !do(c.text[start:end]) {
			return false
		}
		start = end
	}
	return true
}

// values makes a vector of numbers or truth values, if they are.
func (c cellTexts) values() (v Vector, ok bool) {
	codec := number.New()
	b := newBuilder(0)
	ok = c.each(func(cell []byte) bool {
		switch string(cell) {
		case "", "NA":
			b.null()
			return true
		case "TRUE", "true":
			return b.bool(true) == nil
		case "FALSE", "false":
			return b.bool(false) == nil
		}
		f, i, kind, rest := codec.Parse(bytes.TrimSpace(cell))
		switch {
		case kind == number.None || len(rest) > 0:
			return false
		case kind == number.Whole && b.v.kind != Numeric:
			return b.int(i, f) == nil
		}
		return b.float(f) == nil // an error says that it is of another kind than those before
	})
	return b.finish(), ok
}

func (c cellTexts) texts() Vector {
	b := newBuilder(0)
	_ = b.become(Character) // it is nothing yet
	c.each(func(cell []byte) bool {
		if string(cell) == "NA" {
			b.null()
			return true
		}
		return b.string(cell) == nil
	})
	return b.finish()
}
