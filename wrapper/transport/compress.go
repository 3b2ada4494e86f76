package transport

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
)

// compresses tells whether a RoundTripper asks for compressed answers by itself, as far as that can be seen. Then direct does it in
// its place, in the header that it makes once: net/http would make one of its own for each request.
func compresses(rt http.RoundTripper) bool {
	for {
		switch t := rt.(type) {
		case *http.Transport:
			return !t.DisableCompression
		case interface{ Unwrap() http.RoundTripper }:
			rt = t.Unwrap()
		default:
			return false
		}
	}
}

// decompress makes a compressed answer what net/http makes of it.
func decompress(res *http.Response) {
	if res.ContentLength == 0 || !strings.EqualFold(res.Header.Get("Content-Encoding"), "gzip") {
		return
	}
	res.Header.Del("Content-Encoding")
	res.Header.Del("Content-Length")
	res.ContentLength, res.Uncompressed = -1, true
	res.Body = &unzipped{ReadCloser: res.Body}
}

// unzipped is the body of a compressed answer.
type unzipped struct {
	io.ReadCloser // compressed

	mu  sync.Mutex
	zip *gzip.Reader // nil: nothing was read yet
	err error        // from which on nothing more is read
}

var unzippers = sync.Pool{New: func() any { return new(gzip.Reader) }}

func (u *unzipped) Read(p []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.err != nil {
		return 0, u.err
	}
	if u.zip == nil {
		u.zip = unzippers.Get().(*gzip.Reader)
		if u.err = u.zip.Reset(u.ReadCloser); u.err != nil {
			return 0, u.err
		}
	}
	return u.zip.Read(p)
}

// Close ends a Read as well.
func (u *unzipped) Close() error {
	err := u.ReadCloser.Close()
	u.mu.Lock()
	defer u.mu.Unlock()
	u.err = errors.New("the answer is closed")
	if u.zip != nil {
		_ = u.zip.Reset(eof{}) // lets go of the answer
		unzippers.Put(u.zip)
		u.zip = nil
	}
	return err
}

// Hint is that of the compressed body.
func (u *unzipped) Hint() string { return hintOf(u.ReadCloser) }

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }
