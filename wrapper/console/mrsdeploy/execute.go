package mrsdeploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
	"github.com/mlserver-go/mls/wrapper/internal/temp"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// execution reads what code is run with: inputs are JSON, an array of objects with name and value, as in the API.
func (a args) execution() (code string, e mlserver.Execution, err error) {
	if code, err = a.text("code"); err != nil {
		return "", e, err
	}
	if e.Outputs, err = a.texts("outputs"); err != nil {
		return "", e, errors.New(`argument "outputs" must name objects`)
	}
	text, err := a.text("inputs")
	if err != nil || text == "" {
		return code, e, err
	}
	var inputs []struct {
		Name  string
		Value json.RawMessage
	}
	if err := json.Unmarshal([]byte(text), &inputs); err != nil {
		return "", e, fmt.Errorf(`argument "inputs" must be JSON, such as '[{"name": "x", "value": 120}]': %w`, err)
	}
	e.Inputs = mlserver.Values{}
	for _, in := range inputs {
		if in.Name == "" || in.Value == nil {
			return "", e, errors.New(`argument "inputs": each of them needs a name and a value`)
		}
		e.Inputs[in.Name] = in.Value
	}
	return code, e, nil
}

// execute stands behind mrsdeploy's remoteExecute and remoteScript. An interrupt cancels the execution.
func (l *Local) execute(ctx context.Context, s *mlserver.Session, a args) (answer, error) {
	code, e, err := a.execution()
	if err != nil {
		return nil, err
	}
	shown, err := a.flag("shown")
	if err != nil {
		return nil, err
	}
	if shown {
		e.Console = l.out
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() {
		ending, cancel := context.WithTimeout(running, closing)
		defer cancel()
		if s.Cancel(ending) == nil {
			<-ending.Done() // the time that it gets to end
		}
		stop()
	})()
	r, err := s.Execute(running, code, e)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return resultOf(r, err)
}

// resultOf is the answer for what an execution came to.
func resultOf(r *mlserver.Result, err error) (answer, error) {
	var failed *mlserver.CodeError
	if r == nil || err != nil && !errors.As(err, &failed) {
		return nil, err
	}
	message := ""
	if failed != nil {
		message = failed.Error()
	}
	outputs := answer{}
	for _, name := range slices.Sorted(slices.Values(r.Outputs.Names())) {
		outputs = append(outputs, runtimes.Input{Name: name, Value: r.Outputs.JSON(name)})
	}
	return answer{}.with("success", "logical", failed == nil).with("errorMessage", "character", message).
		with("outputParameters", runtimes.AsAnswer, outputs).with("consoleOutput", "character", r.Console).
		with("changedFiles", runtimes.AsTexts, append([]string{}, r.Changed...)), nil
}

// fetchPlots fetches the plots among the changed files of an execution into a directory.
func fetchPlots(ctx context.Context, s *mlserver.Session, a args) (answer, error) {
	files, err := a.texts("files")
	if err != nil {
		return nil, err
	}
	dir, err := a.needed("dir")
	if err != nil {
		return nil, err
	}
	paths := []string{}
	for _, f := range files {
		if !slices.Contains([]string{".png", ".jpg", ".jpeg", ".svg", ".pdf", ".bmp", ".tiff"}, strings.ToLower(filepath.Ext(f))) {
			continue
		}
		path := filepath.Join(dir, filepath.Base(f))
		if err := temp.WriteFile(path, func(w io.Writer) error { return s.File(ctx, f, w) }); err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return answer{}.with("paths", runtimes.AsTexts, paths), nil
}

// detach stands behind mrsdeploy's remoteScript with async = TRUE: the script runs in a session of its own.
func (l *Local) detach(ctx context.Context, client *mlserver.Client, a args) (answer, error) {
	code, e, err := a.execution()
	if err != nil {
		return nil, err
	}
	s, err := l.newSession(ctx, client)
	if err != nil {
		return nil, err
	}
	d, err := s.Detach(ctx, code, e)
	if err != nil {
		return nil, errors.Join(err, l.closeDetached(ctx, s))
	}
	if l.detached == nil {
		l.detached = map[string]detachedRun{}
	}
	l.detached[s.ID()] = detachedRun{s, d}
	return answer{}.with("id", "character", s.ID()), nil
}

// detachedRun is a script that runs in a session of its own.
type detachedRun struct {
	session *mlserver.Session
	run     *mlserver.Detached
}

func (l *Local) detachedOf(a args) (detachedRun, error) {
	id, err := a.needed("id")
	if err != nil {
		return detachedRun{}, err
	}
	d, ok := l.detached[id]
	if !ok {
		return d, fmt.Errorf("session %s runs no script of this process, or was closed", id)
	}
	return d, nil
}

// detachedState tells whether an asynchronous script is running.
func (l *Local) detachedState(ctx context.Context, a args) (answer, error) {
	d, err := l.detachedOf(a)
	if err != nil {
		return nil, err
	}
	state, err := d.run.State(ctx)
	if err != nil {
		return nil, err
	}
	return answer{}.with("running", "logical", state.Running), nil
}

// detachedWait waits for an asynchronous script, shows what it prints and closes its session.
func (l *Local) detachedWait(ctx context.Context, a args) (answer, error) {
	d, err := l.detachedOf(a)
	if err != nil {
		return nil, err
	}
	r, err := d.run.Wait(ctx, l.out)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	keep, _ := a.flag("keep")
	if !keep {
		delete(l.detached, d.session.ID())
		if err := l.closeDetached(ctx, d.session); err != nil {
			return nil, err
		}
	}
	return resultOf(r, err)
}

func (l *Local) closeDetached(ctx context.Context, s *mlserver.Session) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
	defer cancel()
	return gone(s.ForceClose(ctx))
}
