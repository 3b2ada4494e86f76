package data

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

var nan = math.NaN()

// same compares like reflect.DeepEqual, with NaN being the same as NaN.
func same(a, b Vector) bool {
	if a.Kind() != b.Kind() || a.Len() != b.Len() {
		return false
	}
	for i := range a.Len() {
		if a.NA(i) != b.NA(i) || a.At(i) != b.At(i) {
			return false
		}
	}
	return true
}

func TestVectorsBothWays(t *testing.T) {
	for text, v := range map[string]Vector{
		`[1.5,-0.25,1e+300,5e-324,0.1,0.30000000000000004]`: Floats(1.5, -0.25, 1e300, 5e-324, 0.1, 0.30000000000000004),
		`[1.5,null,2]`: Floats(1.5, nan, 2),
		`[9007199254740993,-9223372036854775808,0]`: Ints(9007199254740993, math.MinInt64, 0),
		`[1,null,3]`:                            Ints(1, 2, 3).WithNA(1),
		`[null,-12]`:                            Ints(1, -12).WithNA(0),
		`[true,null,false]`:                     Bools(true, true, false).WithNA(1),
		`["a",null,"","<é&\"\\\n\u0001\u2028"]`: Strings("a", "b", "", "<é&\"\\\n\x01\u2028").WithNA(1),
		`["NA","x"]`:                            Strings("NA", "x"),
		`[null,null]`:                           Bools(false, false).WithNA(0, 1),
		`[]`:                                    {},
	} {
		got, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var want, again any
		if json.Unmarshal([]byte(text), &want) != nil || json.Unmarshal(got, &again) != nil || !reflect.DeepEqual(want, again) {
			t.Errorf("%v is written as %s, want %s", v, got, text)
		}
		var back Vector
		if err := json.Unmarshal([]byte(text), &back); err != nil || !same(back, v) {
			t.Errorf("%s is read as %v (%s), %v; want %v", text, back, back.Kind(), err, v)
		}
	}
}

// What servers may write differently.
func TestVectorsAsServersWriteThem(t *testing.T) {
	for text, want := range map[string]Vector{
		" [ 1 ,\r\n 2.5 ] ":               Floats(1, 2.5),
		`[1,2.0]`:                         Floats(1, 2),
		`[1,"NA",2]`:                      Floats(1, nan, 2),
		`["NA","-Inf",1.5,"Inf","NaN"]`:   Floats(nan, math.Inf(-1), 1.5, math.Inf(1), nan),
		`["NA",null,3]`:                   Floats(nan, nan, 3),
		`[NaN,Infinity,-Infinity,1]`:      Floats(nan, math.Inf(1), math.Inf(-1), 1),
		`[12345678901234567890123,1]`:     Floats(12345678901234567890123, 1),
		`[null,null,1.5]`:                 Floats(nan, nan, 1.5),
		`[null,"x"]`:                      Strings("", "x").WithNA(0),
		`[null,null,true]`:                Bools(false, false, true).WithNA(0, 1),
		`0.5`:                             Floats(0.5),
		`"text"`:                          Strings("text"),
		`["\ud83d\ude00","a\\","b\\\"c"]`: Strings("😀", `a\`, `b\"c`),
	} {
		var got Vector
		if err := got.UnmarshalJSON([]byte(text)); err != nil || !same(got, want) {
			t.Errorf("%s is read as %v (%s), %v; want %v", text, got, got.Kind(), err, want)
		}
	}
	for text, want := range map[string]string{
		`[1,"x"]`:      "value 1 is a text",
		`["x",1]`:      "value 1 is numeric among values that are character",
		`[true,1]`:     "value 1 is integer among values that are logical",
		`[1,[2]]`:      "value 1 is a list",
		`[1,2`:         "ends in the middle",
		`["abc`:        "ends in the middle",
		`[1 2]`:        "a comma or ]",
		`[1,]`:         "a value",
		`[1]x`:         "after its end",
		`[01]`:         "a number",
		`[1,1e999]`:    "a number",
		``:             "ends in the middle",
		`["\x"]`:       "invalid character",
		`[1.5,nonsen]`: "a value",
	} {
		var got Vector
		if err := got.UnmarshalJSON([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is read as %v with error %v, want %q", text, got, err, want)
		}
	}
}

func TestNotUTF8IsRefused(t *testing.T) {
	_, err := Frame{{"name", Strings("a", "\xff")}}.AppendJSON(nil)
	if err == nil || !strings.Contains(err.Error(), `column "name": value 1`) {
		t.Errorf("got %v, want an error that names column and value", err)
	}
}

func TestConversions(t *testing.T) {
	if f, err := Ints(1, 2).WithNA(1).Floats(); err != nil || f[0] != 1 || !math.IsNaN(f[1]) {
		t.Errorf("integers as floats: %v, %v", f, err)
	}
	if i, err := Floats(3, -2).Ints(); err != nil || !slices.Equal(i, []int64{3, -2}) {
		t.Errorf("floats as integers: %v, %v", i, err)
	}
	if _, err := Floats(1.5).Ints(); err == nil {
		t.Error("1.5 was made an integer")
	}
	if _, err := Strings("1").Floats(); err == nil {
		t.Error("a text was made a number")
	}
	if _, err := Bools(true).Floats(); err == nil {
		t.Error("true was made a number")
	}
	if f, err := (Vector{}).Floats(); err != nil || len(f) != 0 {
		t.Errorf("nothing as floats: %v, %v", f, err)
	}
	var none Vector
	if err := none.UnmarshalJSON([]byte(`[null]`)); err != nil {
		t.Fatal(err)
	}
	if s, err := none.Strings(); err != nil || len(s) != 1 {
		t.Errorf("only NA as texts: %v, %v", s, err)
	}
	if f, err := none.Floats(); err != nil || len(f) != 1 || !math.IsNaN(f[0]) {
		t.Errorf("only NA as floats: %v, %v", f, err)
	}
}

func TestFramesBothWays(t *testing.T) {
	f := Frame{{"z", Floats(1.5, nan)}, {"a \"b\"", Ints(1, 2)}, {"", Strings("x", "y")}, {"l", Bools(true, false).WithNA(1)}}
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"z":[1.5,null],"a \"b\"":[1,2],"":["x","y"],"l":[true,null]}`; string(text) != want {
		t.Errorf("written as %s, want %s", text, want)
	}
	for _, text := range []string{
		string(text),
		` [ {"z":1.5,"a \"b\"":1,"":"x","l":true} ,{"":"y","l":null,"a \"b\"":2}]`,
		`[{"z":1.5,"a \"b\"":1,"":"x","l":true},{"a \"b\"":2,"":"y","z":null}]`,
	} {
		var back Frame
		if err := json.Unmarshal([]byte(text), &back); err != nil {
			t.Fatal(err)
		}
		if len(back) != len(f) || back.Rows() != 2 {
			t.Fatalf("%s is read as %v", text, back)
		}
		for i := range f {
			if back[i].Name != f[i].Name || !same(back[i].Values, f[i].Values) {
				t.Errorf("%s: column %d is %q %v, want %q %v", text, i, back[i].Name, back[i].Values, f[i].Name, f[i].Values)
			}
		}
	}
	for text, columns := range map[string]int{`{}`: 0, `[]`: 0, ` { } `: 0, `{"a":[]}`: 1, `{"a":1,"b":"x"}`: 2} {
		var f Frame
		if err := f.UnmarshalJSON([]byte(text)); err != nil || len(f) != columns {
			t.Errorf("%s is read as %v, %v", text, f, err)
		}
	}
}

func TestFramesThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":[1,2],"b":[1]}`:     `column "a" has 2 values, column "b" has 1`,
		`{"a":[1],"a":[2]}`:       `two columns are called "a"`,
		`{"a":[1],"b":[{}]}`:      `column "b": value 0 is a list or an object`,
		`[{"a":1},[2]]`:           "row 1 is no object",
		`[{"a":1},{"a":1,"a":2}]`: `row 1 has "a" twice`,
		`[{"a":1},{"a":"x"}]`:     `column "a": value 1 is a text`,
		`{"a":[1]`:                "ends in the middle",
		`{"a"`:                    "ends in the middle",
		`{"a" 1}`:                 "a colon",
		`{a:1}`:                   "a name",
		`[{"a":1}`:                "ends in the middle",
		`3`:                       "an object of columns or a list of rows",
		`{"a":[1]}]`:              "after its end",
	} {
		var f Frame
		if err := f.UnmarshalJSON([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is read as %v with error %v, want %q", text, f, err, want)
		}
	}
	if _, err := (Frame{{"a", Ints(1)}, {"b", Ints()}}).AppendJSON(nil); err == nil {
		t.Error("columns of different lengths were written")
	}
}

func TestMatrices(t *testing.T) {
	m := Matrix{2, 3, []float64{1, 2.5, nan, -4, 1e21, math.Inf(1)}}
	text, err := json.Marshal(m)
	if want := `[[1,2.5,null],[-4,1e+21,null]]`; err != nil || string(text) != want {
		t.Errorf("written as %s, %v; want %s", text, err, want)
	}
	var back Matrix
	if err := json.Unmarshal([]byte(` [ [1, 2.5,"NA"],[-4,1e+21,null]]`), &back); err != nil || back.Rows != 2 || back.Cols != 3 || back.At(1, 1) != 1e21 || !math.IsNaN(back.At(0, 2)) {
		t.Errorf("read as %v, %v", back, err)
	}
	for text, want := range map[string]string{
		`[[1,2],[3]]`: "row 1 has 1 values, row 0 has 2",
		`[1,2]`:       "row 0 is no list",
		`[["x"]]`:     "row 0: value 0 is a text",
		`{}`:          "a list of rows",
		`[[1,2]`:      "ends in the middle",
	} {
		var m Matrix
		if err := m.UnmarshalJSON([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is read as %v with error %v, want %q", text, m, err, want)
		}
	}
	if _, err := (Matrix{2, 2, []float64{1}}).AppendJSON(nil); err == nil {
		t.Error("a matrix that lacks values was written")
	}
}

type plant struct {
	ID    int64 `json:"id"`
	Petal struct {
		x int //lint:ignore U1000 not a column
	} `json:"-"`
	measured
	Name  string   `json:"name"`
	Small uint8    `json:"small"`
	Rare  *bool    `json:"rare"`
	Note  *string  `json:"note,omitempty"`
	Ratio *float64 `json:"ratio"`
	_     int
}

type measured struct {
	Length float64
	Width  float32 `json:"width"`
}

func TestRowsBothWays(t *testing.T) {
	rows := []plant{
		{ID: 1, measured: measured{1.5, 0.5}, Name: "a", Small: 255, Rare: new(true), Note: new("n"), Ratio: new(0.25)},
		{ID: math.MaxInt64, measured: measured{nan, 2}, Name: "b"},
	}
	f, err := FrameOf(rows)
	if err != nil {
		t.Fatal(err)
	}
	text, err := f.AppendJSON(nil)
	if want := `{"id":[1,9223372036854775807],"Length":[1.5,null],"width":[0.5,2],"name":["a","b"],"small":[255,0],"rare":[true,null],"note":["n",null],"ratio":[0.25,null]}`; err != nil || string(text) != want {
		t.Fatalf("written as %s, %v\nwant %s", text, err, want)
	}
	back, err := DecodeRows[plant](text)
	if err != nil || len(back) != 2 {
		t.Fatalf("read as %v, %v", back, err)
	}
	if !math.IsNaN(back[1].Length) {
		t.Errorf("NA is read as %v, want NaN", back[1].Length)
	}
	back[1].Length, rows[1].Length = 0, 0
	if !reflect.DeepEqual(back, rows) {
		t.Errorf("read as %+v, want %+v", back, rows)
	}
	if none, err := FrameOf([]plant(nil)); err != nil || none.Rows() != 0 || len(none) != 8 {
		t.Errorf("no rows are %v, %v", none, err)
	}
}

func TestRowsThatDoNotFit(t *testing.T) {
	type row struct {
		N int8    `json:"n"`
		S string  `json:"s"`
		P *string `json:"p"`
	}
	for text, want := range map[string]string{
		`{"n":[1,128],"s":["a","b"]}`:  `column "n": row 1, 128, does not fit`,
		`{"n":[1,null],"s":["a","b"]}`: `column "n": row 1 is NA`,
		`{"n":[1.5],"s":["a"]}`:        `column "n": value 0, 1.5, is no whole number`,
		`{"n":["x"],"s":[null]}`:       `column "s": row 0 is NA`,
		`{"s":["x"]}`:                  `no column "n"`,
		`{"n":["x"],"s":["x"]}`:        "character, not whole numbers",
	} {
		if rows, err := DecodeRows[row]([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is read as %v with error %v, want %q", text, rows, err, want)
		}
	}
	if rows, err := DecodeRows[row]([]byte(`[{"N":3.0,"S":"x","extra":1}]`)); err != nil || rows[0].N != 3 || rows[0].P != nil {
		t.Errorf("other case, and a column too many: %v, %v", rows, err)
	}
	if _, err := FrameOf([]int{1}); err == nil {
		t.Error("rows that are no structs were taken")
	}
	if _, err := FrameOf([]struct{ T []int }{}); err == nil || !strings.Contains(err.Error(), "field T") {
		t.Errorf("a field that is a list gave %v, want an error that names it", err)
	}
}
