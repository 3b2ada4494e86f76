package mlserver_test

import (
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// read collects rows up to the first error.
func readAll(rows mlserver.Rows) (list []mlserver.Values, err error) {
	for row, err := range rows {
		if err != nil {
			return list, err
		}
		list = append(list, row)
	}
	return list, nil
}

func TestCSVRows(t *testing.T) {
	inputs := []mlserver.Parameter{
		{"n", mlserver.Numeric}, {"i", mlserver.Integer}, {"l", mlserver.Logical}, {"c", mlserver.Character}, {"v", mlserver.Vector}, {"f", mlserver.DataFrame},
	}
	text := "\ufeffc,extra,n,i,l,v,f\r\n" +
		"\"a \"\"quoted\"\", two\r\nline text\",x,1.5,-7,TRUE,\"[1, 2]\",\"{\"\"a\"\":[1]}\"\r\n" +
		",x,+.5e3, 3 ,F,[],{}\n" +
		"NA,x,NA,,NA,NA,\n"
	got, err := readAll(mlserver.CSVRows(strings.NewReader(text), inputs))
	want := []mlserver.Values{
		{"c": "a \"quoted\", two\nline text", "n": 1.5, "i": -7, "l": true, "v": json.RawMessage("[1, 2]"), "f": json.RawMessage(`{"a":[1]}`)},
		{"c": "", "n": 500.0, "i": 3, "l": false, "v": json.RawMessage("[]"), "f": json.RawMessage("{}")},
		{"c": nil, "n": nil, "i": nil, "l": nil, "v": nil, "f": nil},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v\nwant %v", got, err, want)
	}
	if got, err := readAll(mlserver.CSVRows(strings.NewReader("n\n"), inputs[:1])); err != nil || got != nil {
		t.Errorf("a header alone gave %v, %v", got, err)
	}
}

func TestBadCSVRows(t *testing.T) {
	inputs := []mlserver.Parameter{{"hp", mlserver.Numeric}, {"wt", mlserver.Numeric}, {"gear", mlserver.Integer}, {"am", mlserver.Logical}, {"v", mlserver.Vector}}
	const header = "hp,wt,gear,am,v\n1,2,3,T,[]\n"
	for _, test := range []struct {
		text string
		rows int
		says []string
	}{
		{"", 0, []string{"line 1", "no header"}},
		{"hp,weight\n1,2\n", 0, []string{"line 1", "column wt (numeric) is missing", "column gear (integer) is missing", `["hp" "weight"]`}},
		{"hp,wt,gear,am,v,hp\n1,2,3,T,1,4\n", 0, []string{"two columns hp"}},
		{header + "1,two,3,F,1\n", 1, []string{`line 3, column wt (numeric): "two" is no number`}},
		{header + "1,1e999,3,F,1\n", 1, []string{`"1e999"`}},
		{header + "NaN,2,3,F,1\n", 1, []string{`column hp (numeric): "NaN"`}},
		{header + "1,2,3.5,F,1\n", 1, []string{`line 3, column gear (integer): "3.5" is no whole number`}},
		{header + "1,2,3,1,1\n", 1, []string{`column am (logical): "1" is neither true nor false`}},
		{header + "x,2,3,maybe,1\n", 1, []string{"column hp", "column am"}},
		{header + "1,2,3,T,a b\n", 1, []string{`column v (vector): "a b" is not JSON`}},
		{header + "1,2\n", 1, []string{"line 3", "wrong number of fields"}},
		{header + "\"1,2,3,T,1\n", 1, []string{"line 3", "\""}},
	} {
		got, err := readAll(mlserver.CSVRows(strings.NewReader(test.text), inputs))
		if err == nil || len(got) != test.rows {
			t.Errorf("%q gave %v, %v; want %d rows and an error", test.text, got, err, test.rows)
			continue
		}
		for _, text := range test.says {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%q gave %q, want it to say %s", test.text, err, text)
			}
		}
	}
}

// A table is not the data frame of a batch: each of its rows has one.
func TestCSVRowsOfFrames(t *testing.T) {
	inputs := []mlserver.Parameter{{Name: mlserver.RealtimeInput, Type: mlserver.DataFrame}}
	_, err := readAll(mlserver.CSVRows(strings.NewReader("speed\n10\n"), inputs))
	if err == nil || !strings.Contains(err.Error(), "each row has a data.frame of its own, as JSON in a cell") {
		t.Errorf("got %v", err)
	}
	rows, err := readAll(mlserver.CSVRows(strings.NewReader("inputData\n\"{\"\"speed\"\":[10]}\"\n"), inputs))
	if want := []mlserver.Values{{mlserver.RealtimeInput: json.RawMessage(`{"speed":[10]}`)}}; err != nil || !reflect.DeepEqual(rows, want) {
		t.Errorf("got %v, %v", rows, err)
	}
}

func TestJSONRows(t *testing.T) {
	got, err := readAll(mlserver.JSONRows(strings.NewReader("\ufeff{\"hp\": 110, \"wt\": 2.62}\r\n\n {\"x\":[1,null]}")))
	want := []mlserver.Values{{"hp": json.RawMessage("110"), "wt": json.RawMessage("2.62")}, {"x": json.RawMessage("[1,null]")}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	for text, says := range map[string]string{
		"{}\n\n[1]\n": "line 3", "{}\nnull": "line 2", "{\"a\":1": "line 1", "{}{}": "line 1",
	} {
		if _, err := readAll(mlserver.JSONRows(strings.NewReader(text))); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q gave %v, want %s", text, err, says)
		}
	}
	broken := errors.New("disk gone")
	if _, err := readAll(mlserver.JSONRows(io.MultiReader(strings.NewReader("{}\n"), iotest.ErrReader(broken)))); !errors.Is(err, broken) {
		t.Errorf("a reader that fails gave %v", err)
	}
}
