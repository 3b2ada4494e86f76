package data

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/bits"
	"unicode/utf8"
)

// AppendString appends a text as JSON. It refuses what is no UTF-8, as JSON has no way to say it.
func AppendString(b []byte, s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return nil, fmt.Errorf("%q is not UTF-8", s)
	}
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			const hex = "0123456789abcdef"
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	b = append(b, s[start:]...)
	return append(b, '"'), nil
}

// parseString reads a string that data starts with.
func parseString(data []byte) (s, rest []byte, err error) {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for at := 1; len(data)-at >= 8; at += 8 { // most texts are of nothing but ASCII: eight bytes at a time
		word := binary.LittleEndian.Uint64(data[at:])
		quote, slash := word^'"'*ones, word^'\\'*ones
		found := ((quote-ones)&^quote | (slash-ones)&^slash | word) & tops
		if found == 0 {
			continue
		}
		if at += bits.TrailingZeros64(found) / 8; data[at] == '"' {
			return data[1:at], data[at+1:], nil
		}
		break
	}
	end := stringEnd(data)
	if end < 0 {
		return nil, nil, errCut
	}
	s, rest = data[1:end], data[end+1:]
	if bytes.IndexByte(s, '\\') >= 0 || !utf8.Valid(s) {
		var text string
		if err := json.Unmarshal(data[:end+1], &text); err != nil {
			return nil, nil, err
		}
		return []byte(text), rest, nil
	}
	return s, rest, nil
}

// stringEnd is where the closing quote of a string is, -1 if nowhere.
func stringEnd(data []byte) int {
	for at := 1; ; {
		quote := bytes.IndexByte(data[at:], '"')
		if quote < 0 {
			return -1
		}
		quote += at
		slashes := 0
		for data[quote-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return quote
		}
		at = quote + 1
	}
}
