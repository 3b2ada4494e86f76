package data

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"unsafe"
)

// FrameOf makes a frame of a slice of structs: a column for each exported field, called as encoding/json would. Fields are
// float64, float32, int and the sized integers up to int64 and uint32, bool and string, types made of them, and pointers to
// them, of which nil is NA.
//
//	type car struct {
//		HP   int     `json:"hp"`
//		Wt   float64 `json:"wt"`
//		Name *string `json:"name"`
//	}
//	frame, err := data.FrameOf(cars)
func FrameOf[T any](rows []T) (Frame, error) {
	fields, size, err := fieldsOf[T]()
	if err != nil {
		return nil, err
	}
	frame := make(Frame, len(fields))
	for i, f := range fields {
		c := cells{unsafe.Pointer(unsafe.SliceData(rows)), size, f.offset, len(rows), f.pointer}
		frame[i] = Column{f.name, c.vector(f.kind)}
	}
	return frame, nil
}

// RowsOf makes a struct of each row of a frame, as FrameOf has them. Columns without a field are left out; a field without a
// column is an error, unless it is a pointer. So are NA where the field is neither a pointer nor floating-point, and numbers
// that the field cannot hold.
func RowsOf[T any](frame Frame) ([]T, error) {
	fields, size, err := fieldsOf[T]()
	if err != nil {
		return nil, err
	}
	if err := frame.check(); err != nil {
		return nil, err
	}
	rows := make([]T, frame.Rows())
	var errs []error
	for _, f := range fields {
		column, ok := frame.Column(f.name)
		if !ok {
			fold := slices.IndexFunc(frame, func(c Column) bool { return strings.EqualFold(c.Name, f.name) })
			if fold < 0 {
				if !f.pointer {
					errs = append(errs, fmt.Errorf("there is no column %q", f.name))
				}
				continue
			}
			column = frame[fold].Values
		}
		c := cells{unsafe.Pointer(unsafe.SliceData(rows)), size, f.offset, len(rows), f.pointer}
		if err := c.set(f.kind, column); err != nil {
			errs = append(errs, fmt.Errorf("column %q: %w", f.name, err))
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return rows, nil
}

// DecodeRows reads the JSON of a data frame, an object of columns or a list of rows, into a struct for each row: see RowsOf.
func DecodeRows[T any](json []byte) ([]T, error) {
	var frame Frame
	if err := frame.UnmarshalJSON(json); err != nil {
		return nil, err
	}
	return RowsOf[T](frame)
}

// field is where a column's values are in a struct.
type field struct {
	name    string
	kind    reflect.Kind
	pointer bool
	offset  uintptr
}

func fieldsOf[T any]() ([]field, uintptr, error) {
	t := reflect.TypeFor[T]()
	if t.Kind() != reflect.Struct {
		return nil, 0, fmt.Errorf("the rows of a data frame are structs, not %s", t)
	}
	fields, err := appendFields(nil, t, 0)
	return fields, t.Size(), err
}

func appendFields(fields []field, t reflect.Type, offset uintptr) ([]field, error) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		name, _, _ := strings.Cut(tag, ",")
		switch {
		case f.Anonymous && f.Type.Kind() == reflect.Struct && name == "":
			var err error
			if fields, err = appendFields(fields, f.Type, offset+f.Offset); err != nil {
				return nil, err
			}
			continue
		case !f.IsExported() || tag == "-":
			continue
		case name == "":
			name = f.Name
		}
		typ, pointer := f.Type, f.Type.Kind() == reflect.Pointer
		if pointer {
			typ = typ.Elem()
		}
		if !slices.Contains(cellKinds, typ.Kind()) {
			return nil, fmt.Errorf("field %s of %s is %s: a cell of a data frame is a number, a bool or a string, or a pointer to one", f.Name, t, f.Type)
		}
		fields = append(fields, field{name, typ.Kind(), pointer, offset + f.Offset})
	}
	return fields, nil
}

var cellKinds = []reflect.Kind{
	reflect.Float64, reflect.Float32, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
	reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Bool, reflect.String,
}

// cells are one field of all structs of a slice. They are reached by their address: reflection would take longer for each
// of them than all the rest. The field's type is known to be of the kind that is read or written, or a pointer to it.
type cells struct {
	base    unsafe.Pointer
	size    uintptr // of the struct
	offset  uintptr // of the field
	n       int
	pointer bool
}

func (c cells) at(i int) unsafe.Pointer { return unsafe.Add(c.base, uintptr(i)*c.size+c.offset) }

func (c cells) vector(kind reflect.Kind) Vector {
	switch kind {
	case reflect.Float64:
		return c.floats(func(p unsafe.Pointer) float64 { return *(*float64)(p) })
	case reflect.Float32:
		return c.floats(func(p unsafe.Pointer) float64 { return float64(*(*float32)(p)) })
	case reflect.Bool:
		list, na := read(c, func(p unsafe.Pointer) bool { return *(*bool)(p) })
		return Vector{kind: Logical, bools: list, na: na}
	case reflect.String:
		list, na := read(c, func(p unsafe.Pointer) string { return *(*string)(p) })
		return Vector{kind: Character, texts: list, na: na}
	}
	list, na := read(c, readInt[kind])
	return Vector{kind: Integer, ints: list, na: na}
}

var readInt = map[reflect.Kind]func(unsafe.Pointer) int64{
	reflect.Int:    func(p unsafe.Pointer) int64 { return int64(*(*int)(p)) },
	reflect.Int8:   func(p unsafe.Pointer) int64 { return int64(*(*int8)(p)) },
	reflect.Int16:  func(p unsafe.Pointer) int64 { return int64(*(*int16)(p)) },
	reflect.Int32:  func(p unsafe.Pointer) int64 { return int64(*(*int32)(p)) },
	reflect.Int64:  func(p unsafe.Pointer) int64 { return *(*int64)(p) },
	reflect.Uint8:  func(p unsafe.Pointer) int64 { return int64(*(*uint8)(p)) },
	reflect.Uint16: func(p unsafe.Pointer) int64 { return int64(*(*uint16)(p)) },
	reflect.Uint32: func(p unsafe.Pointer) int64 { return int64(*(*uint32)(p)) },
}

func (c cells) floats(value func(unsafe.Pointer) float64) Vector {
	list, na := read(c, value)
	for i := range na {
		if na[i] {
			list[i] = math.NaN()
		}
	}
	return Vector{kind: Numeric, floats: list}
}

// read gathers the values, and which of them are nil.
func read[V any](c cells, value func(unsafe.Pointer) V) (list []V, na []bool) {
	list = make([]V, c.n)
	for i := range list {
		p := c.at(i)
		if c.pointer {
			if p = *(*unsafe.Pointer)(p); p == nil {
				if na == nil {
					na = make([]bool, c.n)
				}
				na[i] = true
				continue
			}
		}
		list[i] = value(p)
	}
	return list, na
}

func (c cells) set(kind reflect.Kind, v Vector) error {
	switch kind {
	case reflect.Float64, reflect.Float32:
		list, err := v.Floats()
		if err != nil {
			return err
		}
		if kind == reflect.Float32 {
			return write(c, v, true, func(i int) (float32, bool) { return float32(list[i]), true })
		}
		return write(c, v, true, func(i int) (float64, bool) { return list[i], true })
	case reflect.Bool:
		list, err := v.Bools()
		if err != nil {
			return err
		}
		return write(c, v, false, func(i int) (bool, bool) { return list[i], true })
	case reflect.String:
		list, err := v.Strings()
		if err != nil {
			return err
		}
		return write(c, v, false, func(i int) (string, bool) { return list[i], true })
	}
	list, err := v.Ints()
	if err != nil {
		return err
	}
	switch kind {
	case reflect.Int:
		return writeInts[int](c, v, list)
	case reflect.Int8:
		return writeInts[int8](c, v, list)
	case reflect.Int16:
		return writeInts[int16](c, v, list)
	case reflect.Int32:
		return writeInts[int32](c, v, list)
	case reflect.Uint8:
		return writeInts[uint8](c, v, list)
	case reflect.Uint16:
		return writeInts[uint16](c, v, list)
	case reflect.Uint32:
		return writeInts[uint32](c, v, list)
	}
	return writeInts[int64](c, v, list)
}

func writeInts[V int | int8 | int16 | int32 | int64 | uint8 | uint16 | uint32](c cells, v Vector, list []int64) error {
	return write(c, v, false, func(i int) (V, bool) { n := V(list[i]); return n, int64(n) == list[i] })
}

// write stores the values. NA is nil in a pointer, and may be a value of its own.
func write[V any](c cells, v Vector, hasNA bool, value func(int) (V, bool)) error {
	var kept []V
	if c.pointer {
		kept = make([]V, c.n)
	}
	for i := range c.n {
		na := v.NA(i)
		if na && c.pointer {
			continue
		}
		if na && !hasNA {
			return fmt.Errorf("row %d is NA: a field that is to hold NA must be a pointer", i)
		}
		n, fits := value(i)
		if !fits {
			return fmt.Errorf("row %d, %v, does not fit the field", i, v.At(i))
		}
		if c.pointer {
			kept[i] = n
			*(**V)(c.at(i)) = &kept[i]
		} else {
			*(*V)(c.at(i)) = n
		}
	}
	return nil
}
