package devserver

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
)

// session is a persistent R or Python process with a directory of its own.
type session struct {
	id, name, owner string
	number          int // in the order of creation
	lang            runtimes.Language
	dir             string // the working directory, 0700
	worker          *runtimes.Worker
	turn            chan struct{} // holds one token while code runs or the directory is being copied

	requests int       // under way; guarded by sessions.mu, as is the next
	used     time.Time // when the last of them ended

	mu      sync.Mutex
	history []string
	closed  bool
}

// sessions are all that are open.
type sessions struct {
	mu       sync.Mutex
	byID     map[string]*session
	expired  map[string]string // sessions that were idle for too long: id to owner
	starting int
	made     int
}

// reserve takes one of the places, false when there is none.
func (ss *sessions) reserve(most int) bool {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if len(ss.byID)+ss.starting >= most {
		return false
	}
	ss.starting++
	return true
}

// settle turns a reservation into the session, or gives it back when sess is nil.
func (ss *sessions) settle(sess *session) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	ss.starting--
	if sess != nil {
		ss.made++
		sess.number = ss.made
		ss.byID[sess.id] = sess
	}
}

// remove takes the session out, false when it was not there any more.
func (ss *sessions) remove(sess *session) bool {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	_, open := ss.byID[sess.id]
	delete(ss.byID, sess.id)
	return open
}

// list is every session for which keep holds, oldest first.
func (ss *sessions) list(keep func(*session) bool) []*session {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	var list []*session
	for _, sess := range ss.byID {
		if keep(sess) {
			list = append(list, sess)
		}
	}
	slices.SortFunc(list, func(a, b *session) int { return cmp.Compare(a.number, b.number) })
	return list
}

// session is the one the path names, in use until the request ends. Somebody else's does not exist as far as the caller is
// concerned.
func (s *Server) session(r *request) (*session, error) {
	id := r.PathValue("id")
	s.sessions.mu.Lock()
	defer s.sessions.mu.Unlock()
	sess := s.sessions.byID[id]
	if sess != nil && sess.owner == r.user {
		sess.requests++
		r.session = sess
		return sess, nil
	}
	if owner, ok := s.sessions.expired[id]; ok && owner == r.user {
		status := http.StatusNotFound
		if strings.Contains(r.op.path, "/workspace") { // see gone
			status = http.StatusGone
		}
		return nil, fail(status, "session %s has ended: nobody had used it for %v", id, s.cfg.SessionIdle)
	}
	return nil, fail(http.StatusNotFound, "session %s not found: it was closed, or never was yours", id)
}

// leave ends a request's use of its session.
func (s *Server) leave(sess *session) {
	if sess == nil {
		return
	}
	s.sessions.mu.Lock()
	defer s.sessions.mu.Unlock()
	sess.requests--
	sess.used = s.cfg.Clock()
}

// expireSessions ends the sessions that nobody has used for a while.
func (s *Server) expireSessions() {
	if s.cfg.SessionIdle <= 0 {
		return
	}
	var idle []*session
	s.sessions.mu.Lock()
	for id, sess := range s.sessions.byID {
		if sess.requests == 0 && s.cfg.Clock().Sub(sess.used) >= s.cfg.SessionIdle {
			idle = append(idle, sess)
			delete(s.sessions.byID, id)
			s.sessions.expired[id] = sess.owner
		}
	}
	s.sessions.mu.Unlock()
	for _, sess := range idle {
		if err := sess.end(true); err != nil {
			s.cfg.Logger.Error("ending an idle session", "session", sess.id, "error", err)
		}
	}
}

func (s *Server) createSession(w http.ResponseWriter, r *request) error {
	var body struct{ Name, SnapshotID, RuntimeType string }
	if err := r.decode(&body); err != nil {
		return err
	}
	sess := &session{
		id: uuid.NewString(), name: cmp.Or(body.Name, rand.Text()[:15]), owner: r.user,
		lang: s.language(body.RuntimeType), turn: make(chan struct{}, 1), used: s.cfg.Clock(),
	}
	sess.dir = filepath.Join(s.store.sessions(), sess.id)
	if !s.sessions.reserve(s.cfg.MaxSessions) {
		return fail(http.StatusServiceUnavailable, "server busy: %d sessions are open, close one first", s.cfg.MaxSessions)
	}
	if err := s.startSession(r, sess, body.SnapshotID); err != nil {
		s.sessions.settle(nil)
		return errors.Join(err, sess.end(true))
	}
	s.sessions.settle(sess)
	writeJSON(w, http.StatusCreated, map[string]string{"sessionId": sess.id})
	return nil
}

// language reads a runtimeType. Version 9.0.1 has no such field: it ignores what it does not know, as real servers do.
func (s *Server) language(runtimeType string) runtimes.Language {
	if runtimeType == string(runtimes.Python) && s.since("9.1.0") {
		return runtimes.Python
	}
	return runtimes.R
}

func (s *Server) startSession(r *request, sess *session, snapshotID string) (err error) {
	var snap *snapshot
	if snapshotID != "" {
		if snap, err = s.snapshots.owned(snapshotID, r.user); err != nil {
			return err
		}
	}
	if err := os.Mkdir(sess.dir, 0o700); err != nil {
		return err
	}
	ctx, cancel := s.bound(r.Context())
	defer cancel()
	if sess.worker, err = s.engines[sess.lang].start(ctx, sess.dir); err != nil {
		return err
	}
	if snap == nil {
		return nil
	}
	return s.loadInto(ctx, snap, sess)
}

// bound makes ctx end with the server as well.
func (s *Server) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.ctx, cancel)
	return ctx, func() { stop(); cancel() }
}

// end ends the process, by force or after asking it to, and removes the directory.
func (sess *session) end(force bool) error {
	sess.mu.Lock()
	sess.closed = true
	sess.mu.Unlock()
	var errs []error
	if sess.worker != nil {
		if force {
			sess.worker.Kill()
		}
		errs = append(errs, sess.worker.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(sess.dir))...)
}

func (sess *session) isClosed() bool {
	sess.mu.Lock()
	defer sess.mu.Unlock()
	return sess.closed
}

// take waits for the session's turn: one execution at a time.
func (sess *session) take(ctx context.Context) (release func(), err error) {
	select {
	case sess.turn <- struct{}{}:
		return func() { <-sess.turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *Server) listSessions(w http.ResponseWriter, r *request) error {
	type line struct {
		ID          string            `json:"id"`
		Name        string            `json:"name"`
		Owner       string            `json:"owner"`
		RuntimeType runtimes.Language `json:"runtimeType,omitempty"` // since 9.1.0
	}
	lines := []line{}
	for _, sess := range s.sessions.list(func(sess *session) bool { return sess.owner == r.user }) {
		l := line{ID: sess.id, Name: sess.name, Owner: sess.owner}
		if s.since("9.1.0") {
			l.RuntimeType = sess.lang
		}
		lines = append(lines, l)
	}
	writeJSON(w, http.StatusOK, lines)
	return nil
}

func (s *Server) closeSession(w http.ResponseWriter, r *request) error {
	return s.endSession(w, r, false)
}

func (s *Server) closeSessionByForce(w http.ResponseWriter, r *request) error {
	return s.endSession(w, r, true)
}

func (s *Server) endSession(w http.ResponseWriter, r *request, force bool) error {
	sess, err := s.session(r)
	if err != nil {
		return err
	}
	if s.sessions.remove(sess) { // else somebody else is closing it
		if err := sess.end(force); err != nil {
			return err
		}
	}
	writeJSON(w, http.StatusOK, "Session "+sess.id+" closed.")
	return nil
}

// shells counts the processes of one language that belong to sessions.
func (s *Server) shells(lang runtimes.Language) int {
	return len(s.sessions.list(func(sess *session) bool { return sess.lang == lang }))
}

// gone is the answer to who asks something of a session whose process has ended. The document declares 410 for the workspace
// only; elsewhere it knows nothing but 404.
func gone(err error, status int) error {
	var g *runtimes.GoneError
	if errors.As(err, &g) {
		return fail(status, "%s", strings.TrimSpace(g.Error()))
	}
	return err
}
