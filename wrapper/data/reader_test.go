package data

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// pieces gives a text in pieces of a size, the first of which may have another: windows end where they end.
type pieces struct {
	text        string
	first, size int
}

func (p *pieces) Read(b []byte) (int, error) {
	if p.text == "" {
		return 0, io.EOF
	}
	n := p.size
	if p.first > 0 {
		n, p.first = p.first, 0
	}
	n = copy(b[:min(len(b), n)], p.text)
	p.text = p.text[n:]
	return n, nil
}

// documents are for every kind of read; most of them are an error for most.
var documents = []string{
	`{"a":[1,2.5,-0.0,1e-3,null,123456789012345678],"name":["x","é\"\\\u00e9",null,"","\n","z"],"":[true,false,null,true,true,false]}`,
	" \r\n{ \"a\" : [ 0.1 , 0.30000000000000004\t, 1.7976931348623157e+308,5e-324,\"NA\",\"-Inf\" ] ,\n\"b\":[1,2,3,4,5,6]} \n",
	`[{"a":1.25,"b":"x"},{"b":"y"},{"a":-Infinity,"c":true},{}]`,
	`[[1.5,2,3e2],[NaN,-1,"NA"],[null,0.1,9007199254740993]]`,
	`[9007199254740993,-9223372036854775808,9223372036854775807,12345678901234567890]`,
	`[null,null,"a",null]`, `[null,1]`, `["NA",1.5]`, `[]`, `{}`, `[[]]`, ` 17.25 `, `-12`, `"text"`, `null`, `[1,2`, `{"a":[1,2]`, `{"a":[1,2]}}`, `{"a"`,
	`[01]`, `[1.]`, `[1,]`, `[1e]`, `[nul]`, `[truefalse]`, `{"a":[1],"a":[2]}`, `{"a":[1],"b":[2,3]}`, `[[1],[2,3]]`, `[1,[2]]`, `{"a":{}}`, `["\x"]`, `[1e999]`, ``, ` `, `x`,
}

// reads are all that can be read of a document, as a text that tells what it was.
var reads = map[string]func(*Reader) (string, error){
	"vector": func(r *Reader) (string, error) {
		v, err := r.Vector()
		return written(v, v.Kind(), err)
	},
	"matrix": func(r *Reader) (string, error) {
		m, err := r.Matrix()
		return written(m, m.Rows, err)
	},
	"frame": func(r *Reader) (string, error) {
		f, err := r.Frame()
		var kinds []Kind
		for _, c := range f {
			kinds = append(kinds, c.Values.Kind())
		}
		return written(f, kinds, err)
	},
	"value": func(r *Reader) (string, error) {
		value, err := r.Value()
		return string(value), err
	},
	"members": func(r *Reader) (text string, err error) {
		err = r.Object(func(name []byte) error {
			text += string(name) + ":"
			value, err := r.Value()
			text += string(value) + "\n"
			return err
		})
		return text, err
	},
	"elements": func(r *Reader) (text string, err error) {
		err = r.List(func(i int) error {
			value, err := r.Value()
			text += fmt.Sprint(i, " ", string(value), "\n")
			return err
		})
		return text, err
	},
}

func written(v interface{ AppendJSON([]byte) ([]byte, error) }, kind any, err error) (string, error) {
	if err != nil {
		return "", err
	}
	text, err := v.AppendJSON(nil)
	return fmt.Sprintf("%v %s", kind, text), err
}

// sameAsWhole reads a document in pieces, and as a whole.
func sameAsWhole(t *testing.T, text string, source func() io.Reader) {
	t.Helper()
	for name, read := range reads {
		var whole Reader
		whole.Reset([]byte(text))
		want, wantErr := read(&whole)
		if wantErr == nil {
			wantErr = whole.End()
		}
		r := NewReader(source())
		got, err := read(r)
		if err == nil {
			err = r.End()
		}
		if (err == nil) != (wantErr == nil) || errors.Is(err, io.ErrUnexpectedEOF) != errors.Is(wantErr, io.ErrUnexpectedEOF) || err == nil && got != want {
			t.Fatalf("%s of %.200q in pieces %+v:\n%.300s, %v\nwant\n%.300s, %v", name, text, source(), got, err, want, wantErr)
		}
	}
}

// Whatever the windows are, a document is read as when it is there as a whole.
func TestReaderWindows(t *testing.T) {
	for _, text := range documents {
		for i := 1; i <= len(text); i++ {
			sameAsWhole(t, text, func() io.Reader { return &pieces{text, i, len(text)} }) // split at i
			sameAsWhole(t, text, func() io.Reader { return &pieces{text, 0, i} })
		}
		sameAsWhole(t, text, func() io.Reader { return iotest.DataErrReader(strings.NewReader(text)) })
	}
	long := `{"a":[` + strings.Repeat("0.1234567890123456,", 20_000) + `1],"text":["` + strings.Repeat(`longer than a window\n`, 10_000) + `"` + strings.Repeat(",null", 20_000) + `]}`
	for _, size := range []int{1000, window, window + 1, 1 << 20} {
		sameAsWhole(t, long, func() io.Reader { return &pieces{long, 0, size} })
	}
}

// What the source says goes through: a number before it is not taken for a whole one.
func TestReaderTellsOfItsSource(t *testing.T) {
	broken := errors.New("broken")
	for _, text := range []string{"", "[1,2", "[1,23", "[1,", "12", `["a`, `{"a":[1`} {
		for name, read := range reads {
			_, err := read(NewReader(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken))))
			if err == nil || errors.Is(err, errCut) {
				t.Errorf("%s of %q and an error gave %v", name, text, err)
			}
		}
	}
	r := NewReader(io.MultiReader(strings.NewReader("\ufeff{\"a\":[1.5]}"), iotest.ErrReader(broken)))
	f, err := r.Frame()
	if err != nil || f.Rows() != 1 {
		t.Errorf("a frame before the error is %v, %v", f, err)
	}
	if err := r.End(); err != broken {
		t.Errorf("the end is %v, want the error of the source", err)
	}
}

// A column that is longer than the first is refused before memory is taken for more like it.
func TestReaderTakesNoMoreMemoryThanNumbers(t *testing.T) {
	const values = 200_000
	long := strings.Repeat("0.5,", values-1) + "0.5"
	r := NewReader(strings.NewReader(`{"a":[` + long + `],"b":[` + long + `]}`))
	f, err := r.Frame()
	if err != nil || f.Rows() != values {
		t.Fatal(f, err)
	}
	first, second := cap(f[0].Values.floats), cap(f[1].Values.floats)
	if first > 2*values+window || second > values*5/4 {
		t.Errorf("there is room for %d and %d numbers, want hardly more than %d", first, second, values)
	}
}

// FuzzReader reads anything in pieces of any size as it does when it is there as a whole.
func FuzzReader(f *testing.F) {
	for i, text := range documents {
		f.Add(text, uint16(0), uint16(1))
		f.Add(text, uint16(i), uint16(7))
	}
	f.Fuzz(func(t *testing.T, text string, first, size uint16) {
		text = strings.TrimPrefix(text, "\ufeff")
		sameAsWhole(t, text, func() io.Reader { return &pieces{text, int(first), max(1, int(size))} })
	})
}
