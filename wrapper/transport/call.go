package transport

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-openapi/runtime"
)

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
