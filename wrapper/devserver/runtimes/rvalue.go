package runtimes

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// R values cross the pipe in R's own serialization format (version 2, XDR), not as JSON: doubles stay exact, R needs no
// package for it, and 100 000 numbers take a millisecond where R code that reads JSON takes a tenth of a second. The
// format is described in the manual "R Internals", section "Serialization Formats".

// rkind is the SEXPTYPE of an R value.
type rkind byte

const (
	rSymbol   rkind = 1
	rPairlist rkind = 2
	rChar     rkind = 9
	rLogical  rkind = 10
	rInteger  rkind = 13
	rDouble   rkind = 14
	rString   rkind = 16
	rList     rkind = 19
	rRaw      rkind = 24
	rNull     rkind = 254
	rRef      rkind = 255

	flagObject = 1 << 8
	flagAttr   = 1 << 9
	flagTag    = 1 << 10
	charUTF8   = 1 << 15
	charASCII  = 1 << 18
)

const naInt = math.MinInt32 // NA of R's integers and logicals

// naReal is the NaN that R prints as NA.
var naReal = math.Float64frombits(0x7FF00000000007A2)

// rvalue is an R value as far as it has a form in JSON.
type rvalue struct {
	kind  rkind
	num   []float64 // rDouble
	ints  []int32   // rInteger, rLogical
	str   []rstring // rString
	raw   []byte    // rRaw
	list  []*rvalue // rList
	names []string
	dim   []int // of a matrix: rows, columns
	frame bool  // a data.frame: a list of columns
}

type rstring struct {
	s  string
	na bool
}

func rStrings(ss ...string) *rvalue {
	v := &rvalue{kind: rString, str: make([]rstring, len(ss))}
	for i, s := range ss {
		v.str[i].s = s
	}
	return v
}

func rBool(b bool) *rvalue {
	v := &rvalue{kind: rLogical, ints: []int32{0}}
	if b {
		v.ints[0] = 1
	}
	return v
}

func (v *rvalue) length() int {
	switch v.kind {
	case rDouble:
		return len(v.num)
	case rInteger, rLogical:
		return len(v.ints)
	case rString:
		return len(v.str)
	case rRaw:
		return len(v.raw)
	case rList:
		return len(v.list)
	}
	return 0
}

func (v *rvalue) field(name string) *rvalue {
	for i, n := range v.names {
		if n == name && i < len(v.list) {
			return v.list[i]
		}
	}
	return &rvalue{kind: rNull}
}

// text returns the string of a field that holds one.
func (v *rvalue) text(name string) string {
	if f := v.field(name); len(f.str) == 1 {
		return f.str[0].s
	}
	return ""
}

// texts returns the strings of a field.
func (v *rvalue) texts(name string) []string {
	f := v.field(name)
	ss := make([]string, len(f.str))
	for i, s := range f.str {
		ss[i] = s.s
	}
	return ss
}

// serialize writes what R's unserialize reads.
func (v *rvalue) serialize() []byte {
	b := append(make([]byte, 0, 512), "X\n"...)
	for _, n := range []uint32{2, 3<<16 | 5<<8, 2<<16 | 3<<8} { // format 2, written as by R 3.5.0, readable from R 2.3.0 on
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return v.append(b)
}

func (v *rvalue) append(b []byte) []byte {
	if v == nil || v.kind == rNull {
		return binary.BigEndian.AppendUint32(b, uint32(rNull))
	}
	flags := uint32(v.kind)
	if v.frame {
		flags |= flagObject
	}
	attrs := v.names != nil || v.dim != nil || v.frame
	if attrs {
		flags |= flagAttr
	}
	b = binary.BigEndian.AppendUint32(b, flags)
	b = binary.BigEndian.AppendUint32(b, uint32(v.length()))
	switch v.kind {
	case rDouble:
		for _, x := range v.num {
			b = binary.BigEndian.AppendUint64(b, math.Float64bits(x))
		}
	case rInteger, rLogical:
		for _, x := range v.ints {
			b = binary.BigEndian.AppendUint32(b, uint32(x))
		}
	case rString:
		for _, s := range v.str {
			b = s.append(b)
		}
	case rRaw:
		b = append(b, v.raw...)
	case rList:
		for _, e := range v.list {
			b = e.append(b)
		}
	}
	if !attrs {
		return b
	}
	if v.names != nil {
		b = appendAttr(b, "names", rStrings(v.names...))
	}
	if v.dim != nil {
		d := &rvalue{kind: rInteger}
		for _, n := range v.dim {
			d.ints = append(d.ints, int32(n))
		}
		b = appendAttr(b, "dim", d)
	}
	if v.frame {
		b = appendAttr(b, "class", rStrings("data.frame"))
		rows := v.rows()
		names := &rvalue{kind: rInteger}
		if rows > 0 {
			names.ints = []int32{naInt, int32(-rows)} // the compact form of 1..rows
		}
		b = appendAttr(b, "row.names", names)
	}
	return binary.BigEndian.AppendUint32(b, uint32(rNull))
}

func appendAttr(b []byte, name string, v *rvalue) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(rPairlist)|flagTag)
	b = binary.BigEndian.AppendUint32(b, uint32(rSymbol))
	b = rstring{s: name}.append(b)
	return v.append(b)
}

func (s rstring) append(b []byte) []byte {
	if s.na {
		b = binary.BigEndian.AppendUint32(b, uint32(rChar))
		return binary.BigEndian.AppendUint32(b, math.MaxUint32)
	}
	flags := uint32(rChar) | charASCII
	for i := range len(s.s) {
		if s.s[i] >= utf8.RuneSelf {
			flags = uint32(rChar) | charUTF8
			break
		}
	}
	b = binary.BigEndian.AppendUint32(b, flags)
	b = binary.BigEndian.AppendUint32(b, uint32(len(s.s)))
	return append(b, s.s...)
}

// unserialize reads what R's serialize(x, NULL, version = 2) wrote, for the kinds of values that the harness sends.
func unserialize(b []byte) (v *rvalue, err error) {
	r := &rreader{b: b}
	if h := r.bytes(14); r.err != nil || string(h[:2]) != "X\n" || binary.BigEndian.Uint32(h[2:]) != 2 {
		return nil, errors.New("not an R value in format 2")
	}
	v = r.value()
	return v, r.err
}

// rreader reads; after the first error it reads zeros.
type rreader struct {
	b       []byte
	symbols []string
	depth   int
	err     error
}

// maxDepth is how deep lists may be in lists. R itself gives up earlier; what user code writes by hand must not use up the stack.
const maxDepth = 5000

func (r *rreader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
		r.b = nil
	}
}

func (r *rreader) bytes(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.fail("an R value ends too early")
		return make([]byte, max(0, min(n, 16)))
	}
	p := r.b[:n]
	r.b = r.b[n:]
	return p
}

func (r *rreader) int() int { return int(int32(binary.BigEndian.Uint32(r.bytes(4)))) }

// length reads the number of elements, each of which takes at least size bytes.
func (r *rreader) length(size int) int {
	n := r.int()
	if n < 0 || n > len(r.b)/size {
		r.fail("an R value of length %d does not fit its frame", n)
		return 0
	}
	return n
}

func (r *rreader) value() *rvalue {
	if r.depth++; r.depth > maxDepth {
		r.fail("an R value is nested too deeply")
	}
	defer func() { r.depth-- }()
	flags := r.int()
	v := &rvalue{kind: rkind(flags)}
	switch v.kind {
	case rNull, 0:
		v.kind = rNull
		return v
	case rDouble:
		v.num = make([]float64, r.length(8))
		for i := range v.num {
			v.num[i] = math.Float64frombits(binary.BigEndian.Uint64(r.bytes(8)))
		}
	case rInteger, rLogical:
		v.ints = make([]int32, r.length(4))
		for i := range v.ints {
			v.ints[i] = int32(r.int())
		}
	case rString:
		v.str = make([]rstring, r.length(8))
		for i := range v.str {
			v.str[i] = r.char()
		}
	case rRaw:
		v.raw = r.bytes(r.length(1))
	case rList:
		v.list = make([]*rvalue, r.length(4))
		for i := range v.list {
			if r.err != nil {
				return v
			}
			v.list[i] = r.value()
		}
	default:
		r.fail("an R value of type %d is not expected", v.kind)
		return v
	}
	if flags&flagAttr != 0 {
		r.attributes(v)
	}
	return v
}

func (r *rreader) char() rstring {
	if f := r.int(); r.err == nil && rkind(f) != rChar {
		r.fail("expected a string, found an R value of type %d", rkind(f))
	}
	n := r.int()
	if n == -1 {
		return rstring{na: true}
	}
	return rstring{s: string(r.bytes(n))}
}

func (r *rreader) attributes(v *rvalue) {
	for {
		flags := r.int()
		if r.err != nil || rkind(flags) == rNull {
			return
		}
		if rkind(flags) != rPairlist || flags&flagTag == 0 {
			r.fail("attributes of an R value are not a tagged list")
			return
		}
		name, a := r.symbol(), r.value()
		switch name {
		case "names":
			v.names = make([]string, len(a.str))
			for i, s := range a.str {
				v.names[i] = s.s
			}
		case "dim":
			for _, n := range a.ints {
				v.dim = append(v.dim, int(n))
			}
		case "class":
			for _, s := range a.str {
				v.frame = v.frame || s.s == "data.frame"
			}
		}
	}
}

// symbol reads a symbol: its name the first time, later a reference to it.
func (r *rreader) symbol() string {
	flags := r.int()
	switch rkind(flags) {
	case rSymbol:
		s := r.char().s
		r.symbols = append(r.symbols, s)
		return s
	case rRef:
		i := flags >> 8
		if i == 0 {
			i = r.int()
		}
		if i >= 1 && i <= len(r.symbols) {
			return r.symbols[i-1]
		}
	}
	r.fail("a malformed symbol in an R value")
	return ""
}
