// Package auth signs in to a Microsoft R Server or Machine Learning Server, and stays signed in.
//
// A Method (Login, or a source of tokens from elsewhere) makes a Source for one server. Cache holds its token and renews it in
// time, once for everybody who waits. Transport puts it into the requests to that server, and only those.
package auth

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/mlserver-go/mls/wrapper/transport"
)

// ErrPlainHTTP is found by errors.Is when a password or token would have gone over plain http to another computer. Nothing
// was sent.
var ErrPlainHTTP = errors.New("plain http")

// ErrLoginRequired is found by errors.Is when only a new sign-in helps: the refresh token is spent, revoked or too old, and no
// password is at hand.
var ErrLoginRequired = errors.New("sign in again")

// Server is where to sign in.
type Server struct {
	URL *url.URL // the address, with the path in front of the API if there is one
	// HTTP makes the connections. Nil: the pool of transport.NewPool.
	HTTP *http.Client
	// AllowHTTP lets passwords and tokens go over plain http, the server's default, to other hosts than this one: everybody on
	// the way can read them, and act as the user.
	AllowHTTP bool
}

// Client returns an HTTP client that signs what it sends to this server with the tokens of src, through a Transport. A src that
// is no *Cache is put into one.
func (s Server) Client(src Source) *http.Client {
	c := http.Client{}
	if s.HTTP != nil {
		c = *s.HTTP
	}
	cache, ok := src.(*Cache)
	if !ok {
		cache = NewCache(src)
	}
	if c.Transport == nil {
		c.Transport = transport.NewPool()
	}
	c.Transport = &Transport{Tokens: cache, Server: s.URL, AllowHTTP: s.AllowHTTP, Base: c.Transport}
	return &c
}

// Check refuses a server that no password or token should be sent to, with ErrPlainHTTP.
func (s Server) Check() error { return checkScheme(s.URL, s.AllowHTTP) }

// checkScheme refuses to tell secrets to everybody between here and another host.
func checkScheme(u *url.URL, allowHTTP bool) error {
	if strings.EqualFold(u.Scheme, "https") || allowHTTP || isLoopback(u.Hostname()) {
		return nil
	}
	return fmt.Errorf("%w: everybody on the way to %s could read the password or token, and act as you: use https://%s, or set AllowHTTP if you trust the network",
		ErrPlainHTTP, u.Host, u.Host)
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
