package auth_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	v930 "github.com/mlserver-go/mls/gen/v930"
	"github.com/mlserver-go/mls/gen/v930/status"
	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/transport"
)

func TestWrongCredentials(t *testing.T) {
	s := start(t)
	const wrong = "CANARY-wrong"
	_, err := s.source(auth.Login{Username: "admin", Password: wrong}).Token(background)
	var got *transport.Error
	if !errors.As(err, &got) || got.Status != 401 || got.Op != "login" {
		t.Fatalf("got %v, want a transport.Error of login with status 401", err)
	}
	contains(t, "error", err.Error(), "invalid credentials", "user name and password", "admin", "LDAP", "Azure AD", "userPrincipalName")
	if strings.Contains(err.Error(), "CANARY") || strings.Count(err.Error(), "\n") > 2 {
		t.Errorf("error is %q", err)
	}
	wantCounts(t, s, 1, 0)
	for _, l := range []auth.Login{{}, {Username: "u"}, {Password: "p"}, {Token: &auth.Token{}}, {Username: "u", Token: &auth.Token{}}} {
		if src, err := l.Source(s.at()); err == nil {
			t.Errorf("%+v gave %v, want an error", l, src)
		}
	}
	wantCounts(t, s, 1, 0)
}

// Directories lock accounts after some wrong passwords: one is sent once, however often somebody asks.
func TestWrongPasswordIsSentOnce(t *testing.T) {
	s, k := start(t), newClock()
	src := s.source(auth.Login{Username: "admin", Password: "CANARY-wrong", Now: k.now})
	api := v930.New(transport.New(s.at().URL, s.at().Client(src)), nil)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := api.Status.StatusContext(background, &status.StatusParams{}); !errors.Is(err, transport.ErrUnauthorized) {
				t.Errorf("got %v, want ErrUnauthorized", err)
			}
		})
	}
	all.Wait()
	k.pass(24 * time.Hour)
	_, err := src.Token(background)
	contains(t, "error", fmt.Sprint(err), "login: 401 Unauthorized", "Check user name and password")
	wantCounts(t, s, 1, 0)

	// Whoever tries again means to.
	if _, err := s.source(auth.Login{Username: "admin", Password: secretPassword}).Token(background); err != nil {
		t.Error(err)
	}
	wantCounts(t, s, 2, 0)

	// A server that is out of order says nothing about the password.
	src = s.source(auth.Login{Username: "admin", Password: secretPassword, Now: k.now})
	s.set(func(s *server) { s.answer = &reply{503, "busy"} })
	if _, err := src.Token(background); !errors.Is(err, transport.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	s.set(func(s *server) { s.answer = nil })
	if _, err := src.Token(background); err != nil {
		t.Error(err)
	}
	wantCounts(t, s, 4, 0)
}
