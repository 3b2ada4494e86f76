package mlserver_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/internal/faults"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// TestRandomFaults makes many calls of every operation of the newest version at once, of which half go wrong. FAULTS says how
// many, SEED which faults.
func TestRandomFaults(t *testing.T) {
	number, seed := 10_000, rand.Uint64()
	for name, set := range map[string]func(uint64){"FAULTS": func(n uint64) { number = int(n) }, "SEED": func(n uint64) { seed = n }} {
		if text := os.Getenv(name); text != "" {
			n, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			set(n)
		}
	}
	t.Logf("SEED=%d", seed)
	v930 := generated[len(generated)-1]
	calls := callsOf(t, v930.client)
	answers := map[string]faults.Answer{}
	for _, c := range calls {
		answers[c.method+" "+c.path] = c.answer
	}
	rt := faults.NewRoundTripper(seed, func(method, path string) (faults.Answer, bool) {
		a, ok := answers[method+" "+path]
		return a, ok
	})
	operations := newDriver(v930.client(faultClient(t, "http://localhost", rt).Transport())).operations

	before := level()
	var next, right, broken, refused, hung, again atomic.Int64
	over := newLateness()
	var workers sync.WaitGroup
	const atOnce = 64
	for range atOnce {
		workers.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= number || t.Failed() {
					return
				}
				c := calls[i%len(calls)]
				ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
				ctx, executed := faults.WithExecutions(ctx)
				returned := over.watch(ctx)
				got, err := invoke(ctx, operations[c.operation])
				returned()
				cancel()
				var status *mlserver.Error
				switch {
				case err == nil && got != c.want:
					t.Errorf("%s: the wrong answer %q was taken for %q", c.operation, got, c.want)
				case err == nil && executed.Load() == 0:
					t.Errorf("%s: succeeded, but was never done", c.operation)
				case err == nil:
					right.Add(1)
				case errors.As(err, &status):
					refused.Add(1)
				case errors.Is(err, context.DeadlineExceeded):
					hung.Add(1)
				default:
					broken.Add(1)
				}
				switch n := executed.Load(); {
				case n > 1 && (c.method == "POST" || c.method == "PATCH"):
					t.Errorf("%s: done %d times", c.operation, n)
				case n > 1:
					again.Add(1)
				}
			}
		})
	}
	workers.Wait()
	over.report(t, "random faults")
	t.Logf("%d calls: %d right, %d refused, %d broken, %d hung; %d GET, PUT and DELETE done more than once",
		number, right.Load(), refused.Load(), broken.Load(), hung.Load(), again.Load())
	if right.Load() == 0 || refused.Load() == 0 || broken.Load() == 0 || hung.Load() == 0 || again.Load() == 0 {
		t.Error("some outcome was never seen")
	}
	more := func(after levels) bool {
		return after.goroutines > before.goroutines+2 || after.heap > before.heap+8<<20
	}
	after := level()
	for deadline := time.Now().Add(patience); more(after) && time.Now().Before(deadline); after = level() {
		<-time.After(5 * time.Millisecond)
	}
	t.Logf("before %+v, afterwards %+v", before, after)
	if more(after) {
		t.Errorf("before %+v, afterwards %+v: something is left", before, after)
	}
}

// levels are what must be back where it was when all is over.
type levels struct {
	goroutines int
	heap       uint64 // bytes
}

func level() levels {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return levels{runtime.NumGoroutine(), m.HeapAlloc}
}
