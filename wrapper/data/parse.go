package data

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/mlserver-go/mls/wrapper/data/internal/number"
)

// vectorBuilder makes a vector of values that come one after the other. Their kind is that of the first that has one.
type vectorBuilder struct {
	codec *number.Codec
	n     int
	v     Vector
	text  []byte // of all strings
	ends  []int  // in text
}

func newBuilder(size int) *vectorBuilder {
	b := &vectorBuilder{codec: number.New()}
	b.grow(size)
	return b
}

func (b *vectorBuilder) grow(size int) {
	switch b.v.kind {
	case Numeric:
		b.v.floats = slices.Grow(b.v.floats, size)
	case Integer:
		b.v.ints = slices.Grow(b.v.ints, size)
	case Logical:
		b.v.bools = slices.Grow(b.v.bools, size)
	case Character:
		b.ends = slices.Grow(b.ends, size)
	}
}

// value reads one value and returns the rest.
func (b *vectorBuilder) value(data []byte) ([]byte, error) {
	if len(data) == 0 {
		return nil, errCut
	}
	switch c := data[0]; {
	case c == '-' || c-'0' < 10:
		f, i, kind, rest := b.codec.Parse(data)
		switch {
		case kind == number.None:
			if after, ok := bytes.CutPrefix(data, []byte("-Infinity")); ok { // as Python writes it
				return after, b.float(math.Inf(-1))
			}
			return nil, unexpected(data, "a number")
		case kind == number.Whole && b.v.kind != Numeric:
			return rest, b.int(i, f)
		}
		return rest, b.float(f)
	case c == '"':
		s, rest, err := parseString(data)
		if err != nil {
			return nil, err
		}
		return rest, b.string(s)
	}
	if rest, ok := bytes.CutPrefix(data, []byte("null")); ok {
		b.null()
		return rest, nil
	}
	if rest, ok := bytes.CutPrefix(data, []byte("true")); ok {
		return rest, b.bool(true)
	}
	if rest, ok := bytes.CutPrefix(data, []byte("false")); ok {
		return rest, b.bool(false)
	}
	if rest, ok := bytes.CutPrefix(data, []byte("NaN")); ok { // as Python writes it, and the next one
		return rest, b.float(math.NaN())
	}
	if rest, ok := bytes.CutPrefix(data, []byte("Infinity")); ok {
		return rest, b.float(math.Inf(1))
	}
	if data[0] == '[' || data[0] == '{' {
		return nil, fmt.Errorf("value %d is a list or an object, where a number, a text, true, false or null belongs", b.n)
	}
	return nil, unexpected(data, "a value")
}

var errCut = errors.New("the JSON ends in the middle")

func unexpected(data []byte, wanted string) error {
	return fmt.Errorf("the JSON has %.20q where %s belongs", data, wanted)
}

// become makes the vector one of the given kind. What there was is NA, or numbers.
func (b *vectorBuilder) become(t Kind) error {
	switch {
	case b.v.kind == t:
		return nil
	case b.v.kind == Integer && t == Numeric:
		b.v.floats, _ = b.v.Floats()
		b.v.floats = slices.Grow(b.v.floats, cap(b.v.ints)-len(b.v.ints))
		b.v.ints, b.v.na, b.v.kind = nil, nil, Numeric
		return nil
	case b.v.kind == Character && (t == Integer || t == Numeric):
		return b.renumber(t)
	case b.v.kind != "":
		return fmt.Errorf("value %d is %s among values that are %s", b.n, t, b.v.kind)
	}
	b.v.kind = t
	if t == Numeric {
		b.v.na = nil
	}
	b.v.floats, b.v.ints, b.v.bools = padded(b.v.floats, t == Numeric, b.n), padded(b.v.ints, t == Integer, b.n), padded(b.v.bools, t == Logical, b.n)
	for i := range b.v.floats {
		b.v.floats[i] = math.NaN()
	}
	if t == Character {
		b.ends = make([]int, b.n, max(b.n, cap(b.ends)))
	}
	return nil
}

func padded[T any](list []T, use bool, n int) []T {
	if !use {
		return nil
	}
	return append(list, make([]T, n)...)
}

// spoken are the numbers that R writes as texts.
var spoken = map[string]float64{"NA": math.NaN(), "NaN": math.NaN(), "Inf": math.Inf(1), "-Inf": math.Inf(-1)}

// renumber makes numbers of texts that R means as such.
func (b *vectorBuilder) renumber(t Kind) error {
	texts := b.finish()
	again := vectorBuilder{codec: b.codec}
	for i, s := range texts.texts {
		f, ok := spoken[s]
		switch {
		case texts.NA(i):
			again.null()
		case !ok:
			return fmt.Errorf("value %d is %s among values that are character", b.n, t)
		default:
			_ = again.float(f)
		}
	}
	*b = again
	return b.become(Numeric)
}

func (b *vectorBuilder) float(f float64) error {
	if b.v.kind != Numeric {
		if err := b.become(Numeric); err != nil {
			return err
		}
	}
	b.v.floats = append(b.v.floats, f)
	b.n++
	return nil
}

func (b *vectorBuilder) int(i int64, f float64) error {
	if b.v.kind == Character {
		if err := b.become(Numeric); err != nil {
			return err
		}
		return b.float(f)
	}
	if err := b.become(Integer); err != nil {
		return err
	}
	b.v.ints = append(b.v.ints, i)
	b.known()
	return nil
}

func (b *vectorBuilder) bool(t bool) error {
	if err := b.become(Logical); err != nil {
		return err
	}
	b.v.bools = append(b.v.bools, t)
	b.known()
	return nil
}

func (b *vectorBuilder) string(s []byte) error {
	if b.v.kind == Numeric || b.v.kind == Integer {
		f, ok := spoken[string(s)]
		if !ok {
			return fmt.Errorf("value %d is a text, %.20q, among numbers", b.n, s)
		}
		return b.float(f)
	}
	if err := b.become(Character); err != nil {
		return err
	}
	b.text = append(b.text, s...)
	b.ends = append(b.ends, len(b.text))
	b.known()
	return nil
}

// known counts a value that is not NA.
func (b *vectorBuilder) known() {
	if b.n++; b.v.na != nil {
		b.v.na = append(b.v.na, false)
	}
}

func (b *vectorBuilder) null() {
	if b.v.kind == Numeric {
		_ = b.float(math.NaN())
		return
	}
	if b.v.na == nil {
		b.v.na = make([]bool, b.n, max(b.n+1, cap(b.v.ints), cap(b.v.bools), cap(b.ends)))
	}
	b.v.na = append(b.v.na, true)
	b.n++
	switch b.v.kind {
	case Integer:
		b.v.ints = append(b.v.ints, 0)
	case Logical:
		b.v.bools = append(b.v.bools, false)
	case Character:
		b.ends = append(b.ends, len(b.text))
	}
}

// finish is the vector of all values. The strings share memory, of their own alone.
func (b *vectorBuilder) finish() Vector {
	switch {
	case b.v.kind == "" && b.n > 0:
		_ = b.become(Logical)
	case b.v.kind == Character:
		text, start := string(b.text), 0
		b.v.texts = make([]string, len(b.ends))
		for i, end := range b.ends {
			b.v.texts[i], start = text[start:end], end
		}
	}
	return b.v
}

// parseVector reads a list, or a single value as one of length 1.
func parseVector(data []byte) (Vector, []byte, error) {
	data = space(data)
	if len(data) == 0 {
		return Vector{}, nil, errCut
	}
	if data[0] != '[' {
		b := newBuilder(1)
		rest, err := b.value(data)
		return b.finish(), rest, err
	}
	data = space(data[1:])
	b := newBuilder(0)
	if len(data) > 0 && data[0] == ']' {
		return b.finish(), data[1:], nil
	}
	var err error
	for first := true; ; first = false {
		if data, err = b.value(data); err != nil {
			return Vector{}, nil, err
		}
		if first {
			b.grow(countValues(data))
		}
		if b.v.kind == Numeric {
			b.v.floats, data = parseFloats(b.codec, b.v.floats, data)
			b.n = len(b.v.floats)
		}
		var more bool
		if data, more, err = next(data, ']'); err != nil {
			return Vector{}, nil, err
		}
		if !more {
			return b.finish(), data, nil
		}
	}
}

// countValues guesses how many values are left in a list, so that memory is taken once.
func countValues(data []byte) int {
	end := bytes.IndexByte(data, ']')
	return bytes.Count(data[:max(end, 0)], []byte(",")) + 1
}

// parseFloats reads a run of numbers, each with a comma in front, and leaves the rest.
func parseFloats(c *number.Codec, list []float64, data []byte) ([]float64, []byte) {
	for len(data) > 1 && data[0] == ',' {
		f, _, kind, rest := c.Parse(data[1:])
		if kind == number.None {
			break
		}
		list, data = append(list, f), rest
	}
	return list, data
}

// next reads what comes after a value: a comma, after which there is more, or the end.
func next(data []byte, end byte) (rest []byte, more bool, err error) {
	data = space(data)
	switch {
	case len(data) == 0:
		return nil, false, errCut
	case data[0] == ',':
		return space(data[1:]), true, nil
	case data[0] == end:
		return data[1:], false, nil
	}
	return nil, false, unexpected(data, "a comma or "+string(end))
}

func space(data []byte) []byte {
	for len(data) > 0 && (data[0] == ' ' || data[0] == '\n' || data[0] == '\r' || data[0] == '\t') {
		data = data[1:]
	}
	return data
}

// parseString reads a string that data starts with.
func parseString(data []byte) (s, rest []byte, err error) {
	for i := 1; i < min(len(data), 32); i++ { // what most names are
		if c := data[i]; c == '"' {
			return data[1:i], data[i+1:], nil
		} else if c == '\\' || c >= utf8.RuneSelf {
			break
		}
	}
	end := stringEnd(data)
	if end < 0 {
		return nil, nil, errCut
	}
	s, rest = data[1:end], data[end+1:]
	if bytes.IndexByte(s, '\\') >= 0 || !utf8.Valid(s) {
		var text string
		if err := json.Unmarshal(data[:end+1], &text); err != nil {
			return nil, nil, err
		}
		return []byte(text), rest, nil
	}
	return s, rest, nil
}

// stringEnd is where the closing quote of a string is, -1 if nowhere.
func stringEnd(data []byte) int {
	for at := 1; ; {
		quote := bytes.IndexByte(data[at:], '"')
		if quote < 0 {
			return -1
		}
		quote += at
		slashes := 0
		for data[quote-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return quote
		}
		at = quote + 1
	}
}

// Float is the number that a text consists of, if it is a number of JSON.
func Float(json []byte) (f float64, ok bool) {
	f, _, kind, rest := number.New().Parse(json)
	return f, kind != number.None && len(rest) == 0
}

// AppendFloat appends a number, which must be finite, as JSON: the shortest text that reads back as the same.
func AppendFloat(b []byte, f float64) []byte { return number.New().Append(b, f) }

// UnmarshalJSON reads a list, or a single value as one of length 1.
func (v *Vector) UnmarshalJSON(data []byte) error {
	read, rest, err := parseVector(data)
	if err == nil {
		err = atEnd(rest)
	}
	if err == nil {
		*v = read
	}
	return err
}

func atEnd(rest []byte) error {
	if rest = space(rest); len(rest) > 0 {
		return unexpected(rest, "the end")
	}
	return nil
}
