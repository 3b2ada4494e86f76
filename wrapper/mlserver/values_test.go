package mlserver

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestDecode(t *testing.T) {
	var o Outputs
	const all = `{"bare":0.6418125284093809,"boxed":[42],"two":[1,2],"text":"x","null":null,"frame":{"a":[1,2],"b":["x","y"]},"large":9007199254740993}`
	if err := json.Unmarshal([]byte(all), &o); err != nil || len(o) != 7 {
		t.Fatal(o, err)
	}
	if text, err := json.Marshal(o); err != nil || string(text) != all {
		t.Errorf("outputs are written as %s, %v; want %s", text, err, all)
	}
	var f float64
	if err := o.Decode("bare", &f); err != nil || f != 0.6418125284093809 {
		t.Errorf("bare: %v, %v", f, err)
	}
	if err := o.Decode("boxed", &f); err != nil || f != 42 {
		t.Errorf("a list of one into a number: %v, %v", f, err)
	}
	var fs []float64
	if err := o.Decode("boxed", &fs); err != nil || !reflect.DeepEqual(fs, []float64{42}) {
		t.Errorf("a list of one into a list: %v, %v", fs, err)
	}
	var i int64
	if err := o.Decode("large", &i); err != nil || i != 9007199254740993 {
		t.Errorf("large: %v, %v", i, err)
	}
	var frame struct {
		A []int
		B []string
	}
	if err := o.Decode("frame", &frame); err != nil || !reflect.DeepEqual(frame.B, []string{"x", "y"}) {
		t.Errorf("frame: %v, %v", frame, err)
	}
	for name, want := range map[string]string{"two": `output "two"`, "text": `output "text"`, "other": `no output "other": have ["bare" "boxed"`} {
		if err := o.Decode(name, &f); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s into a number: got error %v, want %q", name, err, want)
		}
	}
}

func TestEncodeNamesTheInput(t *testing.T) {
	for name, value := range map[string]any{"nan": math.NaN(), "inf": []float64{1, math.Inf(1)}, "chan": make(chan int)} {
		_, err := Values{"fine": 1, name: value}.encode()
		if err == nil || !strings.Contains(err.Error(), `"`+name+`"`) {
			t.Errorf("%s: error %v does not name it", name, err)
		}
	}
	objects, err := Values{"b": nil, "a": []any{1, nil}, "c": 0}.workspaceObjects()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range objects {
		got = append(got, o.Name+"="+string(o.Value))
	}
	if want := []string{"a=[1,null]", "b=null", "c=0"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestParseTime(t *testing.T) {
	for text, want := range map[string]time.Time{
		"2017-10-05T22:49:33.7832679": time.Date(2017, 10, 5, 22, 49, 33, 783267900, time.UTC),
		"2017-10-18T21:55:46.085642":  time.Date(2017, 10, 18, 21, 55, 46, 85642000, time.UTC),
		"2016-11-20T18:15:09":         time.Date(2016, 11, 20, 18, 15, 9, 0, time.UTC),
		"2016-11-20T18:15:09+01:00":   time.Date(2016, 11, 20, 17, 15, 9, 0, time.UTC),
		"2016-11-20":                  time.Date(2016, 11, 20, 0, 0, 0, 0, time.UTC),
		"yesterday":                   {},
		"":                            {},
	} {
		if got := parseTime(text); !got.Equal(want) {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}
