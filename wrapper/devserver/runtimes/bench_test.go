package runtimes

import (
	"slices"
	"testing"
	"time"
)

func BenchmarkExecuteR(b *testing.B)      { benchmark(b, R, false, Request{Code: "1+1"}) }
func BenchmarkExecutePython(b *testing.B) { benchmark(b, Python, false, Request{Code: "1+1"}) }

// The service every manual starts with.
func BenchmarkCallR(b *testing.B)      { benchmark(b, R, true, addOne("answer <- x + 1")) }
func BenchmarkCallPython(b *testing.B) { benchmark(b, Python, true, addOne("answer = x + 1")) }

func addOne(code string) Request {
	return Request{
		Code:    code,
		Inputs:  []Input{{Name: "x", Type: "numeric", Value: raw("100")}},
		Outputs: []Output{{Name: "answer", Type: "numeric"}},
	}
}

// benchmark reports the median: a busy machine spoils the mean.
func benchmark(b *testing.B, lang Language, call bool, r Request) {
	w := worker(b, lang)
	run := w.Execute
	if call {
		run = w.Call
	}
	ctx := b.Context()
	var times []time.Duration
	for b.Loop() {
		start := time.Now()
		res, err := run(ctx, r)
		if err != nil || !res.Success {
			b.Fatal(res, err)
		}
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "p50-ms")
}

// 100 000 numbers there and back.
func BenchmarkNumbersR(b *testing.B)      { benchmark(b, R, false, manyNumbers()) }
func BenchmarkNumbersPython(b *testing.B) { benchmark(b, Python, false, manyNumbers()) }

func manyNumbers() Request {
	v := []byte("[0.5")
	for i := range 99999 {
		v = appendNumber(append(v, ','), float64(i)/7)
	}
	return Request{Inputs: []Input{{"x", "", append(v, ']')}}, Outputs: []Output{{"x", "vector"}}}
}

func BenchmarkStartR(b *testing.B)      { benchmarkStart(b, R) }
func BenchmarkStartPython(b *testing.B) { benchmarkStart(b, Python) }

func benchmarkStart(b *testing.B, lang Language) {
	i := interpreter(b, lang)
	dir := b.TempDir()
	for b.Loop() {
		w, err := i.Start(b.Context(), Options{Dir: dir})
		if err != nil {
			b.Fatal(err)
		}
		w.Kill()
		<-w.Done()
	}
}
