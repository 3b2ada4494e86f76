// Package number writes and reads floating-point numbers as JSON has them, a few times faster than strconv. What it writes is
// the shortest text that reads back as the same number, as strconv would write it. Whatever is in doubt is left to strconv.
package number

import (
	"encoding/binary"
	"math"
	"math/big"
	"math/bits"
	"runtime"
	"slices"
	"strconv"
	"sync"
)

// The powers of ten that any float64 with up to 19 digits needs.
const (
	minPower = -348
	maxPower = 347
)

// power is a power of ten as hi<<64 | lo with the top bit set, rounded down, times a power of two: see exponent.
type power struct{ hi, lo uint64 }

// exponent is the power of two that belongs to 10^q.
func exponent(q int) int { return q*217706>>16 - 127 }

// A Codec has what both directions need.
type Codec struct {
	powers [maxPower - minPower + 1]power
	digits [1024]uint32 // three digits of numbers below 1000 as text, the first one in the lowest byte
	short  [1024]uint32 // the same without zeros at the start, and the length in the highest byte
}

// New returns the one codec there is.
var New = sync.OnceValue(func() *Codec {
	c := &Codec{}
	for n := range uint32(1000) {
		text := n/100 | n/10%10<<8 | n%10<<16 | zeros&0xffffff
		missing := uint32(0)
		if n < 100 {
			missing++
		}
		if n < 10 {
			missing++
		}
		c.digits[n], c.short[n] = text, text>>(8*missing)|(3-missing)<<24
	}
	ten, word := big.NewInt(10), new(big.Int).SetUint64(math.MaxUint64)
	for q := minPower; q <= maxPower; q++ {
		n := new(big.Int)
		if q >= 0 {
			n.Exp(ten, big.NewInt(int64(q)), nil)
			if shift := n.BitLen() - 128; shift > 0 {
				n.Rsh(n, uint(shift))
			} else {
				n.Lsh(n, uint(-shift))
			}
		} else {
			tens := new(big.Int).Exp(ten, big.NewInt(int64(-q)), nil)
			n.Lsh(big.NewInt(1), uint(tens.BitLen()+127))
			n.Quo(n, tens)
		}
		c.powers[q-minPower] = power{new(big.Int).Rsh(n, 64).Uint64(), new(big.Int).And(n, word).Uint64()}
	}
	return c
})

// Append appends the shortest text that reads back as f, which must be finite.
func (c *Codec) Append(b []byte, f float64) []byte {
	var text [room]byte // b may have no room for more than the number, and need none
	n := c.putShort(&text, f)
	if n == 0 {
		n, _ = c.putLong(&text, f)
	}
	return append(b, text[:n]...)
}

// block is how many numbers are written at a time by two goroutines: some milliseconds of work, and so little text that a
// processor's cache holds what is copied.
const block = 128 << 10

// AppendList appends the numbers with commas between them. What is not finite becomes null. Long lists keep two processors busy.
func (c *Codec) AppendList(b []byte, list []float64) []byte {
	alone := runtime.GOMAXPROCS(0) == 1
	for len(list) > block/2 && !alone {
		some := list[:min(len(list), block)]
		if list = list[len(some):]; len(list) == 0 {
			return c.appendBoth(b, some)
		}
		b = append(c.appendBoth(b, some), ',')
	}
	return c.appendList(b, list)
}

// appendBoth leaves the second half to another goroutine.
func (c *Codec) appendBoth(b []byte, list []float64) []byte {
	half := len(list) / 2
	rest := texts.Get().(*[]byte)
	defer texts.Put(rest)
	done := make(chan struct{})
	go func() {
		defer close(done)
		*rest = c.appendList((*rest)[:0], list[half:])
	}()
	b = append(c.appendList(b, list[:half]), ',')
	<-done
	return append(b, *rest...)
}

var texts = sync.Pool{New: func() any { return new([]byte) }}

func (c *Codec) appendList(b []byte, list []float64) []byte {
	if len(list) == 0 {
		return b
	}
	short := true // whether the numbers were short of late: then it is worth while to try that first
	for len(list) > 0 {
		some := list[:min(len(list), 64)]
		list = list[len(some):]
		b = slices.Grow(b, len(some)*(room+1))
		out, at := b[:cap(b)], len(b)
		for _, f := range some {
			if short {
				if n := c.putShort((*[room]byte)(out[at:]), f); n > 0 {
					at += n
					out[at] = ','
					at++
					continue
				}
			}
			var n int
			if math.Float64bits(f)&(0x7ff<<52) == 0x7ff<<52 {
				n = copy(out[at:], "null")
			} else {
				n, short = c.putLong((*[room]byte)(out[at:]), f)
			}
			at += n
			out[at] = ','
			at++
		}
		b = b[:at]
	}
	return b[:len(b)-1]
}

// putShort writes whole numbers, and those with up to six decimals, and returns the length; 0: it is none. n / 1e6 is exact to the
// last bit when n is exact, and no shorter text has the same nearest number when it has fifteen digits at most. Whole words are
// written, over the end: a branch for each digit would be guessed wrongly once in a number or two.
func (c *Codec) putShort(out *[room]byte, f float64) int {
	const decimals, limit = 1e6, 1e15
	a := math.Abs(f)
	scaled := a * decimals
	if !(scaled < limit) {
		return 0
	}
	n := int64(scaled + 0.5)
	if float64(n)/decimals != a || n == 0 && math.Signbit(f) {
		return 0
	}
	at := int(math.Float64bits(f) >> 63)
	out[0] = '-' // or what comes over it
	whole, rest := uint64(n)/decimals, uint32(uint64(n)%decimals)
	if whole < 1000 {
		text := c.short[whole&1023]
		binary.LittleEndian.PutUint32(out[at:], text)
		at += int(text >> 24)
	} else {
		at += len(strconv.AppendUint(out[at:at], whole, 10))
	}
	if rest == 0 {
		return at
	}
	digits := uint64(c.digits[rest/1000&1023]) | uint64(c.digits[rest%1000&1023])<<24
	binary.LittleEndian.PutUint64(out[at:], digits<<8|'.')
	return at + 7 - (bits.LeadingZeros64(digits^zeros&(1<<48-1))-16)/8
}

// putLong writes any number, and returns the length. It tells whether putShort might have done it, too.
func (c *Codec) putLong(out *[room]byte, f float64) (n int, short bool) {
	d, k, ok := c.shortest(f)
	if !ok {
		return len(appendSlow(out[:0], f)), true
	}
	out[0] = '-' // or what comes over it
	sign := int(math.Float64bits(f) >> 63)
	n = putDecimal((*[room - 1]byte)(out[sign:]), d, k)
	return sign + n, n < 12
}

// shortest finds the shortest text that reads back as f, but for its sign, as d times 10^k: d has 16 or 17 digits, zeros at the end
// included. Not ok: that is left to strconv.
func (c *Codec) shortest(f float64) (d uint64, k int, ok bool) {
	bitsOf := math.Float64bits(f)
	mantissa, e := bitsOf&(1<<52-1), int(bitsOf>>52&0x7ff)
	if e == 0 || mantissa == 0 { // zero, subnormal, or the gap below is smaller than the one above
		return 0, 0, false
	}
	mantissa, e = mantissa|1<<52, e-1075

	// 10^-k scales f so that its neighbours are 1 to 10 apart: the shortest text has the digits of the one multiple of ten, else
	// of the nearest whole number, between the two half-way points.
	k = e * 1262611 >> 22
	p := &c.powers[-k-minPower]
	m := mantissa << 10
	hi, mid := bits.Mul64(m, p.hi)
	carry, _ := bits.Mul64(m, p.lo)
	mid, over := bits.Add64(mid, carry, 0)
	hi += over
	s := uint(10-e-exponent(-k)-128) & 63 // bits of the fraction that are in hi
	halfHi, halfMid := p.hi>>55, p.hi<<9|p.lo>>55

	lowMid, borrow := bits.Sub64(mid, halfMid, 0)
	low := hi - halfHi - borrow
	highMid, over := bits.Add64(mid, halfMid, 0)
	high := hi + halfHi + over
	center := hi + 1<<(s-1) // adding a half makes rounding a cut
	if doubtful(low, lowMid, s) || doubtful(high, highMid, s) || doubtful(center, mid, s) {
		return 0, 0, false
	}
	d = high >> s / 10 * 10
	if d <= low>>s {
		d = center >> s
	}
	return d, k, true
}

// doubtful reports whether the fraction is so near to 0 or 1 that the error of the power of ten, less than four units of mid,
// could make it another whole number.
func doubtful(hi, mid uint64, s uint) bool {
	mask := uint64(1)<<s - 1
	fraction := hi & mask
	return fraction == 0 && mid < 4 || fraction == mask && mid > math.MaxUint64-4
}

func appendSlow(b []byte, f float64) []byte {
	if f == 0 && math.Signbit(f) {
		return append(b, "-0.0"...) // without the point Python reads the integer 0
	}
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.AppendFloat(b, f, 'e', -1, 64)
	}
	return strconv.AppendFloat(b, f, 'f', -1, 64)
}

// zeros are eight digits.
const zeros = 0x3030303030303030

// eight is the last eight digits of n as text, the first one in the lowest byte.
func eight(n uint32) uint64 {
	four := uint64(n/10000) | uint64(n%10000)<<32
	hundreds := four * 10486 >> 20 & (0x7f<<32 | 0x7f)
	two := (four-100*hundreds)<<16 + hundreds
	tens := two * 103 >> 10 & (0xf | 0xf<<16 | 0xf<<32 | 0xf<<48)
	return tens + (two-10*tens)<<8 + 0x3030303030303030
}

// room is what a number takes at most while it is written: words go over its end.
const room = 48

// putDecimal writes d times 10^k and returns the length. d has 16 or 17 digits. They stay in registers: text that is read back
// right after it was written makes a processor wait.
func putDecimal(out *[room - 1]byte, d uint64, k int) int {
	nine := d / 1e8
	first, a, z := byte('0'+nine/1e8), eight(uint32(nine%1e8)), eight(uint32(d%1e8))
	missing := 0 // at the start
	if first == '0' {
		missing = 1
	}
	trailing := bits.LeadingZeros64(z^zeros) / 8
	if trailing == 8 {
		trailing += bits.LeadingZeros64(a^zeros) / 8
	}
	n := 17 - missing - trailing
	k += trailing
	switch point := n + k; { // digits in front of the point
	case point > 0 && point < 8 && point < n:
		front := uint(missing+point-1) * 8 & 63
		mask := uint64(1)<<front - 1
		out[0] = first
		binary.LittleEndian.PutUint64(out[1-missing:], a&mask|'.'<<front|a&^mask<<8)
		out[9-missing] = byte(a >> 56)
		binary.LittleEndian.PutUint64(out[10-missing:], z)
		return n + 1
	case point <= 0 && point > -6:
		copy(out[:8], "0.000000")
		at := 2 - point
		out[at] = first
		binary.LittleEndian.PutUint64(out[at+1-missing:], a)
		binary.LittleEndian.PutUint64(out[at+9-missing:], z)
		return at + n
	default:
		var text [17]byte
		text[0] = first
		binary.LittleEndian.PutUint64(text[1:], a)
		binary.LittleEndian.PutUint64(text[9:], z)
		return len(appendDigits(out[:0], text[missing:missing+n], point))
	}
}

// appendDigits appends digits of which the given number are in front of the point.
func appendDigits(b, text []byte, point int) []byte {
	switch n := len(text); {
	case point > 21 || point <= -6:
		b = append(b, text[0])
		if n > 1 {
			b = append(append(b, '.'), text[1:]...)
		}
		return appendExponent(append(b, 'e'), point-1)
	case point < n:
		return append(append(append(b, text[:point]...), '.'), text[point:]...)
	default:
		return append(append(b, text...), "000000000000000000000"[:point-n]...)
	}
}

func appendExponent(b []byte, e int) []byte {
	sign := byte('+')
	if e < 0 {
		sign, e = '-', -e
	}
	b = append(b, sign)
	if e < 10 {
		b = append(b, '0')
	}
	return strconv.AppendInt(b, int64(e), 10)
}
