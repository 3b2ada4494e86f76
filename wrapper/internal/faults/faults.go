// Package faults breaks HTTP in the ways that networks, proxies and servers do, for tests of clients.
//
// A Server does it on real connections, one fault for each path prefix; a RoundTripper does it in memory, at random, many times.
package faults

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Answer is what a server that is well answers.
type Answer struct {
	Status      int
	ContentType string
	Body        string
}

// Fault is one way to go wrong.
type Fault struct {
	Name string
	Want Want
	// Blind is for what no client can see: the kinds of answers whose bytes may be anything.
	Blind  []Kind
	Status int // of the error, if Want is Refused

	serve func(*Server, http.ResponseWriter, *http.Request, Answer)
}

// Kind is what an answer is read as.
type Kind string

// The kinds of answers.
const (
	JSON   Kind = "JSON"
	Text   Kind = "text"   // a JSON string, or bare text
	Stream Kind = "stream" // bytes of a file
	None   Kind = "none"   // the status says all
)

// Want is what a client has to make of a fault.
type Want int

// What a client has to make of faults.
const (
	Right   Want = iota // the answer
	Broken              // an error that says that there is no answer, or only part of one
	Refused             // an error with the status
	Hangs               // nothing, until the caller's time is over
)

// Step is how long slow servers take for a byte: a second in life, less in tests.
const Step = 20 * time.Millisecond

// retryAfter is the time that busy servers ask for, in seconds.
const retryAfter = 120

// All are the faults of a server whose connections can be made.
func All() []Fault {
	return []Fault{
		{Name: "none", Want: Right, serve: right},
		{Name: "late-last-chunk", Want: Right, serve: lateLastChunk},
		{Name: "redirect-same-origin", Want: Right, serve: redirect(http.StatusTemporaryRedirect, (*Server).here)},

		{Name: "reset-unread", Want: Broken, serve: func(_ *Server, w http.ResponseWriter, _ *http.Request, _ Answer) { reset(hijack(w)) }},
		{Name: "reset-before-headers", Want: Broken, serve: after(func(c net.Conn, _ Answer) { reset(c) })},
		{Name: "closed-before-headers", Want: Broken, serve: after(func(net.Conn, Answer) {})},
		{Name: "closed-in-headers", Want: Broken, serve: after(func(c net.Conn, _ Answer) { write(c, "HTTP/1.1 200 OK\r\nContent-Ty") })},
		{Name: "reset-after-headers", Want: Broken, serve: after(func(c net.Conn, a Answer) { write(c, header(a, len(a.Body))); reset(c) })},
		{Name: "half-a-body", Want: Broken, serve: after(func(c net.Conn, a Answer) { write(c, header(a, len(a.Body))+a.Body[:len(a.Body)/2]) })},
		{Name: "half-a-body-reset", Want: Broken, serve: after(func(c net.Conn, a Answer) { write(c, header(a, len(a.Body))+a.Body[:len(a.Body)/2]); reset(c) })},
		{Name: "no-last-chunk", Want: Broken, serve: after(func(c net.Conn, a Answer) { write(c, chunked(a)) })},
		{Name: "broken-chunk", Want: Broken, serve: after(func(c net.Conn, a Answer) { write(c, chunked(a)+"zz\r\n") })},
		{Name: "length-too-long", Want: Broken, serve: after(func(c net.Conn, a Answer) { write(c, header(a, len(a.Body)+10)+a.Body) })},
		{Name: "length-too-short", Want: Broken, Blind: []Kind{Stream, None}, serve: after(func(c net.Conn, a Answer) { write(c, header(a, len(a.Body)-3)+a.Body) })},
		{Name: "two-lengths", Want: Broken, serve: after(func(c net.Conn, a Answer) {
			write(c, fmt.Sprintf("HTTP/1.1 %d OK\r\nContent-Length: %d\r\nContent-Length: 3\r\n\r\n%s", a.Status, len(a.Body), a.Body))
		})},
		{Name: "not-http", Want: Broken, serve: after(func(c net.Conn, _ Answer) { write(c, "220 mail.example.com ESMTP\r\n") })},
		{Name: "web-page", Want: Broken, Blind: []Kind{Stream}, serve: page(http.StatusOK)},
		{Name: "empty", Want: Broken, Blind: []Kind{Text, Stream, None}, serve: status(http.StatusOK, "", "")},

		{Name: "no-answer", Want: Hangs, serve: func(_ *Server, _ http.ResponseWriter, r *http.Request, _ Answer) {
			_, _ = io.Copy(io.Discard, r.Body) // else nobody notices that the client has gone
			<-r.Context().Done()
		}},
		{Name: "no-answer-unread", Want: Hangs, serve: func(_ *Server, w http.ResponseWriter, _ *http.Request, _ Answer) {
			c := hijack(w)
			_, _ = io.Copy(io.Discard, c) // until the client is gone
			_ = c.Close()
		}},
		{Name: "a-byte-now-and-then", Want: Hangs, serve: slow},
		{Name: "slow-headers", Want: Hangs, serve: slowHeaders},

		{Name: "web-page-502", Want: Refused, Status: 502, serve: page(http.StatusBadGateway)},
		{Name: "gateway-timeout", Want: Refused, Status: 504, serve: page(http.StatusGatewayTimeout)},
		{Name: "too-large", Want: Refused, Status: 413, serve: tooLarge},
		{Name: "too-many", Want: Refused, Status: 429, serve: status(http.StatusTooManyRequests, "Retry-After", strconv.Itoa(retryAfter))},
		{Name: "busy-seconds", Want: Refused, Status: 503, serve: status(http.StatusServiceUnavailable, "Retry-After", strconv.Itoa(retryAfter))},
		{Name: "busy-date", Want: Refused, Status: 503, serve: status(http.StatusServiceUnavailable, "Retry-After", "Fri, 31 Dec 2100 23:59:59 GMT")},
		{Name: "busy", Want: Refused, Status: 503, serve: status(http.StatusServiceUnavailable, "", "")},
		{Name: "failed", Want: Refused, Status: 500, serve: status(http.StatusInternalServerError, "", "")},
		{Name: "error-breaks-off", Want: Refused, Status: 500, serve: after(func(c net.Conn, a Answer) {
			write(c, "HTTP/1.1 500 Oops\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"mess")
		})},
		{Name: "redirect-other-origin", Want: Refused, Status: 307, serve: redirect(http.StatusTemporaryRedirect, (*Server).elsewhere)},
		{Name: "redirect-other-origin-permanent", Want: Refused, Status: 308, serve: redirect(http.StatusPermanentRedirect, (*Server).elsewhere)},
		{Name: "redirect-other-scheme", Want: Refused, Status: 307, serve: redirect(http.StatusTemporaryRedirect, (*Server).otherScheme)},
		{Name: "redirect-for-ever", Want: Refused, Status: 307, serve: redirect(http.StatusTemporaryRedirect, (*Server).self)},
	}
}

func right(_ *Server, w http.ResponseWriter, _ *http.Request, a Answer) {
	w.Header().Set("Content-Type", a.ContentType)
	w.WriteHeader(a.Status)
	_, _ = io.WriteString(w, a.Body)
}

func lateLastChunk(s *Server, w http.ResponseWriter, r *http.Request, a Answer) {
	right(s, w, r, a)
	_ = http.NewResponseController(w).Flush()
	wait(r, Step)
}

// slow sends a byte per step, and never comes to the end.
func slow(_ *Server, w http.ResponseWriter, r *http.Request, a Answer) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", a.ContentType)
	w.Header().Set("Content-Length", strconv.Itoa(1<<20))
	w.WriteHeader(a.Status)
	for i := 0; r.Context().Err() == nil; i++ {
		_, _ = io.WriteString(w, a.Body[i%len(a.Body):][:1])
		_ = http.NewResponseController(w).Flush()
		wait(r, Step)
	}
}

func slowHeaders(_ *Server, w http.ResponseWriter, r *http.Request, _ Answer) {
	c := hijack(w)
	defer c.Close()
	tick := time.NewTicker(Step)
	defer tick.Stop()
	for text := "HTTP/1.1 200 OK\r\nX-Slow: "; ; text = "x" {
		if _, err := io.WriteString(c, text); err != nil {
			return
		}
		<-tick.C
	}
}

func wait(r *http.Request, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	}
}

func page(code int) func(*Server, http.ResponseWriter, *http.Request, Answer) {
	return func(_ *Server, w http.ResponseWriter, _ *http.Request, _ Answer) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, "<!DOCTYPE html><html><head><title>Proxy</title></head><body>Sign in to the network</body></html>")
	}
}

func status(code int, name, value string) func(*Server, http.ResponseWriter, *http.Request, Answer) {
	return func(_ *Server, w http.ResponseWriter, _ *http.Request, _ Answer) {
		if name != "" {
			w.Header().Set(name, value)
		}
		w.WriteHeader(code)
	}
}

// tooLarge refuses a request before it has read it, and hangs up as proxies do, but waits for the client to hear it.
func tooLarge(_ *Server, w http.ResponseWriter, _ *http.Request, _ Answer) {
	w.Header().Set("Connection", "close")
	w.WriteHeader(http.StatusRequestEntityTooLarge)
}

func redirect(code int, to func(*Server, *http.Request) string) func(*Server, http.ResponseWriter, *http.Request, Answer) {
	return func(s *Server, w http.ResponseWriter, r *http.Request, _ Answer) {
		w.Header().Set("Location", to(s, r))
		w.WriteHeader(code)
	}
}

// after does something with the connection when the request is read, and closes it.
func after(do func(net.Conn, Answer)) func(*Server, http.ResponseWriter, *http.Request, Answer) {
	return func(_ *Server, w http.ResponseWriter, r *http.Request, a Answer) {
		_, _ = io.Copy(io.Discard, r.Body)
		c := hijack(w)
		do(c, a)
		_ = c.Close()
	}
}

func hijack(w http.ResponseWriter) net.Conn {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err) // an HTTP/2 connection: a mistake of the test
	}
	return c
}

func write(c net.Conn, text string) { _, _ = io.WriteString(c, text) }

func header(a Answer, length int) string {
	return fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", a.Status, http.StatusText(a.Status), a.ContentType, length)
}

func chunked(a Answer) string {
	return fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", a.Status, http.StatusText(a.Status), a.ContentType, len(a.Body), a.Body)
}

// reset ends a connection without the usual goodbye: what was written may be lost as well.
func reset(c net.Conn) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.Close()
}
