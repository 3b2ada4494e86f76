package auth

import (
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/mlserver-go/mls/wrapper/transport"
)

// Transport signs requests to one server with "Authorization: Bearer". Requests that have an Authorization header already,
// that go to another origin, or that sign in themselves (/login and below) pass as they are.
//
// A request that the server refuses with 401 is sent once more with a new token, if its body can be sent again; else the 401
// is returned with the advice to do so, and the next request has the new token.
type Transport struct {
	Tokens    *Cache
	Server    *url.URL
	AllowHTTP bool              // see Server.AllowHTTP
	Base      http.RoundTripper // nil: http.DefaultTransport

	last atomic.Pointer[signedHeader]
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	return t.roundTrip(req, false)
}

// RoundTripOwn is RoundTrip of a request that nobody else has: it is signed itself, not a copy of it.
func (t *Transport) RoundTripOwn(req *http.Request) (*http.Response, error) {
	return t.roundTrip(req, true)
}

// Unwrap is the RoundTripper that this one is around.
func (t *Transport) Unwrap() http.RoundTripper { return t.base() }

func (t *Transport) base() http.RoundTripper {
	if t.Base == nil {
		return http.DefaultTransport
	}
	return t.Base
}

func (t *Transport) roundTrip(req *http.Request, own bool) (*http.Response, error) {
	base := t.base()
	if req.Header.Get("Authorization") != "" || !transport.SameOrigin(req.URL, t.Server) || t.signsIn(req) {
		return base.RoundTrip(req)
	}
	token, err := t.token(req)
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	first := req
	if !own {
		first = req.WithContext(req.Context())
	}
	first.Header = t.signed(req.Header, token)
	res, err := base.RoundTrip(first)
	if err != nil || res.StatusCode != http.StatusUnauthorized {
		return res, err
	}
	t.Tokens.Reject(token)
	next, err := t.token(req)
	if err == nil && next.AccessToken == token.AccessToken {
		return res, nil
	}
	if err == nil && req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		res.Body = spentBody{res.Body}
		return res, nil
	}
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10) // so that the connection can be used again
	_ = res.Body.Close()
	if err != nil {
		return nil, err
	}
	again := req.WithContext(req.Context())
	again.Header = t.signed(again.Header, next)
	if req.GetBody != nil {
		if again.Body, err = req.GetBody(); err != nil {
			return nil, err
		}
	}
	return base.RoundTrip(again)
}

func (t *Transport) token(req *http.Request) (*Token, error) {
	if err := checkScheme(req.URL, t.AllowHTTP); err != nil {
		return nil, err
	}
	token, err := t.Tokens.Token(req.Context())
	if err != nil {
		return nil, noToken{err}
	}
	return token, nil
}

// noToken is a request that was not sent. Explained tells package transport that the error says all: what failed is not the
// connection to the server of the request, but perhaps to another one that issues tokens.
type noToken struct{ error }

func (e noToken) Unwrap() error { return e.error }
func (e noToken) Explained()    {}

// signsIn tells whether a request, or the one that was redirected to it, is for signing in.
func (t *Transport) signsIn(req *http.Request) bool {
	for req.Response != nil && req.Response.Request != nil {
		req = req.Response.Request
	}
	path := strings.TrimPrefix(req.URL.Path, strings.TrimRight(t.Server.Path, "/"))
	return path == "/login" || path == "/login/refreshToken"
}

// signed is a header with the token. One like the last is the same: nobody changes it.
func (t *Transport) signed(header http.Header, token *Token) http.Header {
	last := t.last.Load()
	if last != nil && last.token == token && maps.EqualFunc(last.unsigned, header, slices.Equal) {
		return last.signed
	}
	h := &signedHeader{token: token, unsigned: header.Clone(), signed: header.Clone()}
	if h.signed == nil {
		h.signed = http.Header{}
	}
	h.signed["Authorization"] = []string{"Bearer " + token.AccessToken}
	t.last.Store(h)
	return h.signed
}

type signedHeader struct {
	token            *Token
	unsigned, signed http.Header
}

// spentBody is the body of a 401 to a request that could have gone on with the next token.
type spentBody struct{ io.ReadCloser }

// Hint is for the error that package transport makes of the answer.
func (spentBody) Hint() string {
	return "The access token became invalid while data was sent that can be read only once. There is a new token now: send it again."
}
