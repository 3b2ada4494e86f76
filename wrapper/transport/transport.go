// Package transport is what every generated client talks through: a go-openapi runtime.ContextualTransport that sends to one
// server and makes sense of whatever comes back.
//
//   - Requests go to exactly the scheme, host, port and path prefix of the base URL. Redirects to another origin, or that turn
//     the request into a GET, are not followed: they are errors that name the new address.
//   - Path values that would change what is addressed ("", ".", "..", control characters) are refused before anything is sent.
//   - Any answer but 2xx is an *Error with its status, whatever the body is.
//   - A body is decoded by where it goes, not by the media type it claims to have: files arrive byte for byte.
//   - An answer that breaks off, or a web page in its place, is an error, also where the status says all. What may be a web page
//     is a file.
//   - Nothing is sent again here. A Retry in the http.Client does that, with what can be repeated without harm.
//   - The context is the only limit in time. The 30 s that the generated New...Params constructors put into each request are
//     taken out again; any other WithTimeout is respected.
//   - No secret gets into an error: neither the query of a URL nor anything that looks like a token. The environment variables
//     DEBUG and SWAGGER_DEBUG, which make other go-openapi clients print passwords, do nothing here.
package transport

import (
	"context"
	"crypto/tls"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-openapi/runtime"
	httptransport "github.com/go-openapi/runtime/client"
)

const userAgent = "mlserver-go"

// Transport sends the operations of generated clients to one server. It is safe for concurrent use.
type Transport struct {
	base   *url.URL
	direct *direct                // nil: everything is left to the stock runtime
	stock  *httptransport.Runtime // for what direct does not do
}

var _ runtime.ContextualTransport = (*Transport)(nil)

// New returns a transport to the server at base; its path, if any, goes in front of every path. Of hc the Transport and the Jar
// are used, its Timeout and CheckRedirect are not. Without hc, or without a Transport in it, connections come from NewPool.
func New(base *url.URL, hc *http.Client) *Transport {
	if hc == nil {
		hc = &http.Client{}
	}
	client := guarded(hc)
	t := &Transport{base: base, stock: newStock(base, client)}
	if client.Jar == nil { // which cookies go where only http.Client knows
		t.direct = newDirect(base, client)
	}
	return t
}

// NewPool returns connections for many concurrent calls to one server: the system's proxy and certificates, TLS 1.2 or newer.
// A connection has 30 s to be made and 10 s for its TLS handshake, and is closed after 90 s without use; there is no other limit.
func NewPool() *http.Transport {
	t, ok := http.DefaultTransport.(*http.Transport)
	if ok {
		t = t.Clone()
	} else { // a program has put something else there
		t = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
	}
	if t.DialContext != nil {
		t.DialContext = sending(t.DialContext)
	}
	t.MaxIdleConns = 0
	t.MaxIdleConnsPerHost = 512
	if t.TLSClientConfig == nil {
		t.TLSClientConfig = &tls.Config{}
	}
	t.TLSClientConfig.MinVersion = max(t.TLSClientConfig.MinVersion, tls.VersionTLS12)
	return t
}

// Submit is SubmitContext with the context that clients of older generators put into the operation.
func (t *Transport) Submit(op *runtime.ClientOperation) (any, error) {
	ctx := op.Context //lint:ignore SA1019 those clients have no other way
	if ctx == nil {
		ctx = context.Background()
	}
	return t.SubmitContext(ctx, op)
}

// SubmitContext sends an operation and returns what its reader makes of the answer. The error is an *Error when the server
// answered anything but 2xx.
func (t *Transport) SubmitContext(ctx context.Context, op *runtime.ClientOperation) (any, error) {
	var v any
	var err error
	name := operationName(op)
	if t.direct != nil && t.direct.does(op) {
		v, err = t.direct.submit(ctx, op, name)
	} else {
		v, err = t.submit(ctx, op, name)
	}
	if err != nil {
		return nil, t.explain(name, err)
	}
	return v, nil
}

// submit leaves an operation to the stock runtime.
func (t *Transport) submit(ctx context.Context, op *runtime.ClientOperation, name string) (any, error) {
	o := *op
	o.Params, o.Reader = params{op.Params}, &reader{name: name, op: op}
	if op.Client != nil {
		o.Client = guarded(op.Client)
	}
	return t.stock.SubmitContext(ctx, &o)
}

func newStock(base *url.URL, client *http.Client) *httptransport.Runtime {
	rt := httptransport.NewWithClient(base.Host, base.Path, []string{base.Scheme}, client)
	rt.Debug = false
	// The consumer is never used, but without one for every media type the runtime gives up before the reader is asked.
	rt.Consumers = map[string]runtime.Consumer{"*/*": runtime.ByteStreamConsumer()}
	return rt
}

func operationName(op *runtime.ClientOperation) string {
	if op.ID != "" {
		return op.ID
	}
	return op.Method + " " + op.PathPattern
}

// guarded is hc without its time limit, staying with one origin.
func guarded(hc *http.Client) *http.Client {
	base := hc.Transport
	if base == nil {
		base = NewPool()
	}
	return &http.Client{Transport: forRuntime{base}, CheckRedirect: sameRequest, Jar: hc.Jar}
}

// sameRequest follows a redirect only if the same request goes to the same origin. Otherwise a password, a token or a body
// would go to somebody else, or a DELETE would end as a GET that succeeds.
func sameRequest(req *http.Request, via []*http.Request) error {
	const limit = 10
	first := via[0]
	if len(via) >= limit || req.Method != first.Method || !SameOrigin(req.URL, first.URL) {
		return http.ErrUseLastResponse
	}
	return nil
}

// SameOrigin tells whether two URLs have the same scheme, host and port.
func SameOrigin(a, b *url.URL) bool {
	return strings.EqualFold(a.Scheme, b.Scheme) && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if strings.EqualFold(u.Scheme, "https") {
		return "443"
	}
	return "80"
}

// forRuntime helps the stock runtime: it repairs malformed Content-Type headers, for which that would give up and lose the status,
// and tells the size of a body.
type forRuntime struct{ base http.RoundTripper }

func (f forRuntime) RoundTrip(req *http.Request) (*http.Response, error) {
	if u, ok := req.Body.(*upload); ok && u.size > 0 && req.ContentLength <= 0 {
		sized := *req
		sized.ContentLength = u.size
		req = &sized
	}
	if r, ok := unwrapped(req.Body).(Repeatable); ok && req.GetBody == nil {
		sized := *req
		c := contentOf(r)
		sized.ContentLength, sized.GetBody = c.size, c.anew
		req = &sized
	}
	res, err := f.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	const header = "Content-Type"
	if t, _, err := mime.ParseMediaType(res.Header.Get(header)); err != nil {
		res.Header.Del(header)
		if t != "" {
			res.Header.Set(header, t)
		}
	}
	return res, nil
}
