package devserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
)

// failure is what a client is told when a request is refused.
type failure struct {
	status  int
	message string
	fields  []string // inputs at fault, told on /api paths only
}

func (f *failure) Error() string { return f.message }

func fail(status int, format string, args ...any) *failure {
	return &failure{status: status, message: fmt.Sprintf(format, args...)}
}

// coreError is the error body of all paths but those of published services.
type coreError struct {
	Message       string `json:"message"`
	Link          string `json:"link"`
	ExceptionType string `json:"exceptionType,omitempty"` // since 9.1.0
}

// serviceError is the error body on /api paths.
type serviceError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Fields  string `json:"fields"`
}

// refuse writes err as an error answer. What is not a failure is the server's own fault: logged, and told without detail.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var f *failure
	var tooLarge *http.MaxBytesError
	var said *runtimes.OperationError
	switch {
	case errors.As(err, &f):
	case errors.As(err, &tooLarge):
		f = fail(http.StatusRequestEntityTooLarge, "the body is larger than the %d bytes this server takes", tooLarge.Limit)
	case noRoom(err):
		f = fail(http.StatusInsufficientStorage, "the server's disk is full")
	case errors.As(err, &said):
		f = fail(http.StatusInternalServerError, "%s", said.Message)
	case r.Context().Err() != nil: // nobody is there to read it
		f = fail(http.StatusServiceUnavailable, "the request was given up")
	case s.ctx.Err() != nil:
		f = fail(http.StatusServiceUnavailable, "the server is shutting down")
	default:
		s.cfg.Logger.Error("request failed", "error", err)
		f = fail(http.StatusInternalServerError, "the development server failed, its log says why")
	}
	if f.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	if strings.HasPrefix(r.URL.Path, "/api/") {
		writeJSON(w, f.status, serviceError{Code: f.status, Message: f.message, Fields: strings.Join(f.fields, ", ")})
		return
	}
	body := coreError{Message: f.message}
	if s.since("9.1.0") {
		body.ExceptionType = strings.ReplaceAll(http.StatusText(f.status), " ", "") // the real names are not known
	}
	writeJSON(w, f.status, body)
}

// noRoom tells that something could not be written because the disk is full, or what the server may use of it.
func noRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

// writeJSON writes compact JSON: clients are known to search answers with regular expressions that allow no blanks.
func writeJSON(w http.ResponseWriter, status int, v any) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // only our own types are written
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(strings.TrimSuffix(b.String(), "\n"))) // a client that is gone needs no answer
}
