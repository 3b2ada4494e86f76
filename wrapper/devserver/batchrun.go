package devserver

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strings"
	"sync"
)

// launch makes a batch known, and runs the rows that are not done in the background. Its caller holds the lock of s.batches, or
// nobody else knows the server yet.
func (s *Server) launch(b *batch) {
	b.ctx, b.cancel = context.WithCancel(s.ctx)
	s.batches.byID[b.files.id] = b
	if !b.rec.Ended.IsZero() || !s.gate.enter() { // what a closing server does not do it does after its next start
		b.results.close()
		return
	}
	go func() {
		defer s.gate.leave()
		defer b.results.close()
		select {
		case s.batches.running <- struct{}{}:
			defer func() { <-s.batches.running }()
		case <-b.ctx.Done():
			return
		}
		state := s.runBatch(b)
		if b.ctx.Err() != nil { // deleted; or to be continued after the next start
			return
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.rec.State, b.rec.Ended = state, s.cfg.Clock().UTC()
		if b.deleted {
			return
		}
		if err := s.store.put(bucketBatches, b.rec.ID, b.rec); err != nil {
			s.cfg.Logger.Error("end of a batch not stored", "batch", b.rec.ID, "error", err)
			return
		}
		_ = os.Remove(b.files.rows()) // not needed any more; goes with the batch otherwise
	}()
}

func (b *batch) enter(state string) {
	b.mu.Lock()
	b.rec.State = state
	b.mu.Unlock()
}

type batchRow struct {
	index int
	text  []byte
}

// runBatch runs the rows that are not done, and returns the state that comes of it. As many rows as asked for are run at a
// time, but no more than the service has workers, by default one per CPU: more would only stand in the way of other calls.
func (s *Server) runBatch(b *batch) string {
	b.enter(batchReady)
	rec := b.record()
	p := s.services.find(rec.service())
	if p == nil {
		return batchFailed
	}
	select {
	case <-p.workers.ready:
	case <-b.ctx.Done():
		return batchFailed
	}
	b.enter(batchInProgress)
	ctx, stop := context.WithCancelCause(b.ctx)
	defer stop(nil)
	queue := make(chan batchRow)
	var workers sync.WaitGroup
	for range min(rec.Parallel, p.workers.width()) {
		workers.Go(func() {
			for row := range queue {
				if err := s.runRow(ctx, b, row); err != nil {
					stop(err)
				}
			}
		})
	}
	err := b.files.eachRow(func(index int, text []byte) error {
		if b.done(index) { // before the server was closed
			return nil
		}
		select {
		case queue <- batchRow{index, text}:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
	close(queue)
	workers.Wait()
	if err = errors.Join(err, context.Cause(ctx)); err != nil {
		if b.ctx.Err() == nil {
			s.cfg.Logger.Warn("batch failed", "batch", rec.ID, "service", rec.Name, "version", rec.Version, "error", err)
		}
		return batchFailed
	}
	return batchComplete
}

// errHopeless says that further rows would come to the same.
var errHopeless = errors.New("the service does not run")

// runRow runs one row and keeps what it came to. A row that fails is a result, too; only an error ends the batch.
func (s *Server) runRow(ctx context.Context, b *batch, row batchRow) error {
	var given map[string]json.RawMessage
	if err := json.Unmarshal(row.text, &given); err != nil {
		return err
	}
	svc, answer, err := s.runCurrent(ctx, b.record().service(), given)
	if ctx.Err() != nil {
		return nil
	}
	hopeless := err != nil || answer.unstarted
	var f *failure
	if errors.As(err, &f) {
		// The inputs may not fit any more after a PATCH, and time may be over: neither says anything about the next row.
		hopeless = f.status == http.StatusServiceUnavailable || f.status == http.StatusNotFound
		answer = &serviceAnswer{message: f.message}
	} else if err != nil {
		s.cfg.Logger.Error("row of a batch failed", "batch", b.files.id, "row", row.index, "error", err)
		answer = &serviceAnswer{message: "the development server failed, its log says why"}
	}
	if svc == nil {
		svc = &service{}
	}
	if err := b.keep(row.index, answer.object(svc)); err != nil {
		return err
	}
	if hopeless {
		return errHopeless
	}
	return nil
}

// runCurrent makes one call of a version as it is now: it may have been changed since the batch was started.
func (s *Server) runCurrent(ctx context.Context, key string, given map[string]json.RawMessage) (*service, *serviceAnswer, error) {
	for {
		p := s.services.find(key)
		if p == nil {
			return nil, nil, fail(http.StatusNotFound, "service %s was deleted", strings.ReplaceAll(key, "\x00", " version "))
		}
		answer, err := s.run(ctx, p, given)
		if !errors.Is(err, errRetired) || ctx.Err() != nil {
			return p.service, answer, err
		}
	}
}
