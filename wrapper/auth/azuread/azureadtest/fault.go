package azureadtest

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"slices"
)

var discard = log.New(io.Discard, "", 0)

// Endpoint is what faults are about.
type Endpoint string

// The endpoints of the provider.
const (
	Configuration Endpoint = "configuration" // .well-known/openid-configuration
	Instance      Endpoint = "instance"      // /common/discovery/instance
	Realm         Endpoint = "realm"         // /common/UserRealm
	Authorize     Endpoint = "authorize"     // the page in the browser
	DeviceCode    Endpoint = "devicecode"
	Token         Endpoint = "token"
	Keys          Endpoint = "keys"
)

// Fault is a way to misbehave at one endpoint.
type Fault struct {
	Endpoint Endpoint
	Times    int // how often; 0: always

	Silent bool // no answer until the client gives up

	// Or: answer this instead, if Status is not 0.
	Status int
	Header http.Header
	Body   string

	// Or: change what would have been answered.
	Edit func(answer map[string]any)
}

// Break makes the provider misbehave until the returned function is called. The fault that came last goes first.
func (p *Provider) Break(f Fault) (mend func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, &f)
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.faults = slices.DeleteFunc(p.faults, func(other *Fault) bool { return other == &f })
	}
}

// Refusal is the body of an answer that refuses with this AADSTS code.
func Refusal(oauthError string, code int, description string) string {
	text, err := json.Marshal(refusal{oauthError, code, description}.body())
	if err != nil {
		panic(err)
	}
	return string(text)
}

// due is the fault for an endpoint, nil if there is none.
func (p *Provider) due(e Endpoint) *Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range slices.Backward(p.faults) {
		if f.Endpoint != e {
			continue
		}
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				p.faults = slices.DeleteFunc(p.faults, func(other *Fault) bool { return other == f })
			}
		}
		return f
	}
	return nil
}

// misbehave answers with a fault, if it is one that does not need the right answer.
func (p *Provider) misbehave(w http.ResponseWriter, r *http.Request, f *Fault) bool {
	switch {
	case f.Silent:
		select {
		case <-r.Context().Done():
		case <-p.closed:
		}
		panic(http.ErrAbortHandler)
	case f.Status != 0:
		for name, values := range f.Header {
			w.Header()[name] = values
		}
		if w.Header().Get("Content-Type") == "" {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
		}
		w.WriteHeader(f.Status)
		_, _ = io.WriteString(w, f.Body)
		return true
	}
	return false
}
