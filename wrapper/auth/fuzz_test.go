package auth

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mlserver-go/mls/gen/v930/models"
)

// FuzzAccessTokenResponse reads any answer to a sign-in. A token ends in the future, within what a server could mean, and is not
// printed.
func FuzzAccessTokenResponse(f *testing.F) {
	for _, s := range []string{
		`{"access_token":"CANARY","refresh_token":"CANARY","expires_in":3600,"expires_on":1700000000}`,
		`{"access_token":"CANARY","expires_in":"3600","expires_on":"2030-01-01T00:00:00Z"}`,
		`{"access_token":"e30.eyJleHAiOjE4OTM0NTYwMDB9.e30","expires_on":1e300}`,
		`{"access_token":"CANARY","expires_in":-1,"expires_on":"2030-01-01 00:00:00+00:00"}`,
		`{"access_token":"CANARY","expires_in":{},"expires_on":[]}`, `{}`, `null`,
	} {
		f.Add([]byte(s))
	}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := &loginSource{login: &Login{Now: func() time.Time { return now }}, host: "localhost"}
	f.Fuzz(func(t *testing.T, body []byte) {
		var a *models.AccessTokenResponse
		if json.Unmarshal(body, &a) != nil {
			return
		}
		token, err := s.token(a, nil)
		if err != nil {
			return
		}
		if !token.Expiry.After(now) {
			t.Errorf("%q: the token has ended at %s", body, token.Expiry)
		}
		if text := fmt.Sprintf("%v %+v %#v %s", token, token, token, token); strings.Contains(text, "CANARY") {
			t.Errorf("%q is printed as %s", body, text)
		}
	})
}
