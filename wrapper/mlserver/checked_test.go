package mlserver_test

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/mlserver-go/mls/wrapper/data"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// TestCheck checks inputs against a definition with every type.
func TestCheck(t *testing.T) {
	checked := &mlserver.Checked{Service: answering(t, nil).Service("s", "1"), Info: mlserver.ServiceInfo{}}
	good := mlserver.Values{
		"numeric": 1.5, "integer": 3, "logical": true, "character": "x", "vector": []int{1, 2}, "matrix": [][]float64{{1, 2}, {3, 4}},
		"data.frame": map[string][]int{"a": {1, 2}, "b": {3, 4}},
	}
	for _, name := range []string{"numeric", "integer", "logical", "character", "vector", "matrix", "data.frame"} {
		checked.Info.Inputs = append(checked.Info.Inputs, mlserver.Parameter{Name: name, Type: mlserver.Type(name)})
	}
	raw := func(s string) any { return json.RawMessage(s) }
	for name, fits := range map[string][]any{
		"numeric":    {0, -1.5, nil, raw("1e3")},
		"integer":    {0, int64(math.MinInt64), 3.0, raw("3.0"), nil},
		"logical":    {false, nil},
		"character":  {"", nil, raw(` "x" `)},
		"vector":     {data.Floats(1, 2), data.Strings("a"), []any{}, 3, "x", raw(`[1,null]`)},
		"matrix":     {data.Matrix{Rows: 1, Cols: 2, Values: []float64{1, 2}}, raw(`[]`), raw(`[[],[]]`), raw(`[[1,null],[3,4]]`)},
		"data.frame": {data.Frame{{Name: "a", Values: data.Ints(1)}}, raw(`{}`), raw(`[]`), raw(`[{"a":1},{"b":"x"}]`), raw(`{"a":["x",null]}`)},
	} {
		for _, value := range fits {
			inputs := with(good, name, value)
			if err := checked.Check(inputs); err != nil {
				t.Errorf("%v is refused: %v", value, err)
			}
		}
	}
	for name, wrong := range map[string]map[string]any{
		"numeric":   {"a number, not \"many\"": "many", "a number, not true": true, "a number, not a list": []int{1}, "a number, not an object": map[string]int{}},
		"integer":   {"a whole number, not 1.5": 1.5, "a whole number, not \"1\"": "1"},
		"logical":   {"true or false, not 1": 1},
		"character": {"a text, not 1": 1, "a text, not a list": []string{"x"}},
		"vector":    {"a list, not an object": map[string]int{"a": 1}, "value 1 is a list": raw(`[1,[2]]`), "value 0 is an object": raw(`[{}]`), "value 0 is a list": data.Matrix{Rows: 1, Cols: 1, Values: []float64{1}}},
		"matrix": {
			"a list of rows, not 1": 1, "row 0 is a number": []int{1}, "ragged: row 0 has 2 values, row 1 has 1": [][]int{{1, 2}, {3}},
			"row 0, column 1 is a text": raw(`[[1,"x"]]`), "row 0 is a number ": nil,
		},
		"data.frame": {
			"an object of columns, or a list of rows, not 1": 1, `column "a" is a number`: map[string]int{"a": 1},
			`ragged: column "a" has 2 values, column "b" has 1`: map[string][]int{"a": {1, 2}, "b": {1}},
			`column "a", row 0 is a list`:                       raw(`{"a":[[1]]}`), "row 0 is a number": []int{1}, `row 0, column "a" is an object`: raw(`[{"a":{}}]`),
		},
	} {
		for want, value := range wrong {
			if value == nil {
				value, want = data.Floats(1), strings.TrimSpace(want)
			}
			inputs := with(good, name, value)
			var e *mlserver.InputError
			if err := checked.Check(inputs); !errors.As(err, &e) || len(e.Problems) != 1 || e.Problems[0].Input != name || !strings.Contains(err.Error(), want) {
				t.Errorf("%s %v gave %v, want %q", name, value, err, want)
			}
		}
	}

	delete(good, "matrix")
	all := with(with(with(good, "numeric", "x"), "numerik", 1), "logical", 0)
	const want = `service s/1:
  input "numeric" (numeric) must be a number, not "x"
  input "logical" (logical) must be true or false, not 0
  input "matrix" (matrix) is missing
  input "numerik" is unknown: the service takes numeric, integer, logical, character, vector, matrix, data.frame`
	if err := checked.Check(all); err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	if err := checked.Check(mlserver.Values{"x": math.NaN()}); err == nil || !strings.Contains(err.Error(), `input "x" has no JSON form`) {
		t.Errorf("NaN gave %v", err)
	}
}

func with(values mlserver.Values, name string, value any) mlserver.Values {
	changed := mlserver.Values{}
	for n, v := range values {
		changed[n] = v
	}
	changed[name] = value
	return changed
}

// TestCheckedConsume sends nothing that does not fit.
func TestCheckedConsume(t *testing.T) {
	calls := 0
	client := answering(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodGet {
			_, _ = w.Write([]byte(`[{"name":"s","version":"1","inputParameterDefinitions":[{"name":"x","type":"string"}]}]`))
			return
		}
		calls++
		_, _ = w.Write([]byte(`{"success":true,"outputParameters":{}}`))
	})
	checked, err := client.Service("s", "1").Checked(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := checked.Consume(t.Context(), mlserver.Values{"x": 1}); err == nil || calls != 0 {
		t.Errorf("a number for a text gave %v and %d calls", err, calls)
	}
	if _, err := checked.Consume(t.Context(), mlserver.Values{"x": "1"}); err != nil || calls != 1 {
		t.Errorf("a text gave %v and %d calls", err, calls)
	}
}
