package auth_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	v930 "github.com/mlserver-go/mls/gen/v930"
	"github.com/mlserver-go/mls/gen/v930/status"
	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/transport"
)

func wantCounts(t *testing.T, s *server, logins, renewals int) {
	t.Helper()
	if l, r := s.counts(); l != logins || r != renewals {
		t.Errorf("%d logins and %d renewals, want %d and %d", l, r, logins, renewals)
	}
}

func TestLoginAndRenewal(t *testing.T) {
	s, k := start(t), newClock()
	var kept []auth.Token
	src := s.source(auth.Login{Username: "admin", Password: secretPassword, Now: k.now, OnToken: func(t *auth.Token) { kept = append(kept, *t) }})
	wantCounts(t, s, 0, 0)
	begin := k.now()
	first := wantToken(t, src, secretToken+"-access-1")
	if want := `POST /login  {"password":"` + secretPassword + `","username":"admin"}`; strings.TrimSpace(s.requests[0]) != want {
		t.Errorf("sent %s, want %s", s.requests[0], want)
	}
	k.pass(59 * time.Minute)
	second := wantToken(t, src, secretToken+"-access-2")
	if want := `POST /login/refreshToken  {"refreshToken":"` + secretToken + `/refresh+1="}`; strings.TrimSpace(s.requests[1]) != want {
		t.Errorf("sent %s, want %s", s.requests[1], want)
	}
	wantCounts(t, s, 1, 1)
	if !first.Issued.Equal(begin) || !first.SignedIn.Equal(begin) || !first.Expiry.Equal(begin.Add(time.Hour)) {
		t.Errorf("the first token has issued %v, signed in %v, expiry %v", first.Issued, first.SignedIn, first.Expiry)
	}
	if !second.Issued.Equal(k.now()) || !second.SignedIn.Equal(begin) || second.RefreshToken != secretToken+"/refresh+2=" {
		t.Errorf("the second token has issued %v, signed in %v", second.Issued, second.SignedIn)
	}
	if len(kept) != 2 || kept[0] != *first || kept[1] != *second {
		t.Errorf("OnToken was told %d tokens", len(kept))
	}
}

func TestRefusedRenewalSignsInAgain(t *testing.T) {
	for _, answer := range []*reply{nil, {400, `{"message":"what?"}`}, {403, ""}} {
		s, k := start(t), newClock()
		src := s.source(auth.Login{Username: "admin", Password: secretPassword, Now: k.now})
		wantToken(t, src, secretToken+"-access-1")
		k.pass(15 * 24 * time.Hour)
		s.set(func(s *server) { s.issued, s.answer = 5, answer }) // the refresh token is none any more
		if answer != nil {
			_, err := src.Token(background) // as POST /login gets the same answer
			if err == nil || strings.Contains(err.Error(), "CANARY") {
				t.Errorf("got %v", err)
			}
			s.set(func(s *server) { s.answer = nil })
		}
		wantToken(t, src, secretToken+"-access-6")
		if _, renewals := s.counts(); renewals != 1 {
			t.Errorf("%d renewals, want 1: a refresh token that was refused is not sent again", renewals)
		}
	}
}

func TestFailedRenewalKeepsTheRefreshToken(t *testing.T) {
	s, k := start(t), newClock()
	src := s.source(auth.Login{Username: "admin", Password: secretPassword, Now: k.now})
	wantToken(t, src, secretToken+"-access-1")
	k.pass(time.Hour)
	s.set(func(s *server) { s.answer = &reply{503, "busy"} })
	if _, err := src.Token(background); !errors.Is(err, transport.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	s.set(func(s *server) { s.answer = nil })
	wantToken(t, src, secretToken+"-access-2")
	wantCounts(t, s, 1, 2)
}

func TestRenewalWithoutNewRefreshTokenKeepsTheOldOne(t *testing.T) {
	s, k := start(t), newClock()
	src := s.source(auth.Login{Username: "admin", Password: secretPassword, Now: k.now})
	wantToken(t, src, secretToken+"-access-1")
	k.pass(time.Hour)
	s.set(func(s *server) { s.answer = &reply{200, `{"access_token":"x"}`} })
	if got := wantToken(t, src, "x"); got.RefreshToken != secretToken+"/refresh+1=" {
		t.Error("the refresh token is lost")
	}
}

func TestStoredToken(t *testing.T) {
	s, k := start(t), newClock()
	s.set(func(s *server) { s.issued = 7 })
	stored := &auth.Token{AccessToken: s.access(), RefreshToken: s.refresh(), Issued: k.now(), SignedIn: k.now().Add(-time.Hour), Expiry: k.now().Add(time.Hour)}
	src := s.source(auth.Login{Token: stored, Now: k.now})
	wantToken(t, src, secretToken+"-access-7")
	wantCounts(t, s, 0, 0)
	k.pass(time.Hour)
	if got := wantToken(t, src, secretToken+"-access-8"); !got.SignedIn.Equal(stored.SignedIn) {
		t.Errorf("signed in %v, want %v", got.SignedIn, stored.SignedIn)
	}
	src = s.source(auth.Login{Token: &auth.Token{RefreshToken: s.refresh()}, Now: k.now})
	wantToken(t, src, secretToken+"-access-9")
	wantCounts(t, s, 0, 2)

	k.pass(time.Hour)
	s.set(func(s *server) { s.revoked = true })
	for range 2 { // the second time nothing is sent
		_, err := src.Token(background)
		if !errors.Is(err, auth.ErrLoginRequired) {
			t.Errorf("got %v, want ErrLoginRequired", err)
		}
		contains(t, "error", err.Error(), "sign in again", s.at().URL.Host)
	}
	wantCounts(t, s, 0, 3)

	// with a password the way on is a login
	src = s.source(auth.Login{Username: "admin", Password: secretPassword, Token: stored, Now: k.now})
	wantToken(t, src, secretToken+"-access-10")
	wantCounts(t, s, 1, 4)

	src = s.source(auth.Login{Token: &auth.Token{AccessToken: "only", Expiry: k.now().Add(time.Hour)}, Now: k.now})
	src.Reject(wantToken(t, src, "only"))
	if _, err := src.Token(background); !errors.Is(err, auth.ErrLoginRequired) {
		t.Errorf("an access token alone that was refused gave %v, want ErrLoginRequired", err)
	}
}

func TestAnswersThatAreNoToken(t *testing.T) {
	for _, answer := range []reply{
		{200, ""}, {200, "{}"}, {200, "null"}, {200, `{"access_token":""}`}, {200, `{"access_token":{"x":"CANARY"}}`},
		{200, `{"access_token":"CANARY`}, {200, `{"access_token":"CANARY"]`}, {200, "<html>CANARY</html>"}, {200, "CANARY"}, {204, ""},
		{500, `{"message":"` + secretPassword + `"}`}, {302, ""},
	} {
		s := start(t)
		s.answer = &answer
		src := s.source(auth.Login{Username: "admin", Password: secretPassword})
		got, err := src.Token(background)
		if err == nil || strings.Contains(err.Error(), "CANARY") {
			t.Errorf("%v gave %v, %v", answer, got, err)
		}
	}
}

// silent is a server that takes requests and does not answer.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// TestServerThatDoesNotAnswer gives up after 20 s, by the clock of the bubble.
func TestServerThatDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := auth.Server{URL: parse(t, "https://mls.example.com"), HTTP: &http.Client{Transport: silent{}}}
		for _, l := range []auth.Login{
			{Username: "admin", Password: secretPassword},
			{Token: &auth.Token{RefreshToken: secretToken}},
		} {
			src, err := l.Source(at)
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			_, err = src.Token(background)
			if took := time.Since(began); took != 20*time.Second || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v after %s, want context.DeadlineExceeded after 20 s", err, took)
			}
			contains(t, "error", err.Error(), "mls.example.com has not answered within 20s", "LDAP directory")
			if strings.Contains(err.Error(), "CANARY") {
				t.Errorf("the error tells a secret: %v", err)
			}
			ctx, cancel := context.WithTimeout(background, time.Second)
			defer cancel()
			if _, err := src.Token(ctx); !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "answered") {
				t.Errorf("a caller that gives up first got %v", err)
			}
			synctest.Wait()
		}
		time.Sleep(time.Minute) // of the bubble: the last renewal ends
	})
}

func TestRevoke(t *testing.T) {
	s := start(t)
	src := s.source(auth.Login{Username: "admin", Password: secretPassword})
	if err := src.Revoke(background); err != nil || len(s.requests) != 0 {
		t.Errorf("without token: %v, %d requests", err, len(s.requests))
	}
	wantToken(t, src, secretToken+"-access-1")
	if err := src.Revoke(background); err != nil || !s.revoked {
		t.Errorf("got %v, revoked %t", err, s.revoked)
	}
	if got := s.requests[1]; strings.TrimSpace(got) != "DELETE /login/refreshToken" {
		t.Errorf("sent %q", got)
	}
	wantToken(t, src, secretToken+"-access-2") // signs in anew
	wantCounts(t, s, 2, 0)

	s.set(func(s *server) { s.revoked = true })
	if err := src.Revoke(background); err != nil {
		t.Errorf("a token that is revoked already gave %v", err)
	}
	wantToken(t, src, secretToken+"-access-3")
	s.Close()
	if err := src.Revoke(background); err == nil || strings.Contains(err.Error(), "CANARY") {
		t.Errorf("without server: %v", err)
	}
	if _, err := src.Token(background); err == nil {
		t.Error("the token is still held after a revocation that the server did not hear of")
	}
	if err := auth.NewCache(auth.Static("x")).Revoke(background); err != nil {
		t.Errorf("a source that cannot revoke gave %v", err)
	}
}

func TestExpiry(t *testing.T) {
	k := newClock()
	in := func(d time.Duration) int64 { return k.now().Add(d).Unix() }
	claims := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"exp":%d}`, in(90*time.Minute)))
	jwt := "eyJhbGciOiJSUzUxMiJ9." + claims + ".c2ln"
	const hour, quarter = time.Hour, 15 * time.Minute
	for _, test := range []struct {
		members string
		want    time.Duration
	}{
		{`"expires_on":` + fmt.Sprint(in(quarter)), quarter},
		{`"expires_on":` + fmt.Sprintf(`"%d"`, in(quarter)), quarter},
		{`"expires_on":` + fmt.Sprintf(`" %d "`, in(quarter)), quarter},
		{`"expires_on":` + fmt.Sprintf(`"%d.5"`, in(quarter)), quarter + time.Second/2},
		{`"expires_on":` + fmt.Sprintf(`%d.25`, in(quarter)), quarter + time.Second/4},
		{`"expires_on":` + fmt.Sprintf(`%.9e`, float64(in(quarter))), quarter},
		{`"expires_on":"2018-03-01T12:15:00Z"`, quarter},
		{`"expires_on":"2018-03-01T13:15:00+01:00"`, quarter},
		{`"expires_on":"2018-03-01T12:15:00"`, quarter},
		{`"expires_on":"2018-03-01T12:15:00.5Z"`, quarter + time.Second/2},
		{`"expires_in":900`, quarter},
		{`"expires_in":"900"`, quarter},
		{`"expires_in":0.5`, time.Second / 2},
		{`"expires_in":900,"expires_on":` + fmt.Sprint(in(5*hour)), quarter}, // the clocks differ
		{`"expires_in":900,"expires_on":` + fmt.Sprint(in(-5*hour)), quarter},
		{`"expires_in":0,"expires_on":` + fmt.Sprint(in(quarter)), quarter},
		{`"expires_in":"soon","expires_on":` + fmt.Sprint(in(quarter)), quarter},
		{`"expires_in":null,"expires_on":null,"access_token":"` + jwt + `"`, 90 * time.Minute},
		{`"access_token":"` + jwt + `"`, 90 * time.Minute},
		{`"expires_on":"","access_token":"` + jwt + `"`, 90 * time.Minute},
		{`"expires_on":` + fmt.Sprint(in(-hour)) + `,"access_token":"` + jwt + `"`, 90 * time.Minute},
		{`"expires_on":"","expires_in":""`, hour},
		{`"expires_on":"tomorrow"`, hour},
		{`"expires_on":` + fmt.Sprint(in(-hour)), hour},
		{`"expires_on":0`, hour},
		{`"expires_on":-1`, hour},
		{`"expires_on":1e300,"expires_in":-1e300`, hour},
		{`"expires_on":"1e999","expires_in":"Inf"`, hour},
		{`"expires_on":"NaN","expires_in":"NaN"`, hour},
		{`"expires_on":{"a":1},"expires_in":[1]`, hour},
		{`"expires_on":true,"expires_in":false`, hour},
		{`"access_token":"eyJhbGciOiJub25lIn0.bm90IEpTT04.x"`, hour},
		{`"access_token":"a.b.c"`, hour},
		{`"token_type":"Bearer"`, hour},
	} {
		s := start(t)
		s.answer = &reply{200, `{"access_token":"opaque",` + test.members + `}`}
		got, err := s.source(auth.Login{Username: "admin", Password: "p", Now: k.now}).Token(background)
		if err != nil {
			t.Errorf("%s: %v", test.members, err)
		} else if left := got.Expiry.Sub(k.now()); left != test.want {
			t.Errorf("%s: expires in %v, want %v", test.members, left, test.want)
		}
	}
}

func TestWholeWay(t *testing.T) {
	s := start(t)
	src := s.source(auth.Login{Username: "admin", Password: secretPassword})
	api := v930.New(transport.New(s.at().URL, s.at().Client(src)), nil)
	for range 3 {
		_, err := api.Status.StatusContext(background, &status.StatusParams{})
		contains(t, "error", fmt.Sprint(err), "something else than the JSON") // it answers "done"
	}
	wantCounts(t, s, 1, 0)

	s.set(func(s *server) { s.password = "changed" })
	s.set(func(s *server) { s.revoked = true })
	_, err := api.Status.StatusContext(background, &status.StatusParams{})
	if !errors.Is(err, transport.ErrUnauthorized) || strings.Contains(err.Error(), "CANARY") {
		t.Errorf("got %v, want ErrUnauthorized without secrets", err)
	}
	contains(t, "error", err.Error(), "status: login: 401 Unauthorized")
	api = v930.New(transport.New(s.at().URL, s.at().Client(s.source(auth.Login{Username: "admin", Password: secretPassword}))), nil)
	s.Close()
	_, err = api.Status.StatusContext(background, &status.StatusParams{})
	contains(t, "error", fmt.Sprint(err), "status: login: ", s.at().URL.Host)
}

// Everything that holds a secret, printed in every way.
func TestSecretsAreNotPrinted(t *testing.T) {
	t.Setenv("DEBUG", "1")
	t.Setenv("SWAGGER_DEBUG", "1")
	printed, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = printed, printed
	defer func() { os.Stdout, os.Stderr = stdout, stderr }()

	s := start(t)
	login := auth.Login{Username: "admin", Password: secretPassword, Token: &auth.Token{AccessToken: secretToken, RefreshToken: secretToken}}
	src := s.source(login)
	token := wantToken(t, src, secretToken)
	src.Reject(token)
	if token, err = src.Token(background); err != nil {
		t.Fatal(err)
	}
	hc := s.at().Client(src)
	type holder struct {
		Login  auth.Login
		Method auth.Method
		Token  *auth.Token
		Value  auth.Token
		Source auth.Source
		HTTP   *http.Client
	}
	all := holder{login, login, token, *token, src, hc}
	values := []any{login, &login, *token, token, []auth.Token{*token}, map[string]auth.Login{"a": login}, src, hc, hc.Transport, all, &all,
		auth.Static(secretToken), transport.New(s.at().URL, hc), fmt.Errorf("%w: %v", auth.ErrLoginRequired, token)}
	var text bytes.Buffer
	logs := []*slog.Logger{slog.New(slog.NewTextHandler(&text, nil)), slog.New(slog.NewJSONHandler(&text, nil))}
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X"} {
			fmt.Fprintf(&text, verb+"\n", v)
		}
	}
	for _, l := range logs {
		l.Info("signed in", "login", login, "login2", &login, "token", token, "token2", *token)
	}
	out, _ := os.ReadFile(printed.Name())
	for _, secret := range []string{"CANARY", fmt.Sprintf("%x", "CANARY"), fmt.Sprintf("%X", "CANARY")} {
		for _, line := range strings.Split(text.String()+string(out), "\n") {
			if strings.Contains(line, secret) {
				t.Errorf("printed %s", line)
			}
		}
	}
	contains(t, "token", token.String(), "redacted", "until 20")
	contains(t, "no token", auth.Token{}.String(), "no token")
	contains(t, "login", fmt.Sprint(login), "admin")
}
