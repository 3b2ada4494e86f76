package mlserver

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/mlserver-go/mls/gen/v930/models"
	"github.com/mlserver-go/mls/gen/v930/sessions"
)

// Runtime is the language of a session or service.
type Runtime string

// The languages a server runs. Realtime is the language of services that hold a model and no code.
const (
	R        Runtime = "R"
	Python   Runtime = "Python"   // since 9.1.0
	Realtime Runtime = "Realtime" // since 9.1.0
)

// wire leaves the default out: servers of 9.0.1 never heard of runtimes.
func (r Runtime) wire() string {
	if r == R {
		return ""
	}
	return string(r)
}

func runtimeOf(wire string) Runtime {
	if wire == "" {
		return R
	}
	return Runtime(wire)
}

func (c *Client) needRuntime(r Runtime, what string) error {
	if r == R || r == "" {
		return nil
	}
	return c.need(string(r)+" "+what, V910)
}

// SessionOptions says what session to start. The zero value starts an empty R session with a name of the server's making.
type SessionOptions struct {
	Name       string
	Runtime    Runtime // R when empty
	SnapshotID string  // start from this snapshot
}

// SessionInfo describes an open session.
type SessionInfo struct {
	ID      string  `json:"id"`
	Name    string  `json:"name"`
	Owner   string  `json:"owner"`
	Runtime Runtime `json:"runtime"`
}

// Session is a handle on a remote R or Python session: a process on the server whose objects and files live until it is
// closed. It runs one execution at a time.
type Session struct {
	client *Client
	id     string
	last   lastText
	lang   atomic.Value // a Runtime; empty until it is known
}

// NewSession starts a session. Close it: the server keeps it, and the memory it uses, otherwise.
// It stands for mrsdeploy's remoteLogin with session = TRUE.
func (c *Client) NewSession(ctx context.Context, o SessionOptions) (*Session, error) {
	if err := c.needRuntime(o.Runtime, "sessions"); err != nil {
		return nil, err
	}
	ok, err := c.api.Sessions.CreateSessionContext(ctx, &sessions.CreateSessionParams{
		CreateSessionRequest: &models.CreateSessionRequest{Name: o.Name, SnapshotID: o.SnapshotID, RuntimeType: o.Runtime.wire()},
	})
	if err != nil {
		return nil, err
	}
	s := c.Session(ok.Payload.SessionID)
	s.last.set("", "") // nothing was run yet
	s.lang.Store(cmp.Or(o.Runtime, R))
	return s, nil
}

// Session is a handle on a session that exists. Nothing is sent.
func (c *Client) Session(id string) *Session { return &Session{client: c, id: id} }

// Sessions lists the caller's open sessions.
func (c *Client) Sessions(ctx context.Context) ([]SessionInfo, error) {
	ok, err := c.api.Sessions.ListSessionsContext(ctx, &sessions.ListSessionsParams{})
	if err != nil {
		return nil, err
	}
	infos := make([]SessionInfo, 0, len(ok.Payload))
	for _, s := range ok.Payload {
		infos = append(infos, SessionInfo{ID: s.ID, Name: s.Name, Owner: s.Owner, Runtime: runtimeOf(s.RuntimeType)})
	}
	return infos, nil
}

// ID names the session on the server.
func (s *Session) ID() string { return s.id }

// Runtime is the session's language. The server is asked for it if this process did not start the session.
func (s *Session) Runtime(ctx context.Context) (Runtime, error) {
	if known, ok := s.lang.Load().(Runtime); ok {
		return known, nil
	}
	open, err := s.client.Sessions(ctx)
	if err != nil {
		return "", err
	}
	for _, info := range open {
		if info.ID == s.id {
			s.lang.Store(info.Runtime)
			return info.Runtime, nil
		}
	}
	return "", fmt.Errorf("session %s: %w", s.id, ErrNotFound)
}

// Execution says what to set before code runs and what to return after. The zero value does neither.
type Execution struct {
	Inputs  Values   // objects to set first: primitives, vectors, matrices and data frames
	Outputs []string // names of objects to return

	// Console gets the console's text while the code runs, lines ending with "\n"; the Result has it as well. nil: nobody does.
	Console io.Writer
}

// Execute runs code in the session and waits for it to end. Code that fails gives the result, with its console output, and a
// *CodeError. Ending ctx ends the waiting, not the code: Cancel does that.
// It stands for mrsdeploy's remoteExecute and, with the text of a file, remoteScript; for the latter's async see Detach, for the
// plots of both Result.Plots.
func (s *Session) Execute(ctx context.Context, code string, e Execution) (*Result, error) {
	inputs, err := e.Inputs.workspaceObjects()
	if err != nil {
		return nil, err
	}
	end := func(*Result) {}
	if e.Console != nil {
		end = s.follow(ctx, code, e.Console)
	}
	r, err := s.run(ctx, &models.ExecuteRequest{Code: code, InputParameters: inputs, OutputParameters: e.Outputs})
	end(r)
	return r, err
}

func (s *Session) run(ctx context.Context, request *models.ExecuteRequest) (*Result, error) {
	ok, err := s.client.api.Sessions.ExecuteCodeContext(ctx, &sessions.ExecuteCodeParams{ID: s.id, ExecuteRequest: request})
	if err != nil {
		s.last.forget()
		return nil, err
	}
	r := &Result{Console: ok.Payload.ConsoleOutput, Changed: ok.Payload.ChangedFiles}
	s.last.set(request.Code, r.Console)
	for _, o := range ok.Payload.OutputParameters {
		if o != nil {
			r.Outputs.set(o.Name, o.Value)
		}
	}
	return r.outcome(ok.Payload.Success, ok.Payload.ErrorMessage)
}

// Cancel tries to interrupt the running execution. Servers do not promise that it ends; the session lives on either way.
func (s *Session) Cancel(ctx context.Context) error {
	_, err := s.client.api.Sessions.CancelSessionContext(ctx, &sessions.CancelSessionParams{ID: s.id})
	return err
}

// Console is what the running execution, or else the last one, has printed so far.
func (s *Session) Console(ctx context.Context) (string, error) {
	ok, err := s.client.api.Sessions.GetSessionConsoleOutputContext(ctx, &sessions.GetSessionConsoleOutputParams{ID: s.id})
	if err != nil {
		return "", err
	}
	return ok.Payload.ConsoleOutput, nil
}

// History lists the code that was run in the session, oldest first.
func (s *Session) History(ctx context.Context) ([]string, error) {
	ok, err := s.client.api.Sessions.ListSessionHistoryContext(ctx, &sessions.ListSessionHistoryParams{ID: s.id})
	if err != nil {
		return nil, err
	}
	return ok.Payload, nil
}

// Close ends the session; its objects and files are gone. A session that runs code may refuse: see ForceClose.
func (s *Session) Close(ctx context.Context) error {
	_, err := s.client.api.Sessions.CloseSessionContext(ctx, &sessions.CloseSessionParams{ID: s.id})
	return err
}

// ForceClose ends the session at once, even while it runs code. mrsdeploy's exit does this.
func (s *Session) ForceClose(ctx context.Context) error {
	_, err := s.client.api.Sessions.CloseSessionByForceContext(ctx, &sessions.CloseSessionByForceParams{ID: s.id})
	return err
}
