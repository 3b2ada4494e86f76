package mlserver_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// The benchmarks measure whole calls through client, loopback and development server, of the least code there is. They
// report the median in milliseconds; the target is 5.

func BenchmarkExecute(b *testing.B) {
	for _, runtime := range []mlserver.Runtime{mlserver.R, mlserver.Python} {
		b.Run(string(runtime), func(b *testing.B) {
			ctx := context.Background()
			session, err := newServer(b, mlserver.V930).client(b).NewSession(ctx, mlserver.SessionOptions{Runtime: runtime})
			if err != nil {
				b.Fatal(err)
			}
			defer session.ForceClose(ctx)
			median(b, func() error {
				_, err := session.Execute(ctx, "1+1", mlserver.Execution{})
				return err
			})
		})
	}
}

func BenchmarkConsume(b *testing.B) {
	for runtime, code := range map[mlserver.Runtime]string{mlserver.R: "y <- x + 1", mlserver.Python: "y = x + 1"} {
		b.Run(string(runtime), func(b *testing.B) {
			ctx := context.Background()
			service, err := newServer(b, mlserver.V930).client(b).Publish(ctx, mlserver.Definition{
				Name: "increment", Version: "1", Runtime: runtime, Code: code,
				Inputs:  []mlserver.Parameter{{Name: "x", Type: mlserver.Numeric}},
				Outputs: []mlserver.Parameter{{Name: "y", Type: mlserver.Numeric}},
			})
			if err != nil {
				b.Fatal(err)
			}
			inputs := mlserver.Values{"x": 41}
			median(b, func() error {
				_, err := service.Consume(ctx, inputs)
				return err
			})
		})
	}
}

// median times call after two that are not counted: the first starts what the server keeps warm from then on.
func median(b *testing.B, call func() error) {
	b.Helper()
	for range 2 {
		if err := call(); err != nil {
			b.Fatal(err)
		}
	}
	var times []time.Duration
	for b.Loop() {
		start := time.Now()
		if err := call(); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2])/float64(time.Millisecond), "p50-ms")
}
