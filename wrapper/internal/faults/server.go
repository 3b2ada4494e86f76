package faults

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// Server answers below /NAME with the fault of that name, and counts.
type Server struct {
	*httptest.Server
	Elsewhere *httptest.Server // where redirects to another origin lead

	answer func(method, path string) (Answer, bool)

	mu       sync.Mutex
	seen     map[string]int
	problems []string
}

// NewServer starts a server that knows the right answer to each request. It speaks https if it gets a certificate. Each request
// must be signed by check, which returns what is wrong with it.
func NewServer(t testing.TB, cert *tls.Certificate, answer func(method, path string) (Answer, bool), check func(path string, r *http.Request) string) *Server {
	t.Helper()
	s := &Server{answer: answer, seen: map[string]int{}}
	quiet := log.New(io.Discard, "", 0)
	s.Elsewhere = httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s.problem(r.Method + " " + r.URL.Path + " was sent to another origin")
	}))
	s.Elsewhere.Config.ErrorLog = quiet
	s.Elsewhere.Start()
	t.Cleanup(s.Elsewhere.Close)
	faults := map[string]Fault{}
	for _, f := range All() {
		faults[f.Name] = f
	}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		f, known := faults[name]
		a, answered := s.answer(r.Method, "/"+path)
		if !known || !answered {
			s.problem("no such request: " + r.Method + " " + r.URL.Path)
			w.WriteHeader(http.StatusTeapot)
			return
		}
		s.count(r.Method, r.URL.Path)
		if text := check("/"+path, r); text != "" {
			s.problem(r.Method + " " + r.URL.Path + ": " + text)
		}
		f.serve(s, w, r, a)
	}))
	s.Config.ErrorLog = quiet
	if cert != nil {
		s.TLS = &tls.Config{Certificates: []tls.Certificate{*cert}}
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

// Times is how often a request came.
func (s *Server) Times(method, path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[method+" "+path]
}

// Problems are what must never happen, such as requests to other origins, and requests that are signed wrongly.
func (s *Server) Problems() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.problems
}

func (s *Server) count(method, path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[method+" "+path]++
}

func (s *Server) problem(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problems = append(s.problems, text)
}

// here is the same request where nothing is wrong.
func (s *Server) here(r *http.Request) string {
	_, path, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	return s.URL + "/none/" + path + "?" + r.URL.RawQuery
}

func (s *Server) self(r *http.Request) string { return r.URL.RequestURI() }

func (s *Server) elsewhere(r *http.Request) string { return s.Elsewhere.URL + r.URL.RequestURI() }

// otherScheme is the same address with http for https, or the other way.
func (s *Server) otherScheme(r *http.Request) string {
	host := s.Listener.Addr().String()
	if s.TLS != nil {
		return "http://" + host + r.URL.RequestURI()
	}
	return "https://" + host + r.URL.RequestURI()
}

// Listener cuts the connections of another one.
type Listener struct {
	net.Listener
	// Cut is after how many bytes of answers a connection is reset, or closed if Polite is set. Zero: when it is accepted.
	Cut    int
	Polite bool
}

// Accept waits for the next connection.
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	cut := &cutConn{Conn: c, left: l.Cut, polite: l.Polite}
	if l.Cut == 0 {
		cut.end()
	}
	return cut, nil
}

type cutConn struct {
	net.Conn
	mu     sync.Mutex
	left   int
	polite bool
}

func (c *cutConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := c.Conn.Write(p[:min(len(p), c.left)])
	c.left -= n
	if err == nil && c.left == 0 {
		c.end()
		if n < len(p) {
			err = net.ErrClosed
		}
	}
	return n, err
}

func (c *cutConn) end() {
	if c.polite {
		_ = c.Conn.Close()
		return
	}
	reset(c.Conn)
}
