package devserver

import (
	"context"
	"slices"
)

// place is the right to use a worker.
type place struct {
	era    int
	worker *serviceWorker // a warm one, nil when one has to be started
	err    error          // why there is no place
}

// enter waits for a place.
func (p *servicePool) enter(ctx context.Context) place {
	p.mu.Lock()
	switch {
	case p.ctx.Err() != nil:
		defer p.mu.Unlock()
		return place{err: errRetired}
	case p.most == 0:
		defer p.mu.Unlock()
		return place{err: p.noRoom()}
	case p.used < p.most:
		defer p.mu.Unlock()
		return p.admit()
	}
	granted := make(chan place, 1)
	p.waiting = append(p.waiting, granted)
	p.mu.Unlock()
	select {
	case at := <-granted:
		return at
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.waiting, granted); i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
	} else if at := <-granted; at.err == nil { // just now
		return at
	}
	return place{err: ctx.Err()}
}

// admit gives a place, with the idle worker used last if there is one. The caller holds the lock.
func (p *servicePool) admit() place {
	p.used++
	at := place{era: p.era}
	if last := len(p.idle) - 1; last >= 0 {
		at.worker, p.idle = p.idle[last], p.idle[:last]
	}
	return at
}

// width is how many calls can run at a time, at least one: a call that finds no room at all is told so.
func (p *servicePool) width() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(1, p.most)
}

// free takes a place back, for the next who waits. The caller holds the lock.
func (p *servicePool) free(era int) {
	p.used--
	if era != p.era {
		p.leaving--
	}
	p.grant()
	if p.used == 0 {
		for _, done := range p.empty {
			close(done)
		}
		p.empty = nil
	}
}

// grant lets in whom there is room for. The caller holds the lock.
func (p *servicePool) grant() {
	for len(p.waiting) > 0 && p.used < p.most {
		p.waiting[0] <- p.admit()
		p.waiting = p.waiting[1:]
	}
}

// turnAway lets nobody wait any longer. The caller holds the lock.
func (p *servicePool) turnAway(err error) {
	for _, granted := range p.waiting {
		granted <- place{err: err}
	}
	p.waiting = nil
}

func (p *servicePool) leave(era int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free(era)
}
