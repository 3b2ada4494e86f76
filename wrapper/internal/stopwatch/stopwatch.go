// Package stopwatch tells tests how long something took, on machines that do much else at the same time.
package stopwatch

import (
	"sync"
	"testing"
	"time"
)

// Start begins to measure. Took is the time since then, without that in which this process did not run although it had to: a heart
// beats beside what is measured, and what is between two of its beats was such time. It counts twice, as what is measured has to wait
// for its turn as well when the heart has had its own.
func Start(t testing.TB) (took func() time.Duration) {
	const beat, missed = time.Millisecond, 2 * time.Millisecond
	var (
		mu   sync.Mutex
		lost time.Duration
	)
	began := time.Now()
	last := began
	look := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now := time.Now()
		if pause := now.Sub(last); pause > missed {
			lost += pause
		}
		last = now
		return now
	}
	stop := make(chan struct{})
	var dead sync.WaitGroup
	dead.Go(func() {
		ticker := time.NewTicker(beat)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				look()
			case <-stop:
				return
			}
		}
	})
	end := sync.OnceFunc(func() { close(stop); dead.Wait() })
	t.Cleanup(end)
	return func() time.Duration {
		now := look()
		end()
		return max(0, now.Sub(began)-2*lost)
	}
}
