package transport

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/go-openapi/runtime"
)

// reader reads the answer to one operation.
type reader struct {
	name string
	op   *runtime.ClientOperation
	body body
}

// ReadResponse makes an *Error of any status but 2xx, and gives the rest to the generated reader. That reader knows only the
// status that is documented: it is told that one when the server chose another 2xx.
func (r *reader) ReadResponse(resp runtime.ClientResponse, _ runtime.Consumer) (any, error) {
	b := &r.body
	*b = body{size: -1}
	defer b.done(resp.Body())
	if resp.Code()/100 != 2 {
		return nil, newError(r.name, resp)
	}
	if length := resp.GetHeader("Content-Length"); length != "" { // what comes in chunks has none
		if n, err := strconv.ParseInt(length, 10, 64); err == nil {
			b.size = n
		}
	}
	v, err := r.op.Reader.ReadResponse(resp, b)
	if err != nil || isDefault(v) {
		if code := r.documented(resp); code != resp.Code() {
			v, err = r.op.Reader.ReadResponse(answer{resp, code, resp.Body()}, b)
		}
	}
	if err == nil && !b.wanted {
		err = unread(resp.Body())
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

// body decodes the body of an answer by where it goes. What went through memory can be decoded again.
type body struct {
	size   int64 // as announced; -1: not known
	wanted bool  // the operation has a use for it
	read   bool
	data   []byte
	pooled *[]byte // where data is, if not in memory of its own
}

// Sizes of what is used again, in bytes: a buffer for documents, at first and at most, and one for streams.
const (
	firstBuffer    = 1 << 10
	documentBuffer = 16 << 10
	streamBuffer   = 256 << 10
)

var (
	documents = sync.Pool{New: func() any { return new(make([]byte, firstBuffer)) }}
	streams   = sync.Pool{New: func() any { return new(make([]byte, streamBuffer)) }}
)

// Sized is a destination that wants to know how much will come, in bytes, if the server has told.
type Sized interface {
	io.Writer
	Expect(size int64)
}

func (b *body) Consume(r io.Reader, dst any) error {
	b.wanted = true
	if w, ok := dst.(io.Writer); ok && !b.read {
		if sized, ok := w.(Sized); ok && b.size >= 0 {
			sized.Expect(b.size)
		}
		buffer := streams.Get().(*[]byte)
		defer streams.Put(buffer)
		_, err := io.CopyBuffer(struct{ io.Writer }{w}, r, *buffer) // which must not see that files can read by themselves, in small pieces
		return err
	}
	if !b.read {
		if err := b.fill(r); err != nil {
			return err
		}
	}
	if w, ok := dst.(io.Writer); ok {
		_, err := w.Write(b.data)
		return err
	}
	return b.decode(dst)
}

// fill reads to the end: a decoder would stop before it, and the connection be lost.
func (b *body) fill(r io.Reader) error {
	const believed = 64 << 20 // of what is announced
	var data []byte
	if b.size >= documentBuffer {
		data = make([]byte, 0, min(b.size, believed)+1) // one more, to see the end
	} else {
		b.pooled = documents.Get().(*[]byte)
		data = (*b.pooled)[:0]
	}
	data, err := readTo(data, r)
	for err == nil && b.pooled != nil && cap(data) < documentBuffer {
		*b.pooled = append(make([]byte, 0, 4*cap(data)), data...)
		data, err = readTo(*b.pooled, r)
	}
	if err == nil { // there is more
		if data, err = readLong(data, r); err == io.EOF {
			b.free()
		}
	}
	if err != io.EOF {
		return err
	}
	b.read, b.data = true, data
	return nil
}

// readTo reads behind data until its memory is full; io.EOF says that there is no more.
func readTo(data []byte, r io.Reader) ([]byte, error) {
	for len(data) < cap(data) {
		n, err := r.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if err != nil {
			return data, err
		}
	}
	return data, nil
}

// readLong reads what nobody knows the length of, into pieces that are used again: memory that is doubled until all fits takes
// three times as much.
func readLong(start []byte, r io.Reader) (data []byte, err error) {
	size := len(start)
	var pieces []*[]byte
	defer func() {
		for _, p := range pieces {
			streams.Put(p)
		}
	}()
	var last []byte
	for err == nil {
		p := streams.Get().(*[]byte)
		pieces = append(pieces, p)
		last, err = readTo((*p)[:0], r)
		size += len(last)
	}
	if err != io.EOF {
		return nil, err
	}
	data = append(make([]byte, 0, size), start...)
	for _, p := range pieces[:len(pieces)-1] {
		data = append(data, *p...)
	}
	return append(data, last...), io.EOF
}

func (b *body) free() {
	if b.pooled != nil {
		documents.Put(b.pooled)
		b.pooled = nil
	}
}

// done reads the rest of a body, so that its connection can be used again. What is longer is not worth it.
func (b *body) done(r io.Reader) {
	if !b.read {
		_, _ = io.CopyN(io.Discard, r, streamBuffer)
	}
	b.free()
}

func brokenOff(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the answer broke off before its end: %w", err)
	}
	return err
}
