package data

import "bytes"

// Members calls each with the name and the JSON of every member of the object that a text starts with, and returns what comes
// after it. It looks only for where values end: whether they are valid is left to who reads them.
func Members(json []byte, each func(name string, value []byte) error) (rest []byte, err error) {
	r := Reader{text: json}
	err = r.Object(func(text []byte) error {
		name := string(text)
		value, err := r.Value()
		if err != nil {
			return err
		}
		return each(name, value)
	})
	return r.text, err
}

// Elements calls each with the JSON of every element of the list that a text starts with, and returns what comes after it: see
// Members.
func Elements(json []byte, each func(value []byte) error) (rest []byte, err error) {
	r := Reader{text: json}
	err = r.List(func(int) error {
		value, err := r.Value()
		if err != nil {
			return err
		}
		return each(value)
	})
	return r.text, err
}

// valueEnd is the length of the value that data starts with, whether or not it is valid; -1 if it has no end, 0 if nothing is there
// that could be one.
func valueEnd(data []byte) int {
	if len(data) > 1 && (data[0] == '"' && data[1] == '"' || data[0] == '[' && data[1] == ']') { // much of what servers answer
		return 2
	}
	depth, closing := 0, 0 // closing is where the next ] is
	for at := 0; at < len(data); {
		switch c := data[at]; c {
		case '"':
			end := stringEnd(data[at:])
			if end < 0 {
				return -1
			}
			at += end + 1
		case '[':
			depth++
			if closing <= at {
				if closing = bytes.IndexByte(data[at:], ']') + at; closing < at {
					return -1
				}
			}
			if flat(data[at+1 : closing]) {
				at = closing
			} else {
				at++
			}
			continue
		case '{':
			depth++
			at++
			continue
		case ']', '}':
			if depth == 0 {
				return at
			}
			depth--
			at++
		case ',', ':', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return at
			}
			at++
			continue
		default:
			for at++; at < len(data) && !delimiter[data[at]]; at++ {
			}
		}
		if depth == 0 {
			return at
		}
	}
	if depth > 0 {
		return -1
	}
	return len(data)
}

// flat tells whether a text is of numbers and words only.
func flat(data []byte) bool {
	return bytes.IndexByte(data, '[') < 0 && bytes.IndexByte(data, '"') < 0 && bytes.IndexByte(data, '{') < 0
}

var delimiter = [256]bool{',': true, ':': true, ' ': true, '\t': true, '\r': true, '\n': true, '"': true, '[': true, ']': true, '{': true, '}': true}
