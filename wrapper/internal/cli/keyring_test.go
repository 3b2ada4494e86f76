package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/zalando/go-keyring"

	"github.com/mlserver-go/mls/wrapper/auth"
)

// testVault is a keyring for test scripts: "none" or empty, "locked", "system" for the real one, or a folder that several processes can share.
func testVault(kind string) vault {
	switch kind {
	case "", "none":
		return noVault{errNoSession}
	case "system":
		return systemKeyring{sessionBus}
	case "locked":
		return noVault{errors.New("failed to unlock correct collection")}
	}
	return folderVault(kind)
}

// noVault fails.
type noVault struct{ err error }

func (v noVault) Get(string, string) (string, error) { return "", v.err }
func (v noVault) Set(string, string, string) error   { return v.err }
func (v noVault) Delete(string, string) error        { return v.err }

// folderVault keeps each entry in a file.
type folderVault string

func (v folderVault) file(service, user string) string {
	sum := sha256.Sum256([]byte(service + "\x00" + user))
	return filepath.Join(string(v), "entry-"+hex.EncodeToString(sum[:8]))
}

func (v folderVault) Get(service, user string) (string, error) {
	secret, err := os.ReadFile(v.file(service, user))
	if errors.Is(err, fs.ErrNotExist) {
		err = keyring.ErrNotFound
	}
	return string(secret), err
}

func (v folderVault) Set(service, user, secret string) error {
	if err := os.MkdirAll(string(v), 0o700); err != nil {
		return err
	}
	return os.WriteFile(v.file(service, user), []byte(secret), 0o600)
}

func (v folderVault) Delete(service, user string) error {
	err := os.Remove(v.file(service, user))
	if errors.Is(err, fs.ErrNotExist) {
		err = keyring.ErrNotFound
	}
	return err
}

// TestSystemKeyring goes through the library, with its own stand-in for the system's keyring.
func TestSystemKeyring(t *testing.T) {
	keyring.MockInit()
	ctx := context.Background()
	k := keys{vault: systemKeyring{func() error { return nil }}}
	if _, err := k.get(ctx, "user"); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	if err := k.set(ctx, "user", "secret"); err != nil {
		t.Error(err)
	}
	if got, err := k.get(ctx, "user"); got != "secret" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	for range 2 {
		if err := k.delete(ctx, "user"); err != nil {
			t.Error(err)
		}
	}
	k = keys{vault: systemKeyring{func() error { return errNoSession }}}
	_, err := k.get(ctx, "user")
	if set := k.set(ctx, "user", "secret"); !errors.Is(err, errNoKeyring) || !errors.Is(set, errNoKeyring) || k.delete(ctx, "user") != nil {
		t.Errorf("without a session: %v, %v", err, set)
	}
}

func TestKeyringThatFails(t *testing.T) {
	ctx := context.Background()
	for _, absent := range []error{
		errNoSession, keyring.ErrUnsupportedPlatform, &os.PathError{Op: "dial", Path: "bus", Err: syscall.ENOENT}, syscall.ECONNREFUSED,
		dbus.Error{Name: "org.freedesktop.DBus.Error.ServiceUnknown", Body: []any{"The name org.freedesktop.secrets was not provided"}},
	} {
		if err := (keys{vault: noVault{absent}}).set(ctx, "u", "s"); !errors.Is(err, errNoKeyring) {
			t.Errorf("%v: got %v, want errNoKeyring", absent, err)
		}
	}
	for _, broken := range []error{
		errors.New("failed to unlock"), dbus.Error{Name: "org.freedesktop.Secret.Error.IsLocked"}, keyring.ErrSetDataTooBig,
	} {
		err := (keys{vault: noVault{broken}}).set(ctx, "u", "s")
		if errors.Is(err, errNoKeyring) || !errors.Is(err, auth.ErrLoginRequired) || !strings.Contains(fmt.Sprint(err.(*hinted).hint), "--plaintext-store") {
			t.Errorf("%v: got %v, want an error with the way out", broken, err)
		}
	}
	// A keyring that waits for somebody to unlock it.
	silent := silentVault{make(chan struct{})}
	defer close(silent.c)
	k := keys{vault: silent, limit: time.Millisecond}
	if _, err := k.get(ctx, "u"); err == nil || !strings.Contains(err.Error(), "waiting for you to unlock it") {
		t.Errorf("got %v, want it given up", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := (keys{vault: silent}).get(ctx, "u"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

// silentVault does not answer.
type silentVault struct{ c chan struct{} }

func (v silentVault) Get(string, string) (string, error) { <-v.c; return "", nil }
func (v silentVault) Set(string, string, string) error   { <-v.c; return nil }
func (v silentVault) Delete(string, string) error        { <-v.c; return nil }
