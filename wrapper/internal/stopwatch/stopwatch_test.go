package stopwatch

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestStart measures by the clock of a bubble, in which time passes only while nobody has anything to do: none is lost.
func TestStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		took := Start(t)
		time.Sleep(5 * time.Second) // of the bubble
		if got := took(); got != 5*time.Second {
			t.Errorf("took %s, want 5 s", got)
		}
	})
}
