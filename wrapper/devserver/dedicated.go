package devserver

import "net/http"

// poolSize is how many workers a service version has for itself, since 9.3.0.
type poolSize struct{ Initial, Max int }

// mostPooled is how many workers a pool may have: as many as there is room for on a node of a real server by default.
const mostPooled = 80

// resize makes the pool a dedicated one, with nil an ordinary one again. It returns the workers that are to be ended.
func (p *servicePool) resize(size *poolSize) (old []*serviceWorker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if size == nil {
		p.most, p.era, p.leaving = p.s.cfg.ServiceWorkers, p.era+1, p.used
		old, p.idle = p.idle, nil
	} else {
		p.most = size.Max
		if extra := min(p.used+len(p.idle)-p.most, len(p.idle)); extra > 0 {
			old, p.idle = p.idle[:extra:extra], p.idle[extra:]
		}
	}
	p.size = size
	if p.most == 0 {
		p.turnAway(p.noRoom())
	}
	p.grant()
	return old
}

func (p *servicePool) noRoom() error {
	return fail(http.StatusServiceUnavailable, "the pool of service %s version %s has room for 0 workers: raise its maximum, or delete it", p.svc.Name, p.svc.Version)
}

// dedicated is the size asked for, nil for an ordinary pool.
func (p *servicePool) dedicated() *poolSize {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.size
}

// fill starts what a dedicated pool lacks, in the background and one after the other, so that a busy machine is not made
// busier. One that does not start is tried again later, and by the next call, which tells why.
func (p *servicePool) fill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.filling || !p.lacks() || !p.s.gate.enter() {
		return
	}
	p.filling = true
	go func() {
		defer p.s.gate.leave()
		select {
		case <-p.ready: // counts the first worker
		case <-p.ctx.Done():
		}
		for {
			p.mu.Lock()
			if !p.lacks() {
				p.filling = false
				p.mu.Unlock()
				return
			}
			p.used++
			era := p.era
			p.mu.Unlock()
			sw, err := p.start(p.ctx, era)
			if err != nil {
				p.notStarted(err)
				p.mu.Lock()
				p.filling = false
				p.mu.Unlock()
				return
			}
			p.release(sw, true)
		}
	}()
}

// lacks says whether there are fewer workers than asked for. The caller holds the lock.
func (p *servicePool) lacks() bool {
	return p.size != nil && p.ctx.Err() == nil && p.used+len(p.idle) < p.size.Initial
}

// status is the documented word for how far the dedicated pool is. While calls of a deleted one are under way it is pending.
func (p *servicePool) status() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.size != nil && (p.filling || p.lacks()), p.size == nil && p.leaving > 0:
		return "Pending"
	case p.size != nil:
		return "Success"
	}
	return "NotFound"
}

// createOrUpdateServicePool gives a service version workers of its own, which no other pool helps out: calls wait when all are
// busy. They are kept over updates of the service and, with a data directory, a restart.
func (s *Server) createOrUpdateServicePool(w http.ResponseWriter, r *request) error {
	p, err := s.own(r)
	if err != nil {
		return err
	}
	var body struct{ InitialPoolSize, MaxPoolSize *int }
	if err := r.decode(&body); err != nil {
		return err
	}
	name := r.op.body.name
	switch initial, most := body.InitialPoolSize, body.MaxPoolSize; {
	case initial == nil || most == nil:
		return fail(http.StatusBadRequest, "%s: InitialPoolSize and MaxPoolSize are both needed", name)
	case *initial < 0 || *initial > *most:
		return fail(http.StatusBadRequest, "%s: InitialPoolSize is %d, it must be between 0 and MaxPoolSize, which is %d", name, *initial, *most)
	case *most > mostPooled:
		return fail(http.StatusBadRequest, "%s: MaxPoolSize is %d, this server keeps at most %d workers in a pool", name, *most, mostPooled)
	}
	if err := p.scorable(); err != nil {
		return err
	}
	size := &poolSize{*body.InitialPoolSize, *body.MaxPoolSize}
	if p, err = s.setPool(r, size); err != nil {
		return err
	}
	p.workers.fill()
	writeJSON(w, http.StatusOK, "Pool of service "+p.Name+" version "+p.Version+" is being set up.")
	return nil
}

// setPool stores the size, nil for none, and applies it to whatever is published now.
func (s *Server) setPool(r *request, size *poolSize) (*published, error) {
	p, old, err := func() (*published, []*serviceWorker, error) {
		s.services.mu.Lock()
		defer s.services.mu.Unlock()
		p := s.services.byKey[keyOf(r)]
		if p == nil {
			return nil, nil, noService(r)
		}
		var err error
		if size != nil {
			err = s.store.put(bucketPools, p.key(), size)
		} else {
			err = s.store.delete(p.key(), bucketPools)
		}
		if err != nil || size == nil && p.workers.dedicated() == nil {
			return p, nil, err
		}
		return p, p.workers.resize(size), nil
	}()
	endAll(old)
	return p, err
}

// deleteServicePool succeeds without a pool as well: clients repeat it until its status is NotFound.
func (s *Server) deleteServicePool(w http.ResponseWriter, r *request) error {
	p, err := s.own(r)
	if err != nil {
		return err
	}
	if _, err := s.setPool(r, nil); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, "Pool of service "+p.Name+" version "+p.Version+" is being deleted.")
	return nil
}

// getServicePoolStatus answers for the one node there is. The document knows no 404 here: a service that does not exist has no
// pool. Its keys are in Pascal case there, but not on record.
func (s *Server) getServicePoolStatus(w http.ResponseWriter, r *request) error {
	type line struct {
		ComputeNodeEndpoint string `json:"computeNodeEndpoint"`
		Status              string `json:"status"`
	}
	status := "NotFound"
	if p, err := s.published(r); err == nil {
		status = p.workers.status()
	}
	writeJSON(w, http.StatusOK, []line{{"http://" + r.Host + "/", status}})
	return nil
}
