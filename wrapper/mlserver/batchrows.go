package mlserver

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// CSVRows reads rows from comma-separated values with a header line: a column for each of the inputs, in any order, by its name.
// Other columns are passed over. The inputs are those of the service's definition, see Service.Describe.
//
// A cell becomes what its input is declared to be: a number, true or false (as R and Python write them), a text; vectors,
// matrices and data frames are JSON within a cell. NA, and an empty cell that is to be no text, is sent as null. What does not
// fit is an error with line and column, and so is a column that is missing. The rows can be read once.
func CSVRows(r io.Reader, inputs []Parameter) Rows {
	return func(yield func(Values, error) bool) {
		reader := csv.NewReader(withoutBOM(r))
		reader.ReuseRecord = true
		header, err := reader.Read()
		if err == io.EOF {
			err = errors.New("line 1: there is no header")
		}
		if err == nil {
			header = slices.Clone(header) // the next line takes its place
			err = checkHeader(header, inputs)
		}
		if err != nil {
			yield(nil, err)
			return
		}
		types := map[string]Type{}
		for _, p := range inputs {
			types[p.Name] = p.Type
		}
		for {
			cells, err := reader.Read()
			if err == io.EOF {
				return
			}
			var row Values
			if err == nil {
				row, err = csvRow(reader, header, cells, types)
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

func checkHeader(header []string, inputs []Parameter) error {
	var wrong []error
	for _, p := range inputs {
		switch i := slices.Index(header, p.Name); {
		case i < 0:
			err := fmt.Errorf("line 1: column %s (%s) is missing: have %q", p.Name, p.Type, header)
			if t := p.Type.canonical(); t == DataFrame || t == Matrix {
				err = fmt.Errorf("%w; each row has a %s of its own, as JSON in a cell", err, t)
			}
			wrong = append(wrong, err)
		case slices.Contains(header[i+1:], p.Name):
			wrong = append(wrong, fmt.Errorf("line 1: there are two columns %s", p.Name))
		}
	}
	return errors.Join(wrong...)
}

func csvRow(reader *csv.Reader, header, cells []string, types map[string]Type) (Values, error) {
	row := make(Values, len(types))
	var wrong []error
	for i, name := range header {
		declared, known := types[name]
		if !known {
			continue
		}
		value, err := csvValue(declared, cells[i])
		if err != nil {
			line, _ := reader.FieldPos(i)
			wrong = append(wrong, fmt.Errorf("line %d, column %s (%s): %w", line, name, declared, err))
		}
		row[name] = value
	}
	return row, errors.Join(wrong...)
}

func csvValue(declared Type, cell string) (any, error) {
	if declared == Character || declared == "string" {
		if cell == "NA" {
			return nil, nil
		}
		return strings.Clone(cell), nil // it shares memory with its line
	}
	cell = strings.TrimSpace(cell)
	if cell == "" || cell == "NA" {
		return nil, nil
	}
	switch declared {
	case Numeric:
		f, err := strconv.ParseFloat(cell, 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, fmt.Errorf("%q is no number that can be sent", cell)
		}
		return f, nil
	case Integer:
		n, err := strconv.Atoi(cell)
		if err != nil {
			return nil, fmt.Errorf("%q is no whole number", cell)
		}
		return n, nil
	case Logical:
		switch cell {
		case "true", "True", "TRUE", "T":
			return true, nil
		case "false", "False", "FALSE", "F":
			return false, nil
		}
		return nil, fmt.Errorf("%q is neither true nor false", cell)
	}
	if !json.Valid([]byte(cell)) {
		return nil, fmt.Errorf("%q is not JSON", cell)
	}
	return json.RawMessage(cell), nil
}

// JSONRows reads rows from JSON lines: an object of inputs on each line, of any length. Empty lines are passed over. A line that
// is no object is an error with its number. The rows can be read once.
func JSONRows(r io.Reader) Rows {
	return func(yield func(Values, error) bool) {
		lines := bufio.NewReaderSize(withoutBOM(r), 64<<10)
		for number := 1; ; number++ {
			line, err := lines.ReadBytes('\n')
			if err != nil && err != io.EOF {
				yield(nil, fmt.Errorf("line %d: %w", number, err))
				return
			}
			if len(bytes.TrimSpace(line)) > 0 {
				row, bad := jsonRow(line)
				if bad != nil {
					bad = fmt.Errorf("line %d is no JSON object: %w", number, bad)
				}
				if !yield(row, bad) || bad != nil {
					return
				}
			}
			if err == io.EOF {
				return
			}
		}
	}
}

func jsonRow(line []byte) (Values, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(line, &raw); err != nil {
		return nil, err
	}
	if raw == nil {
		return nil, errors.New("it is null")
	}
	row := make(Values, len(raw))
	for name, value := range raw {
		row[name] = value
	}
	return row, nil
}

// withoutBOM passes over the mark that Windows programs put in front of UTF-8.
func withoutBOM(r io.Reader) io.Reader {
	b := bufio.NewReader(r)
	if mark, err := b.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = b.Discard(len(mark)) // it is there
	}
	return b
}
