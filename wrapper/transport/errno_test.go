package transport

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"testing"
)

// TestWhatTheNetworkSays wraps each code of the operating system as package net does.
func TestWhatTheNetworkSays(t *testing.T) {
	wrapped := func(code error) error {
		return &url.Error{Op: "Get", URL: "http://h", Err: fmt.Errorf("request: %w", &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", code)})}
	}
	type kind struct{ refused, disconnected bool }
	want := map[error]kind{io.EOF: {disconnected: true}, io.ErrUnexpectedEOF: {disconnected: true}, net.ErrClosed: {disconnected: true},
		os.ErrDeadlineExceeded: {}, errors.New("tls: bad certificate"): {}}
	for _, code := range refusedCodes() {
		want[code] = kind{refused: true}
	}
	for _, code := range disconnectedCodes() {
		want[code] = kind{disconnected: true}
	}
	rt := &Transport{base: &url.URL{Scheme: "http", Host: "h:12800"}}
	for code, want := range want {
		err := wrapped(code)
		if got := (kind{Refused(err), Disconnected(err)}); got != want {
			t.Errorf("%v: got %+v, want %+v", code, got, want)
		}
		if got := transient(nil, err); got != (want.refused || want.disconnected) {
			t.Errorf("%v: sent again is %v", code, got)
		}
		said := rt.advice(err)
		if got := (kind{said == "no server at h:12800 (connection refused): is it running, and is this its port?",
			said == "h:12800 closed the connection without an answer: whether it did the work is not known; if it speaks https, use https://h:12800"}); got != want {
			t.Errorf("%v: the error says %q", code, said)
		}
	}
}
