package transport

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Retry says when a request is sent again that got no answer, or one that says to come back later. The zero value is a good
// choice.
//
// Only GET, PUT and DELETE are: done twice, they leave the server as if done once. A POST or PATCH is sent once whatever happens,
// because it may run code or publish, and nothing tells the server that it is the same as the last one. So are bodies that can be
// read only once. What is sent again are requests whose connection was refused, or broke before the answer began, and those that
// were answered with 429, 502, 503 or 504. An answer that breaks off later is an error: part of it is used already.
//
// Attempts are further and further apart, at random so that many clients don't come back at once, or as far as Retry-After says.
// There are fewer of them the fewer requests succeed: see Budget.
type Retry struct {
	// Attempts is how often a request is sent at most, the first time included. Zero: 3. One: nothing is sent again.
	Attempts int
	// Wait is the upper bound of the first wait, which is chosen at random between nothing and this; the bound doubles each time.
	// Zero: 200 ms.
	Wait time.Duration
	// MaxWait is the longest wait. Who is told by Retry-After to wait longer gets the answer that says so. Zero: 10 s.
	MaxWait time.Duration
	// Budget is how many requests may be sent again while no request succeeds, over all of a client. Ten successes put one back.
	// So a server that is down gets hardly more than without retries, and never a tenth more from a client that goes on for long.
	// Zero: 10.
	Budget int

	// Now, Sleep and Random are the clock, the way to wait on it, and a number at least 0 and less than 1. Nil: the real ones.
	Now    func() time.Time
	Sleep  func(context.Context, time.Duration) error
	Random func() float64
}

// Client is an http.Client that sends again by this policy, with a budget of its own, through the Transport of hc.
func (r Retry) Client(hc *http.Client) *http.Client {
	c := http.Client{}
	if hc != nil {
		c = *hc
	}
	if c.Transport == nil {
		c.Transport = NewPool()
	}
	if r.Attempts != 1 {
		c.Transport = r.around(c.Transport)
	}
	return &c
}

func (r Retry) around(base http.RoundTripper) *retrier {
	def := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	def(&r.Wait, 200*time.Millisecond)
	def(&r.MaxWait, 10*time.Second)
	if r.Attempts == 0 {
		r.Attempts = 3
	}
	if r.Budget == 0 {
		r.Budget = 10
	}
	if r.Now == nil {
		r.Now = time.Now
	}
	if r.Sleep == nil {
		r.Sleep = sleep
	}
	if r.Random == nil {
		r.Random = rand.Float64
	}
	return &retrier{policy: r, base: base, budget: budget{left: r.Budget * perRetry, most: r.Budget * perRetry}}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// retrier is the RoundTripper of a Retry.
type retrier struct {
	policy Retry
	base   http.RoundTripper
	budget budget
}

// Unwrap is the RoundTripper that this one is around.
func (r *retrier) Unwrap() http.RoundTripper { return r.base }

func (r *retrier) RoundTrip(req *http.Request) (*http.Response, error) {
	if !repeatable(req) {
		return r.base.RoundTrip(req)
	}
	sent, unanswered := req, false
	for attempt := 1; ; attempt++ {
		res, err := r.base.RoundTrip(sent)
		if !transient(res, err) {
			if err == nil {
				r.budget.earn()
				if unanswered && req.Method == http.MethodDelete && (res.StatusCode == http.StatusNotFound || res.StatusCode == http.StatusGone) {
					res.Body = goneBody{res.Body}
				}
			}
			return res, err
		}
		unanswered = unanswered || err != nil
		wait, ok := r.wait(req.Context(), res, attempt)
		if !ok || attempt >= r.policy.Attempts || !r.budget.spend() {
			return res, err
		}
		if res != nil {
			discard(res)
		}
		if err := r.policy.Sleep(req.Context(), wait); err != nil {
			return nil, err
		}
		if sent, err = again(req); err != nil {
			return nil, err
		}
	}
}

// repeatable tells whether doing a request twice is the same as doing it once, and whether it can be sent twice.
func repeatable(req *http.Request) bool {
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete:
		return req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
	}
	return false
}

// transient tells whether an attempt failed in a way that the next one may not.
func transient(res *http.Response, err error) bool {
	if err != nil {
		return Refused(err) || Disconnected(err)
	}
	switch res.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// wait is how long to wait after an attempt; not ok: longer than anybody wants to.
func (r *retrier) wait(ctx context.Context, res *http.Response, attempt int) (d time.Duration, ok bool) {
	now := r.policy.Now()
	bound := r.policy.Wait << (attempt - 1)
	if bound > r.policy.MaxWait || bound <= 0 { // or too large for a number
		bound = r.policy.MaxWait
	}
	if res != nil {
		if asked, told := waitAsked(res.Header.Get("Retry-After"), now); told {
			if asked > r.policy.MaxWait {
				return 0, false
			}
			d, bound = asked, min(bound, r.policy.Wait)
		}
	}
	d += time.Duration(r.policy.Random() * float64(bound))
	if end, limited := ctx.Deadline(); limited && !now.Add(d).Before(end) {
		return 0, false
	}
	return d, ctx.Err() == nil
}

// waitAsked reads a Retry-After header: seconds, or a date.
func waitAsked(value string, now time.Time) (d time.Duration, told bool) {
	const longest = 1 << 30 // seconds: beyond, a Duration would not hold it
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil {
		return time.Duration(min(seconds, longest)) * time.Second, true
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, date.Sub(now)), true
	}
	return 0, false
}

// discard ends an answer that nobody reads. A short one is read to its end, so that its connection can be used again.
func discard(res *http.Response) {
	const short = 64 << 10
	if res.ContentLength >= 0 && res.ContentLength <= short {
		_, _ = io.CopyN(io.Discard, res.Body, short)
	}
	_ = res.Body.Close()
}

// again is a request that can be sent once more.
func again(req *http.Request) (*http.Request, error) {
	next := req.WithContext(req.Context())
	if req.GetBody != nil {
		var err error
		if next.Body, err = req.GetBody(); err != nil {
			return nil, err
		}
	}
	return next, nil
}

// goneBody is the body of an answer that there is nothing to delete, which may be because it was deleted.
type goneBody struct{ io.ReadCloser }

// Hint is for the error that newError makes of the answer.
func (goneBody) Hint() string {
	return "The request was sent before, and got no answer then: that may be what deleted it."
}

// perRetry is how many successes allow one more retry.
const perRetry = 10

// budget counts retries that may still be made, each worth perRetry.
type budget struct {
	mu         sync.Mutex
	left, most int
}

func (b *budget) earn() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = min(b.left+1, b.most)
}

func (b *budget) spend() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left < perRetry {
		return false
	}
	b.left -= perRetry
	return true
}
