package data

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/mlserver-go/mls/wrapper/data/internal/number"
)

// AppendJSON appends the vector as a JSON array to b.
func (v Vector) AppendJSON(b []byte) ([]byte, error) { return v.AppendCells(b, 0, v.Len()) }

// Cells is how many values AppendCells can be asked for.
func (v Vector) Cells() (int, error) { return v.Len(), nil }

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

// MarshalJSON makes encoding/json write the vector as an array.
func (v Vector) MarshalJSON() ([]byte, error) { return v.AppendJSON(nil) }

// AppendString appends a text as JSON. It refuses what is no UTF-8, as JSON has no way to say it.
func AppendString(b []byte, s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return nil, fmt.Errorf("%q is not UTF-8", s)
	}
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			const hex = "0123456789abcdef"
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	b = append(b, s[start:]...)
	return append(b, '"'), nil
}
