package runtimes

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Execute runs code in the worker's global workspace, as mrsdeploy's remoteExecute and POST /sessions/{id}/execute do.
// Code that fails is a Result without Success, not an error.
//
// One execution runs at a time; others wait as long as ctx allows. When ctx ends during the execution it is cancelled,
// which usually gives a Result of kind interrupt; code that ignores this for some seconds goes on in the background and
// Execute returns ctx's error: kill the worker then. A worker that has ended gives a [*GoneError].
func (w *Worker) Execute(ctx context.Context, r Request) (*Result, error) {
	return w.run(ctx, r, false)
}

// Call runs code as a stateless service does, POST /api/{service}/{version}: it sees the global workspace, but nothing
// it assigns is there for the next one. Otherwise it is like [Worker.Execute].
func (w *Worker) Call(ctx context.Context, r Request) (*Result, error) { return w.run(ctx, r, true) }

func (w *Worker) run(ctx context.Context, r Request, fresh bool) (*Result, error) {
	m := message{op: "exec", code: strings.ReplaceAll(r.Code, "\r\n", "\n"), fresh: fresh, outputs: r.Outputs}
	if err := w.prepare(&m, r.Inputs); err != nil {
		return &Result{Kind: KindInput, Error: err.Error()}, nil
	}
	if strings.IndexByte(m.code, 0) >= 0 {
		return &Result{Kind: KindSyntax, Error: "Error: the code holds a NUL character"}, nil
	}
	a, err := w.do(ctx, m, true)
	if err != nil {
		return nil, err
	}
	if a.problem != "" {
		return nil, fmt.Errorf("the %s worker failed: %s", w.interp.Language, a.problem)
	}
	res := &Result{Error: a.error, Kind: a.kind, Console: a.console, Changed: a.changed}
	if a.kind == KindExit {
		res.Status, _ = strconv.Atoi(a.status)
	}
	if a.kind != "" {
		return res, nil
	}
	for i, o := range r.Outputs {
		value, err := a.outputs[i].value(w.interp.Language, o.Type, r.Boxed)
		if err != nil {
			res.Kind, res.Error, res.Outputs = KindOutput, fmt.Sprintf("output %q: %v", o.Name, err), nil
			return res, nil
		}
		res.Outputs = append(res.Outputs, Named{o.Name, value})
	}
	res.Success = true
	return res, nil
}

// prepare checks the inputs before anything runs.
func (w *Worker) prepare(m *message, inputs []Input) error {
	for _, in := range inputs {
		v, err := in.check(w.interp.Language)
		if err != nil {
			return err
		}
		named := Named{Name: in.Name, Value: in.Value}
		if w.interp.Language == R {
			r := rInput(in.Type, v)
			if r.hasNUL() || strings.IndexByte(in.Name, 0) >= 0 {
				return fmt.Errorf("input %q: R has no NUL character", in.Name)
			}
			m.values = append(m.values, r)
		} else if in.Type != "" || v == nil { // as it came otherwise
			if named.Value, err = json.Marshal(v); err != nil {
				return fmt.Errorf("input %q: %v", in.Name, err)
			}
		}
		m.inputs, m.types = append(m.inputs, named), append(m.types, in.Type)
	}
	return nil
}

func (o outputValue) value(lang Language, typ string, boxed bool) (json.RawMessage, error) {
	if o.problem != "" {
		return nil, fmt.Errorf("%s", o.problem)
	}
	if lang == R {
		return rOutput(o.r, typ, boxed)
	}
	return o.json, nil
}

// Complete reports, without running it, whether code is "complete", "incomplete" or "invalid". At the prompt a Python
// block is incomplete until an empty line follows it.
func (w *Worker) Complete(ctx context.Context, code string) (string, error) {
	r, err := w.operate(ctx, message{op: "parse", code: code})
	if err != nil {
		return "", err
	}
	return r.status, nil
}
