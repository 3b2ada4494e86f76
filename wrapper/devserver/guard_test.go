package devserver

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/internal/slapd"
)

// Guessing a user's password takes longer and longer; others, and other addresses, do not notice, and the right password ends it.
func TestGuessedPasswords(t *testing.T) {
	t.Parallel()
	clk := newClock()
	cfg := noLanguages
	cfg.Clock = clk.now
	c := start(t, cfg).with("")
	login := func(user, password string, status int) *reply {
		t.Helper()
		return c.want("POST", "/login", map[string]string{"username": user, "password": password}, status)
	}
	for range 5 {
		login("admin", "wrong", 401)
	}
	for _, pause := range []int{1, 2, 4, 8, 16, 32, 60, 60} {
		wait := fmt.Sprint(pause)
		r := login("admin", password, 429) // it is not even looked at
		r.says("too many wrong passwords", "in "+wait+" s")
		if got := r.header.Get("Retry-After"); got != wait {
			t.Errorf("Retry-After is %s, want %s", got, wait)
		}
		login("ADMIN", "wrong", 429)
		login("bob", password, 200)
		clk.pass(time.Duration(pause-1) * time.Second)
		login("admin", password, 429)
		clk.pass(time.Second)
		login("admin", "wrong", 401)
	}
	clk.pass(time.Minute)
	login("admin", password, 200)
	login("admin", "wrong", 401) // it begins anew
	login("admin", password, 200)
}

// TestTenThousandGuesses: of so many only a few are looked at, and nobody else notices.
func TestTenThousandGuesses(t *testing.T) {
	t.Parallel()
	clk := newClock()
	cfg := noLanguages
	cfg.Clock = clk.now
	srv := start(t, cfg).srv
	login := func(address, user, password string) int {
		r := httptest.NewRequest("POST", "/login", strings.NewReader(fmt.Sprintf(`{"username":%q,"password":%q}`, user, password)))
		r.Header.Set("Content-Type", "application/json")
		r.RemoteAddr = address + ":1234"
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, r)
		return w.Code
	}
	got := map[int]int{}
	for i := range 10_000 {
		got[login("10.0.0.1", "admin", fmt.Sprint("wrong", i))]++
	}
	if got[http.StatusUnauthorized] != freeTries || got[http.StatusTooManyRequests] != 10_000-freeTries {
		t.Errorf("the answers were %v, want all but %d refused unseen", got, freeTries)
	}
	for _, test := range []struct {
		address, user string
		want          int
	}{{"10.0.0.1", "admin", 429}, {"10.0.0.1", "bob", 200}, {"10.0.0.2", "admin", 200}, {"10.0.0.2", "bob", 200}} {
		if got := login(test.address, test.user, password); got != test.want {
			t.Errorf("the right password of %s from %s: status %d, want %d", test.user, test.address, got, test.want)
		}
	}
}

func TestGuard(t *testing.T) {
	clk := newClock()
	g := newGuard(clk.now)
	wrong, away := fail(http.StatusUnauthorized, "wrong"), fail(http.StatusServiceUnavailable, "away")
	look := func(address, user string, err error) (paused bool) {
		t.Helper()
		pause, got := g.look(address, user, func() error { return err })
		if pause == 0 && !errors.Is(got, err) {
			t.Fatalf("got %v, want %v", got, err)
		}
		return pause > 0
	}
	for range 20 {
		if look("here", "ann", away) { // says nothing about the password
			t.Fatal("paused though nobody looked")
		}
	}
	for range freeTries {
		look("here", "ann", wrong)
	}
	if !look("here", "ann", nil) || look("there", "ann", nil) || look("here", "bob", nil) {
		t.Error("the pause is not that of one user at one address")
	}
	clk.pass(time.Second)
	if look("here", "ann", nil) {
		t.Error("paused for more than a second")
	}
	for range freeTries - 1 { // as after no wrong one
		if look("here", "ann", wrong) {
			t.Error("the right password did not end it")
		}
	}
	look("here", "ann", wrong)
	clk.pass(triesKept + time.Second)
	if look("here", "ann", wrong) {
		t.Error("paused for tries of long ago")
	}
	for i := range maxTries + 10 {
		look("here", strings.Repeat("x", 1000)+fmt.Sprint(i), wrong)
	}
	if n := len(g.tries); n > maxTries {
		t.Errorf("%d tries are kept, want %d at most", n, maxTries)
	}
}

// A directory is not asked during a pause: it would lock the account.
func TestGuessedPasswordsOfDirectory(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, nil, nil)
	c := startLDAP(t, directoryAt(d.URL))
	for range freeTries {
		c.login(slapd.Alice, "wrong", 401)
	}
	d.Stop()
	c.login(slapd.Alice, slapd.AlicePassword, 429)
	c.login(slapd.Jürgen, slapd.JürgenPassword, 503)
}
