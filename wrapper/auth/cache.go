package auth

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// Cache holds the token of a source until shortly before it expires. One call asks the source for the next token while
// everybody else waits for the same; using a held token takes no lock. The fields must be set before the first use.
type Cache struct {
	// Skew is how long before its expiry a token is renewed, but at most a tenth of its life. Zero: one minute.
	Skew time.Duration
	// Limit bounds one call to the source, which is not cancelled when those who wait for it give up: the server might have
	// spent the refresh token already. Zero: two minutes.
	Limit time.Duration
	// Now is the clock. Nil: time.Now.
	Now func() time.Time

	src  Source
	held atomic.Pointer[entry]

	mu      sync.Mutex
	renewal *renewal // under way, or nil
}

type entry struct {
	token *Token
	renew time.Time // zero: never
}

type renewal struct {
	done  chan struct{}
	token *Token // valid once done is closed, like err
	err   error
}

// NewCache returns an empty cache in front of a source.
func NewCache(src Source) *Cache { return &Cache{src: src} }

// Source makes the cache a Method: the one that uses it with any server.
func (c *Cache) Source(Server) (Source, error) { return c, nil }

// Token returns the held token, or waits for the next one as long as ctx allows.
func (c *Cache) Token(ctx context.Context) (*Token, error) {
	if t := c.fresh(); t != nil {
		return t, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r := c.start(ctx)
	if r == nil { // somebody was faster
		return c.Token(ctx)
	}
	select {
	case <-r.done:
		return r.token, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Reject forgets a token that the server refused, unless another one is held by now.
func (c *Cache) Reject(t *Token) {
	if e := c.held.Load(); e != nil && t != nil && e.token.AccessToken == t.AccessToken {
		c.held.CompareAndSwap(e, nil)
	}
}

// Revoke makes the tokens invalid at the server, if the source can do that, and forgets them even if the server could not be
// asked. The next use signs in anew.
func (c *Cache) Revoke(ctx context.Context) error {
	c.mu.Lock()
	r := c.renewal
	c.mu.Unlock()
	if r != nil { // it brings the tokens to revoke
		select {
		case <-r.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	c.held.Store(nil)
	if r, ok := c.src.(interface{ Revoke(context.Context) error }); ok {
		return r.Revoke(ctx)
	}
	return nil
}

func (c *Cache) fresh() *Token {
	e := c.held.Load()
	if e == nil || !e.renew.IsZero() && !c.now().Before(e.renew) {
		return nil
	}
	return e.token
}

// start returns the renewal under way, which it begins if need be; nil if a token came in the meantime.
func (c *Cache) start(ctx context.Context) *renewal {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.renewal != nil {
		return c.renewal
	}
	if c.fresh() != nil {
		return nil
	}
	r := &renewal{done: make(chan struct{})}
	c.renewal = r
	go c.run(context.WithoutCancel(ctx), r)
	return r
}

func (c *Cache) run(ctx context.Context, r *renewal) {
	limit := c.Limit
	if limit == 0 {
		limit = 2 * time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r.token, r.err = c.src.Token(ctx)
	if r.err == nil && r.token == nil {
		r.err = errors.New("the source of tokens gave none")
	}
	if r.err == nil {
		c.hold(r.token)
	}
	c.mu.Lock()
	c.renewal = nil
	c.mu.Unlock()
	close(r.done)
}

func (c *Cache) hold(t *Token) {
	e := &entry{token: t}
	if !t.Expiry.IsZero() {
		skew, issued := c.Skew, t.Issued
		if skew == 0 {
			skew = time.Minute
		}
		if issued.IsZero() {
			issued = c.now()
		}
		e.renew = t.Expiry.Add(-min(skew, max(0, t.Expiry.Sub(issued)/10)))
	}
	c.held.Store(e)
}

func (c *Cache) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}
