package mlserver

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/mlserver-go/mls/wrapper/data"
)

// Checked is a service whose definition is known: inputs that do not fit it are refused before anything is sent. The
// definition is that of the time when Service.Checked asked for it.
type Checked struct {
	*Service
	Info ServiceInfo
}

// Checked asks the server for the service's definition, to check inputs against it.
func (s *Service) Checked(ctx context.Context) (*Checked, error) {
	info, err := s.Describe(ctx)
	if err != nil {
		return nil, err
	}
	return &Checked{s, *info}, nil
}

// InputError says all that is wrong with the inputs of a call. Nothing was sent.
type InputError struct {
	Service, Version string
	Problems         []InputProblem // in the order of the declared inputs, unknown ones last
}

// InputProblem is what is wrong with one input.
type InputProblem struct {
	Input   string
	Type    Type   // as declared; empty for an input that the service does not have
	Problem string // "is missing"
}

func (e *InputError) Error() string {
	text := fmt.Sprintf("service %s/%s:", e.Service, e.Version)
	for _, p := range e.Problems {
		if len(e.Problems) > 1 {
			text += "\n "
		}
		text += fmt.Sprintf(" input %q", p.Input)
		if p.Type != "" {
			text += fmt.Sprintf(" (%s)", p.Type)
		}
		text += " " + p.Problem
	}
	return text
}

// Consume calls the service like Service.Consume, after a look at the inputs: see Check.
func (c *Checked) Consume(ctx context.Context, inputs Values) (*Result, error) {
	return c.ConsumeInto(ctx, inputs, nil)
}

// ConsumeInto calls the service like Service.ConsumeInto, after a look at the inputs: see Check.
func (c *Checked) ConsumeInto(ctx context.Context, inputs Values, targets Targets) (*Result, error) {
	body, err := c.body(inputs)
	if err != nil {
		return nil, err
	}
	return c.consume(ctx, body, targets)
}

// Check looks for inputs that are missing, unknown, of another type or of the wrong shape, and reports all of them in one
// *InputError. A null, which is NA, fits the types of single values, and such a value fits vector; a data.frame may come by
// columns or by rows.
func (c *Checked) Check(inputs Values) error {
	_, err := c.body(inputs)
	return err
}

// body is the JSON of inputs that were checked.
func (c *Checked) body(inputs Values) (*body, error) {
	at := make(map[string]span, len(inputs))
	body, err := inputs.body(at)
	if err != nil {
		return nil, err
	}
	err = c.check(inputs, func(p Parameter, value any) string {
		where, small := at[p.Name]
		if !small {
			return misfit(p.Type.canonical(), value)
		}
		return mismatch(p.Type.canonical(), value, body.text[where.start:where.end])
	})
	return body, err
}

// checkRow checks the inputs of one of many calls, without a body of its own.
func (c *Checked) checkRow(row Values) error {
	return c.check(row, func(p Parameter, value any) string { return misfit(p.Type.canonical(), value) })
}

// check reports all that is wrong; mismatch tells what is with an input that is there.
func (c *Checked) check(inputs Values, mismatch func(p Parameter, value any) string) error {
	var problems []InputProblem
	known := 0
	for _, p := range c.Info.Inputs {
		problem := "is missing"
		if value, given := inputs[p.Name]; given {
			problem = mismatch(p, value)
			known++
		}
		if problem != "" {
			problems = append(problems, InputProblem{p.Name, p.Type, problem})
		}
	}
	if known < len(inputs) {
		problems = append(problems, c.unknown(inputs)...)
	}
	if len(problems) > 0 {
		return &InputError{Service: c.name, Version: c.version, Problems: problems}
	}
	return nil
}

func (c *Checked) unknown(inputs Values) (problems []InputProblem) {
	names := make([]string, len(c.Info.Inputs))
	for i, p := range c.Info.Inputs {
		names[i] = p.Name
	}
	takes := "takes none"
	if len(names) > 0 {
		takes = "takes " + strings.Join(names, ", ")
	}
	for _, name := range slices.Sorted(maps.Keys(inputs)) {
		if !slices.Contains(names, name) {
			problems = append(problems, InputProblem{Input: name, Problem: "is unknown: the service " + takes})
		}
	}
	return problems
}

// misfit is mismatch of a value that has not been made JSON. What tables hold needs not be made JSON for it.
func misfit(declared Type, value any) string {
	fits := shaped(declared, value)
	switch v := value.(type) {
	case nil:
		fits = declared != Vector && declared != Matrix && declared != DataFrame
	case float64:
		fits = declared == Numeric || declared == Vector || declared == Integer && v == math.Trunc(v)
	case int:
		fits = declared == Numeric || declared == Vector || declared == Integer
	case bool:
		fits = declared == Logical || declared == Vector
	case string:
		fits = declared == Character || declared == Vector
	case json.RawMessage:
		if len(bytes.TrimSpace(v)) > 0 { // whether it is JSON at all shows when it is sent
			return mismatch(declared, v, v)
		}
		fits = true
	}
	if fits {
		return ""
	}
	raw, err := appendValue(nil, value)
	if err != nil {
		return "has no JSON form: " + err.Error()
	}
	return mismatch(declared, value, raw)
}

// mismatch says why a value does not have the declared type; empty if it does.
func mismatch(declared Type, value any, raw []byte) string {
	if shaped(declared, value) {
		return ""
	}
	raw = bytes.TrimSpace(raw)
	kind := kindOf(raw)
	must := func(what string) string { return fmt.Sprintf("must be %s, not %s", what, show(kind, raw)) }
	switch declared {
	case Numeric:
		if kind != aNumber && kind != null {
			return must("a number")
		}
	case Integer:
		var f float64
		if kind != null && (kind != aNumber || json.Unmarshal(raw, &f) != nil || f != math.Trunc(f)) {
			return must("a whole number")
		}
	case Logical:
		if kind != aBool && kind != null {
			return must("true or false")
		}
	case Character:
		if kind != aText && kind != null {
			return must("a text")
		}
	case Vector:
		if kind == anObject || kind == null {
			return must("a list")
		}
		if kind == aList {
			return describe(flat(raw))
		}
	case Matrix:
		if kind != aList {
			return must("a list of rows")
		}
		return describe(rectangular(raw))
	case DataFrame:
		switch kind {
		case anObject:
			return describe(columns(raw))
		case aList:
			return describe(rows(raw))
		}
		return must("an object of columns, or a list of rows")
	}
	return ""
}

// shaped tells whether a value is of a type that has the shape of the declared one.
func shaped(declared Type, value any) bool {
	switch value.(type) {
	case data.Vector, []float64:
		return declared == Vector
	case data.Matrix:
		return declared == Matrix
	case data.Frame, *data.Table:
		return declared == DataFrame
	}
	return false
}

func describe(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// The kinds of JSON values.
const (
	aNumber  = "a number"
	aText    = "a text"
	aBool    = "true or false"
	aList    = "a list"
	anObject = "an object"
	null     = "null"
)

func kindOf(raw []byte) string {
	switch raw[0] {
	case '{':
		return anObject
	case '[':
		return aList
	case '"':
		return aText
	case 't', 'f':
		return aBool
	case 'n':
		return null
	}
	return aNumber
}

// show is a value that is wrong, if it is short.
func show(kind string, raw []byte) string {
	const most = 40
	if len(raw) > most || kind == aList || kind == anObject {
		return kind
	}
	return string(raw)
}

// flat says why a list is no vector.
func flat(raw []byte) error {
	i := 0
	_, err := data.Elements(raw, func(value []byte) error {
		if k := kindOf(value); k == aList || k == anObject {
			return fmt.Errorf("must be a list of single values: value %d is %s", i, k)
		}
		i++
		return nil
	})
	return err
}

// rectangular says why a list is no matrix of numbers.
func rectangular(raw []byte) error {
	row, width := 0, 0
	_, err := data.Elements(raw, func(value []byte) error {
		if k := kindOf(value); k != aList {
			return fmt.Errorf("must be a list of rows: row %d is %s", row, k)
		}
		n := 0
		_, err := data.Elements(value, func(cell []byte) error {
			if k := kindOf(cell); k != aNumber && k != null {
				return fmt.Errorf("must have numbers only: row %d, column %d is %s", row, n, k)
			}
			n++
			return nil
		})
		if err != nil {
			return err
		}
		if row > 0 && n != width {
			return fmt.Errorf("is ragged: row 0 has %d values, row %d has %d", width, row, n)
		}
		row, width = row+1, n
		return nil
	})
	return err
}

// columns says why an object is no data frame.
func columns(raw []byte) error {
	first, length := "", -1
	_, err := data.Members(raw, func(name string, value []byte) error {
		if k := kindOf(value); k != aList {
			return fmt.Errorf("must have a list in each column: column %q is %s", name, k)
		}
		n := 0
		_, err := data.Elements(value, func(cell []byte) error {
			if k := kindOf(cell); k == aList || k == anObject {
				return fmt.Errorf("must have single values: column %q, row %d is %s", name, n, k)
			}
			n++
			return nil
		})
		if err != nil {
			return err
		}
		if length >= 0 && n != length {
			return fmt.Errorf("is ragged: column %q has %d values, column %q has %d", first, length, name, n)
		}
		if length < 0 {
			first, length = name, n
		}
		return nil
	})
	return err
}

// rows says why a list is no data frame.
func rows(raw []byte) error {
	row := 0
	_, err := data.Elements(raw, func(value []byte) error {
		if k := kindOf(value); k != anObject {
			return fmt.Errorf("must be an object of columns, or a list of rows that are objects: row %d is %s", row, k)
		}
		_, err := data.Members(value, func(name string, cell []byte) error {
			if k := kindOf(cell); k == aList || k == anObject {
				return fmt.Errorf("must have single values: row %d, column %q is %s", row, name, k)
			}
			return nil
		})
		row++
		return err
	})
	return err
}
