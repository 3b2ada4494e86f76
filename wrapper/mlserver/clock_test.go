package mlserver_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/devserver"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// TestClockJumps sets the clock of the server, of the client, or of both a day on or back. Whoever is signed in stays so.
func TestClockJumps(t *testing.T) {
	const day = 24 * time.Hour
	var ahead, behind atomic.Int64 // of the server and the client
	server := newServer(t, mlserver.V930, func(c *devserver.Config) {
		c.Clock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	client, err := mlserver.New(mlserver.Config{Address: server.address, Auth: auth.Login{Username: "admin", Password: adminPassword,
		Now: func() time.Time { return time.Now().Add(time.Duration(behind.Load())) }}})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for _, jump := range []struct{ server, client time.Duration }{
		{0, 0}, {day, 0}, {0, 0}, {-day, 0}, {0, 0}, {0, day}, {0, 0}, {0, -day}, {0, 0}, {day, day}, {-day, -day}, {day, -day}, {-day, day}, {0, 0},
	} {
		ahead.Store(int64(jump.server))
		behind.Store(int64(jump.client))
		for range 3 {
			if _, err := client.Services(ctx); err != nil {
				t.Errorf("the server's clock is %s ahead, the client's %s: %v", jump.server, jump.client, err)
			}
		}
	}
	// A renewal token that lay unused for longer than it is good needs the password, which this client has.
	ahead.Store(int64(20 * day))
	if _, err := client.Services(ctx); err != nil && !errors.Is(err, auth.ErrLoginRequired) {
		t.Error(err)
	}
}
