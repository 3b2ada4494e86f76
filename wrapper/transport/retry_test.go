package transport_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	v930 "github.com/mlserver-go/mls/gen/v930"
	"github.com/mlserver-go/mls/gen/v930/sessions"
	"github.com/mlserver-go/mls/wrapper/transport"
)

// attempts is a RoundTripper that gives one outcome after the other, the last one for ever, on a clock of its own.
type attempts struct {
	outcomes []outcome
	bodies   []string // of the requests
	now      time.Time
	waits    []time.Duration
	random   float64
}

type outcome struct {
	status     int // 0: err
	retryAfter string
	err        error
}

func (a *attempts) RoundTrip(req *http.Request) (*http.Response, error) {
	body := ""
	if req.Body != nil {
		b, _ := io.ReadAll(req.Body)
		body = string(b)
		_ = req.Body.Close()
	}
	a.bodies = append(a.bodies, body)
	o := a.outcomes[min(len(a.bodies), len(a.outcomes))-1]
	if o.status == 0 {
		return nil, o.err
	}
	header := http.Header{}
	if o.retryAfter != "" {
		header.Set("Retry-After", o.retryAfter)
	}
	return &http.Response{StatusCode: o.status, Header: header, Body: io.NopCloser(strings.NewReader("{}")), Request: req}, nil
}

func (a *attempts) policy() transport.Retry {
	return transport.Retry{
		Now:    func() time.Time { return a.now },
		Random: func() float64 { return a.random },
		Sleep: func(ctx context.Context, d time.Duration) error {
			a.waits = append(a.waits, d)
			a.now = a.now.Add(d)
			return ctx.Err()
		},
	}
}

func (a *attempts) send(t *testing.T, policy transport.Retry, req *http.Request) (status int, err error) {
	t.Helper()
	res, err := policy.Client(&http.Client{Transport: a}).Transport.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	_ = res.Body.Close()
	return res.StatusCode, nil
}

func get(t *testing.T, method, body string) *http.Request {
	t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(background, method, "http://localhost/x", r)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func TestWhatIsSentAgain(t *testing.T) {
	reset := &wrapped{syscall.ECONNRESET}
	for _, test := range []struct {
		name   string
		method string
		first  outcome
		want   int // requests
	}{
		{"reset", "GET", outcome{err: reset}, 3},
		{"refused", "GET", outcome{err: &wrapped{syscall.ECONNREFUSED}}, 3},
		{"closed", "PUT", outcome{err: io.EOF}, 3},
		{"closed in the headers", "DELETE", outcome{err: io.ErrUnexpectedEOF}, 3},
		{"broken pipe", "GET", outcome{err: syscall.EPIPE}, 3},
		{"429", "GET", outcome{status: 429}, 3},
		{"502", "GET", outcome{status: 502}, 3},
		{"503", "DELETE", outcome{status: 503}, 3},
		{"504", "PUT", outcome{status: 504}, 3},
		{"unknown error", "GET", outcome{err: errors.New("certificate")}, 1},
		{"500", "GET", outcome{status: 500}, 1},
		{"404", "DELETE", outcome{status: 404}, 1},
		{"401", "GET", outcome{status: 401}, 1},
		{"200", "GET", outcome{status: 200}, 1},
		{"307", "GET", outcome{status: 307}, 1},
		{"POST reset", "POST", outcome{err: reset}, 1},
		{"POST refused", "POST", outcome{err: syscall.ECONNREFUSED}, 1},
		{"POST 503", "POST", outcome{status: 503, retryAfter: "1"}, 1},
		{"POST 429", "POST", outcome{status: 429, retryAfter: "1"}, 1},
		{"PATCH reset", "PATCH", outcome{err: reset}, 1},
		{"PATCH 502", "PATCH", outcome{status: 502}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := &attempts{outcomes: []outcome{test.first}, now: noon}
			status, err := a.send(t, a.policy(), get(t, test.method, "body"))
			if len(a.bodies) != test.want {
				t.Errorf("sent %d times, want %d", len(a.bodies), test.want)
			}
			for _, body := range a.bodies {
				if body != "body" {
					t.Errorf("body is %q", body)
				}
			}
			if status != test.first.status || !errors.Is(err, test.first.err) {
				t.Errorf("got %d, %v, want what the server gave: %+v", status, err, test.first)
			}
		})
	}
}

type wrapped struct{ error }

func (w *wrapped) Unwrap() error { return w.error }

func TestSentAgainUntilItWorks(t *testing.T) {
	a := &attempts{outcomes: []outcome{{status: 503}, {err: io.EOF}, {status: 200}}, now: noon}
	if status, err := a.send(t, a.policy(), get(t, "GET", "")); status != 200 || err != nil || len(a.bodies) != 3 {
		t.Errorf("got %d, %v after %d requests, want 200 after 3", status, err, len(a.bodies))
	}
	off := &attempts{outcomes: []outcome{{status: 503}}, now: noon}
	if _, err := off.send(t, transport.Retry{Attempts: 1}, get(t, "GET", "")); err != nil || len(off.bodies) != 1 {
		t.Errorf("%d requests, %v; want 1 with retries off", len(off.bodies), err)
	}
	stream := get(t, "PUT", "")
	stream.Body = io.NopCloser(strings.NewReader("body"))
	once := &attempts{outcomes: []outcome{{status: 503}}, now: noon}
	if _, err := once.send(t, once.policy(), stream); err != nil || len(once.bodies) != 1 {
		t.Errorf("a body that can be read once was sent %d times, %v", len(once.bodies), err)
	}
}

func TestWaits(t *testing.T) {
	ms := time.Millisecond
	for _, test := range []struct {
		name    string
		policy  func(*transport.Retry)
		outcome outcome
		random  float64
		want    []time.Duration
	}{
		{"longest", nil, outcome{status: 503}, 0.999, []time.Duration{199_800 * time.Microsecond, 399_600 * time.Microsecond}},
		{"shortest", nil, outcome{status: 503}, 0, []time.Duration{0, 0}},
		{"bound", func(r *transport.Retry) { r.Attempts, r.MaxWait = 5, 300*ms }, outcome{err: io.EOF}, 0.5, []time.Duration{100 * ms, 150 * ms, 150 * ms, 150 * ms}},
		{"very many", func(r *transport.Retry) { r.Attempts, r.Budget, r.MaxWait = 100, 100, 10*ms }, outcome{err: io.EOF}, 0, make([]time.Duration, 99)},
		{"seconds", nil, outcome{status: 429, retryAfter: "3"}, 0.5, []time.Duration{3100 * ms, 3100 * ms}},
		{"date", func(r *transport.Retry) { r.Attempts = 2 }, outcome{status: 503, retryAfter: "Fri, 02 Jan 2026 12:00:05 GMT"}, 0, []time.Duration{5 * time.Second}},
		{"date in the past", nil, outcome{status: 503, retryAfter: "Fri, 02 Jan 2026 11:00:00 GMT"}, 0, []time.Duration{0, 0}},
		{"longer than anybody waits", nil, outcome{status: 503, retryAfter: "11"}, 0, nil},
		{"for ever", nil, outcome{status: 503, retryAfter: "18446744073709551615"}, 0, nil},
		{"no time", nil, outcome{status: 503, retryAfter: "-1"}, 0, []time.Duration{0, 0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := &attempts{outcomes: []outcome{test.outcome}, now: noon, random: test.random}
			policy := a.policy()
			if test.policy != nil {
				test.policy(&policy)
			}
			if _, err := a.send(t, policy, get(t, "GET", "")); !errors.Is(err, test.outcome.err) {
				t.Error(err)
			}
			if len(a.waits) != len(test.want) {
				t.Fatalf("waited %v, want %v", a.waits, test.want)
			}
			for i := range a.waits {
				if (a.waits[i] - test.want[i]).Abs() > time.Microsecond {
					t.Errorf("waited %v, want %v", a.waits, test.want)
				}
			}
		})
	}
}

// The waits of many clients are spread over the whole time.
func TestJitterIsFull(t *testing.T) {
	source := rand.New(rand.NewPCG(1, 2))
	var quarters [4]int
	for range 4000 {
		a := &attempts{outcomes: []outcome{{status: 503}}, now: noon}
		policy := a.policy()
		policy.Attempts, policy.Random = 2, source.Float64
		if _, err := a.send(t, policy, get(t, "GET", "")); err != nil {
			t.Fatal(err)
		}
		quarters[a.waits[0]/(50*time.Millisecond)]++
	}
	for i, n := range quarters {
		if n < 850 || n > 1150 {
			t.Errorf("quarter %d of the time has %d of 4000 waits, want about 1000", i, n)
		}
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	synctest.Test(t, testWaitingEnds) // by the clock of a bubble, in which only waiting takes time
}

func testWaitingEnds(t *testing.T) {
	a := &attempts{outcomes: []outcome{{status: 503, retryAfter: "2"}}, now: time.Now()}
	ctx, cancel := context.WithTimeout(background, time.Second)
	defer cancel()
	status, err := a.send(t, a.policy(), get(t, "GET", "").WithContext(ctx))
	if status != 503 || err != nil || len(a.waits) != 0 {
		t.Errorf("got %d, %v after waiting %v; want the 503 at once, as the second attempt would come too late", status, err, a.waits)
	}
	ctx, cancel = context.WithCancel(background)
	policy := transport.Retry{Wait: time.Hour, MaxWait: time.Hour, Random: func() float64 { cancel(); return 0.5 }}
	began := time.Now()
	if _, err := a.send(t, policy, get(t, "GET", "").WithContext(ctx)); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if took := time.Since(began); took > 0 {
		t.Errorf("waited %s for a call that was cancelled", took)
	}
}

// In a total outage what is sent again is bounded, however long it takes; afterwards retries come back one for ten successes.
func TestBudget(t *testing.T) {
	a := &attempts{outcomes: []outcome{{status: 503}}, now: noon}
	rt := a.policy().Client(&http.Client{Transport: a}).Transport
	calls := func(n int) (sent int) {
		before := len(a.bodies)
		for range n {
			res, err := rt.RoundTrip(get(t, "GET", ""))
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
		}
		return len(a.bodies) - before
	}
	if sent := calls(1000); sent > 1100 || sent <= 1000 {
		t.Errorf("1000 calls to a server that is down sent %d requests, want more than 1000 and at most 1100", sent)
	}
	if sent := calls(1000); sent != 1000 {
		t.Errorf("the next 1000 calls sent %d requests, want no more than that", sent)
	}
	a.outcomes[0].status = 200
	if sent := calls(35); sent != 35 {
		t.Errorf("35 successes took %d requests", sent)
	}
	a.outcomes[0].status = 503
	if sent := calls(100); sent != 103 {
		t.Errorf("after 35 successes 100 failures sent %d requests, want 103", sent)
	}
}

// Who deletes, gets no answer, and hears on the next try that there is nothing, learns why that may be.
func TestDeletedByAnAttemptWithoutAnswer(t *testing.T) {
	var n atomic.Int32
	hc := transport.Retry{Sleep: func(context.Context, time.Duration) error { return nil }}.Client(nil)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1) == 1 {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(404)
	}))
	t.Cleanup(srv.Close)
	api := v930.New(transport.New(parse(t, srv.URL), hc), nil)
	_, err := api.Sessions.CloseSessionContext(background, &sessions.CloseSessionParams{ID: "s"})
	if !errors.Is(err, transport.ErrNotFound) {
		t.Fatalf("got %v, want ErrNotFound", err)
	}
	contains(t, "error", err.Error(), "that may be what deleted it")
	_, err = api.Sessions.CloseSessionContext(background, &sessions.CloseSessionParams{ID: "s"})
	if !errors.Is(err, transport.ErrNotFound) || strings.Contains(err.Error(), "sent before") {
		t.Errorf("got %v, want ErrNotFound without a word of other attempts", err)
	}
}

func TestErrorsSayWhenToTryAgain(t *testing.T) {
	for header, want := range map[string]string{
		"120": "Try again in 2m0s", "Fri, 02 Jan 2026 12:00:05 GMT": "Try again after Fri, 02 Jan 2026 12:00:05 GMT", "soon": "",
	} {
		api := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", header)
			w.WriteHeader(503)
		})
		_, err := api.Sessions.ListSessionsContext(background, &sessions.ListSessionsParams{})
		var got *transport.Error
		if !errors.As(err, &got) || !strings.HasPrefix(got.Hint, want) || want == "" && got.Hint != "" {
			t.Errorf("Retry-After: %s gave %+v, want the hint %q", header, got, want)
		}
	}
}
