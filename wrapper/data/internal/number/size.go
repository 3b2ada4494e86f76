package number

import "math"

// Size is how long the text is that AppendList appends, in bytes. It takes half as long as to write it.
func (c *Codec) Size(list []float64) int {
	size := max(0, len(list)-1) // commas
	short := true               // as in appendList
	var text [room]byte
	for _, f := range list {
		if short {
			if n := c.putShort(&text, f); n > 0 {
				size += n
				continue
			}
		}
		n := 0
		switch d, k, ok := c.shortest(f); {
		case math.Float64bits(f)&(0x7ff<<52) == 0x7ff<<52:
			n = len("null")
		case !ok:
			n, short = len(appendSlow(text[:0], f)), true
		default:
			n = sizeOf(d, k)
			if short = n < 12; f < 0 {
				n++
			}
		}
		size += n
	}
	return size
}

// sizeOf is what putDecimal returns.
func sizeOf(d uint64, k int) int {
	n, zero := 17, 0
	if d < 1e16 {
		n = 16
	}
	tenth := d / 10
	if tenth*10 == d { // of every second number: a branch would be guessed wrongly as often
		zero = 1
	}
	d -= (d - tenth) * uint64(zero)
	n, k = n-zero, k+zero
	for d%10 == 0 {
		d /= 10
		n, k = n-1, k+1
	}
	switch point := n + k; { // digits in front of the point
	case point > 21 || point <= -6:
		exponent := 4 // e, a sign and two digits
		if point-1 >= 100 || point-1 <= -100 {
			exponent++
		}
		return n + min(1, n-1) + exponent
	case point <= 0:
		return 2 - point + n
	case point < n:
		return n + 1
	default:
		return point
	}
}
