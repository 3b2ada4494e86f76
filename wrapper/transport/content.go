package transport

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"

	"github.com/go-openapi/runtime"
)

// File is content as a file of a form, closed once it is sent if it can be. Other than with runtime.NamedReader its size is
// found out.
func File(name string, content io.Reader) runtime.NamedReadCloser {
	c, _ := content.(io.Closer)
	return &stream{content, name, c}
}

// stream lets see what it reads: net/http sends files without a copy, and tells lengths where it can.
type stream struct {
	io.Reader
	name   string
	closer io.Closer
}

func (s *stream) Name() string { return s.name }

func (s *stream) Close() error {
	if s.closer == nil {
		return nil
	}
	return s.closer.Close()
}

// Repeatable is a body that tells its size, in bytes, and can be read again from its start, whatever else reads it at the time.
type Repeatable interface {
	io.Reader
	Size() int64
	Again() io.ReadCloser
}

// content is what is to be sent.
type content struct {
	io.Reader
	size int64                         // -1: not known
	anew func() (io.ReadCloser, error) // reads it from its start, whatever else reads it at the time; nil: it can be read only once
}

// contentOf finds out what can be known of a reader.
func contentOf(r io.Reader) content {
	if s, ok := r.(*stream); ok {
		r = s.Reader
	}
	r = unwrapped(r)
	c := content{Reader: r, size: -1}
	switch v := r.(type) {
	case *bytes.Buffer:
		c.size = int64(v.Len())
	case *bytes.Reader:
		c.size = int64(v.Len())
		again := *v
		c.anew = func() (io.ReadCloser, error) { r := again; return io.NopCloser(&r), nil }
	case *strings.Reader:
		c.size = int64(v.Len())
		again := *v
		c.anew = func() (io.ReadCloser, error) { r := again; return io.NopCloser(&r), nil }
	case *os.File:
		info, err := v.Stat()
		if err != nil || !info.Mode().IsRegular() || info.Size() == 0 { // those of /proc say that they are empty
			break
		}
		if at, err := v.Seek(0, io.SeekCurrent); err == nil && at <= info.Size() {
			c.size = info.Size() - at
			c.repeat(v, at)
		}
	case Repeatable:
		c.size, c.anew = v.Size(), func() (io.ReadCloser, error) { return v.Again(), nil }
	case io.Seeker:
		at, end, err := extent(v)
		if err != nil {
			break
		}
		c.size = max(0, end-at)
		// What wants to be closed is not for reading and closing at the same time.
		if _, closes := r.(io.Closer); !closes {
			if again, ok := r.(io.ReaderAt); ok {
				c.repeat(again, at)
			}
		}
	}
	return c
}

// Types of io.NopCloser, which hides what it is around; net/http looks through it in the same way.
var nopCloser, nopCloserWriterTo = reflect.TypeOf(io.NopCloser(nil)), reflect.TypeOf(io.NopCloser(new(bytes.Buffer)))

func unwrapped(r io.Reader) io.Reader {
	if t := reflect.TypeOf(r); t == nopCloser || t == nopCloserWriterTo {
		return reflect.ValueOf(r).Field(0).Interface().(io.Reader)
	}
	return r
}

// openFile is a file that stays open.
type openFile struct{ *os.File }

func (openFile) Close() error { return nil }

func extent(s io.Seeker) (at, end int64, err error) {
	if at, err = s.Seek(0, io.SeekCurrent); err != nil {
		return 0, 0, err
	}
	if end, err = s.Seek(0, io.SeekEnd); err != nil {
		return 0, 0, err
	}
	_, err = s.Seek(at, io.SeekStart)
	return at, end, err
}

func (c *content) repeat(r io.ReaderAt, at int64) {
	size := c.size
	c.anew = func() (io.ReadCloser, error) { return io.NopCloser(io.NewSectionReader(r, at, size)), nil }
}

// attach makes a body that of a request. What it returns, if anything, is to be closed when nothing is sent any more; anything
// else is closed by whoever sends it.
func attach(req *http.Request, body io.Reader) io.Closer {
	var c content
	if u, ok := body.(*upload); ok {
		c = u.content
	} else {
		c = contentOf(body)
	}
	closer, _ := body.(io.Closer)
	switch {
	case c.size == 0:
		req.Body = http.NoBody
		return closer
	case c.anew != nil:
		req.Body, req.ContentLength, req.GetBody = io.NopCloser(c.Reader), c.size, c.anew
		switch r := c.Reader.(type) { // of which the system may send files by itself: NopCloser would hide them
		case *os.File:
			req.Body = openFile{r}
		case *sequence:
			req.Body = r
		}
		return closer
	}
	req.ContentLength = c.size
	if closing, ok := body.(io.ReadCloser); ok {
		req.Body = closing
	} else {
		req.Body = io.NopCloser(body)
	}
	return nil
}
