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
	blocks  *blocks    // memory of many results; nil: there is one
	targets *targeting // outputs that are not for the result; nil: all are

	text            *data.Reader
	result          *Result
	success, failed bool // neither: not known yet
	message         string
}

// decode reads the next result. If the code failed it comes with a *CodeError.
func (d *resultDecoder) decode(text *data.Reader) (*Result, error) {
	d.text, d.success, d.failed, d.message = text, false, false, ""
	if d.blocks == nil {
		d.result = &Result{}
	} else {
		d.result = d.blocks.result()
	}
	if err := text.Object(d.readMember); err != nil {
		return nil, notResult(err)
	}
	return d.result.outcome(d.success, d.message)
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
		return members(d.text, d.readOutput)
	case is(name, "outputFiles"):
		return members(d.text, d.readFile)
	}
	_, err := d.text.Value()
	return err
}

func (d *resultDecoder) readOutput(text []byte) error {
	var name string
	if d.blocks == nil {
		name = string(text)
	} else {
		name = d.blocks.name(text)
	}
	if d.targets != nil && !d.failed && d.targets.want(name) {
		return d.targets.read(name, d.text)
	}
	value, err := d.text.Value()
	if err != nil {
		return err
	}
	switch {
	case d.blocks == nil && d.targets == nil: // all of the text is kept
	case d.blocks == nil:
		value = bytes.Clone(value)
	default:
		value = d.blocks.keep(value)
		if d.result.Outputs == nil {
			d.result.Outputs = d.blocks.room()
		}
	}
	d.result.Outputs.set(name, value)
	return nil
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
