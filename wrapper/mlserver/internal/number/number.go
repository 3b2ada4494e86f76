// Package number writes and reads floating-point numbers as JSON has them, a few times faster than strconv. What it writes is
// the shortest text that reads back as the same number, as strconv would write it. Whatever is in doubt is left to strconv.
package number

import (
	"math"
	"math/big"
	"math/bits"
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
}

// New returns the one codec there is.
var New = sync.OnceValue(func() *Codec {
	c := &Codec{}
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
	// Whole numbers, and those with up to six decimals: n / 1e6 is exact to the last bit when n is exact.
	const decimals, limit = 1e6, 1 << 53
	if scaled := f * decimals; scaled > -limit && scaled < limit {
		n := int64(scaled + math.Copysign(0.5, f))
		if float64(n)/decimals == f && (n != 0 || !math.Signbit(f)) {
			return appendFixed(b, n)
		}
	}
	bitsOf := math.Float64bits(f)
	mantissa, e := bitsOf&(1<<52-1), int(bitsOf>>52&0x7ff)
	if e == 0 || mantissa == 0 { // zero, subnormal, or the gap below is smaller than the one above
		return appendSlow(b, f)
	}
	mantissa, e = mantissa|1<<52, e-1075

	// 10^q scales f so that its neighbours are 1 to 10 apart: the shortest text has the digits of the one multiple of ten, else of
	// the nearest whole number, between the two half-way points.
	k := e * 1262611 >> 22
	p := c.powers[-k-minPower]
	m := mantissa << 10
	hi, mid := bits.Mul64(m, p.hi)
	carry, _ := bits.Mul64(m, p.lo)
	mid, over := bits.Add64(mid, carry, 0)
	hi += over
	s := uint(10-e-exponent(-k)) - 128 // bits of the fraction that are in hi
	halfHi, halfMid := p.hi>>55, p.hi<<9|p.lo>>55

	lowMid, borrow := bits.Sub64(mid, halfMid, 0)
	low := hi - halfHi - borrow
	highMid, over := bits.Add64(mid, halfMid, 0)
	high := hi + halfHi + over
	if doubtful(low, lowMid, s) || doubtful(high, highMid, s) {
		return appendSlow(b, f)
	}
	least, most := low>>s+1, high>>s
	d := most / 10 * 10
	if d < least {
		center := hi + 1<<(s-1) // adding a half makes rounding a cut
		if doubtful(center, mid, s) {
			return appendSlow(b, f)
		}
		d = center >> s
	} else {
		for d%10 == 0 {
			d /= 10
			k++
		}
	}
	if f < 0 {
		b = append(b, '-')
	}
	return appendDecimal(b, d, k)
}

// doubtful reports whether the fraction is so near to 0 or 1 that the error of the power of ten, less than four units of mid,
// could make it another whole number.
func doubtful(hi, mid uint64, s uint) bool {
	mask := uint64(1)<<s - 1
	fraction := hi & mask
	return fraction == 0 && mid < 4 || fraction == mask && mid > math.MaxUint64-4
}

func appendSlow(b []byte, f float64) []byte {
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.AppendFloat(b, f, 'e', -1, 64)
	}
	return strconv.AppendFloat(b, f, 'f', -1, 64)
}

const pairs = "00010203040506070809" +
	"10111213141516171819" +
	"20212223242526272829" +
	"30313233343536373839" +
	"40414243444546474849" +
	"50515253545556575859" +
	"60616263646566676869" +
	"70717273747576777879" +
	"80818283848586878889" +
	"90919293949596979899"

// eight writes the last eight digits of n.
func eight(b *[8]byte, n uint32) {
	for i := 6; i >= 0; i -= 2 {
		p := n % 100 * 2
		n /= 100
		b[i], b[i+1] = pairs[p], pairs[p+1]
	}
}

// digits writes n at the end of b and returns where it starts.
func digits(b *[24]byte, n uint64) int {
	i := 24
	for n >= 1e8 {
		i -= 8
		eight((*[8]byte)(b[i:]), uint32(n%1e8))
		n /= 1e8
	}
	for n >= 100 {
		i -= 2
		p := n % 100 * 2
		n /= 100
		b[i], b[i+1] = pairs[p], pairs[p+1]
	}
	if n >= 10 {
		i -= 2
		b[i], b[i+1] = pairs[n*2], pairs[n*2+1]
		return i
	}
	i--
	b[i] = byte('0' + n)
	return i
}

// appendFixed appends n / 1e6.
func appendFixed(b []byte, n int64) []byte {
	u := uint64(n)
	if n < 0 {
		b = append(b, '-')
		u = -u
	}
	whole, rest := u/1e6, uint32(u%1e6)
	if whole < 10 {
		b = append(b, byte('0'+whole))
	} else {
		var text [24]byte
		b = append(b, text[digits(&text, whole):]...)
	}
	if rest == 0 {
		return b
	}
	var text [8]byte
	eight(&text, rest) // 00 and six decimals
	text[1] = '.'
	end := 8
	for text[end-1] == '0' {
		end--
	}
	return append(b, text[1:end]...)
}

// appendDecimal appends d times 10^k; d has no trailing zeros.
func appendDecimal(b []byte, d uint64, k int) []byte {
	var text [24]byte
	start := digits(&text, d)
	n := 24 - start
	switch point := n + k; { // digits in front of the point
	case point > 21 || point <= -6:
		b = append(b, text[start])
		if n > 1 {
			b = append(b, '.')
			b = append(b, text[start+1:]...)
		}
		b = append(b, 'e')
		return appendExponent(b, point-1)
	case k >= 0:
		b = append(b, text[start:]...)
		return append(b, "000000000000000000000"[:k]...)
	case point > 0:
		b = append(b, text[start:start+point]...)
		b = append(b, '.')
		return append(b, text[start+point:]...)
	default:
		b = append(b, "0.00000"[:2-point]...)
		return append(b, text[start:]...)
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
