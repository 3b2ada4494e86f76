package devserver

import "sync"

// gate counts what is under way, and lets nothing in any more once closed.
type gate struct {
	mu      sync.Mutex
	n       int
	drained chan struct{} // non-nil once closed; closed itself when nothing is under way
}

func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.drained != nil {
		return false
	}
	g.n++
	return true
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.n--; g.n == 0 && g.drained != nil {
		close(g.drained)
	}
}

// close shuts the gate; the channel is closed when all who entered have left.
func (g *gate) close() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.drained == nil {
		g.drained = make(chan struct{})
		if g.n == 0 {
			close(g.drained)
		}
	}
	return g.drained
}
