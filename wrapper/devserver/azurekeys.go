package devserver

import (
	"context"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// How long published keys are used, how long after asking for them they are not asked for again, whatever tokens come, and
// what one answer may take and hold.
const (
	keysLife     = 24 * time.Hour
	keysInterval = 10 * time.Second
	keysTimeout  = 10 * time.Second
	maxKeysBody  = 1 << 20
)

// keys are those that an authority publishes.
type keys struct {
	cfg   AzureAD
	clock func() time.Time

	turn   chan struct{} // held while the rest is used
	asked  time.Time     // for the last time, in vain or not
	got    time.Time
	err    error // of the last time
	issuer string
	byID   map[string]*rsa.PublicKey
}

func newKeys(cfg AzureAD, clock func() time.Time) *keys {
	return &keys{cfg: cfg, clock: clock, turn: make(chan struct{}, 1)}
}

// find is the key with an id, nil if there is none, and the issuer of tokens. Keys change: for one that is not known the
// authority is asked again, but not for each. The error says why nothing is known at all.
func (k *keys) find(ctx context.Context, id string) (key *rsa.PublicKey, issuer string, err error) {
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }()
	case <-ctx.Done():
		return nil, "", ctx.Err()
	}
	now := k.clock()
	if (k.byID[id] == nil || now.Sub(k.got) >= keysLife) && (k.asked.IsZero() || now.Sub(k.asked) >= keysInterval) {
		k.asked = now
		// What one client began is for all: its end must not be the others' failure.
		if k.err = k.ask(context.WithoutCancel(ctx)); k.err == nil {
			k.got = now
		}
	}
	if k.byID == nil {
		return nil, "", k.err
	}
	return k.byID[id], k.issuer, nil
}

// ask brings issuer and keys.
func (k *keys) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, keysTimeout)
	defer cancel()
	var metadata struct {
		Issuer string `json:"issuer"`
		Access string `json:"access_token_issuer"` // AD FS has two
		Keys   string `json:"jwks_uri"`
	}
	if err := k.get(ctx, k.cfg.Metadata, &metadata); err != nil {
		return err
	}
	issuer := metadata.Issuer
	for _, better := range []string{metadata.Access, k.cfg.Issuer} {
		if better != "" {
			issuer = better
		}
	}
	switch {
	case issuer == "" || metadata.Keys == "":
		return fmt.Errorf("%s names no issuer or no keys", k.cfg.Metadata)
	case strings.Contains(issuer, "{"):
		return fmt.Errorf("%s is for any tenant: name one in the authority", k.cfg.Metadata)
	}
	var set struct {
		Keys []struct{ Kty, Use, Kid, N, E string }
	}
	if err := k.get(ctx, metadata.Keys, &set); err != nil {
		return err
	}
	byID := map[string]*rsa.PublicKey{}
	for _, j := range set.Keys {
		if key := publicKey(j.N, j.E); j.Kty == "RSA" && (j.Use == "" || j.Use == "sig") && j.Kid != "" && key != nil {
			byID[j.Kid] = key
		}
	}
	if len(byID) == 0 {
		return fmt.Errorf("%s has no RSA keys", metadata.Keys)
	}
	k.issuer, k.byID = issuer, byID
	return nil
}

// publicKey is nil for what is none, or too weak.
func publicKey(modulus, exponent string) *rsa.PublicKey {
	n, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(modulus, "="))
	if err != nil {
		return nil
	}
	e, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(exponent, "="))
	if err != nil || len(e) == 0 || len(e) > 4 {
		return nil
	}
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	if bits := key.N.BitLen(); bits < 2048 || bits > 16384 || key.E < 3 || key.E%2 == 0 {
		return nil
	}
	return key
}

func (k *keys) get(ctx context.Context, address string, v any) error {
	if !strings.HasPrefix(address, "https://") {
		return fmt.Errorf("%s is not https", address)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	res, err := k.cfg.HTTP.Do(req)
	var sent *url.Error
	if errors.As(err, &sent) {
		return fmt.Errorf("%s: %w", address, sent.Err)
	}
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", address, res.Status)
	}
	if json.NewDecoder(io.LimitReader(res.Body, maxKeysBody)).Decode(v) != nil {
		return fmt.Errorf("%s did not answer with JSON", address)
	}
	return nil
}
