package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/zalando/go-keyring"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/internal/lazyregexp"
	"github.com/mlserver-go/mls/wrapper/internal/temp"
)

// profile is what "mls login" stores about one server: how to reach it, and what is needed to stay signed in. There is never a
// password in it.
type profile struct {
	Endpoint   string     `json:"endpoint"`
	Username   string     `json:"username"`
	APIVersion string     `json:"apiVersion,omitempty"`
	CAFile     string     `json:"caFile,omitempty"`
	PinSHA256  string     `json:"pinSha256,omitempty"`
	AllowHTTP  bool       `json:"allowHttp,omitempty"`
	Keyring    bool       `json:"keyring,omitempty"` // the refresh token is there
	AzureAD    *azureAD   `json:"azureAD,omitempty"` // nil: the server itself signs in
	Tokens     *tokenPair `json:"tokens,omitempty"`  // nil: signed out
}

// where tells what holds the refresh token.
func (p *profile) where() string {
	if p.Keyring {
		return "keyring"
	}
	return "file"
}

// tokenPair is what the server issued last.
type tokenPair struct {
	Access   string    `json:"accessToken"`
	Expires  time.Time `json:"expires,omitzero"` // of Access; zero: not known
	Refresh  string    `json:"refreshToken,omitempty"`
	Issued   time.Time `json:"issued"`   // of this pair
	SignedIn time.Time `json:"signedIn"` // of the first pair: the server bounds how long renewals may follow it
}

// How long an unused refresh token lives, and a chain of renewals, as documented. Nobody tells with the token. Azure AD's tenants
// may want less.
const (
	refreshIdle  = 14 * 24 * time.Hour
	refreshChain = 90 * 24 * time.Hour
	azureIdle    = 90 * 24 * time.Hour
)

// signInEnds is when a new login will be needed if nothing renews the tokens: nil if that is not known.
func (p *profile) signInEnds() *time.Time {
	t := p.Tokens
	ends := t.Issued.Add(refreshIdle)
	switch chain := t.SignedIn.Add(refreshChain); {
	case p.AzureAD == nil && chain.Before(ends):
		ends = chain
	case p.AzureAD == nil:
	case p.refreshes() && !p.AzureAD.isADFS():
		ends = t.Issued.Add(azureIdle)
	case !p.refreshes() && p.AzureAD.attended():
		ends = t.Expires
	default:
		return nil
	}
	return &ends
}

// refreshes tells whether there is a refresh token, even if it is in the keyring still.
func (p *profile) refreshes() bool { return p.Keyring || p.Tokens.Refresh != "" }

// store keeps profiles, each in a file of its own that only its owner can read. The refresh token, which is good for weeks, is in
// the keyring where there is one; the access token, good for an hour, is in the file.
type store struct {
	dir  string
	keys keys
}

// noSignIn is why there is nothing to be signed in with: no profile, or one that must not be used. Signing in helps.
type noSignIn struct{ reason string }

func (e *noSignIn) Error() string        { return e.reason }
func (e *noSignIn) Is(target error) bool { return target == auth.ErrLoginRequired }

// signInAnew is the way out where the address of the server is not known.
const signInAnew = "`mls login ADDRESS` stores a new one in its place"

var profileName = lazyregexp.New(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func (a *app) store() (*store, error) {
	dir := a.getenv("MLS_CONFIG_DIR")
	if dir == "" {
		parent, err := os.UserConfigDir() // $XDG_CONFIG_HOME where that is the custom
		if err != nil {
			return nil, hint(err, "set MLS_CONFIG_DIR to a folder for the sign-ins")
		}
		dir = filepath.Join(parent, "mls")
	}
	dir, err := filepath.Abs(dir) // the keyring's entries have its name
	if err != nil {
		return nil, err
	}
	return &store{dir, keys{vault: a.vault}}, nil
}

func (s *store) path(name string) string { return filepath.Join(s.dir, "profiles", name+".json") }

// load reads a profile, without what is in the keyring; fs.ErrNotExist: there is none. A file that others can read or wrote is
// refused.
func (s *store) load(name string) (*profile, error) {
	path := s.path(name)
	f, err := openPrivate(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return nil, err
	}
	var p profile
	if err := json.Unmarshal(text, &p); err != nil || p.Endpoint == "" {
		return nil, hint(&noSignIn{fmt.Sprintf("the stored sign-in %s is damaged", path)}, signInAnew)
	}
	return &p, nil
}

// complete adds to a profile what is in the keyring.
func (s *store) complete(ctx context.Context, name string, p *profile) error {
	if !p.Keyring || p.Tokens == nil {
		return nil
	}
	refresh, err := s.keys.get(ctx, s.path(name))
	if errors.Is(err, keyring.ErrNotFound) || errors.Is(err, errNoKeyring) {
		return &noSignIn{fmt.Sprintf("the refresh token of profile %s, which was stored in the keyring, is not there: %v", name, err)}
	}
	p.Tokens.Refresh = refresh
	return err
}

// save replaces a profile: whoever reads at the same time finds the old one or the new one, whole.
func (s *store) save(ctx context.Context, name string, p *profile) error {
	path := s.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if p.Keyring && p.Tokens != nil {
		// It comes first: with the new refresh token and an old access token one can go on, but not the other way around.
		if err := s.keys.set(ctx, path, p.Tokens.Refresh); err != nil {
			return err
		}
		inFile, tokens := *p, *p.Tokens
		tokens.Refresh = ""
		inFile.Tokens = &tokens
		p = &inFile
	}
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	return temp.WriteFile(path, func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
}

// lock waits until no other process renews, signs in or signs out with this profile.
func (s *store) lock(ctx context.Context, name string) (unlock func(), err error) {
	path := s.path(name) + ".lock"
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	l := flock.New(path, flock.SetPermissions(0o600))
	const retry = 20 * time.Millisecond
	if _, err := l.TryLockContext(ctx, retry); err != nil {
		return nil, fmt.Errorf("waiting for another mls that uses profile %s: %w", name, err)
	}
	return func() { _ = l.Unlock() }, nil // the end of the process unlocks as well
}

// update changes a profile under the lock. change gets what is stored now, nil when there is nothing usable.
func (s *store) update(ctx context.Context, name string, change func(*profile) (*profile, error)) error {
	unlock, err := s.lock(ctx, name)
	if err != nil {
		return err
	}
	defer unlock()
	p, err := s.load(name)
	var bad *noSignIn
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.As(err, &bad) {
		return err
	}
	if p != nil {
		_ = s.complete(ctx, name, p) // what cannot be read cannot be revoked, but replaced
	}
	if p, err = change(p); err != nil {
		return err
	}
	return s.save(ctx, name, p)
}
