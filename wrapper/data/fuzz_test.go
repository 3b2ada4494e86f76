package data

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

// FuzzFrame reads anything as a frame. What is read of valid JSON is written as the same again.
func FuzzFrame(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5,null],"b":["x","\u00e9\n",null]}`, `[{"a":1},{"b":true,"a":"NA"}]`, `{"a":["NA",1]}`, `{"a":1e400}`, `[{"a`, `{"":[NaN]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var read, again Frame
		if read.UnmarshalJSON(text) != nil {
			return
		}
		written, err := read.AppendJSON(nil)
		if err != nil || !json.Valid(written) {
			t.Fatalf("%q is read as %v and written as %s, %v", text, read, written, err)
		}
		if err := again.UnmarshalJSON(written); err != nil {
			t.Fatalf("%s cannot be read again: %v", written, err)
		}
		twice, err := again.AppendJSON(nil)
		if err != nil || string(twice) != string(written) {
			t.Fatalf("%s is written as %s, %v", written, twice, err)
		}
	})
}

// FuzzMembers takes apart any object as encoding/json does.
func FuzzMembers(f *testing.F) {
	for _, s := range []string{`{"a":[1,[2],"]"],"b":{"c":"}\"]"}, "d" : null }`, `{"a":1,"a":2}`, `{"a":[1}`, `{"a":["\\"]}`, `{}`, "{\"\x9e\x9e\":[]}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got := map[string]any{}
		rest, err := Members(text, func(name string, value []byte) error {
			var v any
			if err := json.Unmarshal(value, &v); err != nil {
				return err
			}
			got[name] = v
			return nil
		})
		var want map[string]any
		if json.Unmarshal(text, &want) != nil || want == nil {
			return
		}
		if err != nil || len(bytes.TrimSpace(rest)) > 0 || !reflect.DeepEqual(got, want) {
			t.Errorf("%q is %v with rest %q, %v; want %v", text, got, rest, err, want)
		}
	})
}

// FuzzVector reads anything as a vector, which is then written as what reads the same.
func FuzzVector(f *testing.F) {
	for _, s := range []string{`[1,2.5,null]`, `["x","NA","\ud800"]`, `[true,null]`, `3`, `"a"`, `null`, `[]`, `[1e400]`, `[1,"a"]`, `[9007199254740993,-1]`, `[NaN]`, ` [ 1 , 2 ] `} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var read, again Vector
		if read.UnmarshalJSON(text) != nil {
			return
		}
		written, err := read.AppendJSON(nil)
		if err != nil || !json.Valid(written) {
			t.Fatalf("%q is read as %v and written as %s, %v", text, read, written, err)
		}
		if err := again.UnmarshalJSON(written); err != nil || again.Len() != read.Len() {
			t.Fatalf("%s is read as %v, %v; want %v", written, again, err, read)
		}
		if twice, err := again.AppendJSON(nil); err != nil || string(twice) != string(written) {
			t.Fatalf("%s is written as %s, %v", written, twice, err)
		}
	})
}

// FuzzMatrix reads anything as a matrix, whose rows are all as long.
func FuzzMatrix(f *testing.F) {
	for _, s := range []string{`[[1,2],[3,4]]`, `[[]]`, `[]`, `[[1],[2,3]]`, `[[null,1]]`, `[["NA"]]`, `[[1e999]]`, `null`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var read, again Matrix
		if read.UnmarshalJSON(text) != nil {
			return
		}
		if len(read.Values) != read.Rows*read.Cols {
			t.Fatalf("%q has %d rows, %d columns and %d values", text, read.Rows, read.Cols, len(read.Values))
		}
		written, err := read.AppendJSON(nil)
		if err != nil || !json.Valid(written) {
			t.Fatalf("%q is read as %v and written as %s, %v", text, read, written, err)
		}
		if err := again.UnmarshalJSON(written); err != nil {
			t.Fatalf("%s cannot be read again: %v", written, err)
		}
		if twice, err := again.AppendJSON(nil); err != nil || string(twice) != string(written) {
			t.Fatalf("%s is written as %s, %v", written, twice, err)
		}
	})
}

// FuzzCSV reads anything as a table: a frame that is a whole one, and can be written as JSON.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{"a,b\n1,x\nNA,\n", "\xef\xbb\xbfa\n007\n", "a\n\"x\ny\"\n", "a,a\n1,2\n", "a\n1,2\n", "", "a", "a,b\r\nTRUE,1e5\r\n", "\xff\n\xfe\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		frame, err := ReadCSV(bytes.NewReader(text))
		if err != nil {
			return
		}
		for _, c := range frame {
			if c.Values.Len() != frame.Rows() {
				t.Fatalf("%q: column %q has %d of %d rows", text, c.Name, c.Values.Len(), frame.Rows())
			}
		}
		if written, err := frame.AppendJSON(nil); err == nil && !json.Valid(written) {
			t.Errorf("%q is written as %s", text, written)
		}
	})
}
