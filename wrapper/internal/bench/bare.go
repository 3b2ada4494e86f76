package bench

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
)

// newBare shows what is below net/http's pool: it writes requests itself and reads answers with net/http's parser, on connections
// that it keeps. It is no client to use: a call can't be cancelled, a connection that the server has closed is not noticed, an
// answer that comes early is lost, headers have no limit, and there are no proxies.
func newBare(t Target) (func(context.Context) error, error) {
	u, err := url.Parse(t.URL + "/api/TxService/1.0")
	if err != nil {
		return nil, err
	}
	type conn struct {
		net.Conn
		r *bufio.Reader
	}
	dial := func() (*conn, error) {
		var c net.Conn
		c, err := net.Dial("tcp", u.Host)
		if err != nil {
			return nil, err
		}
		if t.dialed != nil {
			t.dialed.Add(1)
		}
		if u.Scheme == "https" {
			config := t.TLS()
			config.ServerName = u.Hostname()
			c = tls.Client(c, config)
		}
		return &conn{c, bufio.NewReader(c)}, nil
	}
	idle := make(chan *conn, 1024)
	const head = "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bare\r\nAccept: application/json\r\nAuthorization: Bearer %s\r\n" +
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
	return func(context.Context) error {
		var c *conn
		select {
		case c = <-idle:
		default:
			var err error
			if c, err = dial(); err != nil {
				return err
			}
		}
		body, err := json.Marshal(&txInputs{120, 2.8})
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(c, head, u.Path, u.Host, Token, len(body), body); err != nil {
			return err
		}
		res, err := http.ReadResponse(c.r, nil)
		if err != nil {
			return err
		}
		var text bytes.Buffer
		if _, err := text.ReadFrom(res.Body); err != nil {
			return err
		}
		if err := res.Body.Close(); err != nil {
			return err
		}
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", res.Status, text.Bytes())
		}
		idle <- c
		var result txResult
		if err := json.Unmarshal(text.Bytes(), &result); err != nil {
			return err
		}
		return Check(result.OutputParameters.Answer)
	}, nil
}
