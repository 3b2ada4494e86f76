package mlserver_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/mlserver-go/mls/wrapper/mlserver"
)

func TestNewRefusesBadConfiguration(t *testing.T) {
	for _, test := range []struct{ address, version, want string }{
		{"", "", "no server address"},
		{"localhost:12800", "", "is no server address"},
		{"ftp://localhost", "", "is no server address"},
		{"http://", "", "is no server address"},
		{"http://:12800", "", "is no server address"},
		{"http://admin:secret@localhost:12800", "", "must not contain a user name"},
		{"ftp://admin:secret@localhost", "", "must not contain a user name"},
		{"admin:secret@localhost:12800", "", "must not contain a user name"},
		{"http://localhost:12800/?x=1", "", "drop what follows the path"},
		{"http://localhost:12800", "9.4.7", `"9.4.7" is no server version`},
	} {
		_, err := mlserver.New(mlserver.Config{Address: test.address, Version: mlserver.Version(test.version)})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q %q: got error %v, want %q", test.address, test.version, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error shows the password: %v", test.address, err)
		}
	}
}

// TestVersionGates uses an address where nothing answers: what is refused was not sent.
func TestVersionGates(t *testing.T) {
	ctx := context.Background()
	client := func(v mlserver.Version) *mlserver.Client {
		c, err := mlserver.New(mlserver.Config{Address: "http://127.0.0.1:1", Version: v})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	verbs := map[string]func(*mlserver.Client) error{
		"Python sessions": func(c *mlserver.Client) error {
			_, err := c.NewSession(ctx, mlserver.SessionOptions{Runtime: mlserver.Python})
			return err
		},
		"Python services": func(c *mlserver.Client) error {
			_, err := c.Publish(ctx, mlserver.Definition{Name: "s", Version: "1", Runtime: mlserver.Python})
			return err
		},
		"initialization code": func(c *mlserver.Client) error {
			_, err := c.Publish(ctx, mlserver.Definition{Name: "s", Version: "1", InitCode: "x"})
			return err
		},
		"returned files": func(c *mlserver.Client) error {
			_, err := c.Publish(ctx, mlserver.Definition{Name: "s", Version: "1", Artifacts: []string{"f"}})
			return err
		},
	}
	for feature, verb := range verbs {
		err := verb(client(mlserver.V901))
		if !errors.Is(err, mlserver.ErrUnsupported) || !strings.Contains(err.Error(), feature+": need server version 9.1.0") {
			t.Errorf("%s on 9.0.1: got error %v", feature, err)
		}
		for _, v := range []mlserver.Version{"", mlserver.V910, mlserver.V930} {
			if err := verb(client(v)); err == nil || errors.Is(err, mlserver.ErrUnsupported) {
				t.Errorf("%s on %q: got error %v, want one of the network", feature, v, err)
			}
		}
	}
}
