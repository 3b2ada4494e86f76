package transport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"

	v930 "github.com/mlserver-go/mls/gen/v930"
	"github.com/mlserver-go/mls/gen/v930/auth"
	"github.com/mlserver-go/mls/gen/v930/models"
	"github.com/mlserver-go/mls/gen/v930/status"
	"github.com/mlserver-go/mls/wrapper/internal/port"
	"github.com/mlserver-go/mls/wrapper/transport"
)

const refreshToken = "CANARY/refresh+token="

// callWithSecret sends a request whose URL has a secret in it.
func callWithSecret(t *testing.T, address string, hc *http.Client) error {
	t.Helper()
	api := v930.New(newTransport(t, parse(t, address), hc), nil)
	_, err := api.Auth.RevokeRefreshTokenContext(background, &auth.RevokeRefreshTokenParams{RefreshToken: refreshToken})
	if err == nil {
		t.Fatalf("%s gave no error", address)
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		for _, text := range []string{e.Error(), fmt.Sprintf("%+v", e), fmt.Sprintf("%#v", e)} {
			if strings.Contains(text, "CANARY") {
				t.Errorf("%T has a secret: %s", e, text)
			}
		}
	}
	var sent *url.Error
	if errors.As(err, &sent) {
		t.Errorf("the error has a *url.Error in it: %v", sent)
	}
	return err
}

func TestNetworkErrorsSayWhatToCheck(t *testing.T) {
	nothing := port.Own(t)
	err := callWithSecret(t, "http://"+nothing, nil)
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v, want ECONNREFUSED in it", err)
	}
	contains(t, "refused", err.Error(), "revokeRefreshToken: no server at "+nothing, "running")

	err = callWithSecret(t, "http://name.invalid:12800", nil)
	var dns *net.DNSError
	if !errors.As(err, &dns) {
		t.Errorf("got %v, want *net.DNSError in it", err)
	}
	contains(t, "unknown name", err.Error(), "name.invalid", "spelling")

	plain := httptest.NewServer(reply{200, json, "{}"})
	t.Cleanup(plain.Close)
	host := strings.TrimPrefix(plain.URL, "http://")
	contains(t, "https to http", callWithSecret(t, "https://"+host, nil).Error(), "use http://"+host)

	proxy := &http.Transport{Proxy: func(*http.Request) (*url.URL, error) { return url.Parse("http://" + nothing) }}
	contains(t, "proxy", callWithSecret(t, "http://example.invalid", &http.Client{Transport: proxy}).Error(), "proxy", nothing)

	quiet := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}
	}}
	contains(t, "timeout", callWithSecret(t, "http://192.0.2.1:12800", &http.Client{Transport: quiet}).Error(), "192.0.2.1:12800 does not answer", "firewall")

	failing := httptest.NewServer(raw(t, ""))
	t.Cleanup(failing.Close)
	contains(t, "closed", callWithSecret(t, failing.URL, nil).Error(), "closed the connection", "use https://")
	garbage := httptest.NewServer(raw(t, "\x15\x03\x01\x00\x02\x02\x0a"))
	t.Cleanup(garbage.Close)
	contains(t, "garbage", callWithSecret(t, garbage.URL, nil).Error(), "does not speak http", "use https://")
	line, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = line.Close() })
	go func() {
		for {
			c, err := line.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, "220 mail.example.com ESMTP\r\n")
			_, _ = io.CopyN(io.Discard, c, 1)
			_ = c.Close()
		}
	}()
	contains(t, "mail server", callWithSecret(t, "https://"+line.Addr().String(), nil).Error(), "does not speak https")
}

func TestRedirectThatIsNoAddressHasNoSecret(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "http://%zz?"+r.URL.RawQuery+refreshToken)
		w.WriteHeader(307)
	}))
	t.Cleanup(srv.Close)
	api := v930.New(newTransport(t, parse(t, srv.URL), nil), nil)
	_, err := api.Auth.RevokeRefreshTokenContext(background, &auth.RevokeRefreshTokenParams{RefreshToken: refreshToken})
	if err == nil || strings.Contains(err.Error(), "CANARY") {
		t.Errorf("got %v", err)
	}
}

func TestPlainHTTPToTLS(t *testing.T) {
	srv := httptest.NewUnstartedServer(reply{200, json, "{}"})
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	api := v930.New(newTransport(t, parse(t, "http://"+strings.TrimPrefix(srv.URL, "https://")), nil), nil)
	_, err := api.Status.StatusContext(background, &status.StatusParams{})
	if !errors.Is(err, transport.ErrBadRequest) {
		t.Errorf("got %v, want ErrBadRequest", err)
	}
	contains(t, "error", err.Error(), "https://")
}

// DEBUG makes other go-openapi clients print whole requests.
func TestNothingIsPrinted(t *testing.T) {
	t.Setenv("DEBUG", "1")
	t.Setenv("SWAGGER_DEBUG", "1")
	printed, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = printed, printed
	defer func() { os.Stdout, os.Stderr = stdout, stderr }()
	api := serve(t, reply{200, json, `{"access_token":"CANARY","refresh_token":"CANARY"}`}.ServeHTTP)
	_, err = api.Auth.LoginContext(background, &auth.LoginParams{LoginRequest: &models.LoginRequest{Username: "u", Password: "CANARY"}})
	if err != nil {
		t.Error(err)
	}
	if got, _ := os.ReadFile(printed.Name()); len(got) > 0 {
		t.Errorf("printed %s", got)
	}
}
