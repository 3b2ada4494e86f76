package mlserver

import (
	"errors"
	"fmt"
	"strings"

	"github.com/mlserver-go/mls/wrapper/transport"
)

// Error is what the server answered instead of doing what it was asked: the operation, the HTTP status and the server's
// words. Test for the common ones with errors.Is and the sentinels below.
type Error = transport.Error

// What errors.Is finds in an *Error, by its HTTP status.
var (
	ErrBadRequest   = transport.ErrBadRequest   // 400: the request makes no sense to the server
	ErrUnauthorized = transport.ErrUnauthorized // 401: not signed in, or no longer
	ErrForbidden    = transport.ErrForbidden    // 403: signed in, but not allowed
	ErrNotFound     = transport.ErrNotFound     // 404: no such session, service, file, ...
	ErrConflict     = transport.ErrConflict     // 409: it exists already
	ErrGone         = transport.ErrGone         // 410: the session was there and has ended
	ErrUnavailable  = transport.ErrUnavailable  // 503: no worker free, or the server is down
)

// ErrUnsupported is found by errors.Is in the error of a verb that needs a newer server than Config.Version.
var ErrUnsupported = errors.New("not supported by this server version")

// UnsupportedError says what the configured server version lacks. Nothing was sent.
type UnsupportedError struct {
	Feature string // "Python sessions"
	Needs   Version
	Server  Version
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("%s: need server version %s or newer, this server is %s", e.Feature, e.Needs, e.Server)
}

// Is makes errors.Is(err, ErrUnsupported) true.
func (e *UnsupportedError) Is(target error) bool { return target == ErrUnsupported }

// CodeError is R or Python code that failed. The server ran it and answered with HTTP 200; the Result that comes with the
// error has the console output.
type CodeError struct {
	Message string // R: "Error in f(3) : boom"; Python: "ValueError: boom"
	Console string // what the code printed before it failed, the error and Python's traceback included
}

func (e *CodeError) Error() string {
	if e.Message == "" {
		return "the code failed and the server gave no reason"
	}
	return strings.TrimSpace(e.Message)
}

// outcome turns success=false into a *CodeError.
func (r *Result) outcome(success bool, message string) (*Result, error) {
	if success {
		return r, nil
	}
	return r, &CodeError{Message: message, Console: r.Console}
}
