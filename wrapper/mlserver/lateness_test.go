package mlserver_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"
)

// lateness measures by how much calls outlive their contexts. Time in which this process hardly ran, because the machine is busy,
// does not count: a heart beats beside the calls, and what is between two of its beats was such time.
type lateness struct {
	mu    sync.Mutex
	calls []span // from when a goroutine that waited for nothing else had seen that the context was done, until the call returned

	pauses []span
	stop   chan struct{}
	dead   sync.WaitGroup
}

type span struct{ from, to time.Time }

// common is how long two spans are at the same time.
func common(a, b span) time.Duration {
	from, to := a.from, a.to
	if b.from.After(from) {
		from = b.from
	}
	if b.to.Before(to) {
		to = b.to
	}
	return max(0, to.Sub(from))
}

func newLateness() *lateness {
	l := &lateness{stop: make(chan struct{})}
	l.dead.Go(l.beat)
	return l
}

func (l *lateness) beat() {
	const beat, missed = time.Millisecond, 2 * time.Millisecond
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for last := time.Now(); ; {
		stopped := false
		select {
		case <-ticker.C:
		case <-l.stop:
			stopped = true
		}
		now := time.Now()
		if now.Sub(last) > missed {
			l.pauses = append(l.pauses, span{last, now})
		}
		if last = now; stopped {
			return
		}
	}
}

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
		l.calls = append(l.calls, span{from, now})
	}
}

// report fails if a call was later than promised.
func (l *lateness) report(t *testing.T, what string) {
	t.Helper()
	close(l.stop)
	l.dead.Wait()
	if len(l.calls) == 0 {
		return
	}
	const promised = 100 * time.Millisecond
	var late []time.Duration
	for _, call := range l.calls {
		d := call.to.Sub(call.from)
		for _, p := range l.pauses {
			d -= 2 * common(call, p) // twice: when it ends the call is but one of all that have waited for it
		}
		late = append(late, max(0, d))
	}
	most := slices.Max(late)
	t.Logf("%s: %d calls ended by their contexts, the latest after %s", what, len(late), most)
	if most > promised {
		t.Errorf("%s: a call outlived its context by %s, want at most %s", what, most, promised)
	}
}
