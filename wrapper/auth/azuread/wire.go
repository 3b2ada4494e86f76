package azuread

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/mlserver-go/mls/wrapper/transport"
)

// maxAnswer bounds what is read of one answer, in bytes. Microsoft's library has no bound of its own.
const maxAnswer = 1 << 20

// wire is a transport that notes in the context's record how each request went. Errors are made of that, rather than of the
// texts of Microsoft's library, which quote answers with the tokens in them.
type wire struct{ base policy.Transporter }

// defaultClient does not follow redirects: they would take secrets to places that nobody named.
func defaultClient() *http.Client {
	return &http.Client{
		Transport:     transport.NewPool(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Do implements policy.Transporter.
func (w *wire) Do(req *http.Request) (*http.Response, error) {
	res, err := w.send(req)
	e := exchange{request: req.Method + " " + req.URL.EscapedPath(), host: req.URL.Host, err: err}
	if err == nil {
		e.status = res.StatusCode
		e.mediaType, _, _ = mime.ParseMediaType(res.Header.Get("Content-Type"))
		body := io.LimitReader(res.Body, maxAnswer)
		realm := strings.HasPrefix(req.URL.Path, "/common/UserRealm/")
		if realm || res.StatusCode/100 != 2 {
			text, _ := io.ReadAll(body) // the status counts more than a body that breaks off
			_ = res.Body.Close()
			_ = json.Unmarshal(text, &e.refusal)
			res.Body = io.NopCloser(bytes.NewReader(text))
		} else {
			res.Body = struct {
				io.Reader
				io.Closer
			}{body, res.Body}
		}
	}
	if r, ok := req.Context().Value(recordKey{}).(*record); ok {
		r.note(e)
	}
	return res, err
}

// send refuses addresses without TLS, which answers may name: secrets would go there.
func (w *wire) send(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != "https" {
		return nil, fmt.Errorf("%s://%s has no TLS: secrets are sent there", req.URL.Scheme, req.URL.Host)
	}
	return w.base.Do(req)
}

// exchange is one request, and what became of it.
type exchange struct {
	request   string // "POST /contoso.com/oauth2/v2.0/token"
	host      string
	status    int // 0: no answer
	mediaType string
	refusal   refusal
	err       error
}

// refusal is the body of an OAuth error; or, of the answer about a user, what kind of account it is.
type refusal struct {
	AccountType   string `json:"account_type"`
	Error         string `json:"error"`
	Description   string `json:"error_description"`
	Codes         []int  `json:"error_codes"`
	CorrelationID string `json:"correlation_id"`
}

type recordKey struct{}

// record keeps the last exchange of one sign-in.
type record struct {
	mu        sync.Mutex
	last      *exchange
	federated bool // the password is checked elsewhere
}

// in makes a context whose requests are noted.
func (r *record) in(ctx context.Context) context.Context {
	return context.WithValue(ctx, recordKey{}, r)
}

func (r *record) note(e exchange) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = &e
	r.federated = r.federated || strings.EqualFold(e.refusal.AccountType, "Federated")
}

func (r *record) isFederated() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.federated
}

// exchange is the last one, nil if there was none.
func (r *record) exchange() *exchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

// passing tells whether an error of the network may be gone at the next try.
func passing(err error) bool {
	var timeout interface{ Timeout() bool }
	var certificate *tls.CertificateVerificationError
	var name *net.DNSError
	return !(errors.As(err, &timeout) && timeout.Timeout()) && !errors.As(err, &certificate) &&
		!(errors.As(err, &name) && name.IsNotFound)
}
