package mlserver_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

var signInFacts = []fact{
	{1, "expires_on is a text, expires_in unknown", "both are numbers, or texts, or missing", func(t *testing.T) {
		for _, times := range []string{
			`"expires_in":3600,"expires_on":1479664807`, `"expires_in":"3600","expires_on":"1479664807"`, `"expires_on":4102444800`,
			`"expires_on":"2099-12-31T00:00:00Z"`, `"expires_on":null`, `"expires_in":3600.0`, `"expires_in":null,"expires_on":""`,
		} {
			log := signIn(t, `{"token_type":"Bearer","access_token":"a",`+times+`,"refresh_token":"r"}`, reply{})
			if want := []string{"POST /login", "GET /services Bearer a", "GET /services Bearer a"}; !slices.Equal(log[:3], want) {
				t.Errorf("%s: %q, want %q", times, log, want)
			}
		}
	}},
	{17, "articles say POST /user/login", "it is POST /login", func(t *testing.T) {
		if log := signIn(t, `{"access_token":"a"}`, reply{}); log[0] != "POST /login" {
			t.Errorf("signed in with %s", log[0])
		}
	}},
	{21, "no security declared", "a bearer token everywhere, but for signing in and out", func(t *testing.T) {
		for _, line := range signIn(t, `{"access_token":"a","refresh_token":"r"}`, reply{})[1:3] {
			if line != "GET /services Bearer a" {
				t.Errorf("sent %q", line)
			}
		}
	}},
	{32, "revoking answers tokens", "an article says 200 and nothing more", func(t *testing.T) {
		for _, answer := range []reply{
			{body: `{"token_type":"Bearer","access_token":"","expires_in":0,"refresh_token":""}`}, {}, {body: `"Success"`},
			{contentType: "text/plain", body: "Success"}, {status: 204},
		} {
			log := signIn(t, `{"access_token":"a","refresh_token":"r"}`, answer)
			if last := log[len(log)-1]; last != "DELETE /login/refreshToken" {
				t.Errorf("%+v: signed out with %s", answer, last)
			}
		}
	}},
}

// signIn signs in, calls twice and signs out, and tells what the server got: method, path and Authorization.
func signIn(t *testing.T, tokens string, revoked reply) (log []string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		line := r.Method + " " + r.URL.Path
		if token := r.Header.Get("Authorization"); token != "" {
			line += " " + token
		}
		log = append(log, line)
		answer := reply{body: "[]"}
		switch {
		case r.Method == http.MethodDelete:
			answer = revoked
		case r.URL.Path == "/login":
			answer.body = tokens
		}
		if answer.contentType == "" {
			answer.contentType = jsonType
		}
		w.Header().Set("Content-Type", answer.contentType)
		if answer.status != 0 {
			w.WriteHeader(answer.status)
		}
		_, _ = io.WriteString(w, answer.body)
	}))
	defer server.Close()
	client, err := mlserver.New(mlserver.Config{Address: server.URL, Auth: auth.Login{Username: "u", Password: "p"}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := client.Services(t.Context()); err != nil {
			t.Fatalf("%s: %v", tokens, err)
		}
	}
	if err := client.Logout(t.Context()); err != nil {
		t.Errorf("%+v: signing out: %v", revoked, err)
	}
	return log
}
