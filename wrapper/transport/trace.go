package transport

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Trace is a RoundTripper that writes one line for each request: its method, its URL without what the query says, the status
// of the answer, and the time until that came. Bodies and headers, which may hold passwords and tokens, are never written.
// Around the Transport of an http.Client it sees each request that goes over the wire. The fields must not be changed while it
// is in use.
type Trace struct {
	Base http.RoundTripper // nil: http.DefaultTransport
	To   io.Writer         // gets whole lines
	Now  func() time.Time  // the clock; nil: time.Now

	mu sync.Mutex
}

// RoundTrip implements http.RoundTripper.
func (t *Trace) RoundTrip(req *http.Request) (*http.Response, error) {
	base, now := t.Base, t.Now
	if base == nil {
		base = http.DefaultTransport
	}
	if now == nil {
		now = time.Now
	}
	line := req.Method + " " + traceable(req.URL) // before a RoundTripper gets hold of the request
	began := now()
	res, err := base.RoundTrip(req)
	took := now().Sub(began).Round(100 * time.Microsecond)
	if err != nil {
		line += ": " + strings.Join(strings.Fields(clean(err.Error(), maxMessage)), " ")
	} else {
		line += fmt.Sprintf(": %d", res.StatusCode)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	_, _ = fmt.Fprintf(t.To, "%s (%s)\n", line, took) // a trace that cannot be written must not fail the request
	return res, err
}

// traceable is a URL without secrets: of the query only the names of its parameters.
func traceable(u *url.URL) string {
	text := u.Scheme + "://" + u.Host + u.EscapedPath()
	if query := u.Query(); len(query) > 0 {
		var names []string
		for name := range query {
			names = append(names, url.QueryEscape(name)+"=...")
		}
		slices.Sort(names)
		text += "?" + strings.Join(names, "&")
	}
	return text
}
