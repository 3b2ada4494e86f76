package bench

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"

	"github.com/go-openapi/runtime"
	httptransport "github.com/go-openapi/runtime/client"

	"github.com/mlserver-go/mls/gen/v930"
	"github.com/mlserver-go/mls/gen/v930/consumption"
	"github.com/mlserver-go/mls/gen/v930/models"
	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/mlserver"
	"github.com/mlserver-go/mls/wrapper/transport"
)

// Token is what every client signs its requests with.
const Token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZG1pbiIsInJvbGUiOiJPd25lciJ9.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"

// Target is a server to call.
type Target struct {
	URL   string // what is in front of /api
	Roots *x509.CertPool

	dialed *atomic.Int64 // counts connections; nil: nobody wants to know
}

// TLS is the TLS configuration for the target.
func (t Target) TLS() *tls.Config { return &tls.Config{RootCAs: t.Roots} }

// Defaults is what a program gets that changes nothing: http.DefaultTransport, trusting the target.
func (t Target) Defaults() *http.Transport {
	d := http.DefaultTransport.(*http.Transport).Clone()
	d.TLSClientConfig = t.TLS()
	t.count(d)
	return d
}

// count counts the connections that a pool opens.
func (t Target) count(pool *http.Transport) {
	if t.dialed == nil {
		return
	}
	dial := pool.DialContext
	pool.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		t.dialed.Add(1)
		return dial(ctx, network, address)
	}
}

// Client makes one call of the service: inputs hp and wt, as numbers; the output is Want.
type Client struct {
	Name string
	New  func(Target) (func(context.Context) error, error)
}

// Want is the only output.
const Want = 0.64181252840938208

// Check tells whether a call gave what it should.
func Check(got float64) error {
	if got != Want {
		return fmt.Errorf("the service gave %v, want %v", got, Want)
	}
	return nil
}

// Names of the clients of this package.
const (
	Floor     = "hand-written net/http"
	Ours      = "mlserver.Service.Consume"
	Generated = "generated client on mlserver's transport"
	Default   = "generated client, runtime's defaults"
	Bare      = "bare connections"
)

// Clients are those of this package, the floor first.
func Clients() []Client {
	return []Client{{Floor, newFloor}, {Ours, newOurs}, {Generated, newGenerated}, {Default, newDefault}}
}

func newClient(t Target) (*mlserver.Client, error) {
	pool := transport.NewPool()
	pool.TLSClientConfig.RootCAs = t.Roots
	t.count(pool)
	return mlserver.New(mlserver.Config{Address: t.URL, Auth: auth.Static(Token), HTTP: &http.Client{Transport: pool}})
}

func newOurs(t Target) (func(context.Context) error, error) {
	client, err := newClient(t)
	if err != nil {
		return nil, err
	}
	service := client.Service("TxService", "1.0")
	return func(ctx context.Context) error {
		result, err := service.Consume(ctx, mlserver.Values{"hp": 120.0, "wt": 2.8})
		if err != nil {
			return err
		}
		var got float64
		if err := result.Outputs.Decode("answer", &got); err != nil {
			return err
		}
		return Check(got)
	}, nil
}

func newGenerated(t Target) (func(context.Context) error, error) {
	client, err := newClient(t)
	if err != nil {
		return nil, err
	}
	return generated(client.Transport()), nil
}

func newDefault(t Target) (func(context.Context) error, error) {
	rt, err := stock(t)
	if err != nil {
		return nil, err
	}
	return generated(rt), nil
}

// stock is the runtime as it is. Its DEBUG variable is not heeded, which would cost.
func stock(t Target) (*httptransport.Runtime, error) {
	u, err := url.Parse(t.URL)
	if err != nil {
		return nil, err
	}
	rt := httptransport.New(u.Host, u.Path, []string{u.Scheme})
	rt.Transport, rt.Debug = t.Defaults(), false
	rt.DefaultAuthentication = httptransport.BearerToken(Token)
	return rt, nil
}

func generated(rt runtime.ContextualTransport) func(context.Context) error {
	api := v930.New(rt, nil)
	return func(ctx context.Context) error {
		params := consumption.NewConsumeWebServiceParams()
		params.Name, params.Version = "TxService", "1.0"
		params.Inputs = models.ServiceInputs{"hp": json.RawMessage("120"), "wt": json.RawMessage("2.8")}
		ok, err := api.Consumption.ConsumeWebServiceContext(ctx, params)
		if err != nil {
			return err
		}
		var got float64
		if err := json.Unmarshal(ok.Payload.OutputParameters["answer"], &got); err != nil {
			return err
		}
		return Check(got)
	}
}

type (
	txInputs struct {
		HP float64 `json:"hp"`
		WT float64 `json:"wt"`
	}
	txResult struct {
		Success          bool     `json:"success"`
		ErrorMessage     string   `json:"errorMessage"`
		ConsoleOutput    string   `json:"consoleOutput"`
		ChangedFiles     []string `json:"changedFiles"`
		OutputParameters struct {
			Answer float64 `json:"answer"`
		} `json:"outputParameters"`
	}
)

// newFloor is for this one service and server. Its types are those of the service, its URL and header are made once, nothing is
// between it and the connections, and it has a large pool of them, to which they go back because answers are read to the end.
func newFloor(t Target) (func(context.Context) error, error) {
	u, err := url.Parse(t.URL + "/api/TxService/1.0")
	if err != nil {
		return nil, err
	}
	pool := t.Defaults()
	pool.MaxIdleConns, pool.MaxIdleConnsPerHost = 0, 1024
	header := http.Header{"Accept": {"application/json"}, "Content-Type": {"application/json"}, "Authorization": {"Bearer " + Token}, "User-Agent": {"floor"}}
	buffers := sync.Pool{New: func() any { return new(bytes.Buffer) }}
	return func(ctx context.Context) error {
		body, err := json.Marshal(&txInputs{120, 2.8})
		if err != nil {
			return err
		}
		req := (&http.Request{
			Method: http.MethodPost, URL: u, Host: u.Host, Header: header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
		}).WithContext(ctx)
		res, err := pool.RoundTrip(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		buffer := buffers.Get().(*bytes.Buffer)
		defer buffers.Put(buffer)
		buffer.Reset()
		if _, err := buffer.ReadFrom(res.Body); err != nil {
			return err
		}
		if res.StatusCode != http.StatusOK {
			return errors.New(res.Status)
		}
		var result txResult
		if err := json.Unmarshal(buffer.Bytes(), &result); err != nil {
			return err
		}
		if !result.Success {
			return errors.New(result.ErrorMessage)
		}
		return Check(result.OutputParameters.Answer)
	}, nil
}
