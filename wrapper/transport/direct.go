package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

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

	lastHeader atomic.Pointer[usualHeader]
	lastURL    atomic.Pointer[usualURL]
}

func newDirect(base *url.URL, client *http.Client) *direct {
	rt := client.Transport
	if f, ok := rt.(forRuntime); ok {
		rt = f.base // no answer is too malformed
	}
	d := &direct{base: base, client: client, send: rt.RoundTrip}
	if o, ok := rt.(ownRoundTripper); ok {
		d.send = o.RoundTripOwn
	}
	return d
}

// does tells whether an operation needs nothing of what is left to the stock runtime: other media types, clients and
// credentials of their own, parameters within the path.
func (d *direct) does(op *runtime.ClientOperation) bool {
	if op.Client != nil || op.AuthInfo != nil || strings.ContainsAny(op.PathPattern, "?%#") {
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
	d.lastHeader.Store(h)
	return h.header
}

type usualHeader struct {
	accept      []string
	contentType string
	header      http.Header
}

// mismatch is what http.Client makes of an error: it knows that a server speaks plain http.
func mismatch(err error) error {
	var record tls.RecordHeaderError
	if errors.As(err, &record) && string(record.RecordHeader[:]) == "HTTP/" {
		return http.ErrSchemeMismatch
	}
	return err
}

func redirects(res *http.Response) bool {
	switch res.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return res.Header.Get("Location") != ""
	}
	return false
}

// redirected leaves a redirect to an http.Client, to which the answer is told anew.
func (d *direct) redirected(req *http.Request, res *http.Response, signed bool) (*http.Response, error) {
	again := req.Clone(req.Context()) // req may still be on its way
	if !signed {
		again.Header.Del("Authorization") // the next one is signed for where it goes
	}
	client := *d.client
	client.Transport = &answered{res: res, next: d.client.Transport}
	next, err := client.Do(again)
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return next, err
}

// answered is a RoundTripper that has the first answer already.
type answered struct {
	res  *http.Response
	next http.RoundTripper
}

func (a *answered) RoundTrip(req *http.Request) (*http.Response, error) {
	res := a.res
	if res == nil {
		return a.next.RoundTrip(req)
	}
	a.res = nil
	return res, nil
}

// call is an operation on its way: all that is needed in one piece of memory.
type call struct {
	reader  reader
	request request // in front of this one

	header  http.Header // nil: the usual one
	path    []pathParam
	room    [2]pathParam // most have no more
	query   url.Values
	form    url.Values
	payload any
	timeout time.Duration
}

type pathParam struct{ name, value string }

var _ runtime.ClientRequest = (*call)(nil)

func (c *call) SetHeaderParam(name string, values ...string) error {
	c.GetHeaderParams()[http.CanonicalHeaderKey(name)] = values
	return nil
}

func (c *call) SetQueryParam(name string, values ...string) error {
	if c.query == nil {
		c.query = url.Values{}
	}
	c.query[name] = values
	return nil
}

// SetFormParam gets the fields of a form without files: see request.
func (c *call) SetFormParam(name string, values ...string) error {
	if c.form == nil {
		c.form = url.Values{}
	}
	c.form[name] = values
	return nil
}

func (c *call) SetPathParam(name, value string) error {
	c.path = append(c.path, pathParam{name, value})
	return nil
}

func (c *call) SetFileParam(string, ...runtime.NamedReadCloser) error {
	return errors.New("files are for request")
}

func (c *call) SetBodyParam(body any) error                        { c.payload = body; return nil }
func (c *call) SetTimeout(limit time.Duration) error               { c.timeout = limit; return nil }
func (c *call) GetMethod() string                                  { return c.reader.op.Method }
func (c *call) GetBodyParam() any                                  { return c.payload }
func (c *call) GetBody() []byte                                    { return nil }
func (c *call) GetFileParam() map[string][]runtime.NamedReadCloser { return nil }

// GetHeaderParams is a header of this call alone.
func (c *call) GetHeaderParams() http.Header {
	if c.header == nil {
		c.header = http.Header{"User-Agent": {userAgent}}
		if accept := c.reader.op.ProducesMediaTypes; len(accept) > 0 {
			c.header["Accept"] = slices.Clip(accept)
		}
	}
	return c.header
}

func (c *call) GetQueryParams() url.Values {
	query := make(url.Values, len(c.query))
	for name, values := range c.query {
		query[name] = slices.Clone(values)
	}
	return query
}

func (c *call) GetPath() string {
	return c.expand("", asIs, asIs)
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

// url is where the operation goes, behind the path of the server.
func (c *call) url(base *url.URL) *url.URL {
	u := &url.URL{Scheme: base.Scheme, Host: base.Host, Path: c.expand(base.Path, asIs, asIs)}
	raw := base.RawPath != ""
	for _, p := range c.path {
		raw = raw || url.PathEscape(p.value) != p.value
	}
	if raw {
		u.RawPath = c.expand(base.EscapedPath(), func(text string) string { return (&url.URL{Path: text}).EscapedPath() }, url.PathEscape)
	}
	if len(c.query) > 0 {
		u.RawQuery = c.query.Encode()
	}
	return u
}

func asIs(text string) string { return text }

// expand puts the parameters into the path pattern.
func (c *call) expand(base string, escape, escapeValue func(string) string) string {
	var b strings.Builder
	b.Grow(len(base) + len(c.reader.op.PathPattern) + 32)
	b.WriteString(strings.TrimRight(base, "/"))
	rest := c.reader.op.PathPattern
	for {
		before, after, found := strings.Cut(rest, "{")
		name, end, closed := strings.Cut(after, "}")
		if !found || !closed {
			break
		}
		b.WriteString(escape(before))
		if i := slices.IndexFunc(c.path, func(p pathParam) bool { return p.name == name }); i >= 0 {
			b.WriteString(escapeValue(c.path[i].value))
		} else {
			b.WriteString(escape("{" + name + "}"))
		}
		rest = end
	}
	b.WriteString(escape(rest))
	return b.String()
}

// body is what is sent, and its media type unless the header has one; nil for nothing.
func (c *call) body() (io.Reader, string, error) {
	picked := runtime.JSONMime
	if slices.Contains(c.reader.op.ConsumesMediaTypes, runtime.MultipartFormMime) {
		picked = runtime.MultipartFormMime
	} else if len(c.reader.op.ConsumesMediaTypes) > 0 {
		picked = c.reader.op.ConsumesMediaTypes[0]
	}
	if len(c.form) > 0 && picked == runtime.MultipartFormMime {
		return newUpload(c.form, nil)
	}
	if len(c.form) > 0 {
		return strings.NewReader(c.form.Encode()), picked, nil
	}
	if c.payload == nil {
		return nil, "", nil
	}
	if r, ok := c.payload.(io.Reader); ok {
		if t, ok := r.(runtime.ContentTyper); ok && t.ContentType() != "" {
			return r, t.ContentType(), nil
		}
		if slices.Contains(c.reader.op.ConsumesMediaTypes, runtime.DefaultMime) {
			picked = runtime.DefaultMime
		}
		return r, picked, nil
	}
	delete(c.header, "Content-Type") // the body is of the type that is written here
	if picked == runtime.JSONMime {
		body, err := encode(c.payload)
		return body, picked, err
	}
	var text bytes.Buffer
	err := runtime.ByteStreamProducer().Produce(&text, c.payload)
	return bytes.NewReader(text.Bytes()), picked, err
}

// encoder writes JSON as the runtime's producer does.
type encoder struct {
	text bytes.Buffer
	json *json.Encoder
}

var encoders = sync.Pool{New: func() any {
	e := &encoder{}
	e.json = json.NewEncoder(&e.text)
	e.json.SetEscapeHTML(false)
	return e
}}

// largest is how much memory is kept for the next call.
const largest = 64 << 10

func encode(v any) (io.Reader, error) {
	e := encoders.Get().(*encoder)
	e.text.Reset()
	if err := e.json.Encode(v); err != nil {
		return nil, err
	}
	if e.text.Cap() > largest {
		return bytes.NewReader(e.text.Bytes()), nil
	}
	text := bytes.Clone(e.text.Bytes()) // a request may be read after its answer has come
	encoders.Put(e)
	return bytes.NewReader(text), nil
}

// response is an answer for readers that were generated.
type response struct{ res *http.Response }

func (r response) Code() int                       { return r.res.StatusCode }
func (r response) Message() string                 { return r.res.Status }
func (r response) GetHeader(name string) string    { return r.res.Header.Get(name) }
func (r response) GetHeaders(name string) []string { return r.res.Header.Values(name) }
func (r response) Body() io.ReadCloser             { return r.res.Body }
