package runtimes

import (
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
