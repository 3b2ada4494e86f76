package runtimes

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// Local makes a worker the user's own R or Python rather than one of a server's: it has their environment and start-up
// files, masks nothing, and can ask the program that it belongs to.
type Local struct {
	// Out gets what the code prints, as soon as it is printed. The text is not bounded there as in Result.Console.
	Out io.Writer
	// Call answers the worker's code, which asks with host(name, ...) in the middle of an execution. The answer is a list
	// in R, a dictionary in Python; an error becomes one of the code's. What code prints before it asks has reached Out. Its
	// context ends when the execution is cancelled; the execution then goes on only when Call has returned.
	Call func(ctx context.Context, name string, args []Named) ([]Input, error)
	// Source is code of the worker's language that runs once, when the worker starts, among the functions of the harness.
	Source string
	// Args are what the code sees as its command line.
	Args []string
}

// What Input.Type can be in an answer of Local.Call, beside the types that inputs have. A value that does not have the type
// that is told arrives as it comes.
const (
	AsList   = "list"   // objects and lists of objects become lists of lists, whatever they look like
	AsTexts  = "texts"  // a character vector in R, a list in Python
	AsBytes  = "bytes"  // base64: a raw vector in R, bytes in Python
	AsAnswer = "answer" // the JSON of an []Input: a list by name in R, a dictionary in Python
)

// environ is the user's own, but for the language of messages, by which unfinished code is recognised, and for the
// encoding, which must be UTF-8.
func (l *Local) environ() []string {
	own := environ(os.Environ())
	env := append([]string{}, own...)
	if locale := own.utf8Locale(); own.get("LC_ALL") != "" {
		env = append(env, "LC_ALL="+locale)
	} else {
		env = append(env, "LC_CTYPE="+locale)
	}
	return append(env, "LANGUAGE=en")
}

// calling is a call of the worker's code that is being answered.
type calling struct {
	stop context.CancelFunc
	done chan message // gets the answer
}

// call lets the program answer, while the exchange goes on.
func (w *Worker) call(r *reply) *calling {
	ctx, stop := context.WithCancel(context.Background())
	c := &calling{stop: stop, done: make(chan message, 1)}
	go func() {
		defer stop()
		m := message{id: r.id, op: "answer"}
		answers, err := w.local.Call(ctx, r.call, r.args)
		if err == nil {
			err = w.prepareAnswer(&m, answers)
		}
		switch {
		case ctx.Err() != nil:
			m = message{id: r.id, op: "interrupt"}
		case err != nil:
			m = message{id: r.id, op: "problem", code: strings.ReplaceAll(err.Error(), "\x00", "")}
		}
		c.done <- m
	}()
	return c
}

func (w *Worker) prepareAnswer(m *message, answers []Input) error {
	for _, in := range answers {
		if w.interp.Language == R {
			v, err := rAnswer(in)
			if err != nil {
				return fmt.Errorf("%s: %w", in.Name, err)
			}
			v.dropNUL()
			m.values = append(m.values, v)
		}
		m.inputs, m.types = append(m.inputs, Named{in.Name, in.Value}), append(m.types, in.Type)
	}
	return nil
}

func rAnswer(in Input) (*rvalue, error) {
	v, err := parseJSON(in.Value)
	if err != nil {
		return nil, err
	}
	switch in.Type {
	case AsList:
		return rStructure(v), nil
	case AsTexts:
		var texts []string
		err := json.Unmarshal(in.Value, &texts)
		return rStrings(texts...), err
	case AsBytes:
		if v == nil {
			return rUntyped(nil), nil
		}
		var b []byte
		err := json.Unmarshal(in.Value, &b)
		return &rvalue{kind: rRaw, raw: b}, err
	case AsAnswer:
		var list []Input
		if err := json.Unmarshal(in.Value, &list); err != nil {
			return nil, err
		}
		l := &rvalue{kind: rList, names: []string{}}
		for _, in := range list {
			v, err := rAnswer(in)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", in.Name, err)
			}
			l.names, l.list = append(l.names, in.Name), append(l.list, v)
		}
		return l, nil
	}
	if typed, err := in.check(R); err == nil {
		return rInput(in.Type, typed), nil
	}
	return rUntyped(v), nil
}

// rStructure keeps lists and objects as lists; only arrays of single values are vectors.
func rStructure(v any) *rvalue {
	l := &rvalue{kind: rList}
	switch x := v.(type) {
	case []any:
		if len(x) > 0 && !containsNested(x) {
			return rAtomic(x, 0)
		}
		for _, e := range x {
			l.list = append(l.list, rStructure(e))
		}
		return l
	case *object:
		if len(x.keys) > 0 {
			l.names = x.keys
		}
		for _, e := range x.values {
			l.list = append(l.list, rStructure(e))
		}
		return l
	}
	return rUntyped(v)
}

// Completions returns what the name before position pos of a line, in bytes, can be completed to: whole names, as they
// replace it.
func (w *Worker) Completions(ctx context.Context, line string, pos int) ([]string, error) {
	if pos < 0 || pos > len(line) {
		return nil, fmt.Errorf("a line of %d bytes has no position %d", len(line), pos)
	}
	r, err := w.operate(ctx, message{op: "complete", code: line[:pos]})
	if err != nil {
		return nil, err
	}
	return r.names, nil
}

// argsOfR reads the arguments of a call.
func argsOfR(v *rvalue) (args []Named) {
	for i, a := range v.list {
		name := ""
		if i < len(v.names) {
			name = v.names[i]
		}
		args = append(args, Named{Name: name, Value: json.RawMessage(a.appendJSON(nil, false))})
	}
	return args
}
