package devserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mlserver-go/mls/swagger"
	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
)

// Server is an http.Handler that plays one server version. It is no sandbox, see the package comment. Close it: it owns
// processes and, without a data directory, temporary files.
type Server struct {
	cfg      Config
	mux      *http.ServeMux
	store    *store
	accounts accounts
	ldap     *ldapDirectory // nil: without LDAP
	azure    *directory     // nil: without Azure AD
	tokens   *tokens
	guard    *guard
	engines  map[runtimes.Language]*engine
	fault    atomic.Pointer[faults]

	sessions  sessions
	snapshots snapshots
	services  services
	nodes     computeNodes
	batches   batches

	gate   gate            // requests and what they started in the background
	ctx    context.Context // ends when the server is closed: all that runs depends on it
	cancel context.CancelFunc
	close  func() error
}

// New starts a server that plays the version of cfg. It probes for R and Python in the background; that one is missing is told
// by GET /status and by what needs it.
func New(cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	ops, err := operations(cfg.APIVersion)
	if err != nil {
		return nil, err
	}
	var ldap *ldapDirectory
	if cfg.LDAP != nil {
		if cfg.AdminPassword != "" || len(cfg.Users) > 0 {
			return nil, errors.New("an LDAP directory turns local accounts off: give no passwords for them")
		}
		if ldap, err = newLDAPDirectory(*cfg.LDAP); err != nil {
			return nil, err
		}
	}
	var azure *directory
	if cfg.AzureAD != nil {
		switch {
		case cfg.LDAP != nil:
			return nil, errors.New("users sign in by LDAP or by Azure AD, not by both")
		case cfg.AdminPassword != "" || len(cfg.Users) > 0:
			return nil, errors.New("azure AD turns local accounts off: give no passwords")
		}
		if azure, err = newDirectory(*cfg.AzureAD, cfg.Clock); err != nil {
			return nil, err
		}
	}
	if cfg.LDAP == nil && cfg.AzureAD == nil && cfg.AdminPassword == "" {
		cfg.AdminPassword = generatePassword()
	}
	for user, password := range cfg.Users {
		if user == "" || user == "admin" || password == "" {
			return nil, fmt.Errorf("account %q: name and password must not be empty, and admin's password is given as AdminPassword", user)
		}
	}
	s := &Server{cfg: cfg, mux: http.NewServeMux(), accounts: newAccounts(cfg), ldap: ldap, azure: azure, guard: newGuard(cfg.Clock)}
	if err := cfg.Roles.check(cfg, s.accounts, s.since); err != nil {
		return nil, err
	}
	if s.store, err = openStore(cfg.DataDir); err != nil {
		return nil, err
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.close = sync.OnceValue(s.end)
	s.SetFaults(cfg.Faults)
	s.engines = map[runtimes.Language]*engine{
		runtimes.R:      newEngine(s.ctx, runtimes.R, cfg.R, cfg),
		runtimes.Python: newEngine(s.ctx, runtimes.Python, cfg.Python, cfg),
	}
	if err := s.load(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.route(ops)
	go s.reap()
	return s, nil
}

// load reads what an earlier run kept.
func (s *Server) load() (err error) {
	if s.tokens, err = newTokens(s.cfg, s.store); err != nil {
		return err
	}
	s.sessions.byID, s.sessions.expired = map[string]*session{}, map[string]string{}
	if s.snapshots.byID, err = loadAll[snapshot](s.store, bucketSnapshots); err != nil {
		return err
	}
	records, err := loadAll[service](s.store, bucketServices)
	if err != nil {
		return err
	}
	blobs := map[string]bool{}
	for id := range s.snapshots.byID {
		blobs[id] = true
	}
	s.services.byKey = map[string]*published{}
	for key, svc := range records {
		blobs[svc.Blob] = true
		p := &published{svc, newServicePool(s, svc)}
		close(p.workers.ready) // the first call starts the first worker
		s.services.byKey[key] = p
	}
	pools, err := loadAll[poolSize](s.store, bucketPools)
	if err != nil {
		return err
	}
	for key, size := range pools {
		if p := s.services.byKey[key]; p != nil && s.since("9.3.0") {
			p.workers.resize(size)
			p.workers.fill()
		}
	}
	nodes, err := loadAll[[]string](s.store, bucketNodes)
	if err != nil {
		return err
	}
	if kept := nodes[nodesKey]; kept != nil {
		s.nodes.entries = *kept
	}
	return errors.Join(s.store.dropUnknown(blobs), s.loadBatches())
}

// reap ends service workers and sessions that nobody has used for a while and drops old batches, until the server is closed.
func (s *Server) reap() {
	pause := s.cfg.ServiceIdle / 4
	if s.cfg.SessionIdle > 0 {
		pause = min(pause, s.cfg.SessionIdle/4)
	}
	tick := time.NewTicker(max(pause, time.Second))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.reapBefore(s.cfg.Clock().Add(-s.cfg.ServiceIdle))
			s.expireBatches()
			s.expireSessions()
		case <-s.ctx.Done():
			return
		}
	}
}

func (s *Server) reapBefore(t time.Time) {
	for _, p := range s.services.list(func(*published) bool { return true }) {
		p.workers.reap(t)
	}
}

// APIVersion is the version played, such as "9.3.0".
func (s *Server) APIVersion() string { return s.cfg.APIVersion }

// APIVersions lists the versions that can be played, oldest first.
func APIVersions() []string { return swagger.Versions() }

// AdminPassword is the password of the account "admin", given or generated. It is the only way to learn a generated one. With
// LDAP or Azure AD there is none.
func (s *Server) AdminPassword() string { return s.cfg.AdminPassword }

// Interpreters says which R and Python were found, waiting for the probe; an error names the program and how to install it.
func (s *Server) Interpreters(ctx context.Context) (found []*runtimes.Interpreter, missing []error) {
	for _, lang := range []runtimes.Language{runtimes.R, runtimes.Python} {
		if i, err := s.engines[lang].find(ctx); err != nil {
			missing = append(missing, err)
		} else {
			found = append(found, i)
		}
	}
	return found, missing
}

// Serve answers on ln until ctx is done or ln fails, and closes the server: running requests have 5 s to end. It returns nil
// when ctx ended it.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	const grace = 5 * time.Second
	hs := &http.Server{
		Handler: s, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 3 * time.Minute,
		ErrorLog: slog.NewLogLogger(s.cfg.Logger.Handler(), slog.LevelWarn),
	}
	var unused unusedConns
	hs.ConnState = unused.track
	ended := make(chan error, 1)
	go func() { ended <- hs.Serve(ln) }()
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	_ = ln.Close()
	unused.close()
	_ = hs.Shutdown(late) // what is still running then is ended by the two below
	return errors.Join(err, s.Close(), hs.Close())
}

// Shutdown lets nothing in any more, waits until what runs has ended or ctx is done, and closes the server.
func (s *Server) Shutdown(ctx context.Context) error {
	select {
	case <-s.gate.close():
	case <-ctx.Done():
	}
	return s.Close()
}

// Close ends every R and Python process at once and removes what they wrote. What is asked of the server afterwards gets 503.
// Closing again does nothing.
func (s *Server) Close() error { return s.close() }

func (s *Server) end() error {
	const stragglers = 5 * time.Second // for handlers whose client takes its time
	drained := s.gate.close()
	s.cancel()
	var errs []error
	for _, sess := range s.sessions.list(func(*session) bool { return true }) {
		sess.worker.Kill() // all at once, then wait for each below
	}
	timer := time.NewTimer(stragglers)
	defer timer.Stop()
	select {
	case <-drained:
	case <-timer.C:
		errs = append(errs, errors.New("devserver: requests are still running"))
	}
	for _, sess := range s.sessions.list(func(*session) bool { return true }) {
		errs = append(errs, sess.end(true))
	}
	for _, p := range s.services.list(func(*published) bool { return true }) {
		p.workers.close()
	}
	for _, e := range s.engines {
		e.close()
	}
	return errors.Join(append(errs, s.store.close())...)
}

// faults are the misbehaviour asked for, and how often each canned answer was given.
type faults struct {
	Faults
	given map[string]*atomic.Int64
}

// SetFaults replaces the misbehaviour asked for in Config.
func (s *Server) SetFaults(f Faults) {
	fs := &faults{f, map[string]*atomic.Int64{}}
	for id := range f.Answers {
		fs.given[id] = new(atomic.Int64)
	}
	s.fault.Store(fs)
}

func (s *Server) faults() *faults { return s.fault.Load() }

// answer is the canned answer for an operation, if one is due.
func (f *faults) answer(id string) (Answer, bool) {
	a, ok := f.Answers[id]
	if !ok || a.Times > 0 && f.given[id].Add(1) > int64(a.Times) {
		return Answer{}, false
	}
	return a, true
}

func (a Answer) write(w http.ResponseWriter) {
	for name, values := range a.Header {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	if strings.HasPrefix(strings.TrimSpace(a.Body), "{") && w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
	}
	w.WriteHeader(max(a.Status, http.StatusOK))
	_, _ = w.Write([]byte(a.Body)) // a client that is gone needs no answer
}
