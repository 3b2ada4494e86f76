package devserver

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"
	"unicode"
)

// request is an HTTP request to one operation.
type request struct {
	*http.Request
	op    *operation
	user  string // "" for the operations that need no token
	limit int64
	w     http.ResponseWriter

	session *session // once it was asked for
}

// decode reads the JSON body.
func (r *request) decode(v any) error {
	return r.op.body.decode(r.bounded(r.limit), v)
}

// bounded is the body, cut off at limit bytes if there is one. A body that says that it is larger is not even read: who asks
// beforehand need not send it.
func (r *request) bounded(limit int64) io.ReadCloser {
	switch {
	case limit <= 0:
		return r.Body
	case r.ContentLength > limit:
		return tooLarge{limit}
	}
	return http.MaxBytesReader(r.w, r.Body, limit)
}

type tooLarge struct{ limit int64 }

func (t tooLarge) Read([]byte) (int, error) { return 0, &http.MaxBytesError{Limit: t.limit} }

func (tooLarge) Close() error { return nil }

type handler func(http.ResponseWriter, *request) error

// handlers is the one table of what is built, by operationId.
func (s *Server) handlers() map[string]handler {
	return map[string]handler{
		"login":              s.login,
		"renewToken":         s.renewToken,
		"revokeRefreshToken": s.revokeRefreshToken,
		"status":             s.status,

		"createSession":           s.createSession,
		"listSessions":            s.listSessions,
		"closeSession":            s.closeSession,
		"closeSessionByForce":     s.closeSessionByForce,
		"executeCode":             s.execute,
		"cancelSession":           s.cancelSession,
		"getSessionConsoleOutput": s.consoleOutput,
		"listSessionHistory":      s.history,
		"uploadSessionFile":       s.uploadSessionFile,
		"listSessionFiles":        s.listSessionFiles,
		"getSessionFile":          s.getSessionFile,
		"deleteSessionFile":       s.deleteSessionFile,
		"listWorkspaceObjects":    s.listWorkspaceObjects,
		"setWorkspaceObject":      s.setWorkspaceObject,
		"getWorkspaceObject":      s.getWorkspaceObject,
		"deleteWorkspaceObject":   s.deleteWorkspaceObject,
		"CreateSnapshot":          s.createSnapshot,
		"LoadSnapshot":            s.loadSnapshot,
		"ListSnapshots":           s.listSnapshots,
		"GetSnapshotContent":      s.getSnapshotContent,
		"DeleteSnapshot":          s.deleteSnapshot,

		"getAllWebServices":              s.getAllWebServices,
		"getAllWebServiceVersionsByName": s.getAllWebServiceVersionsByName,
		"publishWebService":              s.publishWebService,
		"getWebServiceVersion":           s.getWebServiceVersion,
		"publishWebServiceVersion":       s.publishWebServiceVersion,
		"patchWebServiceVersion":         s.patchWebServiceVersion,
		"deleteWebServiceVersion":        s.deleteWebServiceVersion,
		"GetWebServiceSwagger":           s.serviceDocument,

		"publishRealtimeWebServiceByName":        s.publishRealtime,
		"publishRealtimeWebServiceByNameVersion": s.publishRealtimeVersion,
		"patchRealtimeWebServiceByNameVersion":   s.patchRealtimeVersion,

		"createOrUpdateServicePool": s.createOrUpdateServicePool,
		"getServicePoolStatus":      s.getServicePoolStatus,
		"deleteServicePool":         s.deleteServicePool,

		"getComputeNodes":   s.getComputeNodes,
		"setComputeNodes":   s.setComputeNodes,
		"addComputeNode":    s.addComputeNode,
		"removeComputeNode": s.removeComputeNode,

		"consumeWebService": s.consumeWebService,

		"startBatchExecution":           s.startBatchExecution,
		"getBatchExecutions":            s.getBatchExecutions,
		"getBatchExecutionStatus":       s.getBatchExecutionStatus,
		"cancelAndDeleteBatchExecution": s.cancelAndDeleteBatchExecution,
		"getBatchExecutionFiles":        s.getBatchExecutionFiles,
		"getBatchExecutionFile":         s.getBatchExecutionFile,
	}
}

// open are the operations that need no token.
func open(id string) bool {
	return id == "login" || id == "renewToken" || id == "revokeRefreshToken"
}

// route registers every operation of the document.
func (s *Server) route(ops []*operation) {
	handlers := s.handlers()
	for _, op := range ops {
		h, built := handlers[op.id]
		if !built {
			h = func(http.ResponseWriter, *request) error {
				return fail(http.StatusNotImplemented, "the development server does not do %s (%s %s) yet", op.id, op.method, op.path)
			}
		}
		s.mux.Handle(op.method+" "+op.path, s.serve(op, h))
		if op.id == "revokeRefreshToken" && !s.since("9.1.0") {
			// Only service documents of that time have this form. A token may contain slashes.
			s.mux.Handle(op.method+" "+op.path+"/{refreshToken...}", s.serve(op, h))
		}
	}
}

// serve is what all operations have in common.
func (s *Server) serve(op *operation, h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, hr *http.Request) {
		w.(*answer).op = op.id
		f := s.faults()
		if f.Delay > 0 {
			s.wait(hr, f.Delay)
		}
		if a, due := f.answer(op.id); due {
			a.write(w)
			return
		}
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.cfg.StrangerTimeout)) // fails where there is no connection
		r := &request{Request: hr, op: op, limit: s.cfg.MaxBody, w: w}
		if open(op.id) {
			r.limit = min(r.limit, 64<<10) // strangers may send these
		} else {
			var err error
			if r.user, err = s.authenticate(hr); err != nil {
				s.refuse(w, hr, err)
				return
			}
			_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
			w.(*answer).user = r.user
			if err := s.authorize(r.user, op); err != nil {
				s.refuse(w, hr, err)
				return
			}
		}
		defer func() { s.leave(r.session) }()
		if err := h(w, r); err != nil {
			s.refuse(w, hr, err)
		}
	})
}

// wait passes time for a fault.
func (s *Server) wait(r *http.Request, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	case <-s.ctx.Done():
	}
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := &answer{ResponseWriter: w, status: http.StatusOK}
	began := s.cfg.Clock()
	defer func() {
		p := recover()
		if p != nil && p != http.ErrAbortHandler {
			s.cfg.Logger.Error("panic", "operation", a.op, "panic", p, "stack", string(debug.Stack()))
			if a.wrote {
				p = http.ErrAbortHandler // the client must not take half an answer for a whole one
			} else {
				s.refuse(a, r, errors.New("panic"))
				p = nil
			}
		}
		// Neither path nor query: they may hold tokens.
		s.cfg.Logger.LogAttrs(r.Context(), slog.LevelInfo, "request", slog.String("operation", a.op), slog.String("user", a.user),
			slog.Int("status", a.status), slog.Duration("took", s.cfg.Clock().Sub(began)))
		if p != nil {
			panic(p)
		}
	}()
	if !s.gate.enter() {
		s.refuse(a, r, fail(http.StatusServiceUnavailable, "the server is shutting down"))
		return
	}
	defer s.gate.leave()
	if !plain(r.URL.EscapedPath()) {
		s.refuse(a, r, fail(http.StatusNotFound, "no such path: names must not be empty, . or .., nor contain control characters"))
		return
	}
	if _, pattern := s.mux.Handler(r); pattern == "" {
		s.refuseUnrouted(a, r)
		return
	}
	s.mux.ServeHTTP(a, r)
	if d := s.faults().LateLastChunk; d > 0 {
		_ = http.NewResponseController(a).Flush() // the fault is then merely not seen
		s.wait(r, d)
	}
}

// plain says that no segment of the path would be taken for something else by those who clean paths: the mux redirects
// /sessions/S/files/.. to /sessions/S, and a client that follows would delete the session.
func plain(escaped string) bool {
	rest, ok := strings.CutPrefix(escaped, "/")
	if !ok {
		return false
	}
	for segment := range strings.SplitSeq(rest, "/") {
		name, err := url.PathUnescape(segment)
		if err != nil || name == "" || name == "." || name == ".." || strings.ContainsFunc(name, unicode.IsControl) {
			return false
		}
	}
	return true
}

// refuseUnrouted answers 404, or 405 where the mux knows the path but not the method.
func (s *Server) refuseUnrouted(w http.ResponseWriter, r *http.Request) {
	probe := &answer{ResponseWriter: discard{http.Header{}}}
	s.mux.ServeHTTP(probe, r)
	if probe.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", probe.Header().Get("Allow"))
		s.refuse(w, r, fail(http.StatusMethodNotAllowed, "%s is not possible here", r.Method))
		return
	}
	s.refuse(w, r, fail(http.StatusNotFound, "server version %s has no such path", s.cfg.APIVersion))
}

// discard is a ResponseWriter that only keeps the header.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// answer is a ResponseWriter that remembers what is worth a line in the log.
type answer struct {
	http.ResponseWriter
	op, user string
	status   int
	wrote    bool
}

func (a *answer) WriteHeader(status int) {
	if !a.wrote {
		a.status, a.wrote = status, true
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	a.wrote = true
	return a.ResponseWriter.Write(p)
}

// ReadFrom lets files be sent without copying them through this process.
func (a *answer) ReadFrom(r io.Reader) (int64, error) {
	a.wrote = true
	return io.Copy(a.ResponseWriter, r)
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
