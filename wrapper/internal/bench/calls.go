package bench

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// callCase is one way to call the service.
type callCase struct {
	name       string
	late       bool // the last chunk
	target     func(*Stub) string
	goroutines int
}

func callCases() []callCase {
	var cases []callCase
	for _, s := range []struct {
		name   string
		late   bool
		target func(*Stub) string
	}{
		{"plain", false, func(s *Stub) string { return s.Plain }},
		{"plain, last chunk late", true, func(s *Stub) string { return s.Plain + s.Late }},
		{"TLS", false, func(s *Stub) string { return s.TLS }},
		{"TLS, last chunk late", true, func(s *Stub) string { return s.TLS + s.Late }},
	} {
		for _, g := range []int{1, 16, 256} {
			cases = append(cases, callCase{s.name, s.late, s.target, g})
		}
	}
	return cases
}

func (c callCase) String() string { return fmt.Sprintf("%s, %d", c.name, c.goroutines) }

// calls is how many are made in one turn.
func (c callCase) calls() int {
	switch c.goroutines {
	case 1:
		return 200
	case 16:
		return 800
	}
	return 1536
}

// callRow is what all clients took for a case.
type callRow struct {
	callCase
	clients []sample
}

// sample is what one client took, turn by turn.
type sample struct {
	name  string
	turns []cost
	calls int
}

// runCalls runs all cases that want says. Connections are counted where they are dialed: the server may accept what one client has
// dialed in vain only when it is another one's turn. That it accepts as many in all is checked.
func runCalls(ctx context.Context, s *Stub, clients []Client, rounds int, want func(string) bool, progress io.Writer) ([]callRow, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(s.Certificate) {
		return nil, errors.New("the stub has no certificate")
	}
	before, err := s.connections()
	if err != nil {
		return nil, err
	}
	var all []*atomic.Int64
	accepted := func() int64 {
		n := before
		for _, dialed := range all {
			n += dialed.Load()
		}
		return n
	}
	var rows []callRow
	for _, c := range callCases() {
		if !want("calls " + c.String()) {
			continue
		}
		row := callRow{callCase: c, clients: make([]sample, len(clients))}
		calls := make([]func(context.Context) error, len(clients))
		dialed := make([]*atomic.Int64, len(clients))
		for i, client := range clients {
			row.clients[i] = sample{name: client.Name}
			dialed[i] = &atomic.Int64{}
			all = append(all, dialed[i])
			if calls[i], err = client.New(Target{c.target(s), roots, dialed[i]}); err != nil {
				return nil, err
			}
			if err := s.warmUp(ctx, c, calls[i]); err != nil {
				return nil, fmt.Errorf("%s: %w", client.Name, err)
			}
		}
		for range rounds {
			for _, i := range rand.Perm(len(clients)) {
				sample := &row.clients[i]
				before := dialed[i].Load()
				took, err := measure(func() error { return many(ctx, calls[i], c.goroutines, c.calls()) })
				if err != nil {
					return nil, fmt.Errorf("%s: %w", sample.name, err)
				}
				took.connections = dialed[i].Load() - before
				sample.turns = append(sample.turns, took)
				sample.calls += c.calls()
			}
		}
		if err := s.awaitConnections(accepted); err != nil {
			return nil, fmt.Errorf("%s: %w", c, err)
		}
		rows = append(rows, row)
		fmt.Fprintln(progress, row)
	}
	return rows, nil
}

// warmUp makes calls until a client has what it keeps: as many connections as it has goroutines, because the server answers the
// first calls only when all of them are there.
func (s *Stub) warmUp(ctx context.Context, c callCase, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := s.gather(c.goroutines); err != nil {
		return err
	}
	if err := many(ctx, call, c.goroutines, c.goroutines); err != nil {
		return err
	}
	return many(ctx, call, c.goroutines, c.calls())
}

// many makes n calls from some goroutines.
func many(ctx context.Context, call func(context.Context) error, goroutines, n int) error {
	errs := make([]error, goroutines)
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := g; i < n && errs[g] == nil; i += goroutines {
				errs[g] = call(ctx)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// cost is what something took.
type cost struct {
	wall, cpu      float64 // seconds; of the processor that of this process
	mallocs, bytes uint64
	connections    int64 // that were opened
}

func measure(do func() error) (cost, error) {
	runtime.GC() // each pays for its own garbage
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := now()
	err := do()
	end := now()
	runtime.ReadMemStats(&after)
	return cost{wall: end.wall - start.wall, cpu: end.cpu - start.cpu, mallocs: after.Mallocs - before.Mallocs, bytes: after.TotalAlloc - before.TotalAlloc}, err
}
