package mlserver_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/devserver"
	"github.com/mlserver-go/mls/wrapper/internal/slapd"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// TestLDAP signs in through the client with names and passwords of a real directory.
func TestLDAP(t *testing.T) {
	t.Parallel()
	directory := slapd.Start(t, nil, nil)
	s, err := devserver.New(devserver.Config{SpareWorkers: -1, Logger: printed.Logger(), LDAP: &devserver.LDAP{
		URL: directory.URL, SearchBase: slapd.Base, SearchFilter: "uid={0}",
		QueryUserDN: slapd.QueryUser, QueryUserPassword: slapd.QueryPassword,
	}})
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewServer(s)
	t.Cleanup(func() { ts.Close(); _ = s.Close() })
	signIn := func(name, password string) error {
		t.Helper()
		c, err := mlserver.New(mlserver.Config{Address: ts.URL, Auth: auth.Login{Username: name, Password: password}})
		if err != nil {
			return err
		}
		_, err = c.Services(t.Context())
		if err != nil && password != "" && strings.Contains(err.Error(), password) {
			t.Errorf("the error %v tells the password", err)
		}
		return err
	}
	for name, password := range map[string]string{
		slapd.Alice: slapd.AlicePassword, slapd.Jürgen: slapd.JürgenPassword, slapd.Odd: slapd.OddPassword,
	} {
		if err := signIn(name, password); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, u := range [][2]string{
		{slapd.Alice, "wrong-password"}, {"nobody", slapd.AlicePassword}, {"*", slapd.AlicePassword}, {"admin", adminPassword},
	} {
		err := signIn(u[0], u[1])
		if !errors.Is(err, mlserver.ErrUnauthorized) || !strings.Contains(err.Error(), "local admin is off once the server uses LDAP") {
			t.Errorf("%q: got %v, want ErrUnauthorized with advice", u[0], err)
		}
	}
	if err := signIn(slapd.Alice, ""); err == nil || !strings.Contains(err.Error(), "no password") {
		t.Errorf("an empty password gave %v, want it refused before anything is sent", err)
	}
	directory.Stop()
	err = signIn(slapd.Alice, slapd.AlicePassword)
	if !errors.Is(err, mlserver.ErrUnavailable) || !strings.Contains(err.Error(), "LDAP directory") {
		t.Errorf("without directory: got %v, want ErrUnavailable that names it", err)
	}
}
