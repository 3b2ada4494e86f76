package data

import (
	"bytes"
	"fmt"
	"io"
)

// Reader reads JSON from front to back, a window of text at a time: of a document of any size only the value that is being read is
// in memory, and of vectors, matrices and frames only the numbers, not the text. An error is of the source, or tells what is wrong
// with the JSON, of which errors.Is finds io.ErrUnexpectedEOF if it ends in the middle. After an error there is nothing more to read.
type Reader struct {
	text    []byte // what was read and not yet used
	tail    int    // how much of the end of text may go on: it has no delimiter behind it
	windows int    // how many there were

	source io.Reader // nil: text is all there is
	failed error     // of source
	room   []byte    // that text is a part of
	name   []byte    // of the member that was read last
}

// How much is read at a time, in bytes, if no text is longer: at first, and of a long document, which comes faster so.
const (
	window     = 64 << 10
	longWindow = 256 << 10
)

// NewReader reads what source gives, but for the mark that Windows programs put in front of UTF-8.
func NewReader(source io.Reader) *Reader {
	r := &Reader{source: source, room: make([]byte, window)}
	mark := []byte("\ufeff")
	for len(r.text) < len(mark) && bytes.HasPrefix(mark, r.text) && r.more() == nil {
	}
	r.text = bytes.TrimPrefix(r.text, mark)
	r.tail = min(r.tail, len(r.text))
	return r
}

// Reset makes a Reader one of a text that is all there is.
func (r *Reader) Reset(json []byte) { *r = Reader{text: json} }

// Window is what was read of the source and not yet used, good until more is read.
func (r *Reader) Window() []byte { return r.text }

// Discard passes over the first n bytes of the window.
func (r *Reader) Discard(n int) { r.text = r.text[n:] }

// Ahead makes the window at least n bytes long, unless the text ends before.
func (r *Reader) Ahead(n int) error {
	for len(r.text) < n && r.source != nil {
		if err := r.more(); err != nil {
			return err
		}
	}
	return r.failed
}

// Complete tells whether all of the value that comes next is in the window.
func (r *Reader) Complete() bool {
	if _, err := r.Peek(); err != nil {
		return false
	}
	n := valueEnd(r.text)
	return n > 0 && (n < len(r.text) || r.tail == 0)
}

// Failed is the error of the source, if it has ended with one.
func (r *Reader) Failed() error { return r.failed }

// more reads more behind what there is. Names and values that were read before are good no more.
func (r *Reader) more() error {
	if r.source == nil {
		if r.failed != nil {
			return r.failed
		}
		return errCut
	}
	if cap(r.text)-len(r.text) < len(r.room)/2 {
		room := r.room
		switch {
		case len(r.text) > len(room)/2:
			room = make([]byte, 2*len(room))
		case r.windows > 2 && len(room) < longWindow:
			room = make([]byte, longWindow)
		}
		r.text, r.room = room[:copy(room, r.text)], room
	}
	n := len(r.text)
	enough := n + 1
	if n > window {
		enough = n + n/2 // else who looks for the end of a long text would begin anew for each little that comes
	}
	r.text = r.text[:cap(r.text)]
	var err error
	for enough = min(enough, len(r.text)); n < enough && err == nil; {
		var read int
		read, err = r.source.Read(r.text[n:])
		n += read
	}
	r.text, r.tail = r.text[:n], 0
	r.windows++
	switch {
	case err == io.EOF:
		r.source = nil
		return nil
	case err != nil:
		r.source, r.failed = nil, err
	}
	for r.tail < n && !delimiter[r.text[n-1-r.tail]] {
		r.tail++
	}
	return nil
}

// Peek is the next byte that is no white space.
func (r *Reader) Peek() (byte, error) {
	if len(r.text) > 0 && r.text[0] > ' ' {
		return r.text[0], nil
	}
	return r.passSpace()
}

func (r *Reader) passSpace() (byte, error) {
	for {
		for i, c := range r.text {
			if c != ' ' && c != '\n' && c != '\r' && c != '\t' {
				r.text = r.text[i:]
				return c, nil
			}
		}
		r.text = r.text[len(r.text):]
		if err := r.more(); err != nil {
			return 0, err
		}
	}
}

// take passes over a byte if it comes next.
func (r *Reader) take(want byte) (bool, error) {
	if len(r.text) > 0 && r.text[0] == want {
		r.text = r.text[1:]
		return true, nil
	}
	c, err := r.Peek()
	if err == nil && c == want {
		r.text = r.text[1:]
		return true, nil
	}
	return false, err
}

// start reads the byte that an object or a list starts with, and tells whether there is anything in it.
func (r *Reader) start(open byte, what string) (more bool, err error) {
	ok, err := r.take(open)
	if err == nil && !ok {
		err = unexpected(r.text, what)
	}
	if err != nil {
		return false, err
	}
	end, err := r.take(open + 2) // so ASCII has them
	return !end && err == nil, err
}

// next reads what comes after a value: a comma, after which there is more, or the end.
func (r *Reader) next(end byte) (more bool, err error) {
	if comma, err := r.take(','); comma || err != nil {
		return comma, err
	}
	ended, err := r.take(end)
	if err == nil && !ended {
		err = unexpected(r.text, "a comma or "+string(end))
	}
	return false, err
}

// Object calls read for each member of the object that comes next, to read its value. The name is good until then.
func (r *Reader) Object(read func(name []byte) error) error {
	more, err := r.start('{', "an object")
	for ; more && err == nil; more, err = r.next('}') {
		if err := r.member(); err != nil {
			return err
		}
		if err := read(r.name); err != nil {
			return err
		}
	}
	return err
}

// member reads a name and the colon behind it.
func (r *Reader) member() error {
	if c, err := r.Peek(); err != nil {
		return err
	} else if c != '"' {
		return unexpected(r.text, "a name")
	}
	name, err := r.string()
	if err != nil {
		return err
	}
	if r.source == nil {
		r.name = name
	} else { // the window may move on before the name is used
		r.name = append(r.name[:0], name...)
	}
	colon, err := r.take(':')
	if err == nil && !colon {
		err = unexpected(r.text, "a colon")
	}
	return err
}

// List calls read for each element of the list that comes next, to read it.
func (r *Reader) List(read func(i int) error) error {
	more, err := r.start('[', "a list")
	for i := 0; more && err == nil; i++ {
		if err := read(i); err != nil {
			return err
		}
		more, err = r.next(']')
	}
	return err
}

// Value is the next value, good until more is read. Only where it ends has been looked at: whether it is valid is left to who
// reads it.
func (r *Reader) Value() ([]byte, error) {
	for {
		if len(r.text) == 0 || r.text[0] <= ' ' {
			if _, err := r.Peek(); err != nil {
				return nil, err
			}
		}
		n := valueEnd(r.text)
		if n == 0 {
			return nil, unexpected(r.text, "a value")
		}
		if n > 0 && (n < len(r.text) || r.tail == 0) {
			value := r.text[:n:n]
			r.text = r.text[n:]
			return value, nil
		}
		if err := r.more(); err != nil {
			return nil, err
		}
	}
}

// End reads what comes after the document: nothing.
func (r *Reader) End() error {
	_, err := r.Peek()
	switch {
	case err == errCut:
		return nil
	case err == nil:
		return fmt.Errorf("the JSON has %.20q after its end", r.text)
	}
	return err
}

// string reads the text that comes next, good until more is read.
func (r *Reader) string() ([]byte, error) {
	for {
		s, rest, err := parseString(r.text)
		if err == nil {
			r.text = rest
		}
		if err != errCut {
			return s, err
		}
		if err := r.more(); err != nil {
			return nil, err
		}
	}
}

// whole makes sure that all of the number or word that comes next is there.
func (r *Reader) whole() error {
	for len(r.text) <= r.tail {
		if err := r.more(); err != nil {
			return err
		}
	}
	return nil
}
