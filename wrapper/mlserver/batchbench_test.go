package mlserver_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/mlserver"
)

const manyRows = 100_000

// many is a server that takes a batch of any size and answers it as complete, without running anything.
func many(rows int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			if _, err := io.Copy(io.Discard, r.Body); err == nil {
				w.WriteHeader(http.StatusAccepted)
				io.WriteString(w, `{"batchExecutionId":"b"}`)
			}
			return
		}
		out := bufio.NewWriter(w)
		fmt.Fprintf(out, `{"state":"Complete","completedItemCount":%d,"totalItemCount":%d,"batchExecutionResults":[`, rows, rows)
		for i := range rows {
			if i > 0 {
				out.WriteByte(',')
			}
			fmt.Fprintf(out, `{"success":true,"errorMessage":"","consoleOutput":"","changedFiles":[],"outputParameters":{"y":%d.0}}`, i)
		}
		out.WriteString("]}")
		out.Flush()
	}
}

// whole starts a batch, waits for it and reads all of it; tick is told of rows that are sent and read.
func whole(tb testing.TB, service *mlserver.Service, rows int, tick func(row int)) (took time.Duration) {
	tb.Helper()
	began := time.Now()
	batch, err := service.StartBatch(tb.Context(), func(yield func(mlserver.Values, error) bool) {
		for i := 0; i < rows && yield(mlserver.Values{"x": float64(i)}, nil); i++ {
			tick(i)
		}
	}, mlserver.BatchOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := batch.Wait(tb.Context(), mlserver.WaitOptions{}); err != nil {
		tb.Fatal(err)
	}
	read := 0
	for row, err := range batch.Results(tb.Context()) {
		var y float64
		if err != nil || row.Err != nil || row.Outputs.Decode("y", &y) != nil || y != float64(read) {
			tb.Fatalf("row %d: %+v, %v", read, row, err)
		}
		tick(read)
		read++
	}
	if read != rows {
		tb.Fatalf("%d results, want %d", read, rows)
	}
	return time.Since(began)
}

// heap is the memory in use at its highest, looked at now and then.
type heap uint64

func (h *heap) look(row int) {
	if row%2000 == 0 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		*h = max(*h, heap(m.HeapAlloc))
	}
}

func (h heap) mib() float64 { return float64(h) / (1 << 20) }

// However many rows there are, little of them is in memory: what is read here is 4 MB of JSON, and several times that when it is
// decoded at once. The server's share is in the figure, too.
func TestBatchMemory(t *testing.T) {
	const rows = 40_000
	service := stub(t, many(rows))
	runtime.GC()
	var before, peak heap
	before.look(0)
	whole(t, service, rows, peak.look)
	if grown := peak.mib() - before.mib(); grown > 8 {
		t.Errorf("memory in use grew by %.1f MiB, want at most 8", grown)
	}
}

// BenchmarkBatch takes 100,000 rows through the whole of a batch: "client" against a server that does nothing, which is what the
// client itself takes, and then through development server and a trivial service. own-% is the former's share of the latter.
func BenchmarkBatch(b *testing.B) {
	var own time.Duration
	b.Run("client", func(b *testing.B) {
		service := stub(b, many(manyRows))
		b.ReportAllocs()
		var peak heap
		var took time.Duration
		for b.Loop() {
			took += whole(b, service, manyRows, peak.look)
		}
		own = took / time.Duration(b.N)
		b.ReportMetric(peak.mib(), "peak-MiB")
	})
	for language, code := range map[mlserver.Runtime]string{mlserver.R: "y <- x", mlserver.Python: "y = x"} {
		b.Run(string(language), func(b *testing.B) {
			service, err := newServer(b, mlserver.V930).client(b).Publish(b.Context(), mlserver.Definition{
				Name: "echo", Version: "1", Runtime: language, Code: code,
				Inputs:  []mlserver.Parameter{{Name: "x", Type: mlserver.Numeric}},
				Outputs: []mlserver.Parameter{{Name: "y", Type: mlserver.Numeric}},
			})
			if err != nil {
				b.Fatal(err)
			}
			var peak heap
			var took time.Duration
			for b.Loop() {
				took += whole(b, service, manyRows, peak.look)
			}
			took /= time.Duration(b.N)
			b.ReportMetric(manyRows/took.Seconds(), "rows/s")
			b.ReportMetric(peak.mib(), "peak-MiB") // client and server together
			b.ReportMetric(100*own.Seconds()/took.Seconds(), "own-%")
		})
	}
}
