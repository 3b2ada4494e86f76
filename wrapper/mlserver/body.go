package mlserver

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/mlserver-go/mls/wrapper/data"
)

// body is the JSON of inputs that is sent: a text, and large values within it that are made JSON on the way, as often as the body is
// read. How long that will be is found out before, for half of what it takes to make it. So servers can refuse what is too long for
// them before it is sent, proxies that want to know a length let it through, and a value that has no JSON form is found before
// anything is sent.
type body struct {
	text  []byte
	large []largeValue // in their order

	mu    sync.Mutex
	ended bool
}

// largeValue is a value that is not in the text of a body.
type largeValue struct {
	name string
	at   int // in the text
	size int

	raw   json.RawMessage // JSON that is there already; else
	cells cells
	n     int // of them
}

// cells is a value that can be made JSON a part at a time: a data.Vector, data.Matrix or data.Frame.
type cells interface {
	Cells() int
	CellsSize(from, to int) (int, error)
	AppendCells(b []byte, from, to int) ([]byte, error)
}

const (
	manyCells   = 1 << 17  // is from how many on a value is large: some megabytes of JSON
	largeRaw    = 1 << 20  // is from how many bytes on JSON is large
	cellsAtOnce = 32 << 10 // is how many become JSON at a time: half a millisecond of work for each of two processors
	cellText    = 20       // is how long that is for one, about
)

// largeOf gives a value as one, if it is large. It must have JSON.
func largeOf(value any) (v largeValue, ok bool, err error) {
	switch value := value.(type) {
	case json.RawMessage:
		if len(value) < largeRaw {
			return v, false, nil
		}
		if !json.Valid(value) {
			return v, false, errNotJSON
		}
		v.raw, v.size = value, len(value)
		return v, true, nil
	case cells:
		v.cells = value
	case []float64:
		if len(value) < manyCells || slices.ContainsFunc(value, notFinite) {
			return v, false, nil
		}
		v.cells = data.Floats(value...)
	default:
		return v, false, nil
	}
	if v.n = v.cells.Cells(); v.n < manyCells {
		return v, false, nil
	}
	v.size, err = sizeOf(v.cells)
	return v, err == nil, err
}

// sizeOf is how long the JSON of v is, in bytes, found out by two goroutines. The first cell goes ahead: with it v is checked.
func sizeOf(v cells) (int, error) {
	first, err := v.CellsSize(0, 1)
	if err != nil {
		return 0, err
	}
	n := v.Cells()
	second := make(chan error, 1)
	var rest int
	go func() {
		var err error
		rest, err = v.CellsSize(n/2, n)
		second <- err
	}()
	size, err := v.CellsSize(1, n/2)
	err = cmp.Or(err, <-second)
	return first + size + rest, err
}

// size is how long the body is, in bytes.
func (b *body) size() int {
	size := len(b.text)
	for _, v := range b.large {
		size += v.size
	}
	return size
}

// end makes sure that nobody looks at the values any more: net/http goes on sending them after an answer that came early.
func (b *body) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
}

// bodyReader reads a body once. It is a transport.Repeatable.
type bodyReader struct {
	body   *body
	unread []byte
	then   []byte     // what is unread after that
	text   int        // what comes next: where in the text,
	value  int        // which large value,
	cell   int        // and which of its cells
	rooms  [2][]byte  // for the JSON of two halves
	other  chan error // what the goroutine of the second one says
}

// Size is how much there is to read, in bytes.
func (r *bodyReader) Size() int64 { return int64(r.body.size()) }

// Again reads the body from its start.
func (r *bodyReader) Again() io.ReadCloser { return io.NopCloser(&bodyReader{body: r.body}) }

func (r *bodyReader) Read(p []byte) (int, error) {
	r.body.mu.Lock()
	defer r.body.mu.Unlock()
	if r.body.ended {
		return 0, errors.New("the call is over")
	}
	for len(r.unread) == 0 {
		if err := r.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.unread)
	if r.unread = r.unread[n:]; len(r.unread) == 0 {
		r.unread, r.then = r.then, nil
	}
	return n, nil
}

// next makes what comes next the unread part.
func (r *bodyReader) next() error {
	end := len(r.body.text)
	if r.value < len(r.body.large) {
		end = r.body.large[r.value].at
	}
	if r.text < end {
		r.unread, r.text = r.body.text[r.text:end], end
		return nil
	}
	if r.value == len(r.body.large) {
		return io.EOF
	}
	v := &r.body.large[r.value]
	if v.raw != nil {
		r.unread = v.raw
		r.value++
		return nil
	}
	if err := r.encode(v, r.cell, min(r.cell+cellsAtOnce, v.n)); err != nil {
		return fmt.Errorf("input %q has no JSON form: %w", v.name, err) // now: it was changed
	}
	if r.cell == v.n {
		r.value, r.cell = r.value+1, 0
	}
	return nil
}

// encode makes the JSON of cells the unread part, half of it in another goroutine.
func (r *bodyReader) encode(v *largeValue, from, to int) error {
	if r.other == nil {
		r.other = make(chan error, 1)
		for i := range r.rooms {
			r.rooms[i] = make([]byte, 0, cellsAtOnce*cellText)
		}
	}
	middle := from + (to-from)/2
	go func() {
		var err error
		r.rooms[1], err = v.cells.AppendCells(r.rooms[1][:0], middle, to)
		r.other <- err
	}()
	var err error
	r.rooms[0], err = v.cells.AppendCells(r.rooms[0][:0], from, middle)
	err = cmp.Or(err, <-r.other)
	r.unread, r.then, r.cell = r.rooms[0], r.rooms[1], to
	return err
}
