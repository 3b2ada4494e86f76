package transport

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/go-openapi/runtime"
)

// reader reads the answer to one operation.
type reader struct {
	name string
	op   *runtime.ClientOperation
}

// ReadResponse makes an *Error of any status but 2xx, and gives the rest to the generated reader. That reader knows only the
// status that is documented: it is told that one when the server chose another 2xx.
func (r *reader) ReadResponse(resp runtime.ClientResponse, _ runtime.Consumer) (any, error) {
	defer drain(resp.Body())
	if resp.Code()/100 != 2 {
		return nil, newError(r.name, resp)
	}
	b := &body{size: -1}
	if n, err := strconv.ParseInt(resp.GetHeader("Content-Length"), 10, 64); err == nil {
		b.size = n
	}
	seen := &counted{ReadCloser: resp.Body()}
	v, err := r.op.Reader.ReadResponse(answer{resp, resp.Code(), seen}, b)
	if err != nil || isDefault(v) {
		if code := r.documented(resp); code != resp.Code() {
			v, err = r.op.Reader.ReadResponse(answer{resp, code, seen}, b)
		}
	}
	if err == nil && seen.n == 0 {
		err = unread(seen)
	}
	if err != nil {
		return nil, brokenOff(err)
	}
	return v, nil
}

// documented is the status of the answer if the generated reader knows it, else the 2xx that it knows.
func (r *reader) documented(resp runtime.ClientResponse) int {
	for _, code := range []int{resp.Code(), http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNoContent} {
		v, err := r.op.Reader.ReadResponse(answer{resp, code, http.NoBody}, nothing)
		if err == nil && !isDefault(v) {
			return code
		}
	}
	return resp.Code()
}

// isDefault tells whether a generated reader took the answer for the one that documents call default: an error.
func isDefault(v any) bool {
	t := reflect.TypeOf(v)
	return t != nil && t.Kind() == reflect.Pointer && strings.HasSuffix(t.Elem().Name(), "Default")
}

// answer is an answer with another status or body.
type answer struct {
	runtime.ClientResponse
	code int
	body io.ReadCloser
}

func (a answer) Code() int           { return a.code }
func (a answer) Body() io.ReadCloser { return a.body }

var nothing = runtime.ConsumerFunc(func(io.Reader, any) error { return nil })

// drain reads the rest of a body, so that its connection can be used again. What is longer is not worth it.
func drain(r io.Reader) { _, _ = io.CopyN(io.Discard, r, 256<<10) }

// body decodes the body of an answer by where it goes. What went through memory can be decoded again.
type body struct {
	size int64 // as the server says; -1: it does not
	read bool
	data []byte
}

// Sized is a destination that wants to know how much will come, in bytes, if the server has told.
type Sized interface {
	io.Writer
	Expect(size int64)
}

func (b *body) Consume(r io.Reader, dst any) error {
	if w, ok := dst.(io.Writer); ok && !b.read {
		if sized, ok := w.(Sized); ok && b.size >= 0 {
			sized.Expect(b.size)
		}
		_, err := io.Copy(w, r)
		return err
	}
	if !b.read {
		data, err := io.ReadAll(r) // to the end: a decoder would stop before it, and the connection be lost
		if err != nil {
			return err
		}
		b.read, b.data = true, data
	}
	if w, ok := dst.(io.Writer); ok {
		_, err := w.Write(b.data)
		return err
	}
	return decode(b.data, dst)
}

func decode(data []byte, dst any) error {
	data = trim(data)
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
		*raw = data
		return nil
	case data[0] == '{' && isList(dst):
		data = append(append([]byte{'['}, data...), ']') // some servers leave the brackets out when there is one element
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(dst); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return errors.New("the JSON that the server answered ends in the middle")
		}
		return fmt.Errorf("the server answered something else than the JSON that belongs here: %w", err)
	}
	return nil
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

func brokenOff(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the answer broke off before its end: %w", err)
	}
	return err
}
