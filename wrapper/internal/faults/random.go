package faults

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing/iotest"
	"time"
)

// RoundTripper is a network and a server in memory, in which about half of all requests go wrong, at random.
type RoundTripper struct {
	Answer func(method, path string) (Answer, bool)

	mu   sync.Mutex
	rand *rand.Rand
}

// NewRoundTripper returns one that does the same for the same seed, as far as requests come in the same order.
func NewRoundTripper(seed uint64, answer func(method, path string) (Answer, bool)) *RoundTripper {
	return &RoundTripper{Answer: answer, rand: rand.New(rand.NewPCG(seed, seed))}
}

type executionsKey struct{}

// WithExecutions is a context for one call. The counter tells how often the server did what was asked for.
func WithExecutions(ctx context.Context) (context.Context, *atomic.Int64) {
	n := &atomic.Int64{}
	return context.WithValue(ctx, executionsKey{}, n), n
}

func (f *RoundTripper) draw(n int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rand.IntN(n)
}

// RoundTrip implements http.RoundTripper.
func (f *RoundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer req.Body.Close()
	}
	a, ok := f.Answer(req.Method, req.URL.Path)
	if !ok {
		return nil, errors.New("no such request: " + req.Method + " " + req.URL.Path)
	}
	executed, _ := req.Context().Value(executionsKey{}).(*atomic.Int64)
	fault := f.draw(24)
	switch fault { // before the server has it
	case 0:
		return nil, syscall.ECONNREFUSED
	case 1:
		return nil, syscall.ECONNRESET
	case 2:
		<-req.Context().Done()
		return nil, req.Context().Err()
	case 3:
		return response(req, Answer{http.StatusServiceUnavailable, "text/html", "<html>busy"}, nil), nil
	case 4:
		return response(req, Answer{http.StatusTooManyRequests, "text/plain", "slower"}, nil), nil
	}
	if req.Body != nil {
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return nil, err
		}
	}
	executed.Add(1)
	cut := a.Body[:f.draw(len(a.Body))]
	switch fault { // when it has done it
	case 5:
		return nil, io.EOF
	case 6:
		return nil, syscall.ECONNRESET
	case 7:
		return response(req, Answer{http.StatusBadGateway, "text/html", "<html>no answer"}, nil), nil
	case 8:
		return response(req, Answer{http.StatusGatewayTimeout, "", ""}, nil), nil
	case 9:
		return response(req, Answer{a.Status, a.ContentType, cut}, io.ErrUnexpectedEOF), nil
	case 10:
		return response(req, Answer{a.Status, a.ContentType, cut}, syscall.ECONNRESET), nil
	case 11:
		<-req.Context().Done()
		return nil, req.Context().Err()
	case 12:
		return response(req, Answer{http.StatusInternalServerError, "application/json", `{"message":"failed"}`}, nil), nil
	}
	return response(req, a, nil), nil
}

// response is an answer that ends with err, after pieces that come one after the other.
func response(req *http.Request, a Answer, err error) *http.Response {
	if err == nil {
		err = io.EOF
	}
	return &http.Response{
		StatusCode: a.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: -1, Request: req,
		Header: http.Header{"Content-Type": {a.ContentType}, "Date": {time.Time{}.Format(http.TimeFormat)}},
		Body:   io.NopCloser(io.MultiReader(iotest.HalfReader(strings.NewReader(a.Body)), iotest.ErrReader(err))),
	}
}
