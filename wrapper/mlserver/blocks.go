package mlserver

import "bytes"

// blocks are memory for results that come one after the other: it is taken for some of them at a time. Who keeps one result keeps
// what was taken with it, a few kilobytes.
type blocks struct {
	names   []string // of outputs so far: those of all results are the same
	results []Result // and all below: what is left
	outputs Outputs
	bytes   []byte
}

// atOnce is for how many results memory is taken.
const atOnce = 32

func (b *blocks) result() *Result {
	if len(b.results) == 0 {
		b.results = make([]Result, atOnce)
	}
	r := &b.results[0]
	b.results = b.results[1:]
	return r
}

// room is for as many outputs as results have had so far.
func (b *blocks) room() Outputs {
	n := max(1, len(b.names))
	if len(b.outputs) < n {
		b.outputs = make(Outputs, n*atOnce)
	}
	room := b.outputs[:0:n]
	b.outputs = b.outputs[n:]
	return room
}

// keep is a value in memory that goes on to be good.
func (b *blocks) keep(value []byte) []byte {
	const size = 4 << 10
	if len(value) > size/8 {
		return bytes.Clone(value)
	}
	if len(value) > len(b.bytes) {
		b.bytes = make([]byte, size)
	}
	n := copy(b.bytes, value)
	value, b.bytes = b.bytes[:n:n], b.bytes[n:]
	return value
}

// name is a name as a string, of which there is one.
func (b *blocks) name(text []byte) string {
	const most = 64
	for _, n := range b.names {
		if n == string(text) {
			return n
		}
	}
	name := string(text)
	if len(b.names) < most {
		b.names = append(b.names, name)
	}
	return name
}
