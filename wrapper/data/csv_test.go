package data

import (
	"runtime"
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

// A table that keeps its cells as they were written says the same in JSON as the data frame of them.
func TestTable(t *testing.T) {
	const text = "i,x,l,c,q,none,mixed,late\n1,0.1,TRUE,a,\"b \"\"c\"\"\nd\",NA,TRUE,007\n -2 ,1E3,false,NA,é,,1,2\nNA,,NA,,x,NA,,x\n,-0.0,true,,,,NA,NA\n"
	table, err := ReadTable(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"i":[1,-2,null,null],"x":[0.1,1E3,null,-0.0],"l":[true,false,null,true],"c":["a",null,"",""],` +
		`"q":["b \"c\"\nd","é","x",""],"none":[null,null,null,null],"mixed":["TRUE","1","",null],"late":["007","2","x",null]}`
	got, err := table.AppendJSON(nil)
	if err != nil || string(got) != want {
		t.Fatalf("the table is %s, %v\nwant %s", got, err, want)
	}
	var read Frame
	if err := read.UnmarshalJSON(got); err != nil {
		t.Fatal(err)
	}
	frame := table.Frame()
	if table.Rows() != 4 || len(frame) != len(read) {
		t.Errorf("%d rows, %d columns", table.Rows(), len(frame))
	}
	for i, c := range frame {
		if c.Name != read[i].Name || !same(c.Values, read[i].Values) {
			t.Errorf("column %q is %v, and %v in JSON", c.Name, c.Values, read[i].Values)
		}
	}
	if table, err = ReadTable(strings.NewReader("a,b\n1,x\n1,\xff\n"), "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := table.AppendJSON(nil); err == nil || !strings.Contains(err.Error(), `column "b": row 1, counted from 0: "\xff" is not UTF-8`) {
		t.Errorf("what is no UTF-8 gave %v", err)
	}
}

// Whatever is in its cells, a table takes little more memory than its text, and its JSON is written into one piece of memory.
func TestTableMemory(t *testing.T) {
	line := "1,22,TRUE,x,2020-01-02,0.123456789012345,NA,\n"
	text := "a,b,c,d,e,f,g,h\n" + strings.Repeat(line, 4<<20/len(line))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	table, err := ReadTable(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if ratio := float64(after.HeapAlloc-before.HeapAlloc) / float64(len(text)); ratio > 1.5 {
		t.Errorf("the table takes %.2f times the memory of its text, want at most 1.5", ratio)
	}
	json, err := table.AppendJSON(nil)
	if err != nil || cap(json) > len(json)+len(json)/20 {
		t.Errorf("JSON of %d bytes takes %d, %v", len(json), cap(json), err)
	}
}
