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

// snapshot is the record of a saved workspace with files; its zip is the blob of the same id.
type snapshot struct {
	ID, Name, Owner string
	Created         time.Time
	Size            int64
	Language        runtimes.Language
}

type snapshots struct {
	mu   sync.Mutex
	byID map[string]*snapshot
}

// owned is the snapshot with this id if it belongs to user. Snapshots are private: others' don't exist.
func (ss *snapshots) owned(id, user string) (*snapshot, error) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if snap := ss.byID[id]; snap != nil && snap.Owner == user {
		return snap, nil
	}
	return nil, fail(http.StatusNotFound, "snapshot %s not found: it was deleted, or never was yours", id)
}

func (s *Server) createSnapshot(w http.ResponseWriter, r *request) error {
	sess, err := s.session(r)
	if err != nil {
		return err
	}
	var body struct{ Name string }
	if err := r.decode(&body); err != nil {
		return err
	}
	release, err := sess.take(r.Context()) // files must not change while they are copied
	if err != nil {
		return err
	}
	defer release()
	snap := &snapshot{
		ID: uuid.NewString(), Name: cmp.Or(body.Name, rand.Text()[:15]), Owner: r.user,
		Created: s.cfg.Clock().UTC(), Language: sess.lang,
	}
	if snap.Size, err = s.save(r.Context(), sess, s.store.blob(snap.ID)); err != nil {
		return gone(err, http.StatusNotFound)
	}
	if err := s.store.put(bucketSnapshots, snap.ID, snap); err != nil {
		return errors.Join(err, os.Remove(s.store.blob(snap.ID)))
	}
	s.snapshots.mu.Lock()
	s.snapshots.byID[snap.ID] = snap
	s.snapshots.mu.Unlock()
	writeJSON(w, http.StatusCreated, map[string]string{"snapshotId": snap.ID})
	return nil
}

// save writes the zip of a session to blob, which appears only when whole.
func (s *Server) save(ctx context.Context, sess *session, blob string) (size int64, err error) {
	dir, err := os.MkdirTemp(s.store.workers(), "save-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	workspace := filepath.Join(dir, "workspace")
	skipped, err := sess.worker.SaveWorkspace(ctx, workspace)
	if err != nil {
		return 0, err
	}
	if len(skipped) > 0 {
		s.cfg.Logger.Warn("snapshot leaves out what cannot be saved", "session", sess.id, "objects", skipped)
	}
	tmp, err := s.store.temp()
	if err != nil {
		return 0, err
	}
	defer os.Remove(tmp.Name()) // gone already when all went well
	err = pack(tmp, workspace, workspaceFile(sess.lang), sess.dir)
	if err := errors.Join(err, tmp.Close()); err != nil {
		return 0, err
	}
	fi, err := os.Stat(tmp.Name())
	if err != nil {
		return 0, err
	}
	return fi.Size(), os.Rename(tmp.Name(), blob)
}

// loadSnapshot merges a snapshot into a session: objects and files of the same name are overwritten.
func (s *Server) loadSnapshot(w http.ResponseWriter, r *request) error {
	sess, err := s.session(r)
	if err != nil {
		return err
	}
	snap, err := s.snapshots.owned(r.PathValue("snapshotId"), r.user)
	if err != nil {
		return err
	}
	release, err := sess.take(r.Context())
	if err != nil {
		return err
	}
	defer release()
	if err := s.loadInto(r.Context(), snap, sess); err != nil {
		return gone(err, http.StatusNotFound)
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

func (s *Server) loadInto(ctx context.Context, snap *snapshot, sess *session) error {
	if snap.Language != sess.lang {
		return fail(http.StatusBadRequest, "snapshot %s is of %s, the session of %s", snap.ID, snap.Language, sess.lang)
	}
	return s.restore(ctx, s.store.blob(snap.ID), sess.lang, sess.worker, sess.dir)
}

// restore brings the workspace and the files of a blob into a worker and its directory.
func (s *Server) restore(ctx context.Context, blob string, lang runtimes.Language, worker *runtimes.Worker, dir string) error {
	tmp, err := os.MkdirTemp(s.store.workers(), "load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	workspace := filepath.Join(tmp, workspaceFile(lang))
	if err := unpack(blob, workspace, workspaceFile(lang), dir); err != nil {
		return err
	}
	return worker.LoadWorkspace(ctx, workspace)
}

func (s *Server) listSnapshots(w http.ResponseWriter, r *request) error {
	type line struct {
		ID           string `json:"id"`
		Name         string `json:"name"`
		Owner        string `json:"owner"`
		CreationTime string `json:"creationTime"`
		ContentSize  int64  `json:"contentSize"`
	}
	s.snapshots.mu.Lock()
	var own []*snapshot
	for _, snap := range s.snapshots.byID {
		if snap.Owner == r.user {
			own = append(own, snap)
		}
	}
	s.snapshots.mu.Unlock()
	slices.SortFunc(own, func(a, b *snapshot) int {
		return cmp.Or(a.Created.Compare(b.Created), strings.Compare(a.ID, b.ID))
	})
	lines := []line{}
	for _, snap := range own {
		lines = append(lines, line{snap.ID, snap.Name, snap.Owner, stamp(snap.Created), snap.Size})
	}
	writeJSON(w, http.StatusOK, lines)
	return nil
}

// stamp writes a time as .NET does without a zone: up to seven digits of a second, no trailing zeros.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.9999999") }

func (s *Server) getSnapshotContent(w http.ResponseWriter, r *request) error {
	snap, err := s.snapshots.owned(r.PathValue("id"), r.user)
	if err != nil {
		return err
	}
	f, err := os.Open(s.store.blob(snap.ID))
	if err != nil {
		return err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	serveFile(w, r.Request, snap.ID+".zip", f, fi)
	return nil
}

func (s *Server) deleteSnapshot(w http.ResponseWriter, r *request) error {
	snap, err := s.snapshots.owned(r.PathValue("id"), r.user)
	if err != nil {
		return err
	}
	if err := s.store.delete(snap.ID, bucketSnapshots); err != nil {
		return err
	}
	s.snapshots.mu.Lock()
	delete(s.snapshots.byID, snap.ID)
	s.snapshots.mu.Unlock()
	if err := os.Remove(s.store.blob(snap.ID)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	writeJSON(w, http.StatusOK, "Snapshot "+snap.ID+" deleted.")
	return nil
}
