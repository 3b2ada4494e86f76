package devserver

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// States of a batch, spelt as on record from real servers. The document's spelling begins with a small letter, and lacks Failed.
const (
	batchPending    = "Pending"    // waits until other batches end
	batchReady      = "Ready"      // waits for the service's first worker
	batchInProgress = "InProgress" // rows are run
	batchComplete   = "Complete"   // every row was run, with success or not
	batchFailed     = "Failed"     // the service does not start, or is gone: no more rows are run
)

// What a batch does when it is not told.
const (
	defaultParallel = 10
	maxParallel     = 100
)

// batchRecord is what the store keeps of a batch, besides its two files.
type batchRecord struct {
	ID, Name, Version, Owner string // of two ids the greater one is the younger
	Parallel, Total          int
	Ended                    time.Time // zero until it is over
	State                    string
}

func (b batchRecord) service() string { return (&service{Name: b.Name, Version: b.Version}).key() }

// batch is one batch. Its rows and results are in files: whatever its size, little of it is in memory.
type batch struct {
	files  batchFiles
	ctx    context.Context // ends when the batch is deleted, or the server closed
	cancel context.CancelFunc

	mu      sync.Mutex
	rec     batchRecord // State and Ended change
	results *results
	deleted bool
}

func (b *batch) record() batchRecord {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rec
}

type batches struct {
	mu      sync.Mutex
	byID    map[string]*batch
	running chan struct{} // one token per batch whose rows are run
}

// list is every batch for which keep holds, oldest first.
func (bs *batches) list(keep func(batchRecord) bool) []*batch {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	return bs.listLocked(keep)
}

func (bs *batches) listLocked(keep func(batchRecord) bool) []*batch {
	var list []*batch
	for _, b := range bs.byID {
		if keep(b.record()) {
			list = append(list, b)
		}
	}
	slices.SortFunc(list, func(a, b *batch) int { return strings.Compare(a.files.id, b.files.id) })
	return list
}

// startBatchExecution spools the rows to disk, checking each like the inputs of a call, and starts the batch if all are right.
func (s *Server) startBatchExecution(w http.ResponseWriter, r *request) (err error) {
	p, err := s.published(r)
	if err != nil {
		return err
	}
	if err := p.scorable(); err != nil { // every row would fail alike
		return err
	}
	parallel, err := parallelCount(r)
	if err != nil {
		return err
	}
	id, err := uuid.NewV7() // sorts by age
	if err != nil {
		return err
	}
	rec := batchRecord{
		ID: id.String(), Name: p.Name, Version: p.Version, Owner: r.user, Parallel: parallel, State: batchPending,
	}
	files := s.store.batch(rec.ID)
	rec.Total, err = s.spoolRows(r, p.service, files)
	if err == nil {
		err = s.addBatch(rec, files)
	}
	if err != nil {
		files.remove()
		return err
	}
	// The service's document says batchExecutionId, Microsoft's own Python client reads BatchExecutionId: each finds its own.
	writeJSON(w, http.StatusAccepted, object{{"batchExecutionId", rec.ID}, {"BatchExecutionId", rec.ID}})
	return nil
}

// parallelCount is how many rows to run at a time. Above the most that real servers do it is brought down to that.
func parallelCount(r *request) (int, error) {
	text := r.URL.Query().Get("parallelCount")
	if text == "" {
		return defaultParallel, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil && !errors.Is(err, strconv.ErrRange) || n < 1 {
		return 0, fail(http.StatusBadRequest, "the query parameter parallelCount must be a whole number from 1, not %q", text)
	}
	return min(n, maxParallel), nil
}

// addBatch makes a batch known and starts it. It takes the place of its starter's oldest one if that has too many.
func (s *Server) addBatch(rec batchRecord, files batchFiles) error {
	s.expireBatches()
	s.batches.mu.Lock()
	defer s.batches.mu.Unlock()
	if own := s.batches.listLocked(func(o batchRecord) bool { return o.Owner == rec.Owner }); len(own) >= s.cfg.MaxBatches {
		i := slices.IndexFunc(own, func(b *batch) bool { return !b.record().Ended.IsZero() })
		if i < 0 {
			return fail(http.StatusServiceUnavailable, "server busy: %d batches of %s are not over, wait for one or delete it", len(own), rec.Owner)
		}
		if err := s.forget(own[i]); err != nil {
			return err
		}
	}
	res, err := newResults(files, rec.Total)
	if err != nil {
		return err
	}
	if err := s.store.put(bucketBatches, rec.ID, rec); err != nil {
		return err
	}
	s.launch(&batch{files: files, rec: rec, results: res})
	return nil
}

// forget cancels a batch and drops all that is known of it. Its caller holds the lock of s.batches.
func (s *Server) forget(b *batch) error {
	delete(s.batches.byID, b.files.id)
	b.mu.Lock()
	b.deleted = true
	b.mu.Unlock()
	b.cancel()
	b.files.remove()
	return s.store.delete(b.files.id, bucketBatches)
}

// expireBatches forgets batches that ended a while ago.
func (s *Server) expireBatches() {
	old := s.cfg.Clock().Add(-s.cfg.BatchKeep)
	s.forgetBatches(func(rec batchRecord) bool { return !rec.Ended.IsZero() && rec.Ended.Before(old) })
}

func (s *Server) forgetBatches(which func(batchRecord) bool) {
	s.batches.mu.Lock()
	defer s.batches.mu.Unlock()
	for _, b := range s.batches.listLocked(which) {
		if err := s.forget(b); err != nil {
			s.cfg.Logger.Error("batch not deleted", "batch", b.files.id, "error", err)
		}
	}
}

// batch is the one that the path names, if it was started by who asks. Others can't tell it from one that never was.
func (s *Server) batch(r *request) (*batch, error) {
	p, err := s.published(r)
	if err != nil {
		return nil, err
	}
	s.expireBatches()
	s.batches.mu.Lock()
	b := s.batches.byID[r.PathValue("executionId")]
	s.batches.mu.Unlock()
	if b != nil {
		if rec := b.record(); rec.Owner == r.user && rec.service() == p.key() {
			return b, nil
		}
	}
	return nil, noBatch(p.service, r)
}

func noBatch(svc *service, r *request) error {
	return fail(http.StatusNotFound, "service %s version %s: batch %s not found: it may have been deleted, or kept long enough",
		svc.Name, svc.Version, r.PathValue("executionId"))
}

// getBatchExecutions lists the caller's batches, those that are over included: real servers list what is queued, and how long
// that stays is not on record.
func (s *Server) getBatchExecutions(w http.ResponseWriter, r *request) error {
	p, err := s.published(r)
	if err != nil {
		return err
	}
	s.expireBatches()
	ids := []string{}
	for _, b := range s.batches.list(func(rec batchRecord) bool { return rec.Owner == r.user && rec.service() == p.key() }) {
		ids = append(ids, b.files.id)
	}
	writeJSON(w, http.StatusOK, ids)
	return nil
}

// getBatchExecutionStatus answers the results only when the batch is over, or when partial ones are asked for: then rows that
// are not done are null in their place. What the default is nobody wrote down: the smaller answer.
func (s *Server) getBatchExecutionStatus(w http.ResponseWriter, r *request) error {
	b, err := s.batch(r)
	if err != nil {
		return err
	}
	partial, err := showPartial(r)
	if err != nil {
		return err
	}
	b.mu.Lock()
	rec, sofar := b.rec, b.results.sofar()
	b.mu.Unlock()
	content, err := os.Open(b.files.results())
	if errors.Is(err, os.ErrNotExist) { // deleted just now
		return fail(http.StatusNotFound, "batch %s not found", rec.ID)
	} else if err != nil {
		return err
	}
	defer content.Close()
	head := object{{"state", rec.State}, {"completedItemCount", sofar.done}, {"totalItemCount", rec.Total}}
	if s.since("9.3.0") {
		head = append(head, member{"parallelCount", rec.Parallel})
	}
	raw, err := json.Marshal(head)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	out := bufio.NewWriterSize(w, 64<<10)
	out.Write(append(raw[:len(raw)-1], `,"batchExecutionResults":[`...)) // its errors stay with out
	if partial || !rec.Ended.IsZero() {
		for row := range rec.Total {
			if row > 0 {
				out.WriteByte(',')
			}
			text, err := b.result(content, row, sofar)
			if err != nil {
				s.cfg.Logger.Error("result of a batch not read", "batch", rec.ID, "row", row, "error", err)
				panic(http.ErrAbortHandler) // the client must not take a part for the whole
			}
			if text == nil {
				text = []byte("null")
			}
			if _, err := out.Write(text); err != nil {
				return nil // nobody is there to read it
			}
		}
	}
	out.WriteString("]}")
	_ = out.Flush() // a client that is gone needs no answer
	return nil
}

// showPartial reads the document's query parameter, and the one that Microsoft's own Python client sends.
func showPartial(r *request) (bool, error) {
	for _, name := range []string{"showPartialResults", "showPartialResult"} {
		if text := r.URL.Query().Get(name); text != "" {
			partial, err := strconv.ParseBool(text) // Python's True as well
			if err != nil {
				return false, fail(http.StatusBadRequest, "the query parameter %s must be true or false, not %q", name, text)
			}
			return partial, nil
		}
	}
	return false, nil
}

// cancelAndDeleteBatchExecution answers the id in a list: the document says a list of strings, and not of what.
func (s *Server) cancelAndDeleteBatchExecution(w http.ResponseWriter, r *request) error {
	b, err := s.batch(r)
	if err != nil {
		return err
	}
	s.batches.mu.Lock()
	defer s.batches.mu.Unlock()
	if s.batches.byID[b.files.id] != b { // somebody was faster
		return fail(http.StatusNotFound, "batch %s not found", b.files.id)
	}
	if err := s.forget(b); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, []string{b.files.id})
	return nil
}

func (s *Server) getBatchExecutionFiles(w http.ResponseWriter, r *request) error {
	files, err := s.rowFiles(r)
	if err != nil {
		return err
	}
	names := []string{}
	for name, content := range files {
		if content != nil { // declared, but not written
			names = append(names, name)
		}
	}
	slices.Sort(names)
	writeJSON(w, http.StatusOK, names)
	return nil
}

func (s *Server) getBatchExecutionFile(w http.ResponseWriter, r *request) error {
	files, err := s.rowFiles(r)
	if err != nil {
		return err
	}
	name := r.PathValue("fileName")
	content := files[name]
	if content == nil {
		return fail(http.StatusNotFound, "row %s has no file %s", r.PathValue("index"), name)
	}
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Length", strconv.Itoa(len(content)))
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = io.Copy(w, bytes.NewReader(content)) // a client that is gone needs no answer
	return nil
}

// rowFiles are the files of the row that the path names: nil for those that were not written.
func (s *Server) rowFiles(r *request) (map[string][]byte, error) {
	b, err := s.batch(r)
	if err != nil {
		return nil, err
	}
	total := b.record().Total
	row, err := strconv.Atoi(r.PathValue("index"))
	if err != nil {
		return nil, fail(http.StatusBadRequest, "%q is no row: rows are counted from 0", r.PathValue("index"))
	}
	if row < 0 || row >= total {
		return nil, fail(http.StatusNotFound, "batch %s has no row %d: the last is %d", b.files.id, row, total-1)
	}
	b.mu.Lock()
	sofar := b.results.sofar()
	b.mu.Unlock()
	content, err := os.Open(b.files.results())
	if errors.Is(err, os.ErrNotExist) {
		return nil, fail(http.StatusNotFound, "batch %s not found", b.files.id)
	} else if err != nil {
		return nil, err
	}
	defer content.Close()
	text, err := b.result(content, row, sofar)
	if err != nil {
		return nil, err
	}
	if text == nil {
		return nil, fail(http.StatusNotFound, "row %d of batch %s is not done", row, b.files.id)
	}
	var answer struct{ OutputFiles map[string][]byte }
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, fmt.Errorf("row %d of %s: %w", row, path.Base(b.files.results()), err)
	}
	return answer.OutputFiles, nil
}
