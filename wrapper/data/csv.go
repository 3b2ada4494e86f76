package data

import (
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
	names, err := c.Read()
	if err == io.EOF {
		return nil, errors.New("the CSV is empty: it must begin with a line of column names")
	}
	if err != nil {
		return nil, fmt.Errorf("the CSV: %w", err)
	}
	names[0] = strings.TrimPrefix(names[0], "\ufeff")
	cells := make([][]string, len(names))
	for {
		record, err := c.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("the CSV: %w", err)
		}
		for i, cell := range record {
			cells[i] = append(cells[i], cell)
		}
	}
	f := make(Frame, len(names))
	for i, name := range names {
		if slices.Contains(texts, name) {
			f[i] = Column{name, asTexts(cells[i])}
		} else {
			f[i] = Column{name, fromTexts(cells[i])}
		}
	}
	return f, f.check()
}

// fromTexts makes a vector of what is written in a column.
func fromTexts(texts []string) Vector {
	codec := number.New()
	b := newBuilder(len(texts))
	for _, text := range texts {
		if text == "" || text == "NA" {
			b.null()
			continue
		}
		var err error
		switch text {
		case "TRUE", "true":
			err = b.bool(true)
		case "FALSE", "false":
			err = b.bool(false)
		default:
			f, i, kind, rest := codec.Parse([]byte(strings.TrimSpace(text)))
			switch {
			case kind == number.None || len(rest) > 0:
				return asTexts(texts)
			case kind == number.Whole && b.v.kind != Numeric:
				err = b.int(i, f)
			default:
				err = b.float(f)
			}
		}
		if err != nil { // another kind than before
			return asTexts(texts)
		}
	}
	return b.finish()
}

func asTexts(texts []string) Vector {
	v := Strings(texts...)
	var na []int
	for i, text := range texts {
		if text == "NA" {
			na = append(na, i)
		}
	}
	if na == nil {
		return v
	}
	return v.WithNA(na...)
}
