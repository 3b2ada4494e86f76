package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/zalando/go-keyring"

	"github.com/mlserver-go/mls/wrapper/auth"
)

// keyringService is the name that all entries of mls in a keyring have. Their user is the path of the profile's file.
const keyringService = "mls"

// vault is a keyring.
type vault interface {
	Get(service, user string) (string, error) // keyring.ErrNotFound: there is no such entry
	Set(service, user, secret string) error
	Delete(service, user string) error
}

// errNoKeyring: there is none on this machine, or none in this kind of session.
var errNoKeyring = errors.New("no keyring answers")

// keyringError is a keyring that is there, but locked or broken. What is in it is not lost.
type keyringError struct{ err error }

func (e *keyringError) Error() string {
	return fmt.Sprintf("the keyring is locked or fails: %v", e.err)
}
func (e *keyringError) Unwrap() error        { return e.err }
func (e *keyringError) Is(target error) bool { return target == auth.ErrLoginRequired }

// keys are the entries of mls in a keyring.
type keys struct {
	vault vault
	limit time.Duration // a locked keyring asks the user on the screen, who may be elsewhere; zero: 1 minute
}

// do calls the keyring, which knows no context.
func (k keys) do(ctx context.Context, call func() error) error {
	limit := k.limit
	if limit == 0 {
		limit = time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- call() }()
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
		if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return ctx.Err()
		}
		err = errors.New("no answer: it may be waiting for you to unlock it")
	}
	switch {
	case err == nil, errors.Is(err, keyring.ErrNotFound):
		return err
	case absent(err):
		return fmt.Errorf("%w (%v)", errNoKeyring, err)
	}
	return hint(&keyringError{err}, "unlock it and try again; `mls login --plaintext-store` does without, in a file that only you can read")
}

func (k keys) get(ctx context.Context, user string) (secret string, err error) {
	got := make(chan string, 1) // the call may end after this one
	err = k.do(ctx, func() error {
		secret, err := k.vault.Get(keyringService, user)
		got <- secret
		return err
	})
	if err != nil {
		return "", err
	}
	return <-got, nil
}

func (k keys) set(ctx context.Context, user, secret string) error {
	return k.do(ctx, func() error { return k.vault.Set(keyringService, user, secret) })
}

// delete leaves nothing; that nothing was there is no error.
func (k keys) delete(ctx context.Context, user string) error {
	err := k.do(ctx, func() error { return k.vault.Delete(keyringService, user) })
	if errors.Is(err, keyring.ErrNotFound) || errors.Is(err, errNoKeyring) {
		return nil
	}
	return err
}

// absent tells a keyring that is not there from one that fails.
func absent(err error) bool {
	var bus dbus.Error
	if errors.As(err, &bus) {
		switch bus.Name {
		case "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner",
			"org.freedesktop.DBus.Error.NoServer", "org.freedesktop.DBus.Error.Spawn.ServiceNotFound":
			return true
		}
	}
	return errors.Is(err, errNoSession) || errors.Is(err, keyring.ErrUnsupportedPlatform) || errors.Is(err, exec.ErrNotFound) ||
		errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED)
}

// systemKeyring is the operating system's.
type systemKeyring struct {
	ready func() error // whether to try at all
}

func (k systemKeyring) Get(service, user string) (string, error) {
	if err := k.ready(); err != nil {
		return "", err
	}
	return keyring.Get(service, user)
}

func (k systemKeyring) Set(service, user, secret string) error {
	if err := k.ready(); err != nil {
		return err
	}
	return keyring.Set(service, user, secret)
}

func (k systemKeyring) Delete(service, user string) error {
	if err := k.ready(); err != nil {
		return err
	}
	return keyring.Delete(service, user)
}

var errNoSession = errors.New("there is no D-Bus session")

// sessionBus looks for the bus of a desktop session, where keyrings other than those of Windows and macOS are. Without that the
// library would start a bus, which nobody would end.
func sessionBus() error {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" || os.Getenv("DBUS_SESSION_BUS_ADDRESS") != "" {
		return nil
	}
	for _, file := range []string{"bus", "dbus-session"} {
		if _, err := os.Stat(fmt.Sprintf("/run/user/%d/%s", os.Getuid(), file)); err == nil {
			return nil
		}
	}
	return errNoSession
}
