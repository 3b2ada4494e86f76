package runtimes

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// rInput turns a checked JSON value into the R value of the declared type.
func rInput(typ string, v any) *rvalue {
	switch typ {
	case "integer":
		if n, ok := v.(json.Number); ok {
			f, _ := n.Float64()
			return &rvalue{kind: rInteger, ints: []int32{int32(f)}}
		}
		return &rvalue{kind: rInteger, ints: []int32{naInt}}
	case "numeric":
		return rAtomic([]any{v}, rDouble)
	case "logical":
		return rAtomic([]any{v}, rLogical)
	case "character":
		return rAtomic([]any{v}, rString)
	case "vector":
		return rAtomic(v.([]any), 0)
	case "matrix":
		return rMatrix(v.([]any))
	case "data.frame":
		return rFrame(v.(*object))
	}
	return rUntyped(v)
}

// rUntyped maps a JSON value by its shape alone: arrays of scalars are vectors, arrays of equally long such arrays are
// matrices, objects of equally long arrays and arrays of flat objects are data frames, everything else is a list.
func rUntyped(v any) *rvalue {
	switch x := v.(type) {
	case nil:
		return &rvalue{kind: rNull}
	case []any:
		if len(x) == 0 {
			return &rvalue{kind: rList}
		}
		if !containsNested(x) {
			return rAtomic(x, 0)
		}
		if ragged(x) == "" && len(x[0].([]any)) > 0 {
			return rMatrix(x)
		}
		if f, bad := rowsToColumns(x); bad == "" && len(f.keys) > 0 {
			return rFrame(f)
		}
		l := &rvalue{kind: rList}
		for _, e := range x {
			l.list = append(l.list, rUntyped(e))
		}
		return l
	case *object:
		if isFrame(x) {
			return rFrame(x)
		}
		l := &rvalue{kind: rList}
		if len(x.keys) > 0 {
			l.names = x.keys
		}
		for _, e := range x.values {
			l.list = append(l.list, rUntyped(e))
		}
		return l
	}
	return rAtomic([]any{v}, 0)
}

func containsNested(a []any) bool {
	for _, e := range a {
		if notScalar(e) {
			return true
		}
	}
	return false
}

// isFrame: all fields are arrays of scalars, equally long and not empty.
func isFrame(o *object) bool {
	n := 0
	for _, v := range o.values {
		a, ok := v.([]any)
		if !ok || len(a) == 0 || n > 0 && len(a) != n || containsNested(a) {
			return false
		}
		n = len(a)
	}
	return n > 0
}

func rFrame(o *object) *rvalue {
	f := &rvalue{kind: rList, frame: true, names: o.keys}
	if f.names == nil {
		f.names = []string{}
	}
	for _, c := range o.values {
		f.list = append(f.list, rAtomic(c.([]any), 0))
	}
	return f
}

func rMatrix(rows []any) *rvalue {
	width := 0
	if len(rows) > 0 {
		width = len(rows[0].([]any))
	}
	flat := make([]any, 0, len(rows)*width) // R keeps matrices by columns
	for c := range width {
		for _, r := range rows {
			flat = append(flat, r.([]any)[c])
		}
	}
	v := rAtomic(flat, 0)
	v.dim = []int{len(rows), width}
	return v
}

// rAtomic makes a vector of scalars. Without a kind it takes the one that R's c() would: logical, then double, then
// character. null is NA. Numbers are doubles even when they look like integers: R's integers overflow.
func rAtomic(a []any, kind rkind) *rvalue {
	if kind == 0 {
		kind = rLogical
		for _, e := range a {
			switch e.(type) {
			case json.Number:
				if kind == rLogical {
					kind = rDouble
				}
			case string:
				kind = rString
			}
		}
	}
	v := &rvalue{kind: kind}
	switch kind {
	case rLogical:
		v.ints = make([]int32, len(a))
		for i, e := range a {
			switch e {
			case nil:
				v.ints[i] = naInt
			case true:
				v.ints[i] = 1
			}
		}
	case rDouble:
		v.num = make([]float64, len(a))
		for i, e := range a {
			v.num[i] = rNumber(e)
		}
	case rString:
		v.str = make([]rstring, len(a))
		for i, e := range a {
			switch x := e.(type) {
			case nil:
				v.str[i].na = true
			case bool:
				v.str[i].s = strings.ToUpper(strconv.FormatBool(x))
			default:
				v.str[i].s = fmt.Sprint(x)
			}
		}
	}
	return v
}

func rNumber(e any) float64 {
	switch x := e.(type) {
	case json.Number:
		f, _ := x.Float64() // out of range is an infinity, as in R
		return f
	case bool:
		if x {
			return 1
		}
		return 0
	}
	return naReal
}

// hasNUL finds a string that R cannot hold.
func (v *rvalue) hasNUL() bool {
	for _, s := range v.str {
		if strings.IndexByte(s.s, 0) >= 0 {
			return true
		}
	}
	for _, n := range v.names {
		if strings.IndexByte(n, 0) >= 0 {
			return true
		}
	}
	for _, e := range v.list {
		if e.hasNUL() {
			return true
		}
	}
	return false
}

// dropNUL makes strings such as R can hold.
func (v *rvalue) dropNUL() {
	for i, s := range v.str {
		v.str[i].s = strings.ReplaceAll(s.s, "\x00", "")
	}
	for i, n := range v.names {
		v.names[i] = strings.ReplaceAll(n, "\x00", "")
	}
	for _, e := range v.list {
		e.dropNUL()
	}
}

// isInteger reports whether R's integer type can hold x.
func isInteger(x float64) bool { return x == math.Trunc(x) && math.Abs(x) <= math.MaxInt32 }
