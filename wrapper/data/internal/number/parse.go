package number

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
)

// Kind says what a number looks like.
type Kind uint8

const (
	None  Kind = iota // no number
	Whole             // digits only: Parse returns it as int64 too, if it is one
	Real              // with a point or an exponent, or too large for int64
)

// Parse reads the JSON number that data starts with and returns the rest. Whole is what it reads without a point and an exponent
// that fits int64: i has all its digits then, f is the nearest float64 in any case.
func (c *Codec) Parse(data []byte) (f float64, i int64, kind Kind, rest []byte) {
	at := 0
	negative := len(data) > 0 && data[0] == '-'
	if negative {
		at++
	}
	first := at
	var m uint64
	m, at = accumulate(data, at, 0)
	count := at - first
	if count == 0 || count > 1 && data[first] == '0' {
		return 0, 0, None, data
	}
	if at == len(data) || data[at] != '.' && data[at]|0x20 != 'e' {
		switch limit := uint64(math.MaxInt64); {
		case count > 19 || m > limit && !(negative && m == limit+1) || negative && m == 0:
			return slow(data, at)
		case negative:
			return -float64(m), -int64(m), Whole, data[at:]
		default:
			return float64(m), int64(m), Whole, data[at:]
		}
	}
	exp := 0
	if data[at] == '.' {
		at++
		fraction := at
		m, at = accumulate(data, at, m)
		exp = fraction - at
		if exp == 0 {
			return 0, 0, None, data
		}
		count -= exp
	}
	if at < len(data) && data[at]|0x20 == 'e' {
		e, end, ok := parseExponent(data, at+1)
		if !ok {
			return 0, 0, None, data
		}
		exp, at = exp+e, end
	}
	switch {
	case count > 19:
		// Leading zeros do not count, but that is for strconv to find out.
		return slow(data, at)
	case m == 0:
	case m < 1<<53 && exp >= -22 && exp <= 22:
		if f = float64(m); exp < 0 {
			f /= tens[-exp]
		} else {
			f *= tens[exp]
		}
	default:
		var ok bool
		if f, ok = c.nearest(m, exp); !ok {
			return slow(data, at)
		}
	}
	if negative {
		f = -f
	}
	return f, 0, Real, data[at:]
}

// ParseList appends a run of numbers, each with a comma in front, to list, and returns the rest too. What has less than tail bytes
// behind it is left in that: it may go on.
func (c *Codec) ParseList(list []float64, data []byte, tail int) ([]float64, []byte) {
	at := 0
	for at < len(data)-tail-1 && data[at] == ',' {
		f, end := c.parsePlain(data, at+1)
		if end == 0 {
			var kind Kind
			var rest []byte
			if f, _, kind, rest = c.Parse(data[at+1:]); kind == None {
				break
			}
			end = len(data) - len(rest)
		}
		list, at = append(list, f), end
	}
	return list, data[at:]
}

func slow(data []byte, end int) (float64, int64, Kind, []byte) {
	f, err := strconv.ParseFloat(string(data[:end]), 64)
	if err != nil { // beyond the largest one
		return 0, 0, None, data
	}
	return f, 0, Real, data[end:]
}

// parsePlain is Parse for what most numbers are: a few digits, a point, and up to 19 digits in all. It returns where the number ends;
// 0: it is none of these.
func (c *Codec) parsePlain(data []byte, at int) (f float64, end int) {
	first := at
	if data[at] == '-' {
		first++
	}
	m, point := uint64(0), first
	for point < len(data) && data[point]-'0' < 10 {
		m, point = m*10+uint64(data[point]-'0'), point+1
	}
	if front := point - first; front == 0 || front > 8 || front > 1 && data[first] == '0' || point == len(data) || data[point] != '.' {
		return 0, 0
	}
	m, end = accumulate(data, point+1, m)
	decimals := end - point - 1
	if decimals == 0 || end-first-1 > 19 || end < len(data) && data[end]|0x20 == 'e' {
		return 0, 0
	}
	if m < 1<<53 {
		f = float64(m) / tens[decimals]
	} else {
		var ok bool
		if f, ok = c.nearest(m, -decimals); !ok {
			return 0, 0
		}
	}
	if first > at {
		f = -f
	}
	return f, end
}

// accumulate reads digits onto m. More than 19 overflow it: the caller counts.
func accumulate(data []byte, at int, m uint64) (uint64, int) {
	for len(data)-at >= 8 {
		chunk := binary.LittleEndian.Uint64(data[at:])
		if (chunk&0xf0f0f0f0f0f0f0f0)|((chunk+0x0606060606060606)&0xf0f0f0f0f0f0f0f0)>>4 != 0x3333333333333333 {
			break
		}
		chunk -= 0x3030303030303030
		chunk = chunk*10 + chunk>>8
		chunk = (chunk&0x000000ff000000ff*0x000f424000000064 + chunk>>16&0x000000ff000000ff*0x0000271000000001) >> 32
		m, at = m*1e8+chunk, at+8
	}
	for at < len(data) && data[at]-'0' < 10 {
		m = m*10 + uint64(data[at]-'0')
		at++
	}
	return m, at
}

func parseExponent(data []byte, at int) (e, end int, ok bool) {
	sign := 1
	if at < len(data) && (data[at] == '-' || data[at] == '+') {
		if data[at] == '-' {
			sign = -1
		}
		at++
	}
	start := at
	for at < len(data) && data[at]-'0' < 10 {
		if e < 10000 {
			e = e*10 + int(data[at]-'0')
		}
		at++
	}
	return sign * e, at, at > start
}

var tens = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
	1e20, 1e21, 1e22}

// nearest is the float64 nearest to m times 10^q, by the algorithm of Eisel and Lemire; it says so where that can't tell.
func (c *Codec) nearest(m uint64, q int) (float64, bool) {
	if q < minPower || q > maxPower {
		return 0, false
	}
	zeros := bits.LeadingZeros64(m)
	m <<= zeros & 63
	e := uint64(exponent(q)+127+64+1023) - uint64(zeros)
	p := &c.powers[q-minPower]
	hi, lo := bits.Mul64(m, p.hi)
	if hi&0x1ff == 0x1ff && lo+m < m {
		more, least := bits.Mul64(m, p.lo)
		sum, over := bits.Add64(lo, more, 0)
		hi, lo = hi+over, sum
		if hi&0x1ff == 0x1ff && lo+1 == 0 && least+m < m {
			return 0, false
		}
	}
	top := hi >> 63
	r := hi >> (top + 9)
	e -= 1 ^ top
	if lo == 0 && hi&0x1ff == 0 && r&3 == 1 { // half-way
		return 0, false
	}
	r = (r + r&1) >> 1
	if r>>53 > 0 {
		r >>= 1
		e++
	}
	if e-1 >= 0x7ff-1 { // subnormal, or infinite
		return 0, false
	}
	return math.Float64frombits(e<<52 | r&(1<<52-1)), true
}
