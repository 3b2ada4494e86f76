package runtimes

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// rOutput turns an R value into the JSON of the declared type; without one it follows the value's shape, vectors of
// length 1 being scalars unless boxed.
func rOutput(v *rvalue, typ string, boxed bool) (json.RawMessage, error) {
	bad := func() error { return fmt.Errorf("declared %s, got %s", typ, v.describe()) }
	switch typ {
	case "":
		return v.appendJSON(nil, boxed), nil
	case "numeric", "integer", "logical", "character":
		if v.length() != 1 || v.kind == rList || v.kind == rRaw {
			return nil, bad()
		}
		b, ok := v.appendScalar(typ)
		if !ok {
			return nil, bad()
		}
		return b, nil
	case "vector":
		if v.frame || v.kind == rNull || v.kind == rRaw {
			return nil, bad()
		}
		flat := *v
		flat.dim, flat.names = nil, nil
		return flat.appendJSON(nil, flat.kind != rList), nil
	case "matrix":
		m := v.matrix()
		if m == nil {
			return nil, bad()
		}
		return m.appendJSON(nil, true), nil
	case "data.frame":
		f := v.dataFrame()
		if f == nil {
			return nil, bad()
		}
		return f.appendJSON(nil, true), nil
	}
	return nil, fmt.Errorf("unknown type %q (known: logical, numeric, integer, character, vector, matrix, data.frame)", typ)
}

// appendScalar coerces the only element as R's as.numeric, as.integer and so on would, but refuses what would lose
// something.
func (v *rvalue) appendScalar(typ string) ([]byte, bool) {
	if v.isNA(0) {
		return []byte("null"), true
	}
	switch {
	case typ == "character" && v.kind == rString:
		return v.appendElement(nil, 0), true
	case typ == "character":
		s := string(v.appendElement(nil, 0))
		if v.kind == rLogical {
			s = map[bool]string{true: "TRUE", false: "FALSE"}[v.ints[0] != 0]
		}
		return appendString(nil, s), true
	case v.kind == rString:
		return nil, false
	case typ == "logical":
		return v.appendElement(nil, 0), v.kind == rLogical
	case v.kind == rLogical:
		return strconv.AppendInt(nil, int64(v.ints[0]), 10), true
	case typ == "integer" && v.kind == rDouble && !isInteger(v.num[0]):
		return nil, false
	}
	return v.appendElement(nil, 0), true
}

// matrix returns v as a matrix: a vector is one column, a data frame needs columns of one kind. nil if it is none.
func (v *rvalue) matrix() *rvalue {
	switch {
	case len(v.dim) == 2:
		return v
	case v.frame:
		m := &rvalue{kind: rList, dim: []int{v.rows(), len(v.list)}}
		for _, c := range v.list {
			if c.kind != v.list[0].kind || c.kind == rList {
				return nil
			}
			for i := range c.length() {
				m.list = append(m.list, c.element(i))
			}
		}
		return m
	case v.kind == rList || v.kind == rNull || v.kind == rRaw:
		return nil
	}
	m := *v
	m.dim = []int{v.length(), 1}
	return &m
}

// dataFrame returns v as a data frame: from a matrix with columns V1, V2, ..., from a named list of equally long vectors.
func (v *rvalue) dataFrame() *rvalue {
	switch {
	case v.frame:
		return v
	case len(v.dim) == 2:
		f := &rvalue{kind: rList, frame: true}
		for c := range v.dim[1] {
			col := &rvalue{kind: rList}
			for r := range v.dim[0] {
				col.list = append(col.list, v.element(c*v.dim[0]+r))
			}
			f.list, f.names = append(f.list, col), append(f.names, fmt.Sprintf("V%d", c+1))
		}
		return f
	case v.kind == rList && len(v.names) == len(v.list) && len(v.list) > 0:
		for _, c := range v.list {
			if c.kind == rList || c.kind == rNull || c.length() != v.list[0].length() {
				return nil
			}
		}
		f := *v
		f.frame = true
		return &f
	}
	return nil
}

func (v *rvalue) rows() int {
	if len(v.list) == 0 {
		return 0
	}
	return v.list[0].length()
}

// element returns one element as a vector of length 1.
func (v *rvalue) element(i int) *rvalue {
	e := &rvalue{kind: v.kind}
	switch v.kind {
	case rDouble:
		e.num = v.num[i : i+1]
	case rInteger, rLogical:
		e.ints = v.ints[i : i+1]
	case rString:
		e.str = v.str[i : i+1]
	case rList:
		return v.list[i]
	}
	return e
}

func (v *rvalue) isNA(i int) bool {
	switch v.kind {
	case rDouble:
		return math.IsNaN(v.num[i]) || math.IsInf(v.num[i], 0)
	case rInteger, rLogical:
		return v.ints[i] == naInt
	case rString:
		return v.str[i].na
	}
	return false
}

func (v *rvalue) describe() string {
	kind := map[rkind]string{rLogical: "a logical", rInteger: "an integer", rDouble: "a numeric", rString: "a character", rRaw: "a raw"}[v.kind]
	switch {
	case v.kind == rNull:
		return "NULL"
	case v.frame:
		return fmt.Sprintf("a data.frame of %d rows and %d columns", v.rows(), len(v.list))
	case len(v.dim) == 2 && v.kind != rList:
		return fmt.Sprintf("%s matrix of %d rows and %d columns", kind, v.dim[0], v.dim[1])
	case v.kind == rList:
		return fmt.Sprintf("a list of length %d", v.length())
	case v.length() == 1 && v.kind != rRaw:
		return fmt.Sprintf("%s value, %s", kind, v.appendElement(nil, 0))
	}
	return fmt.Sprintf("%s vector of length %d", kind, v.length())
}

// appendJSON follows the value's shape. NA, NaN and infinities have no JSON and become null.
func (v *rvalue) appendJSON(b []byte, boxed bool) []byte {
	switch {
	case v.kind == rNull:
		return append(b, "null"...)
	case v.frame:
		return v.appendFields(b, (*rvalue).appendColumn)
	case len(v.dim) == 2:
		return v.appendRows(b)
	case v.kind == rRaw:
		return append(base64.StdEncoding.AppendEncode(append(b, '"'), v.raw), '"')
	case v.kind == rList && v.names != nil:
		return v.appendFields(b, func(e *rvalue, b []byte) []byte { return e.appendJSON(b, boxed) })
	case v.kind == rList:
		b = append(b, '[')
		for i, e := range v.list {
			if i > 0 {
				b = append(b, ',')
			}
			b = e.appendJSON(b, boxed)
		}
		return append(b, ']')
	case v.length() == 1 && !boxed:
		return v.appendElement(b, 0)
	}
	return v.appendColumn(b)
}

// appendColumn writes an array whatever the length.
func (v *rvalue) appendColumn(b []byte) []byte {
	if v.kind == rList || v.kind == rNull || v.kind == rRaw || len(v.dim) == 2 {
		return v.appendJSON(b, false)
	}
	b = append(b, '[')
	for i := range v.length() {
		if i > 0 {
			b = append(b, ',')
		}
		b = v.appendElement(b, i)
	}
	return append(b, ']')
}

func (v *rvalue) appendFields(b []byte, field func(*rvalue, []byte) []byte) []byte {
	b = append(b, '{')
	for i, e := range v.list {
		if i > 0 {
			b = append(b, ',')
		}
		name := strconv.Itoa(i + 1) // a partly named list
		if i < len(v.names) && v.names[i] != "" {
			name = v.names[i]
		}
		b = append(appendString(b, name), ':')
		b = field(e, b)
	}
	return append(b, '}')
}

func (v *rvalue) appendRows(b []byte) []byte {
	b = append(b, '[')
	for r := range v.dim[0] {
		if r > 0 {
			b = append(b, ',')
		}
		b = append(b, '[')
		for c := range v.dim[1] {
			if c > 0 {
				b = append(b, ',')
			}
			b = v.appendElement(b, c*v.dim[0]+r)
		}
		b = append(b, ']')
	}
	return append(b, ']')
}

func (v *rvalue) appendElement(b []byte, i int) []byte {
	if v.isNA(i) {
		return append(b, "null"...)
	}
	switch v.kind {
	case rDouble:
		return appendNumber(b, v.num[i])
	case rInteger:
		return strconv.AppendInt(b, int64(v.ints[i]), 10)
	case rLogical:
		return strconv.AppendBool(b, v.ints[i] != 0)
	case rString:
		return appendString(b, v.str[i].s)
	case rList:
		return v.list[i].appendJSON(b, false)
	}
	return append(b, "null"...)
}

// appendNumber writes the shortest digits that give the same double again.
func appendNumber(b []byte, x float64) []byte {
	format := byte('f')
	if a := math.Abs(x); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(b, x, format, -1, 64)
}

// appendString writes a JSON string; unlike json.Marshal it leaves <, > and & alone.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, '\\', 'n')
		case r < ' ' || r == 0x7f:
			b = fmt.Appendf(b, "\\u%04x", r)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
