package devserver

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// accounts are the local users. Passwords are kept as hashes, which have one length: comparing takes the same time for all.
type accounts map[string][sha256.Size]byte

func newAccounts(cfg Config) accounts {
	if cfg.LDAP != nil || cfg.AzureAD != nil {
		return nil
	}
	a := accounts{"admin": sha256.Sum256([]byte(cfg.AdminPassword))}
	for user, password := range cfg.Users {
		a[user] = sha256.Sum256([]byte(password))
	}
	return a
}

func (a accounts) match(user, password string) bool {
	want, known := a[user]
	got := sha256.Sum256([]byte(password))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1 && known
}

// generatePassword makes one that follows the real server's rules: 8 to 16 characters, of four kinds.
func generatePassword() string { return rand.Text()[:10] + "a1-" }

func (s *Server) login(w http.ResponseWriter, r *request) error {
	var body struct{ Username, Password string }
	if err := r.decode(&body); err != nil {
		return err
	}
	if s.azure != nil {
		return s.azure.refuseLogin()
	}
	var user string
	address, _, _ := net.SplitHostPort(r.RemoteAddr) // empty for what comes by no network
	pause, err := s.guard.look(address, body.Username, func() (err error) {
		user, err = s.whoIs(r, body.Username, body.Password)
		return err
	})
	if pause > 0 {
		seconds := int(math.Ceil(pause.Seconds()))
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		return fail(http.StatusTooManyRequests, "too many wrong passwords for this user: try again in %d s", seconds)
	}
	if err != nil {
		return err
	}
	p, err := s.tokens.login(user)
	if err != nil {
		return err
	}
	s.writePair(w, p)
	return nil
}

// whoIs tells the user that name and password belong to.
func (s *Server) whoIs(r *request, name, password string) (user string, err error) {
	if s.ldap != nil {
		return s.ldap.login(r.Context(), name, password)
	}
	if !s.accounts.match(name, password) {
		return "", invalidCredentials()
	}
	return name, nil
}

func invalidCredentials() error {
	return fail(http.StatusUnauthorized, "invalid credentials: check user name and password")
}

func (s *Server) renewToken(w http.ResponseWriter, r *request) error {
	var body struct{ RefreshToken string }
	if err := r.decode(&body); err != nil {
		return err
	}
	if s.azure != nil { // it may be one from before
		return s.azure.refuseLogin()
	}
	p, err := s.tokens.renew(body.RefreshToken)
	if err != nil {
		return err
	}
	s.writePair(w, p)
	return nil
}

func (s *Server) writePair(w http.ResponseWriter, p *pair) {
	in, on := int64(s.cfg.AccessLifetime.Seconds()), p.expires.Unix()
	switch s.faults().ExpiresOn {
	case "string":
		p.ExpiresIn, p.ExpiresOn = strconv.FormatInt(in, 10), strconv.FormatInt(on, 10)
	case "missing":
	default:
		p.ExpiresIn, p.ExpiresOn = in, on
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, p)
}

// revokeRefreshToken serves the query form, and the path form that service documents of the 9.0.1 era show. The document
// promises a pair, articles an empty answer: an object without members is both.
func (s *Server) revokeRefreshToken(w http.ResponseWriter, r *request) error {
	refresh := r.URL.Query().Get("refreshToken")
	if refresh == "" {
		refresh = r.PathValue("refreshToken")
	}
	if refresh == "" {
		return fail(http.StatusBadRequest, "the query parameter refreshToken is missing")
	}
	if _, err := s.tokens.revoke(refresh); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, struct{}{})
	return nil
}

// authenticate tells who sends the request. The header is read leniently: clients in the wild send two blanks, or "bearer".
func (s *Server) authenticate(r *http.Request) (user string, err error) {
	fields := strings.Fields(r.Header.Get("Authorization"))
	if len(fields) != 2 || !strings.EqualFold(fields[0], "Bearer") {
		return "", fail(http.StatusUnauthorized, "no access token: log in, and send it as Authorization: Bearer")
	}
	if s.azure != nil {
		return s.azure.check(r.Context(), fields[1])
	}
	if user, err = s.tokens.check(fields[1]); err != nil {
		return "", err
	}
	if _, known := s.accounts[user]; !known && s.ldap == nil {
		return "", fail(http.StatusUnauthorized, "the account %s does not exist any more", user)
	}
	return user, nil
}
