package mlserver

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/mlserver-go/mls/gen/v930/models"
)

// DetachedFile is the file in a session's working directory in which a detached execution tells how it stands.
const DetachedFile = "mls-detached.txt"

// Detached is an execution that goes on whether or not somebody waits for it. The id of its session finds it again, from
// another process too: see Session.Detached. A session keeps the outcome of the last one, until it is closed.
//
// The server's API has no such thing. What is sent runs the code as given and notes its outcome in DetachedFile; that a server
// goes on with what it runs when its client has gone away is known of the development server, and not documented of others.
// Where the process that called Session.Detach lives on, it keeps its connection.
type Detached struct {
	session *Session
	id      string // of this execution; empty: the last one, whoever detached it

	answered chan struct{} // closed when the server has answered; nil: somebody else waits for that
	result   *Result
	err      error
}

// Detach starts an execution and returns when the code has begun to run, after what runs in the session already. Its outputs
// are objects of the session, which Wait fetches; e.Console is not used. Code that does not parse gives a *CodeError at once.
// It stands for mrsdeploy's remoteScript with async = TRUE.
func (s *Session) Detach(ctx context.Context, code string, e Execution) (*Detached, error) {
	runtime, err := s.Runtime(ctx)
	if err != nil {
		return nil, err
	}
	inputs, err := e.Inputs.workspaceObjects()
	if err != nil {
		return nil, err
	}
	d := &Detached{session: s, id: rand.Text(), answered: make(chan struct{})}
	text, err := noting(runtime, code, d.id, e.Outputs)
	if err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer close(d.answered)
		defer stop()
		d.result, d.err = s.run(running, &models.ExecuteRequest{Code: text, InputParameters: inputs, OutputParameters: e.Outputs})
		if d.result != nil {
			d.result.Changed = slices.DeleteFunc(d.result.Changed, func(file string) bool { return file == DetachedFile })
		}
	}()
	if err := d.begun(ctx); err != nil {
		stop()
		return nil, err
	}
	return d, nil
}

// begun waits until the code runs, or has ended. Who gives up before takes it along, unless it has just begun.
func (d *Detached) begun(ctx context.Context) error {
	var p pace
	for pause := firstPause; ; pause = min(silentPause, pause*3/2) {
		if err := p.rest(ctx, pause); err != nil {
			return err
		}
		ended := false
		select {
		case <-d.answered:
			ended = true
		default:
		}
		_, whole, err := d.note(ctx)
		switch {
		case whole:
			return nil
		case ended:
			return d.err
		case errors.Is(err, ErrNotFound): // not yet
			err = nil
		}
		if err := p.bear(ctx, err); err != nil {
			return err
		}
	}
}

// Detached is a handle on the session's last detached execution. Nothing is sent.
func (s *Session) Detached() *Detached { return &Detached{session: s} }

// DetachedState tells how a detached execution stands.
type DetachedState struct {
	Running bool     `json:"running"`
	Error   string   `json:"error,omitempty"` // why the code failed; empty while it runs, and when it did not
	Outputs []string `json:"outputs"`         // names of the objects that Wait returns
}

// State asks the server. The error is ErrNotFound when nothing was detached in the session. Of a process that has died, which
// could not note it, Wait learns.
func (d *Detached) State(ctx context.Context) (DetachedState, error) {
	state, _, err := d.note(ctx)
	return state, err
}

// note reads DetachedFile. When it is not whole it is just being written.
func (d *Detached) note(ctx context.Context) (state DetachedState, whole bool, err error) {
	var note bytes.Buffer
	if err := d.session.File(ctx, DetachedFile, &note); err != nil {
		if errors.Is(err, ErrNotFound) {
			err = fmt.Errorf("session %s has no detached execution: %w", d.session.id, err)
		}
		return state, false, err
	}
	lines := strings.Split(strings.TrimSuffix(newlines(note.String()), "\n"), "\n")
	if len(lines) < 5 || lines[len(lines)-1] != endOfNote || json.Unmarshal([]byte(lines[2]), &state.Outputs) != nil {
		return DetachedState{Running: true}, false, nil
	}
	if d.id != "" && lines[0] != d.id {
		return state, false, fmt.Errorf("session %s has another detached execution now: %w", d.session.id, ErrNotFound)
	}
	switch lines[1] {
	case "running":
		state.Running = true
	case "failed":
		state.Error = strings.Join(lines[3:len(lines)-1], "\n")
	}
	return state, true, nil
}

// Wait waits until the code has ended, and returns what Session.Execute would: for code that failed the result and a
// *CodeError. Ending ctx ends the waiting, not the code: Session.Cancel does that. A server that is away for a minute is waited
// for. console gets the console's text while the code runs, lines ending with "\n"; it may be nil.
//
// Another process than the one that detached the execution does not learn the changed files, and finds the outputs as they are
// by then. The text it gets is that of the session's last execution: once somebody has fetched outputs, there is none.
func (d *Detached) Wait(ctx context.Context, console io.Writer) (*Result, error) {
	finish := func(*Result) {}
	if console != nil {
		finish = d.session.copyConsole(ctx, &follower{w: console, began: true})
	}
	defer finish(nil)
	return d.wait(ctx, finish)
}

// Follow copies the console's text to w while the code runs, lines ending with "\n", and returns when it has ended. Outputs are
// left alone.
func (d *Detached) Follow(ctx context.Context, w io.Writer) error {
	finish := d.session.copyConsole(ctx, &follower{w: w, began: true})
	_, err := d.over(ctx, pace{})
	var last *Result
	if err == nil {
		var text string
		if text, err = d.session.Console(ctx); err == nil {
			last = &Result{Console: text}
		}
	}
	finish(last)
	return err
}

func (d *Detached) wait(ctx context.Context, finish func(*Result)) (*Result, error) {
	var p pace
	if d.answered != nil {
		select {
		case <-d.answered:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		var refused *Error
		if d.result != nil || errors.As(d.err, &refused) {
			finish(d.result)
			return d.result, d.err
		}
		p.asked = time.Now() // the connection was lost, and the code may be running
		p.answered = p.asked
	}
	state, err := d.over(ctx, p)
	if err != nil {
		return nil, err
	}
	r := &Result{}
	if r.Console, err = d.session.Console(ctx); err != nil {
		return nil, err
	}
	finish(r) // what fetches the outputs has a text of its own
	if state.Error == "" && len(state.Outputs) > 0 {
		got, err := d.session.run(ctx, &models.ExecuteRequest{Code: "# outputs", OutputParameters: state.Outputs})
		if got == nil {
			return nil, err
		}
		if r.Outputs = got.Outputs; err != nil {
			return r, err
		}
	}
	return r.outcome(state.Error == "", state.Error)
}

// over waits until the code has noted its end, or the session's process cannot any more.
func (d *Detached) over(ctx context.Context, p pace) (DetachedState, error) {
	const suspicion = 2 * time.Second // after which a process that says nothing may be dead
	seen := time.Now()
	for pause := firstPause; ; pause = min(longestPause, pause*3/2) {
		if err := p.rest(ctx, pause); err != nil {
			return DetachedState{}, err
		}
		state, err := d.State(ctx)
		if err == nil && state.Running && time.Since(seen) > suspicion {
			err, seen = d.session.alive(ctx), time.Now()
		}
		if err := p.bear(ctx, err); err != nil {
			return DetachedState{}, err
		}
		if err == nil && !state.Running {
			return state, nil
		}
	}
}

// alive returns the error of a session whose process has ended. One that does not answer in time is busy.
func (s *Session) alive(ctx context.Context) error {
	soon, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	if _, err := s.Objects(soon); errors.Is(err, ErrGone) || errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}

// endOfNote is the last line of a whole note.
const endOfNote = "."

// noting is code that runs the given code as the server would, and keeps a note in DetachedFile of how it stands: the id, the
// state, the names of the outputs as JSON, the error, and endOfNote.
func noting(runtime Runtime, code, id string, outputs []string) (string, error) {
	if outputs == nil {
		outputs = []string{}
	}
	names, err := json.Marshal(outputs)
	if err != nil {
		return "", err
	}
	if runtime == Python {
		literals, err := json.Marshal([]string{code, DetachedFile, id, string(names), endOfNote})
		return notingPython + "_mls_detached(*" + string(literals) + ")\n", err // JSON's texts are Python's
	}
	var arguments []string
	for _, a := range []string{code, DetachedFile, id, string(names), endOfNote} {
		arguments = append(arguments, `"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(a)+`"`)
	}
	return notingR + "(" + strings.Join(arguments, ", ") + ")\n", nil
}

// Servers of R drop what calls are their own from messages: those of the development server are spelled like these.
const notingR = `(function(.code, .file, .id, .outputs, .end) {
  .file <- file.path(getwd(), .file)
  .note <- function(state, text) {
    con <- file(.file, "wb")
    on.exit(close(con))
    writeLines(enc2utf8(c(.id, state, .outputs, text, .end)), con, useBytes = TRUE)
  }
  .exprs <- tryCatch(parse(text = .code, keep.source = TRUE, encoding = "UTF-8"),
    error = function(e) stop(conditionMessage(e), call. = FALSE))
  .note("running", "")
  .state <- "failed"
  .text <- "interrupted"
  on.exit(.note(.state, .text))
  .env <- globalenv()
  withCallingHandlers(
    for (.expr in .exprs) {
      .v <- withVisible(eval(.expr, .env))
      if (.v$visible) if (isS4(.v$value)) methods::show(.v$value) else print(.v$value)
    },
    error = function(e) {
      call <- conditionCall(e)
      .text <<- paste0(
        if (is.null(call) || identical(call, quote(eval(.expr, .env)))) "Error: " else paste0("Error in ", deparse(call)[1L], " : "),
        conditionMessage(e))
    })
  .state <- "done"
  .text <- ""
  invisible()
})`

const notingPython = `
def _mls_detached(code, file, id, outputs, end):
    import ast, io, os, traceback
    file = os.path.join(os.getcwd(), file)
    def note(state, text):
        with io.open(file, 'w', encoding='utf-8', newline='\n') as f:
            f.write('\n'.join([id, state, outputs, text, end]) + '\n')
    statements = ast.parse(code, '<detached>').body
    note('running', '')
    state, text = 'failed', 'interrupted'
    try:
        for s in statements:
            exec(compile(ast.Interactive([s]), '<detached>', 'single'), globals())
        state, text = 'done', ''
    except BaseException as e:
        text = traceback.format_exception_only(type(e), e)[-1].strip()
        raise
    finally:
        note(state, text)
`
