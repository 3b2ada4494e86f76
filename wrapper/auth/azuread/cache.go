package azuread

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/cache"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
)

// userCache lets a refresh token into MSAL's cache, and tells the one that is in it. Of the cache, whose form all of Microsoft's
// libraries share, that is all that is needed to stay signed in, and small enough for every keyring.
type userCache struct {
	clientID string

	mu     sync.Mutex
	begin  []byte            // what MSAL's cache is to begin with; nil: nothing, or it has it
	tokens map[string]string // refresh tokens by account
}

// entries are the parts of MSAL's cache that are looked at.
type entries struct {
	RefreshToken map[string]entry
	AppMetadata  map[string]entry `json:",omitempty"`
}

type entry struct {
	Account     string `json:"home_account_id,omitempty"`
	Environment string `json:"environment,omitempty"`
	Type        string `json:"credential_type,omitempty"`
	ClientID    string `json:"client_id,omitempty"`
	Secret      string `json:"secret,omitempty"`
}

// seed makes the cache begin with the refresh token of an account, whose right name the first answer brings.
func (c *userCache) seed(host, refreshToken string) public.Account {
	const name = "unknown"
	c.begin, _ = json.Marshal(entries{ // never fails
		RefreshToken: map[string]entry{name: {name, host, "RefreshToken", c.clientID, refreshToken}},
		AppMetadata:  map[string]entry{name: {Environment: host, ClientID: c.clientID}},
	})
	return public.Account{HomeAccountID: name, Environment: host}
}

// Replace implements cache.ExportReplace.
func (c *userCache) Replace(_ context.Context, to cache.Unmarshaler, _ cache.ReplaceHints) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	begin := c.begin
	c.begin = nil
	if begin == nil {
		return nil
	}
	return to.Unmarshal(begin)
}

// Export implements cache.ExportReplace.
func (c *userCache) Export(_ context.Context, from cache.Marshaler, _ cache.ExportHints) error {
	text, err := from.Marshal()
	if err != nil {
		return err
	}
	var all entries
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tokens = map[string]string{}
	for _, e := range all.RefreshToken {
		c.tokens[e.Account] = e.Secret
	}
	return nil
}

// refreshToken is an account's; empty if it has none.
func (c *userCache) refreshToken(account string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tokens[account]
}
