// Package stopwatch tells tests how long something took, on machines that do much else at the same time.
package stopwatch

import (
	"sync"
	"testing"
	"time"
)

// Start begins to measure. Took is the time since then, without that in which this process did not run although it had to. That
// counts twice, as what is measured has to wait for its turn as well when the heart has had its own.
func Start(t testing.TB) (took func() time.Duration) {
	stopped := sync.OnceValue(Beat().Stop)
	t.Cleanup(func() { stopped() })
	began := time.Now()
	return func() time.Duration {
		all := Span{began, time.Now()}
		passed := all.To.Sub(all.From)
		for _, pause := range stopped() {
			passed -= 2 * all.Common(pause)
		}
		return max(0, passed)
	}
}

// Heart beats each millisecond, beside what is measured. What is between two of its beats was time in which this process did not run.
type Heart struct {
	pauses []Span
	stop   chan struct{}
	dead   sync.WaitGroup
}

// Beat starts a heart.
func Beat() *Heart {
	h := &Heart{stop: make(chan struct{})}
	last := time.Now()
	h.dead.Go(func() { h.beat(last) })
	return h
}

func (h *Heart) beat(last time.Time) {
	const beat, missed = time.Millisecond, 2 * time.Millisecond
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for {
		stopped := false
		select {
		case <-ticker.C:
		case <-h.stop:
			stopped = true
		}
		now := time.Now()
		if now.Sub(last) > missed {
			h.pauses = append(h.pauses, Span{last, now})
		}
		if last = now; stopped {
			return
		}
	}
}

// Stop ends it, and returns the pauses, the first one first.
func (h *Heart) Stop() []Span {
	close(h.stop)
	h.dead.Wait()
	return h.pauses
}

// Span is some time.
type Span struct{ From, To time.Time }

// Common is how long both spans are at the same time.
func (s Span) Common(other Span) time.Duration {
	from, to := s.From, s.To
	if other.From.After(from) {
		from = other.From
	}
	if other.To.Before(to) {
		to = other.To
	}
	return max(0, to.Sub(from))
}
