package mlserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/mlserver-go/mls/wrapper/data"
)

// jsonScanner reads a document of any size a value at a time: a json.Decoder takes four times as long, most of it for finding out
// where values end.
type jsonScanner struct {
	r      io.Reader
	buffer []byte // what was read and not yet used
	room   []byte // that buffer is a part of
	err    error  // of r: io.EOF at its end
}

// window is how much is read at a time, if no value is larger.
const window = 64 << 10

// newJSONScanner passes over the mark that Windows programs put in front of UTF-8.
func newJSONScanner(r io.Reader) *jsonScanner {
	s := &jsonScanner{r: r, room: make([]byte, window)}
	for len(s.buffer) < 3 && s.err == nil {
		s.fill()
	}
	s.buffer = bytes.TrimPrefix(s.buffer, []byte("\ufeff"))
	return s
}

// fill reads more behind what there is.
func (s *jsonScanner) fill() {
	if len(s.buffer) == len(s.room) {
		s.room = make([]byte, 2*len(s.room))
	}
	n := copy(s.room, s.buffer)
	more, err := s.r.Read(s.room[n:])
	s.buffer, s.err = s.room[:n+more], err
}

// peek is the next byte that is no white space.
func (s *jsonScanner) peek() (byte, error) {
	for {
		for i, c := range s.buffer {
			if c != ' ' && c != '\n' && c != '\r' && c != '\t' {
				s.buffer = s.buffer[i:]
				return c, nil
			}
		}
		s.buffer = nil
		if s.err == io.EOF {
			return 0, io.ErrUnexpectedEOF
		} else if s.err != nil {
			return 0, s.err
		}
		s.fill()
	}
}

// take passes over a byte if it comes next.
func (s *jsonScanner) take(want byte) (bool, error) {
	c, err := s.peek()
	if err == nil && c == want {
		s.buffer = s.buffer[1:]
		return true, nil
	}
	return false, err
}

func (s *jsonScanner) expect(want byte) error {
	ok, err := s.take(want)
	if err == nil && !ok {
		err = notExpected(nil, fmt.Sprintf("%.20q, where %q belongs", s.buffer, want))
	}
	return err
}

// value is the next value, good until more is read. Only where it ends has been looked at.
func (s *jsonScanner) value() ([]byte, error) {
	if _, err := s.peek(); err != nil {
		return nil, err
	}
	for {
		n := data.ValueEnd(s.buffer)
		if n == 0 {
			return nil, notExpected(nil, fmt.Sprintf("%.20q, where a value belongs", s.buffer))
		}
		if n > 0 && (n < len(s.buffer) || s.err == io.EOF) { // a number at the end may go on
			value := s.buffer[:n:n]
			s.buffer = s.buffer[n:]
			return value, nil
		}
		if s.err == io.EOF {
			return nil, io.ErrUnexpectedEOF
		} else if s.err != nil {
			return nil, s.err
		}
		s.fill()
	}
}

func (s *jsonScanner) decode(dst any) error {
	value, err := s.value()
	if err != nil {
		return err
	}
	return json.Unmarshal(value, dst)
}

// object calls each with the name of every member, whose value it has to read.
func (s *jsonScanner) object(each func(name string) error) error {
	if err := s.expect('{'); err != nil {
		return err
	}
	if end, err := s.take('}'); end || err != nil {
		return err
	}
	for {
		var name string
		if c, err := s.peek(); err != nil {
			return err
		} else if c != '"' {
			return notExpected(nil, "a name")
		}
		if err := s.decode(&name); err != nil {
			return notExpected(err, "a name")
		}
		if err := s.expect(':'); err != nil {
			return err
		}
		if err := each(name); errors.Is(err, errEnough) {
			return err
		} else if err != nil {
			return notExpected(err, name)
		}
		if more, err := s.take(','); err != nil {
			return err
		} else if !more {
			return s.expect('}')
		}
	}
}

// list calls each for every element of the list of that name, which it has to read; null has none.
func (s *jsonScanner) list(name string, each func(i int) error) error {
	c, err := s.peek()
	if err != nil {
		return err
	}
	if c != '[' {
		value, err := s.value()
		if err == nil && string(value) != "null" {
			err = notExpected(nil, name+", which is no list")
		}
		return err
	}
	s.buffer = s.buffer[1:]
	if end, err := s.take(']'); end || err != nil {
		return err
	}
	for i := 0; ; i++ {
		if err := each(i); err != nil {
			return err
		}
		if more, err := s.take(','); err != nil {
			return err
		} else if !more {
			return s.expect(']')
		}
	}
}

// end reads what comes after the document: nothing.
func (s *jsonScanner) end() error {
	c, err := s.peek()
	if err == io.ErrUnexpectedEOF && s.err == io.EOF {
		return nil
	}
	if err == nil {
		err = notExpected(nil, fmt.Sprintf("%q after its end", c))
	}
	return err
}
