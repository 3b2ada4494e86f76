package devserver

import (
	"crypto/sha256"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"
)

// guard slows down who guesses passwords: after some wrong ones for a user from one address, the next is looked at after a
// pause, which doubles each time. The same user elsewhere, and others there, do not notice.
type guard struct {
	clock func() time.Time

	mu    sync.Mutex
	tries map[[sha256.Size]byte]tries // by address and user, in one length
}

type tries struct {
	wrong int
	last  time.Time
}

const (
	freeTries    = 5
	longestPause = time.Minute
	triesKept    = 15 * time.Minute // after the last one
	maxTries     = 10_000
)

func newGuard(clock func() time.Time) *guard {
	return &guard{clock: clock, tries: map[[sha256.Size]byte]tries{}}
}

// pause is how long nobody looks at the next password; 0: not at all.
func (t tries) pause(now time.Time) time.Duration {
	if t.wrong < freeTries {
		return 0
	}
	pause := longestPause
	if doubled := t.wrong - freeTries; doubled < 6 {
		pause = time.Second << doubled
	}
	return max(0, t.last.Add(pause).Sub(now))
}

// look calls check, unless there is a pause; then it tells how long that is.
func (g *guard) look(address, user string, check func() error) (pause time.Duration, err error) {
	key := sha256.Sum256([]byte(address + "\x00" + strings.ToLower(user)))
	g.mu.Lock()
	pause = g.before(key).pause(g.clock())
	g.mu.Unlock()
	if pause > 0 {
		return pause, nil
	}
	err = check()
	g.mu.Lock()
	defer g.mu.Unlock()
	var f *failure
	switch {
	case err == nil:
		delete(g.tries, key)
	case errors.As(err, &f) && f.status == http.StatusUnauthorized:
		before := g.before(key)
		g.makeRoom()
		g.tries[key] = tries{before.wrong + 1, g.clock()}
	}
	return 0, err
}

// before are the tries so far, if they are not too long ago.
func (g *guard) before(key [sha256.Size]byte) tries {
	t := g.tries[key]
	if g.clock().Sub(t.last) > triesKept {
		return tries{}
	}
	return t
}

// makeRoom keeps the tries from growing without end: if too many are recent, as from guessing names, whatever there is goes.
func (g *guard) makeRoom() {
	if len(g.tries) < maxTries {
		return
	}
	for key := range g.tries {
		if g.before(key).wrong == 0 {
			delete(g.tries, key)
		}
	}
	if len(g.tries) >= maxTries {
		clear(g.tries)
	}
}
