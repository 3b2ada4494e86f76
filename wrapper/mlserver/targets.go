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

// targeting reads outputs that have targets. They are stored when all of the answer was read.
type targeting struct {
	targets Targets
	names   []string // of all outputs
	small   Outputs  // to be decoded
	large   []string // those that were
	stores  []func() // what stores them
	unfit   error    // what does not fit its target
}

// want tells whether an output has a target.
func (t *targeting) want(name string) bool {
	t.names = append(t.names, name)
	_, wanted := t.targets[name]
	return wanted
}

// read reads an output that has a target.
func (t *targeting) read(name string, text *data.Reader) error {
	if _, err := text.Peek(); err != nil {
		return err
	}
	if err := text.Ahead(ahead); err != nil {
		return err
	}
	read := reading(t.targets[name])
	if read == nil || text.Complete() {
		value, err := text.Value()
		if err == nil {
			t.small.set(name, bytes.Clone(value))
		}
		return err
	}
	store, err := unboxed(text, read)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && text.Failed() == nil {
		t.unfit = fmt.Errorf("output %q: %w", name, err)
	}
	if err == nil {
		t.large, t.stores = append(t.large, name), append(t.stores, store)
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

// store stores all outputs that have targets.
func (t *targeting) store() error {
	for _, name := range slices.Sorted(maps.Keys(t.targets)) {
		if slices.Contains(t.large, name) {
			continue
		}
		if t.small.JSON(name) == nil {
			return fmt.Errorf("no output %q: have %q", name, t.names)
		}
		if err := t.small.Decode(name, t.targets[name]); err != nil {
			return err
		}
	}
	for _, store := range t.stores {
		store()
	}
	return nil
}
