package azuread_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/auth/azuread"
	"github.com/mlserver-go/mls/wrapper/auth/azuread/azureadtest"
)

// FuzzAnswers: whatever a provider, or a proxy, answers to who asks for a token, that is a token or an *Error that tells no secret.
func FuzzAnswers(f *testing.F) {
	f.Add(200, `{"token_type":"Bearer","access_token":"a.b.c","expires_in":3600}`)
	f.Add(200, `{"token_type":"Bearer","access_token":"a.b.c","expires_in":"3599","expires_on":1893456000}`)
	f.Add(400, azureadtest.Refusal("invalid_grant", 50126, "Error validating credentials."))
	f.Add(400, `{"error":["x"],"error_codes":{},"error_description":7,"claims":"{"}`)
	f.Add(503, "<h1>away</h1>")
	p := start(f)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 || status == 408 || status == 429 || status >= 500 && status <= 504 { // those are asked again
			return
		}
		p.breaks(t, azureadtest.Fault{Endpoint: azureadtest.Token, Status: status, Body: body})
		token, err := sourceOf(t, p.app(daemonApp).ClientSecret(canarySecret)).Token(bounded(t))
		var e *azuread.Error
		switch {
		case err == nil && token.AccessToken == "":
			t.Errorf("%d %q gave a token that is empty", status, body)
		case err == nil && status >= 300:
			t.Errorf("%d %q gave the token %q", status, body, token.AccessToken)
		case err != nil && !errors.As(err, &e) && !errors.Is(err, auth.ErrLoginRequired):
			t.Errorf("%d %q gave %v, which is no azuread.Error", status, body, err)
		case err != nil && strings.Contains(err.Error(), canarySecret):
			t.Errorf("the secret is told: %v", err)
		}
	})
}
