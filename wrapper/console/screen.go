package console

import (
	"io"
	"sync"
)

// Screen is where code prints. It knows whether the cursor is at the beginning of a line, and whether somebody still looks.
type Screen struct {
	mu   sync.Mutex
	w    io.Writer
	last byte
	err  error
}

// NewScreen prints to w.
func NewScreen(w io.Writer) *Screen { return &Screen{w: w, last: '\n'} }

// Write prints text.
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(p) == 0 {
		return 0, nil
	}
	n, err := s.w.Write(p)
	if err != nil {
		s.err = err
		return n, err
	}
	s.last = p[len(p)-1]
	return n, nil
}

// Err is why the last text could not be printed: nobody reads it any more.
func (s *Screen) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// freshLine begins a line unless there is one.
func (s *Screen) freshLine() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last != '\n' {
		_, s.err = io.WriteString(s.w, "\n")
		s.last = '\n'
	}
}

// typed notes that the line in which the user types has ended.
func (s *Screen) typed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = '\n'
}
