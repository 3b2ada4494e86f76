package runtimes

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

func TestSerialize(t *testing.T) {
	for _, v := range []*rvalue{
		{kind: rNull},
		{kind: rDouble, num: []float64{1.5, -2}},
		{kind: rInteger, ints: []int32{1, naInt}},
		rBool(true),
		{kind: rString, str: []rstring{{s: "a"}, {s: "é"}, {s: ""}, {na: true}}},
		{kind: rRaw, raw: []byte{0, 255}},
		{kind: rDouble, num: []float64{1, 2, 3, 4}, dim: []int{2, 2}},
		{kind: rList, list: []*rvalue{rStrings("x"), {kind: rNull}}, names: []string{"a", ""}},
		{kind: rList, list: []*rvalue{rStrings("x", "y")}, names: []string{"a"}, frame: true},
		{kind: rList, list: []*rvalue{{kind: rList, list: []*rvalue{}, names: []string{}}}},
	} {
		got, err := unserialize(v.serialize())
		if err != nil || !reflect.DeepEqual(got, v) {
			t.Errorf("%+v came back as %+v, %v", v, got, err)
		}
	}
}

// A list in a list in a list ... of 64 MB would take gigabytes of stack, which ends the process.
func TestUnserializeDeep(t *testing.T) {
	start := (&rvalue{kind: rNull}).serialize()
	start = start[:len(start)-4]
	for _, level := range [][]byte{
		{0, 0, 0, byte(rList), 0, 0, 0, 1}, // of an element
		{0, 0, flagAttr >> 8, byte(rRaw), 0, 0, 0, 0, 0, 0, flagTag >> 8, byte(rPairlist), 0, 0, 0, byte(rSymbol), 0, 0, 0, byte(rChar), 0, 0, 0, 0}, // of an attribute
	} {
		if v, err := unserialize(append(start[:len(start):len(start)], bytes.Repeat(level, 64<<20/len(level))...)); err == nil {
			t.Errorf("%v is read as a value", v.kind)
		}
	}
	v := &rvalue{kind: rNull}
	for range maxDepth - 1 {
		v = &rvalue{kind: rList, list: []*rvalue{v}}
	}
	if _, err := unserialize(v.serialize()); err != nil {
		t.Errorf("a list as deep as lists may be: %v", err)
	}
}

// User code can write to the reply pipe: nothing it writes may hurt.
func FuzzUnserialize(f *testing.F) {
	v := &rvalue{kind: rList, list: []*rvalue{rStrings("x", "y"), {kind: rDouble, num: []float64{1}, dim: []int{1, 1}}}, names: []string{"a", "b"}, frame: true}
	good := v.serialize()
	for i := range good {
		f.Add(good[:i])
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, err := unserialize(b); err == nil && v == nil {
			t.Error("neither a value nor an error")
		}
	})
}

// FuzzReply reads anything as what a worker replies, and FuzzInput anything as an input's value.
func FuzzReply(f *testing.F) {
	f.Add([]byte(`{"id":"1","outputs":[{"value":[1,null]},{"problem":"no"}],"names":["x"],"call":"f","args":[{"name":"a","value":1}]}`))
	f.Add((&rvalue{kind: rList, list: []*rvalue{rStrings("1"), {kind: rList, list: []*rvalue{}}}, names: []string{"id", "outputs"}}).serialize())
	f.Add([]byte(`{"id":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, lang := range []Language{R, Python} {
			w := &Worker{interp: &Interpreter{Language: lang}}
			if r, err := w.decode(text); err == nil && r == nil {
				t.Errorf("%q is neither a reply nor refused", text)
			}
		}
	})
}

func FuzzInput(f *testing.F) {
	for _, s := range []string{`[1,2.5,null]`, `{"a":[1],"b":{"c":"{"}}`, `{"a":1,"a":2}`, `[[1,2],[3]]`, `"{"`, `1e400`, `[`, ``, `{"a":{}}`, `-0`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := parseJSON(text)
		if valid := json.Valid(text) || len(bytes.TrimSpace(text)) == 0; err == nil != valid {
			t.Errorf("%q is read as %v, %v", text, v, err)
		}
	})
}
