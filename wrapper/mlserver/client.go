// Package mlserver signs in to a Microsoft R Server (9.0.1 to 9.2.0) or Machine Learning Server (9.2.1, 9.3.0), runs R and
// Python code in remote sessions, and publishes and calls web services.
//
// The verbs are those of the R package mrsdeploy; each says which one it stands for. They use the client generated for the
// newest server version, which includes all older ones. A program that wants the API as it is takes Client.Transport to any
// of the generated clients in gen/, and is signed in there too.
//
// Contexts rule time: there is no other limit. What may run code or publish is sent once, unless the server refused it with 401:
// then once more after the token was renewed. What can be repeated without harm is, when the server is away for a moment: see
// Config.Retry.
package mlserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-openapi/runtime"

	"github.com/mlserver-go/mls/gen/v930"
	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/transport"
)

// Config says which server, and how to sign in.
type Config struct {
	// Address is the server's URL, such as https://mls.example.com or http://localhost:12800 (the server's own default
	// port). A path in front of the API, as behind a reverse proxy, is kept.
	Address string
	// Auth is how to sign in: auth.Login, or another auth.Method. Nil sends no token.
	Auth auth.Method
	// Version makes verbs that need a newer server fail before anything is sent. Empty: the server decides.
	Version Version
	// HTTP supplies proxy, TLS and pool settings by its Transport: for certificates of one's own see transport.TLS. Nil: the
	// system's proxy and certificates, TLS 1.2 or newer, and a pool for many concurrent calls. Its Timeout is not used: give a
	// context with a deadline.
	HTTP *http.Client
	// AllowHTTP lets credentials and tokens go over plain http, the server's default, to other hosts than this one: everybody
	// on the way can read them, and act as the user.
	AllowHTTP bool
	// Retry says how often a GET, PUT or DELETE is sent again whose connection broke, or that the server was not ready for. The
	// zero value: at most twice, within a second or so unless the server names a time. What may run code is never sent again.
	Retry transport.Retry
}

// Client is a signed-in connection to one server. It is safe for concurrent use.
type Client struct {
	base    *url.URL
	version Version
	source  auth.Source
	rt      runtime.ContextualTransport
	api     *v930.Mlserver
}

// New checks the configuration and returns a client. Nothing is sent: the first verb signs in.
// It stands for mrsdeploy's remoteLogin with session = FALSE.
func New(c Config) (*Client, error) {
	base, err := parseAddress(c.Address)
	if err != nil {
		return nil, err
	}
	if _, err := ParseVersion(string(c.Version)); err != nil {
		return nil, err
	}
	server := auth.Server{URL: base, HTTP: c.HTTP, AllowHTTP: c.AllowHTTP}
	if server.HTTP == nil {
		server.HTTP = &http.Client{Transport: transport.NewPool()}
	}
	client := &Client{base: base, version: c.Version}
	if c.Auth != nil {
		if client.source, err = c.Auth.Source(server); err != nil {
			return nil, err
		}
	}
	server.HTTP = c.Retry.Client(server.HTTP) // not for signing in, which has ways of its own
	hc := server.HTTP
	if client.source != nil {
		hc = server.Client(client.source)
	}
	client.rt = transport.New(base, hc)
	client.api = v930.New(client.rt, nil)
	return client, nil
}

func parseAddress(address string) (*url.URL, error) {
	if address == "" {
		return nil, errors.New("no server address: give one such as https://mls.example.com or http://localhost:12800")
	}
	if strings.Contains(address, "@") {
		return nil, errors.New("the server address must not contain a user name or password")
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, fmt.Errorf("%q is no server address: it must look like https://mls.example.com or http://localhost:12800", address)
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%q is no server address: drop what follows the path", address)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return u, nil
}

// Transport is what the verbs of this client use. Any generated client works on it, and is signed in:
//
//	api := v910.New(client.Transport(), nil)
//
// Its errors are *Error whatever the server answers.
func (c *Client) Transport() runtime.ContextualTransport { return c.rt }

// Address is the server's URL.
func (c *Client) Address() string { return c.base.String() }

// Logout revokes the tokens at the server; the client can sign in again by using it. Sessions stay open: close them first.
// It stands for mrsdeploy's remoteLogout.
func (c *Client) Logout(ctx context.Context) error {
	if r, ok := c.source.(interface{ Revoke(context.Context) error }); ok {
		return r.Revoke(ctx)
	}
	return nil
}
