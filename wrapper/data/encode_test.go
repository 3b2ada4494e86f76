package data

import (
	"math"
	"strings"
	"testing"
)

type inCells interface {
	AppendJSON(b []byte) ([]byte, error)
	Cells() int
	CellsSize(from, to int) (int, error)
	AppendCells(b []byte, from, to int) ([]byte, error)
}

// Parts of any size, one after the other, are what is written at once.
func TestCells(t *testing.T) {
	numbers := []float64{0.1, math.NaN(), -3, math.Inf(1), 1e300, math.Copysign(0, -1)}
	for name, v := range map[string]inCells{
		"floats":  Floats(numbers...),
		"ints":    Ints(1, -2, math.MaxInt64).WithNA(1),
		"bools":   Bools(true, false, true).WithNA(0),
		"strings": Strings("a", "", "é\n\"", "x").WithNA(3),
		"none":    Vector{},
		"frame":   Frame{{"z\"", Floats(numbers...)}, {"a", Ints(1, 2, 3, 4, 5, 6).WithNA(5)}, {"", Strings("a", "b", "c", "d", "e", "f")}},
		"column":  Frame{{"a", Bools(true, false)}},
		"empty":   Frame{},
		"matrix":  Matrix{Rows: 2, Cols: 3, Values: numbers},
		"row":     Matrix{Rows: 1, Cols: 6, Values: numbers},
		"col":     Matrix{Rows: 6, Cols: 1, Values: numbers},
		"no rows": Matrix{Cols: 3},
		"many":    Strings(strings.Split(strings.Repeat("é,", 3000), ",")...),
	} {
		want, err := v.AppendJSON([]byte("x"))
		if err != nil {
			t.Fatal(name, err)
		}
		n := v.Cells()
		for size := 1 + n/100; size <= n+1; size += 1 + n/100 {
			got := []byte("x")
			for from := 0; from == 0 || from < n; from += size {
				before := len(got)
				if got, err = v.AppendCells(got, from, min(from+size, n)); err != nil {
					t.Fatal(name, err)
				}
				if size, err := v.CellsSize(from, min(from+size, n)); err != nil || size != len(got)-before {
					t.Errorf("%s from %d is said to be %d long, %v; want %d", name, from, size, err, len(got)-before)
				}
			}
			if string(got) != string(want) {
				t.Errorf("%s in parts of %d is %s, want %s", name, size, got, want)
			}
		}
	}
	for name, v := range map[string]inCells{
		"ragged": Frame{{"a", Floats(1, 2)}, {"b", Floats(1)}},
		"twice":  Frame{{"a", Floats(1)}, {"a", Floats(1)}},
		"matrix": Matrix{Rows: 2, Cols: 2, Values: numbers},
	} {
		if n, err := v.CellsSize(0, 0); err == nil {
			t.Errorf("%s is said to be %d long, want an error", name, n)
		}
		if text, err := v.AppendCells(nil, 0, 1); err == nil {
			t.Errorf("%s is written as %s, want an error", name, text)
		}
	}
	if _, err := (Frame{{"a", Strings("x", "\xff")}}).AppendCells(nil, 1, 2); err == nil || err.Error() != `column "a": value 1: "\xff" is not UTF-8` {
		t.Errorf("a text that is no UTF-8 gave %v", err)
	}
}
