package runtimes

import (
	"encoding/json"
	"fmt"
)

// message is a request to the harness.
type message struct {
	id, op     string
	code       string
	mark, flag string // of an execution: what ends its text, the file that says it was cancelled
	fresh      bool   // run as a service does, leaving nothing in the workspace
	inputs     []Named
	values     []*rvalue // of the inputs, for R
	types      []string  // of the inputs, for Python
	outputs    []Output
	name, path string // of an object or workspace
	dir        string
	env        map[string]string
}

func (m *message) encode(lang Language) []byte {
	if lang == R {
		return m.forR().serialize()
	}
	b, err := json.Marshal(m.forPython())
	if err != nil { // strings, booleans and JSON that was parsed before
		panic(err)
	}
	return b
}

func (m *message) forR() *rvalue {
	l := &rvalue{kind: rList}
	add := func(name string, v *rvalue) {
		l.names, l.list = append(l.names, name), append(l.list, v)
	}
	for _, f := range [][2]string{{"id", m.id}, {"op", m.op}, {"code", m.code}, {"mark", m.mark}, {"cancelled", m.flag}, {"name", m.name}, {"path", m.path}, {"dir", m.dir}} {
		add(f[0], rStrings(f[1]))
	}
	add("fresh", rBool(m.fresh))
	inputs := &rvalue{kind: rList, list: m.values}
	for _, in := range m.inputs {
		inputs.names = append(inputs.names, in.Name)
	}
	add("inputs", inputs)
	outputs := &rvalue{kind: rString}
	for _, o := range m.outputs {
		outputs.str = append(outputs.str, rstring{s: o.Name})
	}
	add("outputs", outputs)
	env := &rvalue{kind: rList}
	for name, value := range m.env {
		env.names, env.list = append(env.names, name), append(env.list, rStrings(value))
	}
	add("env", env)
	return l
}

func (m *message) forPython() map[string]any {
	inputs := []map[string]any{}
	for i, in := range m.inputs {
		inputs = append(inputs, map[string]any{"name": in.Name, "type": m.types[i], "value": in.Value})
	}
	outputs := []map[string]string{}
	for _, o := range m.outputs {
		outputs = append(outputs, map[string]string{"name": o.Name, "type": o.Type})
	}
	return map[string]any{
		"id": m.id, "op": m.op, "code": m.code, "mark": m.mark, "cancelled": m.flag, "name": m.name, "path": m.path,
		"dir": m.dir, "fresh": m.fresh, "inputs": inputs, "outputs": outputs, "env": m.env,
	}
}

// reply is what the harness answers.
type reply struct {
	id          string
	problem     string // the operation failed
	missing     bool   // there is no such object
	kind, error string // of an execution
	outputs     []outputValue
	names       []string
	skipped     []string
	status      string
	call        string // the code asks the program: not the end of the request
	args        []Named

	console string
	changed []string
}

// outputValue is a value or the reason why there is none.
type outputValue struct {
	problem string
	r       *rvalue
	json    json.RawMessage
}

func (w *Worker) decode(b []byte) (*reply, error) {
	if w.interp.Language == R {
		return decodeR(b)
	}
	return decodePython(b)
}

func decodeR(b []byte) (*reply, error) {
	v, err := unserialize(b)
	if err != nil {
		return nil, err
	}
	r := &reply{
		id: v.text("id"), problem: v.text("problem"), kind: v.text("kind"), error: v.text("error"), status: v.text("status"),
		names: v.texts("names"), missing: v.field("missing").length() > 0,
		call: v.text("call"), args: argsOfR(v.field("args")),
	}
	if r.id == "" {
		return nil, fmt.Errorf("a reply without id")
	}
	for _, o := range v.field("outputs").list {
		r.outputs = append(r.outputs, outputValue{problem: o.text("problem"), r: o.field("value")})
	}
	return r, nil
}

func decodePython(b []byte) (*reply, error) {
	var v struct {
		ID, Problem, Kind, Error, Status string
		Missing                          bool
		Names, Skipped                   []string
		Call                             string
		Args                             []struct {
			Name  string
			Value json.RawMessage
		}
		Outputs []struct {
			Problem string
			Value   json.RawMessage
		}
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return nil, err
	}
	r := &reply{
		id: v.ID, problem: v.Problem, missing: v.Missing, kind: v.Kind, error: v.Error, status: v.Status,
		names: v.Names, skipped: v.Skipped, call: v.Call,
	}
	for _, a := range v.Args {
		r.args = append(r.args, Named{a.Name, a.Value})
	}
	for _, o := range v.Outputs {
		r.outputs = append(r.outputs, outputValue{problem: o.Problem, json: o.Value})
	}
	return r, nil
}
