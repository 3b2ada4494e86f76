package data

import (
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
		if err != nil || len(space(rest)) > 0 || !reflect.DeepEqual(got, want) {
			t.Errorf("%q is %v with rest %q, %v; want %v", text, got, rest, err, want)
		}
	})
}
