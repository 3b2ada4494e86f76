package devserver

import (
	"bufio"
	"errors"
	"io"
	"net/http"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
)

func (s *Server) listWorkspaceObjects(w http.ResponseWriter, r *request) error {
	sess, err := s.session(r)
	if err != nil {
		return err
	}
	names, err := sess.worker.Objects(r.Context())
	if err != nil {
		return workspaceFailure(sess, "", err)
	}
	writeJSON(w, http.StatusOK, append([]string{}, names...))
	return nil
}

// setWorkspaceObject takes serialize(), saveRDS() or save() bytes for R, dill.dumps() or pickle bytes for Python.
func (s *Server) setWorkspaceObject(w http.ResponseWriter, r *request) error {
	sess, err := s.session(r)
	if err != nil {
		return err
	}
	name, body := r.PathValue("objectName"), bufio.NewReader(r.bounded(s.cfg.MaxUpload))
	if _, err := body.Peek(1); err == io.EOF {
		return fail(http.StatusBadRequest, "object %s: the body is empty, send the serialized object", name)
	}
	if err := sess.worker.ReadObject(r.Context(), name, body); err != nil {
		return objectFailure(sess, name, err)
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// objectFailure passes on what the language says about bytes that it can't read, or objects that it can't write.
func objectFailure(sess *session, name string, err error) error {
	var said *runtimes.OperationError
	if errors.As(err, &said) && !noRoom(err) {
		return fail(http.StatusBadRequest, "object %s: %s", name, said.Message)
	}
	return workspaceFailure(sess, name, err)
}

// getWorkspaceObject streams save() bytes for R, dill.dumps() bytes for Python.
func (s *Server) getWorkspaceObject(w http.ResponseWriter, r *request) error {
	sess, err := s.session(r)
	if err != nil {
		return err
	}
	name := r.PathValue("objectName")
	w.Header().Set("Content-Type", "application/octet-stream")
	dst := &counter{Writer: w}
	err = sess.worker.WriteObject(r.Context(), name, dst)
	if err != nil && dst.n > 0 {
		s.cfg.Logger.Error("object cut short", "error", err)
		panic(http.ErrAbortHandler) // the client must not take half an object for a whole one
	}
	if err != nil {
		w.Header().Del("Content-Type")
		return objectFailure(sess, name, err)
	}
	return nil
}

func (s *Server) deleteWorkspaceObject(w http.ResponseWriter, r *request) error {
	sess, err := s.session(r)
	if err != nil {
		return err
	}
	name := r.PathValue("objectName")
	if err := sess.worker.RemoveObject(r.Context(), name); err != nil {
		return workspaceFailure(sess, name, err)
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

func workspaceFailure(sess *session, name string, err error) error {
	if errors.Is(err, runtimes.ErrNoObject) {
		return fail(http.StatusNotFound, "session %s has no object %s", sess.id, name)
	}
	return gone(err, http.StatusGone)
}

type counter struct {
	io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.Writer.Write(p)
	c.n += int64(n)
	return n, err
}
