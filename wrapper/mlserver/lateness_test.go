package mlserver_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/internal/stopwatch"
)

// lateness measures by how much calls outlive their contexts. Time in which this process hardly ran, because the machine is busy,
// does not count.
type lateness struct {
	mu    sync.Mutex
	calls []stopwatch.Span // from when a goroutine that waited for nothing else had seen that the context was done, until the call returned

	heart *stopwatch.Heart
}

func newLateness() *lateness { return &lateness{heart: stopwatch.Beat()} }

// watch is called before a call with its context, and what it returns after the call.
func (l *lateness) watch(ctx context.Context) (returned func()) {
	seen := make(chan time.Time, 1)
	stop := context.AfterFunc(ctx, func() { seen <- time.Now() })
	return func() {
		now := time.Now()
		if stop() {
			return // the call was faster
		}
		from := <-seen
		l.mu.Lock()
		defer l.mu.Unlock()
		l.calls = append(l.calls, stopwatch.Span{From: from, To: now})
	}
}

// report fails if a call was later than promised.
func (l *lateness) report(t *testing.T, what string) {
	t.Helper()
	pauses := l.heart.Stop()
	if len(l.calls) == 0 {
		return
	}
	const promised = 100 * time.Millisecond
	var late []time.Duration
	for _, call := range l.calls {
		d := call.To.Sub(call.From)
		for _, p := range pauses {
			d -= 2 * call.Common(p) // twice: when it ends the call is but one of all that have waited for it
		}
		late = append(late, max(0, d))
	}
	most := slices.Max(late)
	t.Logf("%s: %d calls ended by their contexts, the latest after %s", what, len(late), most)
	if most > promised {
		t.Errorf("%s: a call outlived its context by %s, want at most %s", what, most, promised)
	}
}
