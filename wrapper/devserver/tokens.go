package devserver

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// login is what the server remembers of one sign-in and its renewals. Exactly one pair of tokens is good at a time: the
// access token with this id, and the refresh token with this hash, which is the record's key.
type login struct {
	User     string
	Via      string // how the password was checked: empty for local accounts, else the directory's address
	AccessID string
	Started  time.Time // of the first pair: bounds the chain of renewals
	Issued   time.Time // of this pair: bounds its idle time
}

// tokens issues, checks, renews and revokes.
type tokens struct {
	store *store
	key   func() (*rsa.PrivateKey, error) // made once, at the first login: that takes a while
	clock func() time.Time
	cfg   Config
	via   string // see login.Via

	mu       sync.Mutex
	byHash   map[string]*login // refresh tokens are kept as hashes only
	byAccess map[string]string // access id to hash
}

func newTokens(cfg Config, st *store) (*tokens, error) {
	t := &tokens{store: st, clock: cfg.Clock, cfg: cfg, byAccess: map[string]string{}}
	if cfg.LDAP != nil {
		t.via = cfg.LDAP.URL
	}
	t.key = sync.OnceValues(func() (*rsa.PrivateKey, error) {
		if cfg.SigningKey != nil {
			return cfg.SigningKey, nil
		}
		return st.signingKey()
	})
	var err error
	if t.byHash, err = loadAll[login](st, bucketLogins); err != nil {
		return nil, err
	}
	for hash, l := range t.byHash {
		if l.Via != t.via { // who may sign in is told by somebody else now
			delete(t.byHash, hash)
			if err := st.delete(hash, bucketLogins); err != nil {
				return nil, err
			}
			continue
		}
		t.byAccess[l.AccessID] = hash
	}
	return t, nil
}

// pair is the answer to login and renewal, its fields in the order real servers send them.
type pair struct {
	TokenType    string `json:"token_type"`
	AccessToken  string `json:"access_token"`
	ExpiresIn    any    `json:"expires_in,omitempty"`
	ExpiresOn    any    `json:"expires_on,omitempty"`
	RefreshToken string `json:"refresh_token"`

	expires time.Time
}

type claims struct {
	jwt.RegisteredClaims
	Name string `json:"name"`
}

// issue makes a pair for a user whose chain began at started. It takes the place of the pair whose refresh token has the hash
// replaces, if there is one: should the server be killed, either the old one is good or the new one.
func (t *tokens) issue(user string, started time.Time, replaces string) (*pair, error) {
	now := t.clock()
	c := claims{Name: user, RegisteredClaims: jwt.RegisteredClaims{
		ID: uuid.NewString(), Subject: user, Issuer: "mls devserver",
		IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(t.cfg.AccessLifetime)),
	}}
	key, err := t.key()
	if err != nil {
		return nil, err
	}
	access, err := jwt.NewWithClaims(jwt.SigningMethodRS512, c).SignedString(key)
	if err != nil {
		return nil, err
	}
	secret := make([]byte, 256) // as long as real ones seem to be
	_, _ = rand.Read(secret)    // never fails
	refresh := base64.StdEncoding.EncodeToString(secret)
	l, hash := &login{User: user, Via: t.via, AccessID: c.ID, Started: started, Issued: now}, hashOf(refresh)
	if err := t.store.replace(bucketLogins, replaces, hash, l); err != nil {
		return nil, err
	}
	t.mu.Lock()
	t.byHash[hash], t.byAccess[c.ID] = l, hash
	t.mu.Unlock()
	return &pair{TokenType: "Bearer", AccessToken: access, RefreshToken: refresh, expires: c.ExpiresAt.Time}, nil
}

// login issues the first pair, and forgets the sign-ins that nobody can renew any more.
func (t *tokens) login(user string) (*pair, error) {
	now := t.clock()
	var stale []string
	t.mu.Lock()
	for hash, l := range t.byHash {
		if t.ended(l, now) {
			stale = append(stale, hash)
			delete(t.byHash, hash)
			delete(t.byAccess, l.AccessID)
		}
	}
	t.mu.Unlock()
	for _, hash := range stale {
		if err := t.store.delete(hash, bucketLogins); err != nil {
			return nil, err
		}
	}
	return t.issue(user, now, "")
}

// ended says whether the refresh token can't be used any more.
func (t *tokens) ended(l *login, now time.Time) bool {
	return !now.Before(l.Issued.Add(t.cfg.RefreshIdle)) || !now.Before(l.Started.Add(t.cfg.RefreshChain))
}

func refreshRefused() error {
	return fail(http.StatusUnauthorized, "invalid or expired refresh token: log in again")
}

// renew takes a refresh token for a new pair. The old pair, its access token as well, is void from then on.
func (t *tokens) renew(refresh string) (*pair, error) {
	hash := hashOf(refresh)
	l, err := t.take(hash)
	if err != nil {
		return nil, err
	}
	p, err := t.issue(l.User, l.Started, hash)
	if err != nil { // the old one is still what is kept
		t.mu.Lock()
		t.byHash[hash], t.byAccess[l.AccessID] = l, hash
		t.mu.Unlock()
	}
	return p, err
}

// revoke voids the pair that refresh belongs to.
func (t *tokens) revoke(refresh string) (*login, error) {
	hash := hashOf(refresh)
	l, err := t.take(hash)
	if err != nil {
		return nil, err
	}
	return l, t.store.delete(hash, bucketLogins)
}

// take voids a pair, though not in the store, where it would be found after a restart.
func (t *tokens) take(hash string) (*login, error) {
	t.mu.Lock()
	l := t.byHash[hash]
	if l != nil {
		delete(t.byHash, hash)
		delete(t.byAccess, l.AccessID)
	}
	t.mu.Unlock()
	if l == nil {
		return nil, refreshRefused()
	}
	if t.ended(l, t.clock()) {
		return nil, errors.Join(refreshRefused(), t.store.delete(hash, bucketLogins))
	}
	return l, nil
}

// check tells whose access token it is.
func (t *tokens) check(access string) (user string, err error) {
	key, err := t.key()
	if err != nil {
		return "", err
	}
	var c claims
	_, err = jwt.ParseWithClaims(access, &c, func(*jwt.Token) (any, error) { return &key.PublicKey, nil },
		jwt.WithValidMethods([]string{"RS512"}), jwt.WithTimeFunc(t.clock), jwt.WithExpirationRequired())
	if errors.Is(err, jwt.ErrTokenExpired) {
		return "", fail(http.StatusUnauthorized, "the access token has expired: renew it, or log in again")
	} else if err != nil {
		return "", fail(http.StatusUnauthorized, "the access token is not valid here: log in")
	}
	t.mu.Lock()
	_, live := t.byAccess[c.ID]
	t.mu.Unlock()
	if !live {
		return "", fail(http.StatusUnauthorized, "the access token was revoked or replaced by a newer one: log in again")
	}
	return c.Subject, nil
}

func hashOf(refresh string) string {
	sum := sha256.Sum256([]byte(refresh))
	return hex.EncodeToString(sum[:])
}
