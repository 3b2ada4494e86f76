package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// networkError is a request that got no answer. It unwraps to the cause, without the URL that *url.Error tells: its query may
// be a refresh token.
type networkError struct {
	text string
	err  error
}

func (e *networkError) Error() string { return e.text }
func (e *networkError) Unwrap() error { return e.err }

// Explained marks an error as complete. Transports below this one mark theirs as well when they are about another server, such
// as the one that issues tokens.
func (e *networkError) Explained() {}

// operationError is an error of one operation.
type operationError struct {
	op  string
	err error
}

func (e *operationError) Error() string     { return e.op + ": " + e.err.Error() }
func (e *operationError) Unwrap() error     { return e.err }
func (e *operationError) Operation() string { return e.op } // for who tells it in other words

// explain puts the name of the operation in front of an error, and says what to check.
func (t *Transport) explain(op string, err error) error {
	switch e := err.(type) {
	case *Error:
		return e
	case *PathError:
		e.Op = op
		return e
	case *url.Error:
		err = e.Err
		if advice := t.advice(err); advice != "" {
			err = &networkError{advice, err}
		}
	}
	return &operationError{op, err}
}

// advice says what an error of the network means for this server, and what to check. Empty: it is no such error.
func (t *Transport) advice(err error) string {
	server := net.JoinHostPort(t.base.Hostname(), port(t.base))
	var (
		explained interface{ Explained() }
		pin       *PinError
		dial      *net.OpError
		dns       *net.DNSError
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		netErr    net.Error
	)
	switch {
	case errors.As(err, &explained), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return ""
	case errors.Is(err, http.ErrSchemeMismatch):
		return fmt.Sprintf("%s speaks plain http, not https: use http://%s", server, t.base.Host)
	case errors.As(err, &authority):
		return fmt.Sprintf("the certificate of %s is signed by an authority that this computer does not know: trust the CA certificate of the server's administrator (SSL_CERT_FILE names a file with it)%s", server, shown(err))
	case errors.As(err, &pin):
		return fmt.Sprintf("the certificate of %s is not the pinned one: its SHA-256 fingerprint is %s. If the administrator has renewed it, pin that; if not, somebody is listening in", server, pin.Got)
	case errors.As(err, &name):
		return fmt.Sprintf("the certificate of %s is for another name (%s): use a name that it has", server, namesOf(name.Certificate))
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Sprintf("the certificate of %s has expired or is not valid yet (%s): the server needs a new one, or this computer's clock is wrong", server, invalid.Detail)
	case errors.As(err, &invalid):
		return fmt.Sprintf("the certificate of %s is not acceptable: %v", server, err)
	case errors.As(err, &dial) && strings.HasSuffix(dial.Op, " error"): // remote or local error, says package tls
		return fmt.Sprintf("%s and this computer cannot agree on TLS (%v): the server must speak TLS 1.2 or newer, and may want a client certificate", server, dial.Err)
	case errors.As(err, &record):
		return fmt.Sprintf("%s does not speak https: use http://%s if it is the right port", server, t.base.Host)
	case errors.As(err, &dns):
		return fmt.Sprintf("the host name %s cannot be resolved: check its spelling and this computer's network", dns.Name)
	case errors.As(err, &dial) && dial.Op == "proxyconnect":
		return fmt.Sprintf("cannot reach the proxy for %s (%v): check HTTP_PROXY, HTTPS_PROXY and NO_PROXY", server, dial.Err)
	case Refused(err):
		return fmt.Sprintf("no server at %s (connection refused): is it running, and is this its port?", server)
	case strings.Contains(err.Error(), "malformed HTTP"):
		return fmt.Sprintf("%s does not speak http%s", server, t.otherScheme())
	case Disconnected(err):
		return fmt.Sprintf("%s closed the connection without an answer: whether it did the work is not known%s", server, t.otherScheme())
	case errors.As(err, &netErr) && netErr.Timeout():
		return fmt.Sprintf("%s does not answer: is the address right, and does a firewall let it through?", server)
	case errors.As(err, &dial):
		return fmt.Sprintf("cannot reach %s: %v", server, dial.Err)
	case strings.Contains(err.Error(), "Location header"):
		return fmt.Sprintf("%s redirects to something that is no address", server)
	}
	return ""
}

func (t *Transport) otherScheme() string {
	if t.base.Scheme == "https" {
		return ""
	}
	return "; if it speaks https, use https://" + t.base.Host
}

// mismatch is what http.Client makes of an error: it knows that a server speaks plain http.
func mismatch(err error) error {
	var record tls.RecordHeaderError
	if errors.As(err, &record) && string(record.RecordHeader[:]) == "HTTP/" {
		return http.ErrSchemeMismatch
	}
	return err
}
