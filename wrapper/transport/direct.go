package transport

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/go-openapi/runtime"
	"github.com/go-openapi/strfmt"
)

// A RoundTripper that has RoundTripOwn may change the request that it gets there, though not its header, which saves it the copy
// that RoundTrip has to make.
type ownRoundTripper interface {
	RoundTripOwn(*http.Request) (*http.Response, error)
}

// direct sends operations without the stock runtime, which parses URLs and media types for each of them, makes copies on the way,
// and loses connections. It does the same with fewer steps.
type direct struct {
	base   *url.URL
	send   func(*http.Request) (*http.Response, error)
	client *http.Client // goes on after redirects
	unzips bool         // answers that come compressed

	lastHeader atomic.Pointer[usualHeader]
	lastURL    atomic.Pointer[usualURL]
}

func newDirect(base *url.URL, client *http.Client) *direct {
	rt := client.Transport
	if f, ok := rt.(forRuntime); ok {
		rt = f.base // no answer is too malformed
	}
	d := &direct{base: base, client: client, send: rt.RoundTrip, unzips: compresses(rt)}
	if o, ok := rt.(ownRoundTripper); ok {
		d.send = o.RoundTripOwn
	}
	return d
}

// does tells whether an operation needs nothing of what is left to the stock runtime: other methods and media types, clients and
// credentials of their own, parameters within the path.
func (d *direct) does(op *runtime.ClientOperation) bool {
	if op.Client != nil || op.AuthInfo != nil || op.Method == http.MethodHead || strings.ContainsAny(op.PathPattern, "?%#") {
		return false
	}
	for _, t := range op.ConsumesMediaTypes {
		if t != runtime.JSONMime && t != runtime.MultipartFormMime && t != runtime.DefaultMime {
			return false
		}
	}
	return true
}

// submit sends an operation, and returns what its reader makes of the answer.
func (d *direct) submit(ctx context.Context, op *runtime.ClientOperation, name string) (any, error) {
	c := &call{reader: reader{name: name, op: op}}
	c.path, c.request.ClientRequest = c.room[:0], c
	if op.Params != nil {
		if err := c.request.write(op.Params, strfmt.Default); err != nil {
			return nil, err
		}
	}
	if c.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	req, done, err := d.build(ctx, c)
	if done != nil {
		defer done.Close()
	}
	if err != nil {
		return nil, err
	}
	res, err := d.send(req)
	if err == nil && redirects(res) {
		res, err = d.redirected(req, res, c.header["Authorization"] != nil)
	}
	if err != nil {
		return nil, &url.Error{Op: req.Method, URL: d.base.Host, Err: mismatch(err)}
	}
	if res.Body == nil { // a RoundTripper of somebody else
		res.Body = http.NoBody
	}
	if d.unzips && c.header == nil {
		decompress(res)
	}
	defer res.Body.Close()
	return c.reader.ReadResponse(response{res}, nil)
}

func (d *direct) build(ctx context.Context, c *call) (req *http.Request, done io.Closer, err error) {
	body, contentType, err := c.body()
	if err != nil {
		return nil, nil, err
	}
	req = (&http.Request{
		Method: c.reader.op.Method, URL: d.url(c), Host: d.base.Host, Header: c.header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	if c.header == nil {
		req.Header = d.usual(c.reader.op.ProducesMediaTypes, contentType)
	} else if contentType != "" && c.header["Content-Type"] == nil {
		c.header["Content-Type"] = []string{contentType}
	}
	if body != nil {
		done = attach(req, body)
	}
	return req, done, nil
}

// usual is the header of most requests. One like the last is the same: nobody changes it.
func (d *direct) usual(accept []string, contentType string) http.Header {
	if h := d.lastHeader.Load(); h != nil && h.contentType == contentType && slices.Equal(h.accept, accept) {
		return h.header
	}
	h := &usualHeader{accept: accept, contentType: contentType, header: http.Header{"User-Agent": {userAgent}}}
	if len(accept) > 0 {
		h.header["Accept"] = slices.Clip(accept)
	}
	if contentType != "" {
		h.header["Content-Type"] = []string{contentType}
	}
	if d.unzips {
		h.header["Accept-Encoding"] = []string{"gzip"}
	}
	d.lastHeader.Store(h)
	return h.header
}

type usualHeader struct {
	accept      []string
	contentType string
	header      http.Header
}

// url is where an operation goes. The same as the last is the same URL: nobody changes it.
func (d *direct) url(c *call) *url.URL {
	if len(c.query) > 0 {
		return c.url(d.base)
	}
	pattern := c.reader.op.PathPattern
	if l := d.lastURL.Load(); l != nil && l.pattern == pattern && slices.Equal(l.params, c.path) {
		return l.url
	}
	u := c.url(d.base)
	d.lastURL.Store(&usualURL{pattern, slices.Clone(c.path), u})
	return u
}

type usualURL struct {
	pattern string
	params  []pathParam
	url     *url.URL
}

// response is an answer for readers that were generated.
type response struct{ res *http.Response }

func (r response) Code() int                       { return r.res.StatusCode }
func (r response) Message() string                 { return r.res.Status }
func (r response) GetHeader(name string) string    { return r.res.Header.Get(name) }
func (r response) GetHeaders(name string) []string { return r.res.Header.Values(name) }
func (r response) Body() io.ReadCloser             { return r.res.Body }
