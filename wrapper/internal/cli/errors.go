package cli

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/auth/azuread"
	"github.com/mlserver-go/mls/wrapper/internal/lazyregexp"
	"github.com/mlserver-go/mls/wrapper/mlserver"
	"github.com/mlserver-go/mls/wrapper/transport"
)

// The exit codes. Scripts rely on them.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitCodeFailed  = 3 // the R or Python code failed
	exitSignIn      = 4
	exitNotFound    = 5
	exitRefused     = 6 // forbidden, or it exists already
	exitUnavailable = 7 // no server, no worker, or out of time
	exitDiffers     = 8 // a dry run has found a difference
	exitInterrupted = 130
)

var errInterrupted = errors.New("interrupted")

// wrongUsage is an error in how the command was called.
type wrongUsage struct{ error }

func (e wrongUsage) Unwrap() error { return e.error }

func usageError(c *cobra.Command, format string, args ...any) error {
	return hint(wrongUsage{fmt.Errorf(format, args...)}, "`%s --help` shows how", c.CommandPath())
}

// hinted is an error with the way out.
type hinted struct {
	error
	hint string
}

func (e *hinted) Unwrap() error { return e.error }

// hint adds the way out to an error, unless it has one.
func hint(err error, format string, args ...any) error {
	var h *hinted
	if err == nil || errors.As(err, &h) {
		return err
	}
	return &hinted{err, fmt.Sprintf(format, args...)}
}

// hintIf adds the way out to an error of one kind.
func hintIf(err, kind error, format string, args ...any) error {
	if errors.Is(err, kind) {
		return hint(err, format, args...)
	}
	return err
}

// programStatus is the exit code that a script, or another program, has chosen.
type programStatus int

func (s programStatus) Error() string { return fmt.Sprintf("it ended with status %d", int(s)) }

func exitCode(err error) int {
	var (
		status programStatus
		usage  wrongUsage
		code   *mlserver.CodeError
		server *mlserver.Error
		dial   *net.OpError
		dns    *net.DNSError
	)
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	case errors.As(err, &status):
		return int(status)
	case errors.Is(err, errDiffers):
		return exitDiffers
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &code):
		return exitCodeFailed
	case errors.Is(err, auth.ErrLoginRequired), errors.Is(err, mlserver.ErrUnauthorized):
		return exitSignIn
	case errors.Is(err, mlserver.ErrNotFound), errors.Is(err, mlserver.ErrGone):
		return exitNotFound
	case errors.Is(err, mlserver.ErrForbidden), errors.Is(err, mlserver.ErrConflict):
		return exitRefused
	case errors.Is(err, mlserver.ErrUnavailable), errors.Is(err, context.DeadlineExceeded),
		errors.As(err, &dial), errors.As(err, &dns), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.As(err, &server) && (server.Status == 429 || server.Status == 502 || server.Status == 504):
		return exitUnavailable
	}
	return exitFailed
}

// report tells the user about an error: one line that names the thing, and one with the way out.
func (a *app) report(err error) {
	var status programStatus
	if err == nil || errors.Is(err, errDiffers) || errors.As(err, &status) { // that was shown
		return
	}
	text := strings.TrimSpace(inWords(err))
	var code *mlserver.CodeError
	if errors.As(err, &code) {
		said := strings.TrimSpace(code.Error())
		text = strings.TrimSuffix(text, said) + "the code failed: " + said
	}
	a.say("mls: %s", strings.ReplaceAll(text, "\n", "\n     "))
	var h *hinted
	if errors.As(err, &h) {
		a.say("     %s", h.hint)
	}
}

// inWords is an error as a person would say it: with words for the ids of operations, and the meaning of a status before its
// number. What "mls api" sends has no id, and stays as it is.
func inWords(err error) string {
	text := err.Error()
	for e := range chain(err) {
		op, was, now := "", "", ""
		switch e := e.(type) {
		case *mlserver.Error:
			if meaning := http.StatusText(e.Status); meaning != "" {
				op, was, now = e.Op, fmt.Sprintf("%d %s", e.Status, meaning), fmt.Sprintf("%s (%d)", strings.ToLower(meaning), e.Status)
			}
		case interface{ Operation() string }:
			op = e.Operation()
		}
		if op != "" && !strings.Contains(op, " ") {
			text = strings.Replace(text, op+": "+was, words(op)+": "+now, 1)
		}
	}
	return text
}

// chain is an error and all that it wraps, joined ones as well.
func chain(err error) iter.Seq[error] {
	return func(yield func(error) bool) {
		for todo := []error{err}; len(todo) > 0; {
			e := todo[0]
			todo = todo[1:]
			if e == nil {
				continue
			}
			if !yield(e) {
				return
			}
			switch e := e.(type) {
			case interface{ Unwrap() error }:
				todo = append(todo, e.Unwrap())
			case interface{ Unwrap() []error }:
				todo = append(todo, e.Unwrap()...)
			}
		}
	}
}

var wordStart = lazyregexp.New(`([a-z])([A-Z])`)

// words are those of an operation's id: get web service version.
func words(id string) string {
	return strings.ToLower(wordStart().ReplaceAllString(id, "$1 $2"))
}

// wayOut adds what helps against the errors that any command can meet.
func (s *settings) wayOut(err error) error {
	var (
		server    *mlserver.Error
		dial      *net.OpError
		authority x509.UnknownAuthorityError
		pin       *transport.PinError
		azure     *azuread.Error
	)
	switch {
	case errors.As(err, &authority):
		return hint(err, "--ca-file FILE trusts it for mls; --pin-sha256 FINGERPRINT accepts this one certificate, if it is the administrator's")
	case errors.As(err, &pin):
		return hint(err, "--pin-sha256 gives another fingerprint")
	case errors.As(err, &server) && server.Status == http.StatusUnauthorized && server.Hint != "":
		return err // it says what to do
	case errors.Is(err, mlserver.ErrUnauthorized) && s.envToken:
		return hint(err, "MLS_TOKEN needs a new token, from `mls token` for example; without it the stored sign-in is used")
	case errors.Is(err, auth.ErrLoginRequired), errors.Is(err, mlserver.ErrUnauthorized):
		return hint(err, "sign in: mls login %s", s.loginArgs())
	case errors.As(err, &azure):
		return err // it says what to do, and the server is not at fault
	case errors.Is(err, auth.ErrPlainHTTP):
		return hint(err, "R Server speaks plain http until its administrator sets up TLS. --allow-http sends password and tokens nonetheless: whoever reads them on the way can act as you")
	case errors.Is(err, context.DeadlineExceeded) && s.timeout != 0:
		return hint(err, "the time given with --timeout is over")
	case errors.As(err, &dial):
		return hint(err, "is the server running, and is %s its address? --endpoint gives another one; `mls devserver` starts one here", s.endpoint)
	case errors.Is(err, mlserver.ErrUnavailable):
		return hint(err, "`mls status` tells how the server is; try again later")
	case errors.Is(err, mlserver.ErrForbidden):
		return hint(err, "ask an owner or the server's administrator: your role does not allow this")
	}
	return err
}

// prefix puts the name of the thing in front of an error, and keeps its hint.
func prefix(err error, thing string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", thing, err)
}

// notFound is something that this command looked for in vain.
type notFound struct{ reason string }

func (e *notFound) Error() string        { return e.reason }
func (e *notFound) Is(target error) bool { return target == mlserver.ErrNotFound }
