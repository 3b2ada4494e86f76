package mlserver

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/mlserver-go/mls/wrapper/data"
)

// Targets say where outputs are to be stored, by name. They are pointers, as Outputs.Decode takes them.
//
//	var frame data.Frame
//	result, err := service.ConsumeInto(ctx, inputs, mlserver.Targets{"frame": &frame})
type Targets map[string]any

// ahead is how much of a value is looked at before it is decided how to read it, in bytes. What ends within is decoded like all
// other outputs.
const ahead = 32 << 10

// readTarget reads an output that has a target.
func (d *resultDecoder) readTarget(name string, target any) error {
	if _, err := d.text.Peek(); err != nil {
		return err
	}
	if err := d.text.Ahead(ahead); err != nil {
		return err
	}
	read := reading(target)
	if read == nil || d.text.Complete() {
		value, err := d.text.Value()
		if err == nil {
			d.small.set(name, bytes.Clone(value))
		}
		return err
	}
	set, err := unboxed(d.text, read)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && d.text.Failed() == nil {
		d.unfit = fmt.Errorf("output %q: %w", name, err)
	}
	if err == nil {
		d.stored = append(d.stored, set)
		d.large = append(d.large, name)
	}
	return err
}

// reading is how to read a target from a stream, nil if there is no way: it returns what stores the value.
func reading(target any) func(*data.Reader) (store func(), err error) {
	switch target := target.(type) {
	case *data.Frame:
		return storing(target, (*data.Reader).Frame)
	case *data.Matrix:
		return storing(target, (*data.Reader).Matrix)
	case *data.Vector:
		return storing(target, (*data.Reader).Vector)
	}
	return nil
}

func storing[T any](target *T, read func(*data.Reader) (T, error)) func(*data.Reader) (func(), error) {
	return func(text *data.Reader) (func(), error) {
		v, err := read(text)
		return func() { *target = v }, err
	}
}

// unboxed reads a value, or one that is the only element of a list: which of them it is shows at its start.
func unboxed(text *data.Reader, read func(*data.Reader) (func(), error)) (store func(), err error) {
	start := text.Window()
	if start[0] != '[' || fits(start, read) || !fits(start[1:], read) {
		return read(text)
	}
	err = text.List(func(i int) error {
		if i > 0 {
			return errors.New("it is a list")
		}
		var err error
		store, err = read(text)
		return err
	})
	return store, err
}

// fits tells whether a text that goes on can be read so far.
func fits(start []byte, read func(*data.Reader) (func(), error)) bool {
	_, err := read(data.NewReader(io.MultiReader(bytes.NewReader(start), endless{})))
	return err == nil || errors.Is(err, errGoesOn)
}

var errGoesOn = errors.New("the text goes on")

type endless struct{}

func (endless) Read([]byte) (int, error) { return 0, errGoesOn }

// settle stores all outputs that have targets.
func (d *resultDecoder) settle() error {
	for _, name := range slices.Sorted(maps.Keys(d.targets)) {
		if slices.Contains(d.large, name) {
			continue
		}
		if d.small.JSON(name) == nil {
			return fmt.Errorf("no output %q: have %q", name, d.names)
		}
		if err := d.small.Decode(name, d.targets[name]); err != nil {
			return err
		}
	}
	for _, store := range d.stored {
		store()
	}
	return nil
}
