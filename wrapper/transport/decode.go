package transport

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"sync"
)

// decode stores the document in dst.
func (b *body) decode(dst any) error {
	data := trim(b.data)
	text, isText := dst.(*string)
	raw, isRaw := dst.(*json.RawMessage)
	switch {
	case isHTML(data):
		return errWebPage
	case isText:
		return decodeText(data, text)
	case len(data) == 0, string(data) == "null" && (isStruct(dst) || isRaw):
		return errors.New("the server answered without the document that belongs here: its body is empty")
	case isRaw: // whoever wants it reads it himself
		if *raw = data; b.pooled != nil {
			*raw = bytes.Clone(data)
		}
		return nil
	case data[0] == '{' && isList(dst):
		data = append(append([]byte{'['}, data...), ']') // some servers leave the brackets out when there is one element
	}
	if err := unmarshal(data, dst); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return errors.New("the JSON that the server answered ends in the middle")
		}
		return fmt.Errorf("the server answered something else than the JSON that belongs here: %w", err)
	}
	return nil
}

// unmarshal does what the runtime's consumer does: numbers of no type keep their digits, and what follows the document is not
// looked at. A decoder that can do that copies all of the document; it is left out where that makes no difference.
func unmarshal(data []byte, dst any) error {
	if !untyped.in(reflect.TypeOf(dst)) {
		err := json.Unmarshal(data, dst)
		var syntax *json.SyntaxError
		if !errors.As(err, &syntax) { // of which dst has seen nothing
			return err
		}
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode(dst)
}

// anyTypes knows of types whether there may be values in them whose type is left to the JSON.
type anyTypes struct{ known sync.Map } // of reflect.Type: bool

var untyped anyTypes

func (a *anyTypes) in(t reflect.Type) bool {
	if t == nil {
		return true
	}
	if known, ok := a.known.Load(t); ok {
		return known.(bool)
	}
	found := hasInterface(t, map[reflect.Type]bool{})
	a.known.Store(t, found)
	return found
}

func hasInterface(t reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Interface:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return hasInterface(t.Elem(), seen)
	case reflect.Struct:
		for i := range t.NumField() {
			if hasInterface(t.Field(i).Type, seen) {
				return true
			}
		}
	}
	return false
}

// decodeText takes a JSON string, or the text as it is.
func decodeText(data []byte, dst *string) error {
	if string(data) == "null" {
		*dst = ""
		return nil
	}
	if json.Unmarshal(data, dst) != nil {
		if bytes.HasPrefix(data, []byte(`"`)) && (len(data) == 1 || !bytes.HasSuffix(data, []byte(`"`))) {
			return errors.New("the text that the server answered ends in the middle")
		}
		*dst = strings.ToValidUTF8(string(data), "\uFFFD")
	}
	return nil
}

func trim(data []byte) []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
}

func isHTML(data []byte) bool {
	if len(data) == 0 || data[0] != '<' {
		return false
	}
	start := bytes.ToLower(data[:min(len(data), 16)])
	return bytes.HasPrefix(start, []byte("<!doctype html")) || bytes.HasPrefix(start, []byte("<html"))
}

func isStruct(dst any) bool {
	t := reflect.TypeOf(dst)
	return t != nil && t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct
}

func isList(dst any) bool {
	t := reflect.TypeOf(dst)
	return t != nil && t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Slice && t.Elem().Elem().Kind() != reflect.Uint8
}
