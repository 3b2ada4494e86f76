package data_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	openapi "github.com/go-openapi/runtime"

	"github.com/mlserver-go/mls/wrapper/data"
)

// BenchmarkFrame writes and reads a data frame of 1,000,000 doubles, in turns as a Frame and the way of generated clients: a map
// of columns through the JSON producer of go-openapi, and its consumer into an any. Reported are the medians of both in
// milliseconds, the median of the ratios of each turn, and the ratio of the allocations. What the consumer gives are json.Number,
// which a program would still have to parse: that is not counted.
func BenchmarkFrame(b *testing.B) {
	const columns, rows = 10, 100_000
	for _, precision := range []string{"17-digits", "4-decimals"} {
		b.Run(precision, func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 2))
			frame, generic := data.Frame{}, map[string]any{}
			for c := range columns {
				list := make([]float64, rows)
				for i := range list {
					if list[i] = r.Float64() * 100; precision != "17-digits" {
						list[i] = math.Round(list[i]*1e4) / 1e4
					}
				}
				name := fmt.Sprintf("column %d", c)
				frame, generic[name] = append(frame, data.Column{Name: name, Values: data.Floats(list...)}), list
			}
			var ours, theirs turns
			for b.Loop() {
				var text []byte
				ours.encode(b, func() (err error) { text, err = frame.AppendJSON(nil); return err })
				ours.decode(b, func() error { var f data.Frame; return f.UnmarshalJSON(text) })
				var buffer bytes.Buffer
				theirs.encode(b, func() error { return openapi.JSONProducer().Produce(&buffer, generic) })
				theirs.decode(b, func() error { var v any; return openapi.JSONConsumer().Consume(&buffer, &v) })
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(ms(ours.encoding), "encode-ms")
			b.ReportMetric(ms(ours.decoding), "decode-ms")
			b.ReportMetric(ms(theirs.encoding), "any-encode-ms")
			b.ReportMetric(ms(theirs.decoding), "any-decode-ms")
			b.ReportMetric(ratio(theirs.encoding, ours.encoding), "encode-times-faster")
			b.ReportMetric(ratio(theirs.decoding, ours.decoding), "decode-times-faster")
			b.ReportMetric(ratio(sum(theirs), sum(ours)), "both-times-faster")
			b.ReportMetric(float64(ours.allocations)/float64(b.N), "allocs")
			b.ReportMetric(float64(theirs.allocations)/float64(b.N), "any-allocs")
		})
	}
}

type turns struct {
	encoding, decoding []time.Duration
	allocations        uint64
}

func (t *turns) encode(b *testing.B, do func() error) { t.encoding = append(t.encoding, t.time(b, do)) }
func (t *turns) decode(b *testing.B, do func() error) { t.decoding = append(t.decoding, t.time(b, do)) }

func (t *turns) time(b *testing.B, do func() error) time.Duration {
	b.Helper()
	runtime.GC() // each pays for its own
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	if err := do(); err != nil {
		b.Fatal(err)
	}
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	t.allocations += after.Mallocs - before.Mallocs
	return took
}

func sum(t turns) []time.Duration {
	var sums []time.Duration
	for i := range t.encoding {
		sums = append(sums, t.encoding[i]+t.decoding[i])
	}
	return sums
}

func ms(list []time.Duration) float64 {
	list = slices.Sorted(slices.Values(list))
	return float64(list[len(list)/2].Microseconds()) / 1000
}

func ratio(a, b []time.Duration) float64 {
	var ratios []float64
	for i := range a {
		ratios = append(ratios, float64(a[i])/float64(b[i]))
	}
	slices.Sort(ratios)
	return ratios[len(ratios)/2]
}
