package mlserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/mlserver-go/mls/wrapper/data"
)

// resultDecoder reads what services answer, and batches for each row: from front to back, once.
type resultDecoder struct {
	many  bool     // whether results come one after the other: they get memory for some at a time
	names []string // of outputs so far: those of all results are the same

	text                 *data.Reader
	result               *Result
	success, failed      bool // neither: not known yet
	message              string
	member, output, file func(name []byte) error // the methods below

	targets Targets  // of outputs that are not for the result
	small   Outputs  // of those, to be decoded
	large   []string // those that were
	stored  []func() // what stores them
	unfit   error    // what does not fit its target

	results []Result // to be used
	outputs Outputs
	bytes   []byte
}

// decode reads the next result. If the code failed it comes with a *CodeError.
func (d *resultDecoder) decode(text *data.Reader) (*Result, error) {
	if d.text = text; d.member == nil {
		d.member, d.output, d.file = d.readMember, d.readOutput, d.readFile
	}
	if len(d.results) == 0 {
		d.results = make([]Result, d.atOnce())
	}
	d.result, d.success, d.failed, d.message = &d.results[0], false, false, ""
	if err := text.Object(d.member); err != nil {
		*d.result = Result{} // for the next one
		return nil, notResult(err)
	}
	d.results = d.results[1:]
	return d.result.outcome(d.success, d.message)
}

// atOnce is for how many results memory is taken at a time.
func (d *resultDecoder) atOnce() int {
	if d.many {
		return 32
	}
	return 1
}

func (d *resultDecoder) readMember(name []byte) error {
	switch {
	case is(name, "success"):
		err := readJSON(d.text, &d.success)
		d.failed = !d.success
		return err
	case is(name, "errorMessage"):
		return readJSON(d.text, &d.message)
	case is(name, "consoleOutput"):
		return readJSON(d.text, &d.result.Console)
	case is(name, "changedFiles"):
		return readJSON(d.text, &d.result.Changed)
	case is(name, "outputParameters"):
		return members(d.text, d.output)
	case is(name, "outputFiles"):
		return members(d.text, d.file)
	}
	_, err := d.text.Value()
	return err
}

func (d *resultDecoder) readOutput(name []byte) error {
	output := d.name(name)
	if target, wanted := d.targets[output]; wanted && !d.failed {
		return d.readTarget(output, target)
	}
	value, err := d.text.Value()
	if err != nil {
		return err
	}
	if d.result.Outputs == nil {
		n := max(1, len(d.names))
		if len(d.outputs) < n {
			d.outputs = make(Outputs, n*d.atOnce())
		}
		d.result.Outputs, d.outputs = d.outputs[:0:n], d.outputs[n:]
	}
	d.result.Outputs.set(output, d.keep(value))
	return nil
}

// keep is a value in memory that goes on to be good.
func (d *resultDecoder) keep(value []byte) []byte {
	const block = 4 << 10
	switch {
	case !d.many && len(d.targets) == 0: // all of the text is kept
		return value
	case !d.many || len(value) > block/8:
		return bytes.Clone(value)
	case len(value) > len(d.bytes):
		d.bytes = make([]byte, block)
	}
	n := copy(d.bytes, value)
	value, d.bytes = d.bytes[:n:n], d.bytes[n:]
	return value
}

func (d *resultDecoder) readFile(text []byte) error {
	name := string(text)
	value, err := d.text.Value()
	if err != nil {
		return err
	}
	var file []byte
	if err := json.Unmarshal(value, &file); err != nil {
		return fmt.Errorf("file %q is not base64: %w", name, err)
	}
	if d.result.Files == nil {
		d.result.Files = map[string][]byte{}
	}
	d.result.Files[name] = file
	return nil
}

// name is a name as a string, of which there is one.
func (d *resultDecoder) name(text []byte) string {
	const most = 64
	for _, n := range d.names {
		if n == string(text) {
			return n
		}
	}
	name := string(text)
	if len(d.names) < most {
		d.names = append(d.names, name)
	}
	return name
}

func notResult(err error) error {
	return fmt.Errorf("the server answered something else than the result that belongs here: %w", err)
}

// is tells whether a name is the wanted one, whatever its case: servers of different versions differ in that.
func is(name []byte, want string) bool {
	return string(name) == want || len(name) == len(want) && strings.EqualFold(string(name), want)
}

// readJSON is json.Unmarshal of the next value, which has little to do for what most answers say.
func readJSON(text *data.Reader, dst any) error {
	value, err := text.Value()
	if err != nil {
		return err
	}
	switch dst := dst.(type) {
	case *bool:
		if *dst = string(value) == "true"; *dst || string(value) == "false" {
			return nil
		}
	case *string:
		if *dst = ""; string(value) == `""` {
			return nil
		}
	case *[]string:
		if string(value) == "[]" {
			*dst = []string{}
			return nil
		}
	}
	return json.Unmarshal(value, dst)
}

// members reads an object, or null, which has none.
func members(text *data.Reader, read func(name []byte) error) error {
	c, err := text.Peek()
	if err == nil && c == 'n' {
		var none *struct{}
		return readJSON(text, &none)
	}
	return text.Object(read)
}
