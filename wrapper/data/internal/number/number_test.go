package number

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

// sample makes numbers of many kinds: any bits, between 0 and 1, with few decimals, whole, near powers of two and ten.
func sample(r *rand.Rand) float64 {
	sign := float64(1 - 2*int(r.Uint64()&1))
	switch r.IntN(8) {
	case 0:
		return math.Float64frombits(r.Uint64())
	case 1:
		return r.Float64()
	case 2:
		return sign * float64(r.IntN(1e9)) / tens[r.IntN(12)]
	case 3:
		return sign * float64(r.Int64()>>r.IntN(63))
	case 4:
		return sign * math.Ldexp(1, r.IntN(2100)-1075) * (1 + float64(r.IntN(3)-1)*0x1p-52)
	case 5:
		f, _ := strconv.ParseFloat("1e"+strconv.Itoa(r.IntN(632)-323), 64)
		return math.Nextafter(f, f*float64(r.IntN(3)))
	case 6:
		return r.NormFloat64() * 1000
	default:
		f, _ := strconv.ParseFloat(strconv.Itoa(1+r.IntN(999999))+"e"+strconv.Itoa(r.IntN(600)-300), 64)
		return sign * f
	}
}

func want(f float64) string { return string(appendSlow(nil, f)) }

func TestAppendAndParseAgreeWithStrconv(t *testing.T) {
	c := New()
	r := rand.New(rand.NewPCG(1, 2))
	n := 400_000
	if testing.Short() {
		n /= 10
	}
	var text []byte
	for range n {
		f := sample(r)
		if math.IsNaN(f) || math.IsInf(f, 0) {
			continue
		}
		text = c.Append(text[:0], f)
		if want := want(f); string(text) != want {
			t.Fatalf("%b is written as %s, want %s", f, text, want)
		}
		if n := c.Size([]float64{f}); n != len(text) {
			t.Fatalf("%s is said to be %d long", text, n)
		}
		got, _, kind, rest := c.Parse(text)
		if kind == None || len(rest) > 0 || math.Float64bits(got) != math.Float64bits(f) {
			t.Fatalf("%s is read as %v (kind %d, rest %q), want %v", text, got, kind, rest, f)
		}
	}
}

// Long lists are written by two goroutines: what they write must be what one would.
func TestAppendLongList(t *testing.T) {
	c := New()
	for _, n := range []int{block/2 + 1, block, block + 1, 2*block + block/2 + 7} {
		list := make([]float64, n)
		var want []byte
		for i := range list {
			if list[i] = float64(i) / 8; i%1000 == 3 {
				list[i] = math.NaN()
				want = append(want, "null,"...)
				continue
			}
			want = append(c.Append(want, list[i]), ',')
		}
		if got := c.AppendList([]byte("["), list); string(got) != "["+string(want[:len(want)-1]) {
			t.Errorf("%d numbers are written otherwise than one by one", n)
		}
		if got := c.Size(list); got != len(want)-1 {
			t.Errorf("%d numbers are said to be %d long, want %d", n, got, len(want)-1)
		}
	}
}

func TestAppendList(t *testing.T) {
	c := New()
	r := rand.New(rand.NewPCG(3, 4))
	list := []float64{math.NaN(), 1.5, math.Inf(-1), math.Copysign(0, -1)}
	for range 10_000 {
		list = append(list, sample(r))
	}
	text := c.AppendList(nil, list)
	if n := c.Size(list); n != len(text) || c.Size(nil) != 0 {
		t.Errorf("the list is said to be %d long, want %d", n, len(text))
	}
	checkList(t, c, string(bytes.TrimPrefix(text, []byte("null,")))) // up to the next one
	checkList(t, c, string(bytes.ReplaceAll(text, []byte("null,"), nil)))
	texts := bytes.Split(text, []byte(","))
	if len(texts) != len(list) {
		t.Fatalf("%d numbers for %d", len(texts), len(list))
	}
	for i, f := range list {
		want := "null"
		if !math.IsNaN(f) && !math.IsInf(f, 0) {
			want = string(appendSlow(nil, f))
		}
		if string(texts[i]) != want {
			t.Errorf("%b is written as %s, want %s", f, texts[i], want)
		}
	}
}

func TestParse(t *testing.T) {
	c := New()
	for text, want := range map[string]struct {
		f    float64
		i    int64
		kind Kind
		rest string
	}{
		"0":                              {0, 0, Whole, ""},
		"-0":                             {math.Copysign(0, -1), 0, Real, ""},
		"-0.0,":                          {math.Copysign(0, -1), 0, Real, ","},
		"12]":                            {12, 12, Whole, "]"},
		"9007199254740993":               {9007199254740992, 9007199254740993, Whole, ""},
		"9223372036854775807":            {math.MaxInt64, math.MaxInt64, Whole, ""},
		"-9223372036854775808":           {math.MinInt64, math.MinInt64, Whole, ""},
		"9223372036854775808":            {9223372036854775808, 0, Real, ""},
		"123456789012345678901234567890": {123456789012345678901234567890, 0, Real, ""},
		"1.5E3":                          {1500, 0, Real, ""},
		"1e-400":                         {0, 0, Real, ""},
		"0.00000000000000000001":         {1e-20, 0, Real, ""},
		"12345678.12345678,":             {12345678.12345678, 0, Real, ","},
		"5e-324":                         {5e-324, 0, Real, ""},
		"1e400":                          {kind: None, rest: "1e400"},
		"":                               {kind: None},
		"-":                              {kind: None, rest: "-"},
		"01":                             {kind: None, rest: "01"},
		"1.":                             {kind: None, rest: "1."},
		"1.e3":                           {kind: None, rest: "1.e3"},
		".5":                             {kind: None, rest: ".5"},
		"1e":                             {kind: None, rest: "1e"},
		"1e+":                            {kind: None, rest: "1e+"},
		"+1":                             {kind: None, rest: "+1"},
		"NaN":                            {kind: None, rest: "NaN"},
	} {
		f, i, kind, rest := c.Parse([]byte(text))
		if math.Float64bits(f) != math.Float64bits(want.f) || i != want.i || kind != want.kind || string(rest) != want.rest {
			t.Errorf("%q is %v, %d, kind %d, rest %q; want %+v", text, f, i, kind, rest, want)
		}
	}
}

// checkList compares ParseList with what Parse makes of the same numbers, one by one.
func checkList(t *testing.T, c *Codec, text string) {
	t.Helper()
	data := []byte("," + text)
	got, rest := c.ParseList(nil, data, 0)
	for i := 0; len(data) > 1 && data[0] == ','; i++ {
		want, _, kind, after := c.Parse(data[1:])
		if kind == None {
			break
		}
		if i >= len(got) || math.Float64bits(got[i]) != math.Float64bits(want) {
			t.Fatalf("number %d of %.100q is not %v", i, text, want)
		}
		data = after
	}
	if string(rest) != string(data) {
		t.Errorf("of %.100q is left %.100q, want %.100q", text, rest, data)
	}
}

func TestParseList(t *testing.T) {
	c := New()
	for _, text := range []string{
		"1.5,-0.0,0.1,00.1,12345678.5,123456789.5,1.,1", "0.1234567890123456789,1", "1.23e4,5", "-1.5]", "-", "-.5", "1.5 ,2", "0.1,,2",
		"9007199254740992.5,9007199254740993.25", "0.9007199254740993,0.30000000000000004", "\"NA\",1", "1.5,null", "7",
	} {
		checkList(t, c, text)
	}
	data := []byte(",1.5,2.25")
	for tail, want := range []int{2, 2, 2, 2, 1, 1, 1, 1, 0} {
		if got, rest := c.ParseList(nil, data, tail); len(got) != want || len(rest) != []int{9, 5, 0}[want] {
			t.Errorf("with a tail of %d it reads %v and leaves %q", tail, got, rest)
		}
	}
}

func FuzzParse(f *testing.F) {
	c := New()
	for _, s := range []string{"1.7976931348623157e308", "2.2250738585072014e-308", "4.35,", "18446744073709551615.5", "1e22"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		checkList(t, c, s)
		got, _, kind, rest := c.Parse([]byte(s))
		if kind == None {
			return
		}
		text := s[:len(s)-len(rest)]
		if want, err := strconv.ParseFloat(text, 64); err != nil || math.Float64bits(want) != math.Float64bits(got) {
			t.Errorf("%q is read as %v, want %v, %v", text, got, want, err)
		}
	})
}

func BenchmarkNumbers(b *testing.B) {
	const n = 1_000_000
	c := New()
	r := rand.New(rand.NewPCG(1, 2))
	for _, kind := range []string{"full", "short"} {
		list := make([]float64, n)
		for i := range list {
			if list[i] = r.Float64() * 100; kind == "short" {
				list[i] = math.Round(list[i]*1e4) / 1e4
			}
		}
		text := make([]byte, 0, 24*n)
		per := func(b *testing.B) {
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/number")
		}
		b.Run(kind+"/append", func(b *testing.B) {
			for b.Loop() {
				text = append(c.AppendList(text[:0], list), ',')
			}
			per(b)
		})
		b.Run(kind+"/size", func(b *testing.B) {
			for b.Loop() {
				c.Size(list)
			}
			per(b)
		})
		b.Run(kind+"/append-strconv", func(b *testing.B) {
			for b.Loop() {
				text = text[:0]
				for _, f := range list {
					text = append(strconv.AppendFloat(text, f, 'f', -1, 64), ',')
				}
			}
			per(b)
		})
		b.Run(kind+"/parse-list", func(b *testing.B) {
			got, list := make([]float64, 0, n), append([]byte(","), text...)
			for b.Loop() {
				got, _ = c.ParseList(got[:0], list, 0)
			}
			per(b)
		})
		b.Run(kind+"/parse", func(b *testing.B) {
			for b.Loop() {
				for rest := text; len(rest) > 0; {
					_, _, _, rest = c.Parse(rest)
					rest = rest[1:]
				}
			}
			per(b)
		})
	}
}
