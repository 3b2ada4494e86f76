package devserver

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
)

type workspaceObject struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
}

type executeResponse struct {
	Success          bool              `json:"success"`
	ErrorMessage     string            `json:"errorMessage"`
	OutputParameters []workspaceObject `json:"outputParameters"`
	ConsoleOutput    string            `json:"consoleOutput"`
	ChangedFiles     []string          `json:"changedFiles"`
}

// execute runs code in a session. Code that fails, even if it takes the process with it, is an answer with success:false.
func (s *Server) execute(w http.ResponseWriter, r *request) error {
	sess, err := s.session(r)
	if err != nil {
		return err
	}
	var body struct {
		Code             *string
		InputParameters  []workspaceObject
		OutputParameters []string
	}
	if err := r.decode(&body); err != nil {
		return err
	}
	if body.Code == nil {
		return fail(http.StatusBadRequest, "executeRequest.code is missing")
	}
	// Values of R sessions are arrays even if they have length 1: that is on record.
	req := runtimes.Request{Code: *body.Code, Boxed: sess.lang == runtimes.R}
	for _, in := range body.InputParameters {
		if in.Name == "" {
			return fail(http.StatusBadRequest, "executeRequest.inputParameters: an input has no name")
		}
		if in.Value == nil {
			in.Value = json.RawMessage("null")
		}
		req.Inputs = append(req.Inputs, runtimes.Input{Name: in.Name, Value: in.Value})
	}
	for _, name := range body.OutputParameters {
		req.Outputs = append(req.Outputs, runtimes.Output{Name: name})
	}

	release, err := sess.take(r.Context())
	if err != nil {
		return err
	}
	defer release()
	select {
	case <-sess.worker.Done():
		return sess.ended()
	default:
	}
	sess.mu.Lock()
	sess.history = append(sess.history, req.Code)
	sess.mu.Unlock()
	// Not the request's context: a client that went away, or whose proxy did, finds the execution going on. It can ask for
	// the console, or cancel. Who leaves while waiting for the turn above takes its code along.
	res, err := sess.worker.Execute(s.ctx, req)
	var g *runtimes.GoneError
	switch {
	case errors.As(err, &g):
		if sess.isClosed() {
			return sess.ended()
		}
		writeJSON(w, http.StatusOK, executeResponse{
			ErrorMessage: g.Error(), ConsoleOutput: g.Console, OutputParameters: []workspaceObject{}, ChangedFiles: []string{},
		})
		return nil
	case err != nil:
		return err
	}
	answer := executeResponse{
		Success: res.Success, ErrorMessage: res.Error, OutputParameters: []workspaceObject{},
		ConsoleOutput: res.Console, ChangedFiles: append([]string{}, res.Changed...),
	}
	for _, o := range res.Outputs {
		answer.OutputParameters = append(answer.OutputParameters, workspaceObject(o))
	}
	writeJSON(w, http.StatusOK, answer)
	return nil
}

// ended is the answer about a session that ended while the request was waiting, or before.
func (sess *session) ended() error {
	return fail(http.StatusNotFound, "the %s process of session %s has ended: close the session and create a new one", sess.lang, sess.id)
}

// cancelSession interrupts what runs. There is no promise that it stops; the session lives on.
func (s *Server) cancelSession(w http.ResponseWriter, r *request) error {
	sess, err := s.session(r)
	if err != nil {
		return err
	}
	sess.worker.Cancel()
	writeJSON(w, http.StatusOK, "Session "+sess.id+" cancelled.")
	return nil
}

// consoleOutput answers at once, with what the running execution, else the last, has printed so far.
func (s *Server) consoleOutput(w http.ResponseWriter, r *request) error {
	sess, err := s.session(r)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, map[string]string{"consoleOutput": sess.worker.Console()})
	return nil
}

// history lists the code of all executions, oldest first.
func (s *Server) history(w http.ResponseWriter, r *request) error {
	sess, err := s.session(r)
	if err != nil {
		return err
	}
	sess.mu.Lock()
	codes := append([]string{}, sess.history...)
	sess.mu.Unlock()
	writeJSON(w, http.StatusOK, codes)
	return nil
}
