package mlserver_test

import (
	"context"
	"errors"
	"io"
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
	check := func(feature string, verb func(*mlserver.Client) error, since mlserver.Version) {
		for _, v := range []mlserver.Version{"", mlserver.V901, mlserver.V910, mlserver.V920, mlserver.V921, mlserver.V930} {
			err := verb(client(v))
			if v != "" && v.Compare(since) < 0 {
				if !errors.Is(err, mlserver.ErrUnsupported) || !strings.Contains(err.Error(), feature+": need server version "+string(since)) {
					t.Errorf("%s on %s: got error %v", feature, v, err)
				}
			} else if err == nil || errors.Is(err, mlserver.ErrUnsupported) {
				t.Errorf("%s on %q: got error %v, want one of the network", feature, v, err)
			}
		}
	}
	for feature, verb := range verbs {
		check(feature, verb, mlserver.V910)
	}
	model := func() io.Reader { return strings.NewReader("blob") }
	for _, verb := range []func(*mlserver.Client) error{
		func(c *mlserver.Client) error {
			_, err := c.PublishRealtime(ctx, mlserver.RealtimeDefinition{Name: "s", Model: model()})
			return err
		},
		func(c *mlserver.Client) error {
			return c.Service("s", "1").UpdateRealtime(ctx, mlserver.RealtimeUpdate{Model: model()})
		},
	} {
		check("realtime services", verb, mlserver.V910)
	}
	for _, verb := range []func(*mlserver.Client) error{
		func(c *mlserver.Client) error { _, err := c.ComputeNodes(ctx); return err },
		func(c *mlserver.Client) error { return c.SetComputeNodes(ctx) },
		func(c *mlserver.Client) error { return c.AddComputeNode(ctx) },
		func(c *mlserver.Client) error { return c.RemoveComputeNode(ctx) },
	} {
		check("central configuration of compute nodes", verb, mlserver.V921)
	}
	for _, verb := range []func(*mlserver.Service) error{
		func(s *mlserver.Service) error { return s.SetPool(ctx, 0, 1) },
		func(s *mlserver.Service) error { _, err := s.Pool(ctx); return err },
		func(s *mlserver.Service) error { return s.AwaitPool(ctx) },
		func(s *mlserver.Service) error { return s.DeletePool(ctx) },
		func(s *mlserver.Service) error { return s.DeletePoolAndWait(ctx) },
	} {
		check("service pools", func(c *mlserver.Client) error { return verb(c.Service("s", "1")) }, mlserver.V930)
	}
}
