package data

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Kind is what the values of a vector are. The kinds are the server's types of single values.
type Kind string

// The kinds of values.
const (
	Numeric   Kind = "numeric"   // float64
	Integer   Kind = "integer"   // int64
	Logical   Kind = "logical"   // bool
	Character Kind = "character" // string
)

// Vector is a list of values of one kind: Numeric, Integer, Logical or Character. Any of them may be NA, which is what R calls
// a value that is not known. Its JSON is written and read without a detour, and nothing is lost, but for what JSON has no
// word for:
//
//   - NA goes out as null, and null comes in as NA.
//   - So do NaN and the infinities: to the server they are NA. In a Numeric vector NA is NaN.
//   - "NA", "NaN", "Inf" and "-Inf", which R may answer among numbers, come in as what they say.
//   - Numbers without a point and an exponent come in as Integer, with all their digits, unless one of them is no int64 or
//     has a point: then all are Numeric. Floats gives either.
//   - Only NA, or nothing at all, says no kind: the one comes in as Logical, as in R, the other as the empty Kind.
//
// This is the policy of Matrix, Frame and their conversions, too. Plain Go values go out as encoding/json writes them, which
// refuses NaN and infinities.
type Vector struct {
	kind   Kind
	floats []float64
	ints   []int64
	bools  []bool
	texts  []string
	na     []bool // nil: none is; not used with floats
}

// Floats is a Numeric vector of the values, which it keeps. NaN is NA.
func Floats(values ...float64) Vector { return Vector{kind: Numeric, floats: values} }

// Ints is an Integer vector of the values, which it keeps. Beyond 2^53 R and most JSON readers lose digits.
func Ints(values ...int64) Vector { return Vector{kind: Integer, ints: values} }

// Bools is a Logical vector of the values, which it keeps.
func Bools(values ...bool) Vector { return Vector{kind: Logical, bools: values} }

// Strings is a Character vector of the values, which it keeps. They must be UTF-8.
func Strings(values ...string) Vector { return Vector{kind: Character, texts: values} }

// WithNA is the vector with the values at the given places, counted from 0, being NA.
func (v Vector) WithNA(at ...int) Vector {
	if v.kind == Numeric {
		v.floats = slices.Clone(v.floats)
		for _, i := range at {
			v.floats[i] = math.NaN()
		}
		return v
	}
	na := make([]bool, v.Len())
	copy(na, v.na)
	for _, i := range at {
		na[i] = true
	}
	v.na = na
	return v
}

// Kind is Numeric, Integer, Logical or Character; empty for a vector without values that says none.
func (v Vector) Kind() Kind { return v.kind }

// Len is the number of values.
func (v Vector) Len() int {
	switch v.kind {
	case Numeric:
		return len(v.floats)
	case Integer:
		return len(v.ints)
	case Logical:
		return len(v.bools)
	}
	return len(v.texts)
}

// NA tells whether a value, counted from 0, is NA.
func (v Vector) NA(i int) bool {
	if v.kind == Numeric {
		return math.IsNaN(v.floats[i])
	}
	return v.na != nil && v.na[i]
}

// HasNA tells whether any value is NA.
func (v Vector) HasNA() bool {
	if v.kind == Numeric {
		return slices.ContainsFunc(v.floats, math.IsNaN)
	}
	return slices.Contains(v.na, true)
}

// empty tells whether there is nothing that would be of another type.
func (v Vector) empty() bool {
	return v.Len() == 0 || v.kind == Logical && !slices.Contains(v.na, false) && v.na != nil
}

// Floats are the values of a Numeric or Integer vector, NA as NaN. Those of a Numeric one are not copied.
func (v Vector) Floats() ([]float64, error) {
	switch {
	case v.kind == Numeric:
		return v.floats, nil
	case v.kind != Integer && !v.empty():
		return nil, v.not("numbers")
	}
	list := make([]float64, v.Len())
	for i := range list {
		if v.NA(i) {
			list[i] = math.NaN()
		} else {
			list[i] = float64(v.ints[i])
		}
	}
	return list, nil
}

// Ints are the values of an Integer vector, or of a Numeric one of whole numbers, such as 3.0; 0 where NA tells NA. Those of an
// Integer one are not copied.
func (v Vector) Ints() ([]int64, error) {
	switch {
	case v.kind == Integer:
		return v.ints, nil
	case v.kind != Numeric && !v.empty():
		return nil, v.not("whole numbers")
	}
	list := make([]int64, v.Len())
	for i, f := range v.floats {
		if math.IsNaN(f) {
			continue
		}
		if f != math.Trunc(f) || f < -1<<63 || f >= 1<<63 {
			return nil, fmt.Errorf("value %d, %v, is no whole number", i, f)
		}
		list[i] = int64(f)
	}
	return list, nil
}

// Bools are the values of a Logical vector, not copied; false where NA tells NA.
func (v Vector) Bools() ([]bool, error) {
	if v.kind != Logical && v.Len() > 0 {
		return nil, v.not("true or false")
	}
	return v.bools, nil
}

// Strings are the values of a Character vector, not copied; empty where NA tells NA.
func (v Vector) Strings() ([]string, error) {
	if v.kind != Character && v.empty() {
		return make([]string, v.Len()), nil
	}
	if v.kind != Character {
		return nil, v.not("texts")
	}
	return v.texts, nil
}

func (v Vector) not(what string) error {
	return fmt.Errorf("the values are %s, not %s", v.kind, what)
}

// At is a value, counted from 0: a float64, int64, bool or string; nil for NA. Whole vectors are for the other methods.
func (v Vector) At(i int) any {
	switch {
	case v.NA(i):
		return nil
	case v.kind == Numeric:
		return v.floats[i]
	case v.kind == Integer:
		return v.ints[i]
	case v.kind == Logical:
		return v.bools[i]
	}
	return v.texts[i]
}

// String shows the values, or the first of many, for people.
func (v Vector) String() string {
	const most = 10
	var texts []string
	for i := range min(v.Len(), most) {
		if texts = append(texts, fmt.Sprint(v.At(i))); v.NA(i) {
			texts[i] = "NA"
		}
	}
	if v.Len() > most {
		texts = append(texts, fmt.Sprintf("... (%d)", v.Len()))
	}
	return "[" + strings.Join(texts, " ") + "]"
}
