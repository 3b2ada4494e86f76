package devserver

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

type answers func(*http.Request) string

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(a(r)))}, nil
}

// FuzzKeys: whatever an authority publishes, there is an error, or an issuer and keys that are good enough.
func FuzzKeys(f *testing.F) {
	key := strings.Repeat("_", 342) // 2,048 bits
	f.Add(`{"issuer":"https://sts.test/1/","jwks_uri":"https://sts.test/keys"}`, `{"keys":[{"kty":"RSA","use":"sig","kid":"1","n":"`+key+`","e":"AQAB"}]}`)
	f.Add(`{"access_token_issuer":"urn:x","jwks_uri":"https://sts.test/keys"}`, `{"keys":[{"kty":"RSA","kid":"1","n":"AQAB","e":"AQAB"},{"kty":"EC"}]}`)
	f.Add(`{"issuer":"https://sts.test/{tenantid}/","jwks_uri":"http://sts.test/keys"}`, `{"keys":[{"kty":"RSA","kid":"1","n":"`+key+`==","e":"AAAAAAAAAQAB"}]}`)
	f.Add("<html>", "null")
	f.Fuzz(func(t *testing.T, metadata, set string) {
		client := &http.Client{Transport: answers(func(r *http.Request) string {
			if r.URL.Host == "login.test" && r.URL.Path == "/metadata" {
				return metadata
			}
			return set
		})}
		k := newKeys(AzureAD{Metadata: "https://login.test/metadata", HTTP: client}, time.Now)
		key, issuer, err := k.find(t.Context(), "1")
		if err == nil && (issuer == "" || strings.Contains(issuer, "{") || len(k.byID) == 0) {
			t.Errorf("%q and %q gave issuer %q and %d keys", metadata, set, issuer, len(k.byID))
		}
		if key != nil && (err != nil || key.N.BitLen() < 2048 || key.E < 3 || key.E%2 == 0) {
			t.Errorf("%q and %q gave the key %v, error %v", metadata, set, key, err)
		}
	})
}
