package auth_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mlserver-go/mls/wrapper/auth"
)

// issuer is a source of numbered tokens that live for a time.
type issuer struct {
	clock  *clock
	life   time.Duration
	n      atomic.Int32
	err    error
	asked  chan struct{} // if set, told of each call
	answer chan struct{} // if set, waited for in each call, or for the end of its context
}

func (i *issuer) Token(ctx context.Context) (*auth.Token, error) {
	n := i.n.Add(1)
	if i.asked != nil {
		i.asked <- struct{}{}
	}
	if i.answer != nil {
		select {
		case <-i.answer:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if i.err != nil {
		return nil, i.err
	}
	t := &auth.Token{AccessToken: fmt.Sprint(n)}
	if i.life != 0 {
		t.Expiry = i.clock.now().Add(i.life)
	}
	return t, nil
}

func cacheOf(i *issuer) *auth.Cache {
	c := auth.NewCache(i)
	if i.clock != nil {
		c.Now = i.clock.now
	}
	return c
}

func wantToken(t *testing.T, src auth.Source, want string) *auth.Token {
	t.Helper()
	got, err := src.Token(background)
	if err != nil || got.AccessToken != want {
		t.Fatalf("got %v, want token %s", err, want)
	}
	return got
}

func TestExpiredTokenIsRenewedOnce(t *testing.T) {
	i := &issuer{clock: newClock(), life: time.Hour}
	c := cacheOf(i)
	wantToken(t, c, "1")
	for round := 2; round <= 4; round++ {
		i.clock.pass(time.Hour)
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() {
				if got, err := c.Token(background); err != nil || got.AccessToken != fmt.Sprint(round) {
					t.Errorf("round %d: got %v", round, err)
				}
			})
		}
		all.Wait()
		if n := int(i.n.Load()); n != round {
			t.Errorf("round %d: the source was asked %d times", round, n)
		}
	}
}

func TestWhenTokensAreRenewed(t *testing.T) {
	for _, test := range []struct {
		life, skew time.Duration
		good       time.Duration // how long the token is used; 0: for ever
	}{
		{time.Hour, 0, 59 * time.Minute},
		{time.Hour, 5 * time.Minute, 55 * time.Minute},
		{time.Hour, 30 * time.Minute, 54 * time.Minute}, // a tenth at most
		{10 * time.Second, 0, 9 * time.Second},
		{100 * time.Millisecond, 0, 90 * time.Millisecond},
		{0, 0, 0},
	} {
		i := &issuer{clock: newClock(), life: test.life}
		c := cacheOf(i)
		c.Skew = test.skew
		wantToken(t, c, "1")
		if test.good == 0 {
			i.clock.pass(1000 * time.Hour)
			wantToken(t, c, "1")
			continue
		}
		i.clock.pass(test.good - 1)
		wantToken(t, c, "1")
		i.clock.pass(1)
		wantToken(t, c, "2")
	}
}

// A token that is held only for its last seconds is renewed early as well: it is its whole life that counts.
func TestSkewCountsFromIssue(t *testing.T) {
	k := newClock()
	old := &auth.Token{AccessToken: "old", Issued: k.now(), Expiry: k.now().Add(time.Hour)}
	k.pass(59*time.Minute - time.Second)
	n := 0
	c := auth.NewCache(auth.SourceFunc(func(context.Context) (*auth.Token, error) {
		if n++; n == 1 {
			return old, nil
		}
		return &auth.Token{AccessToken: "new"}, nil
	}))
	c.Now = k.now
	wantToken(t, c, "old")
	wantToken(t, c, "old")
	k.pass(time.Second)
	wantToken(t, c, "new")
}

func TestTokenThatArrivesExpired(t *testing.T) {
	i := &issuer{clock: newClock(), life: -time.Hour}
	c := cacheOf(i)
	wantToken(t, c, "1")
	wantToken(t, c, "2")
}

func TestWaiterThatGivesUp(t *testing.T) {
	i := &issuer{asked: make(chan struct{}), answer: make(chan struct{})}
	c := cacheOf(i)
	ctx, cancel := context.WithCancel(background)
	first, second := make(chan error), make(chan error)
	go func() { _, err := c.Token(ctx); first <- err }()
	<-i.asked
	go func() { _, err := c.Token(background); second <- err }()
	cancel() // of the caller that started the renewal
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("the cancelled caller got %v, want context.Canceled", err)
	}
	select {
	case err := <-second:
		t.Fatalf("the other caller got %v, want it to wait", err)
	default:
	}
	close(i.answer)
	if err := <-second; err != nil {
		t.Errorf("the other caller got %v", err)
	}
	wantToken(t, c, "1")
	if _, err := cacheOf(i).Token(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a call that was cancelled before got %v, want context.Canceled", err)
	}
	if n := i.n.Load(); n != 1 {
		t.Errorf("the source was asked %d times, want 1", n)
	}
}

func TestRenewalThatNobodyWaitsForIsKept(t *testing.T) {
	i := &issuer{asked: make(chan struct{}), answer: make(chan struct{})}
	c := cacheOf(i)
	ctx, cancel := context.WithCancel(background)
	gone := make(chan error)
	go func() { _, err := c.Token(ctx); gone <- err }()
	<-i.asked
	cancel()
	<-gone
	close(i.answer)
	wantToken(t, c, "1")
}

func TestRenewalIsBounded(t *testing.T) {
	c := cacheOf(&issuer{answer: make(chan struct{})})
	c.Limit = time.Nanosecond
	if _, err := c.Token(background); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want context.DeadlineExceeded", err)
	}
}

func TestFailedRenewalIsTriedAgain(t *testing.T) {
	i := &issuer{err: errors.New("away")}
	c := cacheOf(i)
	if _, err := c.Token(background); !errors.Is(err, i.err) {
		t.Errorf("got %v, want %v", err, i.err)
	}
	i.err = nil
	wantToken(t, c, "2")
	nothing := auth.NewCache(auth.SourceFunc(func(context.Context) (*auth.Token, error) { return nil, nil }))
	if _, err := nothing.Token(background); err == nil {
		t.Error("a source without token gave no error")
	}
}

func TestOnlyTheRefusedTokenIsForgotten(t *testing.T) {
	i := &issuer{}
	c := cacheOf(i)
	c.Reject(nil)
	c.Reject(&auth.Token{AccessToken: "1"})
	first := wantToken(t, c, "1")
	c.Reject(&auth.Token{AccessToken: "other"})
	wantToken(t, c, "1")
	c.Reject(first)
	wantToken(t, c, "2")
	c.Reject(first) // refused late: somebody has a new one already
	wantToken(t, c, "2")
}

// revocable is an issuer whose tokens can be revoked.
type revocable struct {
	issuer
	revoked atomic.Int32 // the number of tokens when it was asked to
}

func (r *revocable) Revoke(context.Context) error { r.revoked.Store(r.n.Load()); return nil }

func TestRevocationWaitsForTheRenewalUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &revocable{issuer: issuer{answer: make(chan struct{})}}
		c := auth.NewCache(r)
		go func() { _, _ = c.Token(background) }()
		synctest.Wait()
		done := make(chan error, 1)
		go func() { done <- c.Revoke(background) }()
		synctest.Wait()
		if r.revoked.Load() != 0 {
			t.Error("revoked before the renewal had ended")
		}
		ctx, cancel := context.WithCancel(background)
		cancel()
		if err := c.Revoke(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
		close(r.answer)
		if err := <-done; err != nil || r.revoked.Load() != 1 {
			t.Errorf("got %v after %d tokens, want it after 1", err, r.revoked.Load())
		}
		wantToken(t, c, "2")
	})
}

func TestFreshTokenCostsNoMemory(t *testing.T) {
	i := &issuer{clock: newClock(), life: time.Hour}
	c := auth.NewCache(i)
	i.clock.t = time.Now()
	wantToken(t, c, "1")
	allocs := testing.AllocsPerRun(1000, func() {
		if _, err := c.Token(background); err != nil {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Errorf("a fresh token takes %v allocations, want 0", allocs)
	}
}

// BenchmarkFreshToken is what a call pays for finding its token.
func BenchmarkFreshToken(b *testing.B) {
	c := auth.NewCache(auth.SourceFunc(func(context.Context) (*auth.Token, error) {
		return &auth.Token{AccessToken: "t", Expiry: time.Now().Add(time.Hour)}, nil
	}))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Token(background); err != nil {
			b.Fatal(err)
		}
	}
	if each := b.Elapsed() / time.Duration(b.N); each > time.Microsecond {
		b.Errorf("a fresh token takes %s, want 1 µs at most", each)
	}
}

func BenchmarkFreshTokenInParallel(b *testing.B) {
	c := auth.NewCache(auth.SourceFunc(func(context.Context) (*auth.Token, error) {
		return &auth.Token{AccessToken: "t", Expiry: time.Now().Add(time.Hour)}, nil
	}))
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := c.Token(background); err != nil {
				b.Fatal(err)
			}
		}
	})
}
