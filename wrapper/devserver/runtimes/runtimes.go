// Package runtimes runs R and Python code for real: each worker is a child process that keeps its workspace between
// executions, as a session of the server does.
//
// It is meant for development and tests. A worker is no sandbox: the code runs with all rights of the user who started
// it. Workers talk to their parent over inherited pipes, which Windows has no equivalent of; there [Find] and
// [Interpreter.Start] say so.
package runtimes

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Language is the language a worker runs.
type Language string

// The languages the server runs: R since 9.0.1, Python since 9.2.1.
const (
	R      Language = "R"
	Python Language = "Python"
)

// Interpreter is a probed R or Python.
type Interpreter struct {
	Language Language
	Path     string            // the program to start
	Version  string            // such as "4.2.2"
	Packages map[string]string // packages that objects, snapshots and the usual examples need, with their versions
	Missing  []string          // of those, what it lacks, sorted
}

// NotFoundError is returned by [Find] when there is no usable interpreter.
type NotFoundError struct {
	Language Language
	Tried    []string // programs that were tried, each with what was wrong with it
	Reason   string   // why the one that was asked for is not usable; "" after a search
}

// Error names the missing program and how to install it.
func (e *NotFoundError) Error() string {
	var b strings.Builder
	if e.Reason != "" {
		fmt.Fprintf(&b, "no usable %s: %s", e.Language, e.Reason)
	} else {
		fmt.Fprintf(&b, "no usable %s found", e.Language)
	}
	for _, t := range e.Tried {
		fmt.Fprintf(&b, "\n  tried %s", t)
	}
	switch e.Language {
	case R:
		b.WriteString("\ninstall R (Debian, Ubuntu: apt-get install --no-install-recommends r-base-core) or name its program with MLS_R")
	case Python:
		b.WriteString("\ninstall Python 3 (Debian, Ubuntu: apt-get install --no-install-recommends python3 python3-dill python3-pandas python3-sklearn) or name its program with MLS_PYTHON")
	}
	return b.String()
}

// Options say how a worker is started.
type Options struct {
	// Dir is the working directory of the user's code. It must exist.
	Dir string
	// Env is added to a small clean environment, as NAME=value. The caller's own environment is not passed on as a
	// whole, unless the worker is Local: it may hold secrets.
	Env []string
	// MemoryLimit is the address space the process may use, in bytes; 0 means no limit. R needs about 300 MB merely to
	// start. Linux only, elsewhere Start refuses it.
	MemoryLimit uint64
	// Local, if set, makes the worker the user's own.
	Local *Local
}

// Input is a variable that is assigned before the code runs.
type Input struct {
	Name string
	// Type is the declared type: logical, numeric, integer, character, vector, matrix or data.frame. With "" the value
	// is taken as it comes, as session inputs are.
	Type  string
	Value json.RawMessage
}

// Output is a variable whose value is returned after the code ran.
type Output struct {
	Name string
	Type string // as for Input
}

// Named is the value of one output.
type Named struct {
	Name  string
	Value json.RawMessage
}

// Request is one execution.
type Request struct {
	Code    string
	Inputs  []Input
	Outputs []Output
	// Boxed makes untyped R outputs arrays even if they have length 1, as the session calls of the server return them.
	// It changes nothing for Python.
	Boxed bool
}

// What a Result.Kind can be.
const (
	KindError      = "error"      // the code failed
	KindSyntax     = "syntax"     // the code does not parse; nothing ran
	KindIncomplete = "incomplete" // the code ends too early; nothing ran
	KindInterrupt  = "interrupt"  // cancelled
	KindExit       = "exit"       // the code asked to end the process (Python, and R if it is Local); it did not end
	KindInput      = "input"      // an input does not have its declared type; nothing ran
	KindOutput     = "output"     // an output is missing or has no form in JSON
)

// Result is what an execution came to.
type Result struct {
	Success bool
	Status  int      // what the code asked the process to end with: with KindExit
	Error   string   // as R prints it ("Error in f(3) : inner 3"), or the last line of Python's traceback; "" on success
	Kind    string   // one of the Kind constants; "" on success
	Console string   // what the code and its child processes printed
	Outputs []Named  // in the order of the request; empty unless Success
	Changed []string // files created or modified in Options.Dir, relative with slashes, sorted; plots are among them
}

// GoneError says that the worker's process has ended.
type GoneError struct {
	Language Language
	Status   string // such as "exit status 3" or "signal: segmentation fault"
	Console  string // what the last execution printed
}

func (e *GoneError) Error() string {
	return fmt.Sprintf("the %s process has ended (%s); its workspace is lost, start a new session", e.Language, e.Status)
}

// ErrNoObject is what operations on a workspace object that does not exist match with errors.Is.
var ErrNoObject = errors.New("no such object")
