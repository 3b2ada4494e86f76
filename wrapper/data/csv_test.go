package data

import (
	"strings"
	"testing"
)

func TestReadCSV(t *testing.T) {
	f, err := ReadCSV(strings.NewReader("\ufeffn,x,t,b,zip,mixed,none\r\n1,1,a,TRUE,01234,1,\r\n-2,2.5,\"b, c\",NA,5,x,NA\r\nNA,,,false,6,,\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := Frame{
		{"n", Ints(1, -2, 0).WithNA(2)}, {"x", Floats(1, 2.5, nan)}, {"t", Strings("a", "b, c", "")}, {"b", Bools(true, false, false).WithNA(1)},
		{"zip", Strings("01234", "5", "6")}, {"mixed", Strings("1", "x", "")}, {"none", Bools(false, false, false).WithNA(0, 1, 2)},
	}
	for i, c := range want {
		if f[i].Name != c.Name || !same(f[i].Values, c.Values) {
			t.Errorf("column %q is %v (%s), want %q %v", f[i].Name, f[i].Values, f[i].Values.Kind(), c.Name, c.Values)
		}
	}
	for text, want := range map[string]string{
		"":             "empty",
		"a,b\n1\n":     "record on line 2: wrong number of fields",
		"a,a\n1,2\n":   `two columns are called "a"`,
		"a\n\"x\n":     "line",
		"a,b\n1,2,3\n": "record on line 2",
	} {
		if f, err := ReadCSV(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is read as %v with error %v, want %q", text, f, err, want)
		}
	}
	if f, err := ReadCSV(strings.NewReader("a,b\n1.50,1.50\n"), "b"); err != nil || f[0].Values.At(0) != 1.5 || f[1].Values.At(0) != "1.50" {
		t.Errorf("a column that is to be text is %v, %v", f, err)
	}
	if f, err := ReadCSV(strings.NewReader("a,b\n")); err != nil || f.Rows() != 0 || len(f) != 2 {
		t.Errorf("no rows are %v, %v", f, err)
	}
}
