package transport_test

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/transport"
)

// answers is a RoundTripper that answers always the same.
type answers struct {
	res *http.Response
	err error
}

func (a answers) RoundTrip(*http.Request) (*http.Response, error) { return a.res, a.err }

func TestTrace(t *testing.T) {
	for _, test := range []struct {
		address string
		answer  answers
		want    string
	}{
		{"https://h/status", answers{res: &http.Response{StatusCode: 200}}, "GET https://h/status: 200 (1.5ms)\n"},
		{"https://h:8443/a%2Fb", answers{res: &http.Response{StatusCode: 404}}, "GET https://h:8443/a%2Fb: 404 (1.5ms)\n"},
		{
			"http://user:CANARY@h/login/refreshToken?refreshToken=CANARY&a=1&a=2", answers{res: &http.Response{StatusCode: 200}},
			"GET http://h/login/refreshToken?a=...&refreshToken=...: 200 (1.5ms)\n",
		},
		{
			"http://h/x", answers{err: errors.New("lost\nBearer CANARY0123 refresh_token=CANARY")},
			"GET http://h/x: lost [redacted] refresh_token=[redacted] (1.5ms)\n",
		},
	} {
		var out strings.Builder
		now := time.Date(2018, 3, 1, 12, 0, 0, 0, time.UTC)
		clock := func() time.Time { now = now.Add(1500 * time.Microsecond); return now }
		req, err := http.NewRequest("GET", test.address, strings.NewReader("CANARY"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer CANARY")
		tr := &transport.Trace{Base: test.answer, To: &out, Now: clock}
		if res, err := tr.RoundTrip(req); res != test.answer.res || err != test.answer.err {
			t.Errorf("%s: the answer was changed: %v, %v", test.address, res, err)
		}
		if out.String() != test.want {
			t.Errorf("wrote %q, want %q", out.String(), test.want)
		}
	}
	var out strings.Builder
	tr := &transport.Trace{Base: answers{res: &http.Response{StatusCode: 200}}, To: &out}
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			req, _ := http.NewRequest("GET", "http://h/x", nil)
			_, _ = tr.RoundTrip(req)
		})
	}
	all.Wait()
	for line := range strings.Lines(out.String()) {
		if !strings.HasPrefix(line, "GET http://h/x: 200 (") || !strings.HasSuffix(line, ")\n") {
			t.Fatalf("a line was torn: %q", line)
		}
	}
}
