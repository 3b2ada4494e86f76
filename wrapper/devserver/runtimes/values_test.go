package runtimes

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// TestInputs: what a JSON value is in R and Python.
func TestInputs(t *testing.T) {
	for _, test := range []struct {
		typ, value string
		r          string // as deparse(x) has it
		python     string // printed by repr(x)
	}{
		{"", `5`, "5", "5"},
		{"", `5.5`, "5.5", "5.5"},
		{"", `true`, "TRUE", "True"},
		{"", `"é日\n"`, `"é日\n"`, `'é日\n'`},
		{"", `null`, "NULL", "None"},
		{"", ``, "NULL", "None"},
		{"", `[1,null]`, "c(1, NA)", "[1, None]"},
		{"", `["a",null]`, `c("a", NA)`, "['a', None]"},
		{"", `["NA","Inf"]`, `c("NA", "Inf")`, "['NA', 'Inf']"},
		{"", `[null]`, "NA", "[None]"},
		{"", `[1,"a",true]`, `c("1", "a", "TRUE")`, "[1, 'a', True]"},
		{"", `[true,2]`, "c(1, 2)", "[True, 2]"},
		{"", `[]`, "list()", "[]"},
		{"", `{}`, "list()", "{}"},
		{"", `9007199254740993`, "9007199254740992", "9007199254740993"},
		{"", `3000000000`, "3e+09", "3000000000"},
		{"", `[[1,2],[3,4]]`, "structure(c(1, 3, 2, 4), dim = c(2L, 2L))", "[[1, 2], [3, 4]]"},
		{"", `[[1,2],[3]]`, "list(c(1, 2), 3)", "[[1, 2], [3]]"},
		{"", `{"k":1,"v":[1,2]}`, "list(k = 1, v = c(1, 2))", "{'k': 1, 'v': [1, 2]}"},
		{"", `{"b":[1,2],"a":["x",null]}`, `structure(list(b = c(1, 2), a = c("x", NA)), class = "data.frame", row.names = c(NA, -2L))`, "{'b': [1, 2], 'a': ['x', None]}"},
		{"", `[{"b":1,"a":"x"},{"b":2}]`, `structure(list(b = c(1, 2), a = c("x", NA)), class = "data.frame", row.names = c(NA, -2L))`, "[{'b': 1, 'a': 'x'}, {'b': 2}]"},
		{"", `[{"a":1},2]`, "list(list(a = 1), 2)", "[{'a': 1}, 2]"},
		{"numeric", `5`, "5", "5.0"},
		{"numeric", `[5]`, "5", "5.0"},
		{"numeric", `null`, "NA_real_", "None"},
		{"integer", `5`, "5L", "5"},
		{"integer", `5.0`, "5L", "5"},
		{"integer", `null`, "NA_integer_", "None"},
		{"logical", `false`, "FALSE", "False"},
		{"character", `"a"`, `"a"`, "'a'"},
		{"character", `null`, "NA_character_", "None"},
		{"vector", `[1,2.5,null]`, "c(1, 2.5, NA)", "array([1. , 2.5, nan])"},
		{"vector", `["a","b"]`, `c("a", "b")`, "array(['a', 'b'], dtype='<U1')"},
		{"vector", `7`, "7", "array([7])"},
		{"vector", `[]`, "logical(0)", "array([], dtype=float64)"},
		{"matrix", `[[1,2],[3,4],[5,6]]`, "structure(c(1, 3, 5, 2, 4, 6), dim = 3:2)", "array([[1, 2],\n       [3, 4],\n       [5, 6]])"},
		{"data.frame", `{"b":[1,null],"a":["x","y"]}`, `structure(list(b = c(1, NA), a = c("x", "y")), class = "data.frame", row.names = c(NA, -2L))`, "     b  a\n0  1.0  x\n1  NaN  y"},
		{"data.frame", `[{"b":1,"a":"x"},{"a":"y"}]`, `structure(list(b = c(1, NA), a = c("x", "y")), class = "data.frame", row.names = c(NA, -2L))`, "     b  a\n0  1.0  x\n1  NaN  y"},
		{"data.frame", `{"a":1}`, `structure(list(a = 1), class = "data.frame", row.names = c(NA, -1L))`, "   a\n0  1"},
		{"data.frame", `{"a":[]}`, `structure(list(a = logical(0)), class = "data.frame", row.names = integer(0))`, "Empty DataFrame\nColumns: [a]\nIndex: []"},
		{"data.frame", `{}`, `structure(list(), names = character(0), class = "data.frame", row.names = integer(0))`, "Empty DataFrame\nColumns: []\nIndex: []"},
	} {
		for lang, want := range map[Language]string{R: test.r, Python: test.python} {
			t.Run(string(lang)+" "+test.typ+" "+test.value, func(t *testing.T) {
				// One worker for all: what is tested is the value.
				w := common(t, lang)
				code := map[Language]string{R: "cat(deparse(x, 500L))", Python: "print(repr(x))"}[lang]
				r := request(t, w, Request{Code: code, Inputs: []Input{{"x", test.typ, raw(test.value)}}})
				if got := strings.TrimSuffix(r.Console, "\n"); got != want {
					t.Errorf("got %s\nwant %s\n%s", got, want, r.Error)
				}
			})
		}
	}
}

func TestInputsRefused(t *testing.T) {
	for _, test := range []struct{ typ, value, want string }{
		{"numeric", `"abc"`, `input "x": declared numeric, got the text "abc"`},
		{"numeric", `true`, `input "x": declared numeric, got true`},
		{"numeric", `[1,2]`, `input "x": declared numeric, got an array of 2 values`},
		{"integer", `5.5`, `input "x": declared integer, got the number 5.5`},
		{"integer", `3000000000`, `input "x": declared integer, got the number 3000000000`},
		{"logical", `1`, `input "x": declared logical, got the number 1`},
		{"character", `1`, `input "x": declared character, got the number 1`},
		{"character", `{"a":1}`, `input "x": declared character, got an object with the fields [a]`},
		{"vector", `{"a":1}`, `input "x": declared vector, got an object with the fields [a]`},
		{"matrix", `[1,2]`, `input "x": declared matrix, got an array whose element 1 is the number 1 instead of a row`},
		{"matrix", `[[1,2],[3]]`, `input "x": declared matrix, got rows of different lengths (2 and 1)`},
		{"matrix", `1`, `input "x": declared matrix, got the number 1 instead of an array of rows`},
		{"data.frame", `1`, `input "x": declared data.frame, got the number 1 instead of an object of columns`},
		{"data.frame", `{"a":[1,2],"b":[1]}`, `input "x": declared data.frame, got columns of different lengths ("a" has 2 rows, "b" 1)`},
		{"data.frame", `[{"a":1},2]`, `input "x": declared data.frame, got an array whose element 2 is the number 2 instead of a row`},
		{"data.frame", `{"a":[[1]]}`, `input "x": declared data.frame, got a column "a" whose value 1 is an array of 1 value`},
		{"dataframe", `{}`, `input "x": unknown type "dataframe" (known: logical, numeric, integer, character, vector, matrix, data.frame)`},
		{"numeric", `[1`, `input "x": its value is not JSON: it ends too early`},
		{"", `1 2`, `input "x": its value is not JSON: text follows the JSON value`},
	} {
		for _, lang := range []Language{R, Python} {
			w := common(t, lang)
			r := request(t, w, Request{Code: "print('ran')", Inputs: []Input{{"x", test.typ, raw(test.value)}}})
			if r.Success || r.Kind != KindInput || r.Error != test.want || r.Console != "" {
				t.Errorf("%s, %s %s: %+v\nwant %s", lang, test.typ, test.value, r, test.want)
			}
		}
	}
	w := common(t, R)
	r := request(t, w, Request{Code: "1", Inputs: []Input{{"x", "vector", raw(`[1,[2]]`)}}})
	if want := `input "x": declared vector, got an array whose element 2 is an array of 1 value`; r.Error != want {
		t.Errorf("got %q, want %q", r.Error, want)
	}
}

func TestOutputsR(t *testing.T) {
	for _, test := range []struct{ expr, typ, want string }{
		{"5", "", "5"}, {"5L", "", "5"}, {"TRUE", "", "true"}, {"'é\"\\n'", "", `"é\"\n"`},
		{"c(1.5, NA, NaN, Inf)", "", "[1.5,null,null,null]"}, {"NULL", "", "null"}, {"numeric(0)", "", "[]"},
		{"c(a = 1, b = 2)", "", "[1,2]"}, {"NA", "", "null"}, {"NA_character_", "", "null"},
		{"0.5332668559970368", "", "0.5332668559970368"}, {"2^53", "", "9007199254740992"}, {"1/3", "", "0.3333333333333333"},
		{"1e100", "", "1e+100"}, {"1e-7", "", "1e-07"}, {"123456789", "", "123456789"}, {"-0.1", "", "-0.1"},
		{"factor(c('u', NA))", "", `["u",null]`}, {"as.Date('2020-01-02')", "", `"2020-01-02"`},
		{"as.POSIXct(1.5, origin = '1970-01-01')", "", `"1970-01-01T00:00:01.500Z"`},
		{"as.POSIXlt('2020-01-02 03:04:05', tz = 'UTC')", "", `"2020-01-02T03:04:05.000Z"`},
		{"as.difftime(2, units = 'mins')", "", "2"}, {"complex(real = 1, imaginary = 2)", "", `"1+2i"`},
		{"as.raw(1:3)", "", `"AQID"`}, {"table(c('a', 'b', 'a'))", "", "[2,1]"},
		{"matrix(1:6, 2)", "", "[[1,3,5],[2,4,6]]"}, {"matrix(c('a', NA), 1)", "", `[["a",null]]`},
		{"data.frame(a = 1:2, b = c('x', NA), row.names = c('r', 's'))", "", `{"a":[1,2],"b":["x",null]}`},
		{"data.frame(z = 1, a = factor('f'))", "", `{"z":[1],"a":["f"]}`}, {"data.frame()", "", "{}"},
		{"list(1, 'a', NULL)", "", `[1,"a",null]`}, {"list(k = 1, v = 1:2, 3)", "", `{"k":1,"v":[1,2],"3":3}`},
		{"list()", "", "[]"}, {"list(d = data.frame(a = 1))", "", `{"d":{"a":[1]}}`},
		{"iconv('\\u00e9', 'UTF-8', 'latin1')", "", `"é"`}, {"1:3 + 0", "", "[1,2,3]"},
		{"TRUE", "numeric", "1"}, {"5", "integer", "5"}, {"5", "character", `"5"`}, {"TRUE", "character", `"TRUE"`},
		{"NA", "numeric", "null"}, {"factor('f')", "character", `"f"`},
		{"5", "vector", "[5]"}, {"list(1, 'a')", "vector", `[1,"a"]`}, {"matrix(1:4, 2)", "vector", "[1,2,3,4]"},
		{"1:2", "matrix", "[[1],[2]]"}, {"matrix(5)", "matrix", "[[5]]"}, {"data.frame(a = 1:2, b = 3:4)", "matrix", "[[1,3],[2,4]]"},
		{"data.frame(a = 1)", "data.frame", `{"a":[1]}`}, {"list(a = 1, b = 'x')", "data.frame", `{"a":[1],"b":["x"]}`},
		{"matrix(1:4, 2)", "data.frame", `{"V1":[1,2],"V2":[3,4]}`},

		{"function(x) x", "", `!output "y": an object of class "function" has no form in JSON`},
		{"lm(am ~ wt, mtcars)", "", `!output "y": an object of class "lm" has no form in JSON (it holds one of class "call")`},
		{"globalenv()", "", `!output "y": an object of class "environment" has no form in JSON`},
		{"quote(a + b)", "vector", `!output "y": an object of class "call" has no form in JSON`},
		{"1:2", "numeric", `!output "y": declared numeric, got an integer vector of length 2`},
		{"'abc'", "numeric", `!output "y": declared numeric, got a character value, "abc"`},
		{"5.5", "integer", `!output "y": declared integer, got a numeric value, 5.5`},
		{"1", "logical", `!output "y": declared logical, got a numeric value, 1`},
		{"NULL", "vector", `!output "y": declared vector, got NULL`},
		{"1:2", "data.frame", `!output "y": declared data.frame, got an integer vector of length 2`},
		{"list(1, 2)", "matrix", `!output "y": declared matrix, got a list of length 2`},
		{"1", "dataframe", `!output "y": unknown type "dataframe" (known: logical, numeric, integer, character, vector, matrix, data.frame)`},
	} {
		checkOutput(t, R, "y <- "+test.expr, test.typ, test.want)
	}
}

func TestOutputsPython(t *testing.T) {
	const np, pd = "import numpy as np; y = ", "import pandas as pd; y = "
	for _, test := range []struct{ code, typ, want string }{
		{"y = 5", "", "5"}, {"y = 5.0", "", "5.0"}, {"y = True", "", "true"}, {"y = None", "", "null"}, {`y = 'é"'`, "", `"\u00e9\""`},
		{"y = [1, float('nan'), float('inf')]", "", "[1,null,null]"}, {"y = [0.1, float('nan')]", "", "[0.1,null]"}, {"y = 10**30", "", "1000000000000000000000000000000"},
		{"y = (1, 'a')", "", `[1,"a"]`}, {"y = {'b': 1, 2: [3]}", "", `{"b":1,"2":[3]}`}, {"y = b'abc'", "", `"YWJj"`},
		{"y = {3}", "", "[3]"}, {"y = range(3)", "", "[0,1,2]"}, {"y = 1 + 2j", "", `"(1+2j)"`},
		{"import datetime; y = datetime.date(2020, 1, 2)", "", `"2020-01-02"`},
		{np + "np.array([[1, 2], [3, 4]])", "", "[[1,2],[3,4]]"}, {np + "np.float64(0.5)", "", "0.5"}, {np + "np.int64(3)", "", "3"},
		{np + "np.bool_(True)", "", "true"}, {np + "np.array([0.5, np.nan])", "", "[0.5,null]"}, {np + "np.longdouble(0.5)", "", "0.5"},
		{np + "np.datetime64('2020-01-02T03:04:05')", "", `"2020-01-02T03:04:05"`}, {np + "np.array(['a'])", "", `["a"]`},
		{pd + "pd.DataFrame({'b': [1.5, None], 'a': ['x', None]})", "", `{"b":[1.5,null],"a":["x",null]}`},
		{pd + "pd.Series([1, 2])", "", "[1,2]"}, {pd + "pd.Timestamp('2020-01-02')", "", `"2020-01-02T00:00:00"`}, {pd + "[pd.NaT, pd.NA]", "", "[null,null]"},
		{pd + "pd.DataFrame({'t': pd.to_datetime(['2020-01-02', None])})", "", `{"t":["2020-01-02T00:00:00",null]}`},
		{pd + "pd.Categorical(['a', 'b'])", "", `["a","b"]`},
		{pd + "pd.DataFrame([[1, 2]], columns=['a', 'a']); y.columns = ['a', 'b']", "", `{"a":[1],"b":[2]}`},
		{np + "np.array([0.5])", "numeric", "0.5"}, {"y = [[3]]", "numeric", "3"}, {"y = True", "numeric", "1"}, {"y = 5.0", "integer", "5"},
		{"y = float('nan')", "numeric", "null"}, {"y = 5", "character", `"5"`}, {np + "np.array([True])", "logical", "true"},
		{"y = 5", "vector", "[5]"}, {"y = (1, 2)", "vector", "[1,2]"}, {"y = [1, 2]", "matrix", "[[1],[2]]"}, {np + "np.eye(2)", "matrix", "[[1.0,0.0],[0.0,1.0]]"},
		{pd + "pd.DataFrame({'a': [1, 2], 'b': [3, 4]})", "matrix", "[[1,3],[2,4]]"},
		{pd + "pd.DataFrame({'a': [1]})", "data.frame", `{"a":[1]}`}, {"y = {'a': 1, 'b': 2}", "data.frame", `{"a":[1],"b":[2]}`},
		{"y = [{'a': 1}, {'b': 2}]", "data.frame", `{"a":[1,null],"b":[null,2]}`}, {pd + "pd.Series([1], name='s')", "data.frame", `{"s":[1]}`},

		{"def y(): pass", "", `!output "y": a value of type function has no form in JSON`},
		{"from sklearn import svm; y = svm.SVC()", "vector", `!output "y": a value of type SVC has no form in JSON`},
		{"y = 'abc'", "numeric", `!output "y": declared numeric, got the str value 'abc'`},
		{"y = [1, 2]", "numeric", `!output "y": declared numeric, got a list of length 2`},
		{"y = 5.5", "integer", `!output "y": declared integer, got the float value 5.5`},
		{"y = 1", "logical", `!output "y": declared logical, got the int value 1`},
		{"y = None", "vector", `!output "y": declared vector, got the NoneType value None`},
		{"y = [[1, 2], [3]]", "matrix", `!output "y": declared matrix, got a list of length 2`},
		{"y = {'a': [1], 'b': [1, 2]}", "data.frame", `!output "y": declared data.frame, got a dict of length 2`},
		{"y = 1", "dataframe", `!output "y": unknown type "dataframe" (known: logical, numeric, integer, character, vector, matrix, data.frame)`},
		{"y = []; y.append(y)", "", `!output "y": maximum recursion depth exceeded`},
	} {
		checkOutput(t, Python, test.code, test.typ, test.want)
	}
}

// checkOutput wants a value, or behind "!" the beginning of an error.
func checkOutput(t *testing.T, lang Language, code, typ, want string) {
	t.Helper()
	r := request(t, common(t, lang), Request{Code: code, Outputs: []Output{{"y", typ}}})
	if text, bad := strings.CutPrefix(want, "!"); bad {
		if r.Success || r.Kind != KindOutput || !strings.HasPrefix(r.Error, text) || r.Outputs != nil {
			t.Errorf("%s as %q: %+v\nwant %s", code, typ, r, text)
		}
		return
	}
	if !r.Success || len(r.Outputs) != 1 || r.Outputs[0].Name != "y" {
		t.Errorf("%s as %q: %+v", code, typ, r)
	} else if got := string(r.Outputs[0].Value); got != want {
		t.Errorf("%s as %q: %s, want %s", code, typ, got, want)
	}
}

func TestOutputsBoxed(t *testing.T) {
	for expr, want := range map[string]string{
		"'text'": `["text"]`, "5": "[5]", "1:2": "[1,2]", "NULL": "null", "data.frame(a = 1)": `{"a":[1]}`,
		"list(k = 1, l = list('a'))": `{"k":[1],"l":[["a"]]}`, "matrix(1)": "[[1]]",
	} {
		r := request(t, common(t, R), Request{Code: "y <- " + expr, Outputs: []Output{{Name: "y"}}, Boxed: true})
		if !r.Success || string(r.Outputs[0].Value) != want {
			t.Errorf("%s: %+v, want %s", expr, r, want)
		}
	}
	r := request(t, common(t, Python), Request{Code: "y = 'text'", Outputs: []Output{{Name: "y"}}, Boxed: true})
	if !r.Success || string(r.Outputs[0].Value) != `"text"` {
		t.Errorf("Python: %+v", r)
	}
	r = request(t, common(t, R), Request{Code: "y <- 5", Outputs: []Output{{"y", "numeric"}}, Boxed: true})
	if !r.Success || string(r.Outputs[0].Value) != "5" {
		t.Errorf("a declared type goes first: %+v", r)
	}
}

func TestOutputsInOrderAndMissing(t *testing.T) {
	for _, lang := range []Language{R, Python} {
		code := "b = 1; a = 2; c0 = 3"
		r := request(t, worker(t, lang), Request{Code: code, Outputs: []Output{{Name: "c0"}, {Name: "a"}, {Name: "b"}}})
		if len(r.Outputs) != 3 || r.Outputs[0].Name != "c0" || r.Outputs[1].Name != "a" || string(r.Outputs[2].Value) != "1" {
			t.Errorf("%s: %+v", lang, r)
		}
		r = request(t, worker(t, lang), Request{Code: code, Outputs: []Output{{Name: "a"}, {Name: "nosuch"}}})
		if want := `output "nosuch": the code did not assign it`; r.Success || r.Kind != KindOutput || r.Error != want {
			t.Errorf("%s: %+v, want %s", lang, r, want)
		}
	}
}

// Doubles come back with every bit.
func TestNumbersAreExact(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	want := make([]string, 0, 20000)
	for range cap(want) {
		x := math.Float64frombits(rnd.Uint64())
		if math.IsNaN(x) || math.IsInf(x, 0) {
			x = 0.1
		}
		want = append(want, strconv.FormatFloat(x, 'g', -1, 64))
	}
	value := raw("[" + strings.Join(want, ",") + "]")
	for _, lang := range []Language{R, Python} {
		r := request(t, common(t, lang), Request{Inputs: []Input{{"x", "", value}}, Outputs: []Output{{"x", "vector"}}})
		if !r.Success {
			t.Fatal(r.Error)
		}
		got := strings.Split(strings.Trim(string(r.Outputs[0].Value), "[]"), ",")
		if len(got) != len(want) {
			t.Fatalf("%s: %d numbers, want %d", lang, len(got), len(want))
		}
		for i := range got {
			g, _ := strconv.ParseFloat(got[i], 64)
			w, _ := strconv.ParseFloat(want[i], 64)
			if g != w {
				t.Fatalf("%s: %s came back as %s", lang, want[i], got[i])
			}
		}
	}
}
