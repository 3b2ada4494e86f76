package cli

import (
	"io"
	"net/http"

	"github.com/mlserver-go/mls/wrapper/transport"
)

// traceFunc puts what --trace asks for around connections; nil: nothing.
type traceFunc func(http.RoundTripper) http.RoundTripper

func (f traceFunc) around(base http.RoundTripper) http.RoundTripper {
	if f == nil {
		return base
	}
	return f(base)
}

func (a *app) traceFunc() traceFunc {
	var to []io.Writer
	if a.traced || a.getenv("MLS_TRACE") != "" {
		to = append(to, a.err)
	}
	if a.traceTo != nil {
		to = append(to, a.traceTo)
	}
	if to == nil {
		return nil
	}
	return func(base http.RoundTripper) http.RoundTripper {
		return &transport.Trace{Base: base, To: io.MultiWriter(to...), Now: a.now}
	}
}
