package transport

import (
	"context"
	"io"
	"net"
)

// sequence is read from one reader after the other, as io.MultiReader does it.
type sequence struct{ left []io.Reader }

func (s *sequence) Read(p []byte) (int, error) {
	for len(s.left) > 0 {
		n, err := s.left[0].Read(p)
		if err == io.EOF {
			s.left, err = s.left[1:], nil
			if n == 0 {
				continue
			}
		}
		return n, err
	}
	return 0, io.EOF
}

// Close leaves the readers open.
func (s *sequence) Close() error { return nil }

// sendTo sends what is left. A file goes without being copied into this process, if the system has a way.
func (s *sequence) sendTo(c *net.TCPConn) (sent int64, err error) {
	for len(s.left) > 0 && err == nil {
		var n int64
		n, err = c.ReadFrom(s.left[0])
		sent, s.left = sent+n, s.left[1:]
	}
	return sent, err
}

// conn lets net/http send a sequence by its readers. It knows files by itself, but not those in a form.
type conn struct{ *net.TCPConn }

func (c conn) ReadFrom(r io.Reader) (int64, error) {
	if l, ok := r.(*io.LimitedReader); ok {
		if s, ok := l.R.(*sequence); ok {
			n, err := s.sendTo(c.TCPConn)
			l.N -= n
			return n, err
		}
	}
	return c.TCPConn.ReadFrom(r)
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// sending makes the connections of dial such ones.
func sending(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if tcp, ok := c.(*net.TCPConn); ok {
			return conn{tcp}, err
		}
		return c, err
	}
}
