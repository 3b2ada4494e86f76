package mlserver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/mlserver-go/mls/gen/v930"
	"github.com/mlserver-go/mls/gen/v930/consumption"
	"github.com/mlserver-go/mls/gen/v930/models"
	"github.com/mlserver-go/mls/wrapper/data"
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
				_, err := session.Execute(ctx, "1+1", mlserver.Execution{Console: io.Discard}) // as the prompt does
				return err
			})
		})
	}
}

func BenchmarkConsume(b *testing.B) {
	for _, runtime := range []mlserver.Runtime{mlserver.R, mlserver.Python} {
		b.Run(string(runtime), func(b *testing.B) {
			ctx := context.Background()
			service := increment(b, runtime)
			inputs := mlserver.Values{"x": 41}
			median(b, func() error {
				_, err := service.Consume(ctx, inputs)
				return err
			})
		})
	}
}

// BenchmarkConsumeParallel counts calls per second of two callers per processor; the target is 1,000 with the server on the same two.
func BenchmarkConsumeParallel(b *testing.B) {
	for _, runtime := range []mlserver.Runtime{mlserver.R, mlserver.Python} {
		b.Run(string(runtime), func(b *testing.B) {
			ctx := context.Background()
			service := increment(b, runtime)
			inputs := mlserver.Values{"x": 41}
			for range 4 { // starts the workers
				if _, err := service.Consume(ctx, inputs); err != nil {
					b.Fatal(err)
				}
			}
			b.SetParallelism(2)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := service.Consume(ctx, inputs); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
		})
	}
}

// increment publishes the least service there is; `y = x + 1` is R and Python.
func increment(b *testing.B, runtime mlserver.Runtime) *mlserver.Service {
	b.Helper()
	service, err := newServer(b, mlserver.V930).client(b).Publish(context.Background(), mlserver.Definition{
		Name: "increment", Version: "1", Runtime: runtime, Code: "y = x + 1",
		Inputs:  []mlserver.Parameter{{Name: "x", Type: mlserver.Numeric}},
		Outputs: []mlserver.Parameter{{Name: "y", Type: mlserver.Numeric}},
	})
	if err != nil {
		b.Fatal(err)
	}
	return service
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

// BenchmarkConsumeFrame sends a data frame of 1,000,000 doubles to a server that answers it as it came, as a data.Frame and the way
// of the generated client: raw inputs and outputs of encoding/json, and an any.
func BenchmarkConsumeFrame(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, `{"success":true,"outputParameters":%s}`, body)
	}))
	defer server.Close()
	client, err := mlserver.New(mlserver.Config{Address: server.URL})
	if err != nil {
		b.Fatal(err)
	}
	frame, generic := data.Frame{}, map[string][]float64{}
	for c := range 10 {
		column := make([]float64, 100_000)
		for i := range column {
			column[i] = rand.Float64()
		}
		name := fmt.Sprint("c", c)
		frame, generic[name] = append(frame, data.Column{Name: name, Values: data.Floats(column...)}), column
	}
	ctx := context.Background()
	service := client.Service("s", "1")
	b.Run("frame", func(b *testing.B) {
		b.ReportAllocs()
		median(b, func() error {
			result, err := service.Consume(ctx, mlserver.Values{"frame": frame})
			if err != nil {
				return err
			}
			var out data.Frame
			return result.Outputs.Decode("frame", &out)
		})
	})
	b.Run("any", func(b *testing.B) {
		b.ReportAllocs()
		api := v930.New(client.Transport(), nil)
		median(b, func() error {
			text, err := json.Marshal(generic)
			if err != nil {
				return err
			}
			ok, err := api.Consumption.ConsumeWebServiceContext(ctx, &consumption.ConsumeWebServiceParams{Name: "s", Version: "1", Inputs: models.ServiceInputs{"frame": text}})
			if err != nil {
				return err
			}
			var out any
			return json.Unmarshal(ok.Payload.OutputParameters["frame"], &out)
		})
	})
}
