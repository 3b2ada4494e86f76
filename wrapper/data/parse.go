package data

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"

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

// grow takes memory for so many values more. Where more and more are asked for, it takes twice as much each time.
func (b *vectorBuilder) grow(size int) {
	switch b.v.kind {
	case Numeric:
		b.v.floats = grown(b.v.floats, size)
	case Integer:
		b.v.ints = grown(b.v.ints, size)
	case Logical:
		b.v.bools = grown(b.v.bools, size)
	case Character:
		b.ends = grown(b.ends, size)
	}
}

func grown[T any](list []T, size int) []T {
	const first = 1 // value, which shows the kind
	if cap(list)-len(list) < size && len(list) > first {
		size = max(size, len(list))
	}
	return slices.Grow(list, size)
}

// read reads one value.
func (b *vectorBuilder) read(r *Reader) error {
	c, err := r.Peek()
	if err != nil {
		return err
	}
	if c == '"' {
		s, err := r.string()
		if err != nil {
			return err
		}
		return b.string(s)
	}
	if err := r.whole(); err != nil {
		return err
	}
	r.text, err = b.value(r.text)
	return err
}

// value reads one value that is no text and returns the rest.
func (b *vectorBuilder) value(data []byte) ([]byte, error) {
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

// errCut is JSON that has an end before its end.
var errCut error = cutError{}

type cutError struct{}

func (cutError) Error() string        { return "the JSON ends in the middle" }
func (cutError) Is(target error) bool { return target == io.ErrUnexpectedEOF }

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

// vector reads a list, or a single value as one of length 1. like is how long it is, if it is as long as others.
func (r *Reader) vector(like int) (Vector, error) {
	c, err := r.Peek()
	if err != nil {
		return Vector{}, err
	}
	if c != '[' {
		b := newBuilder(1)
		err := b.read(r)
		return b.finish(), err
	}
	b := newBuilder(0)
	more, err := r.start('[', "a list")
	for window := -1; more && err == nil; more, err = r.next(']') {
		if err := b.read(r); err != nil {
			return Vector{}, err
		}
		if window != r.windows {
			window = r.windows
			b.grow(r.count(like - b.n))
		}
		if b.v.kind == Numeric {
			b.v.floats, r.text = b.codec.ParseList(b.v.floats, r.text, r.tail)
			b.n = len(b.v.floats)
		}
	}
	return b.finish(), err
}

// count guesses how many values are left in a list, so that memory is taken once: those in the window, and like if it goes on.
func (r *Reader) count(like int) int {
	end := bytes.IndexByte(r.text, ']')
	if end >= 0 {
		return bytes.Count(r.text[:end], []byte(",")) + 1
	}
	if r.source == nil {
		return 0
	}
	return max(bytes.Count(r.text, []byte(",")), like)
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
	return unmarshal(data, v, (*Reader).Vector)
}

// Vector reads a list, or a single value as one of length 1.
func (r *Reader) Vector() (Vector, error) { return r.vector(0) }

// unmarshal reads a text that is of one value.
func unmarshal[T any](json []byte, dst *T, read func(*Reader) (T, error)) error {
	r := Reader{text: json}
	v, err := read(&r)
	if err == nil {
		err = r.End()
	}
	if err == nil {
		*dst = v
	}
	return err
}
