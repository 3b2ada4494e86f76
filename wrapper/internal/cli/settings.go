package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/mlserver"
	"github.com/mlserver-go/mls/wrapper/transport"
)

const (
	defaultEndpoint = "http://localhost:12800" // where servers listen unless told otherwise
	defaultProfile  = "default"
)

// settings is what flags, environment and profile say together about the server and how to sign in.
type settings struct {
	store    *store
	profile  string
	stored   *profile // nil: there is none, or it is for another server
	storeErr error    // why it could not be read

	endpoint  string
	username  string // empty: not known
	version   mlserver.Version
	caFile    string
	pin       string
	allowHTTP bool
	envToken  bool // the token of the environment is used

	origins []setting
	trace   traceFunc
	timeout time.Duration // zero: none
}

// setting is one value and who gave it.
type setting struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Origin string `json:"origin,omitempty"`
}

// pick takes the first value that is given, in this order, and keeps where it is from.
func (s *settings) pick(name string, from ...setting) string {
	for _, f := range from {
		if f.Value != "" {
			s.origins = append(s.origins, setting{name, f.Value, f.Origin})
			return f.Value
		}
	}
	s.origins = append(s.origins, setting{name, "", "default"})
	return ""
}

func (a *app) flag(name, value string) setting {
	return setting{Value: value, Origin: "flag --" + name}
}

func (a *app) env(variable string) setting {
	return setting{Value: a.getenv(variable), Origin: "environment " + variable}
}

// settings looks everything up: flag, environment, profile, default. The endpoint of "mls login" goes before all that.
func (a *app) settings(endpoint string) (*settings, error) {
	st, err := a.store()
	if err != nil {
		return nil, err
	}
	s := &settings{store: st, trace: a.traceFunc(), timeout: a.timeout}
	current, err := st.current()
	if err != nil {
		return nil, err
	}
	s.profile = s.pick("profile", a.flag("profile", a.profile), a.env("MLS_PROFILE"),
		setting{Value: current, Origin: "mls profile use"}, setting{Value: defaultProfile, Origin: "default"})
	if err := checkProfileName(s.profile); err != nil {
		return nil, err
	}
	p, err := st.load(s.profile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.storeErr = err
	}
	if p == nil {
		p = &profile{}
	}
	stored := func(value string) setting { return setting{Value: value, Origin: "profile " + s.profile} }
	s.endpoint = s.pick("endpoint", setting{Value: endpoint, Origin: "argument"}, a.flag("endpoint", a.endpoint), a.env("MLS_ENDPOINT"),
		stored(p.Endpoint), setting{Value: defaultEndpoint, Origin: "default"})
	if s.endpoint, err = address(s.endpoint); err != nil {
		return nil, wrongUsage{err}
	}
	if p.Endpoint == s.endpoint {
		s.stored = p
	} else {
		p = &profile{} // nothing of it is for this server, least of all its tokens
	}
	s.username = s.pick("username", a.env("MLS_USERNAME"), stored(p.Username))
	s.version = mlserver.Version(s.pick("api-version", a.flag("api-version", a.apiVersion), a.env("MLS_API_VERSION"), stored(p.APIVersion)))
	s.caFile = s.pick("ca-file", a.flag("ca-file", a.caFile), a.env("MLS_CA_FILE"), stored(p.CAFile))
	s.pin = s.pick("pin-sha256", a.flag("pin-sha256", a.pin), a.env("MLS_PIN_SHA256"), stored(p.PinSHA256))
	if s.pin != "" {
		if _, err := transport.ParsePin(s.pin); err != nil {
			return nil, wrongUsage{fmt.Errorf("%s: %w", s.origins[len(s.origins)-1].Origin, err)}
		}
	}
	allow := stored("")
	if p.AllowHTTP {
		allow.Value = "true"
	}
	text := s.pick("allow-http", a.flag("allow-http", a.allowHTTP.text()), a.env("MLS_ALLOW_HTTP"), allow,
		setting{Value: "false", Origin: "default"})
	if s.allowHTTP, err = strconv.ParseBool(text); err != nil {
		return nil, wrongUsage{fmt.Errorf("MLS_ALLOW_HTTP is true or false, not %q", text)}
	}
	return s, nil
}

// optionalBool is a flag that knows whether it was given.
type optionalBool struct{ given, value bool }

func (b *optionalBool) text() string {
	if !b.given {
		return ""
	}
	return strconv.FormatBool(b.value)
}

func (b *optionalBool) String() string   { return strconv.FormatBool(b.value) }
func (b *optionalBool) Type() string     { return "bool" }
func (b *optionalBool) IsBoolFlag() bool { return true }
func (b *optionalBool) Set(text string) (err error) {
	b.given = true
	b.value, err = strconv.ParseBool(text)
	return err
}

// address checks a server's address and gives it one form.
func address(endpoint string) (string, error) {
	c, err := mlserver.New(mlserver.Config{Address: endpoint})
	if err != nil {
		return "", err
	}
	return c.Address(), nil
}

// server is where to sign in, with the certificates to trust.
func (s *settings) server() (auth.Server, error) {
	u, err := url.Parse(s.endpoint)
	if err != nil {
		return auth.Server{}, err
	}
	pool, err := transport.TLS{CAFile: s.caFile, PinSHA256: s.pin}.NewPool()
	if err != nil {
		return auth.Server{}, fmt.Errorf("--ca-file: %w", err) // the pin was checked before
	}
	return auth.Server{URL: u, HTTP: &http.Client{Transport: s.trace.around(pool)}, AllowHTTP: s.allowHTTP}, nil
}

// loginArgs are the arguments of the mls login that these settings need.
func (s *settings) loginArgs() string {
	args := []string{s.endpoint}
	if s.stored != nil && s.stored.AzureAD != nil { // the rest is in the profile
		args = append(args, "--aad")
	}
	if s.profile != defaultProfile {
		args = append(args, "--profile", s.profile)
	}
	return strings.Join(args, " ")
}

// profileOf is what "mls login" stores of these settings.
func (s *settings) profileOf(username string) *profile {
	return &profile{
		Endpoint: s.endpoint, Username: cmp.Or(username, s.username), APIVersion: string(s.version),
		CAFile: s.caFile, PinSHA256: s.pin, AllowHTTP: s.allowHTTP,
	}
}
