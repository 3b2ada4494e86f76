package devserver

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// batchFiles are the two files of a batch. One has the inputs, a row per line, until all have been run. The other has what rows
// came to, in the order in which they ended: number of the row, tab, JSON. It only grows: after a restart it tells which rows are
// left to run.
type batchFiles struct{ dir, id string }

func (s *store) batch(id string) batchFiles { return batchFiles{s.batches(), id} }

func (f batchFiles) rows() string    { return filepath.Join(f.dir, f.id+".rows") }
func (f batchFiles) results() string { return filepath.Join(f.dir, f.id+".results") }

// remove removes both; what stays behind is removed at the next start.
func (f batchFiles) remove() {
	_ = os.Remove(f.rows())
	_ = os.Remove(f.results())
}

// dropUnknownBatches removes the files of batches that known does not list.
func (s *store) dropUnknownBatches(known map[string]*batch) error {
	entries, err := os.ReadDir(s.batches())
	if err != nil {
		return err
	}
	for _, e := range entries {
		id, _, _ := strings.Cut(e.Name(), ".")
		if known[id] == nil {
			s.batch(id).remove()
		}
	}
	return nil
}

// spoolRows reads an array of rows from the body, and writes them into the batch's file. The whole may be as large as an upload,
// a single row as a call.
func (s *Server) spoolRows(r *request, svc *service, files batchFiles) (n int, err error) {
	f, err := os.OpenFile(files.rows(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	body := r.bounded(s.cfg.MaxUpload)
	w := bufio.NewWriterSize(f, 64<<10)
	if n, err = checkRows(body, r.limit, svc, w); err != nil {
		// A client that still sends would not see the answer.
		_, _ = io.CopyN(io.Discard, body, 64<<20)
		return 0, err
	}
	return n, w.Flush()
}

func checkRows(body io.Reader, limit int64, svc *service, w *bufio.Writer) (n int, err error) {
	in := bufio.NewReaderSize(body, 64<<10)
	if bom, err := in.Peek(3); err == nil && string(bom) == "\ufeff" {
		_, _ = in.Discard(len(bom)) // just seen
	}
	budget := &budget{r: in, left: limit}
	d := json.NewDecoder(budget)
	refuse := func(err error) error {
		var syntax *json.SyntaxError
		var tooLarge *http.MaxBytesError
		switch {
		case errors.As(err, &tooLarge):
			return err
		case errors.Is(err, errBudget):
			return fail(http.StatusRequestEntityTooLarge, "row %d, counted from 0, is larger than the %d bytes this server takes", n, limit)
		case errors.As(err, &syntax), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return fail(http.StatusBadRequest, "the body, an array of rows, is not JSON at or after row %d, counted from 0: %v", n, err)
		}
		return fail(http.StatusBadRequest, "the body could not be read: %v", err)
	}
	switch start, err := d.Token(); {
	case err == io.EOF:
		return 0, fail(http.StatusBadRequest, "the body is missing: send a JSON array of rows")
	case err != nil:
		return 0, refuse(err)
	case start != json.Delim('['):
		return 0, fail(http.StatusBadRequest, "the body must be a JSON array of rows, each an object of inputs")
	}
	var line bytes.Buffer
	for ; d.More(); n++ {
		budget.left = limit
		var text json.RawMessage
		if err := d.Decode(&text); err != nil {
			return n, refuse(err)
		}
		if err := checkRow(svc, n, text); err != nil {
			return n, err
		}
		line.Reset()
		if err := json.Compact(&line, text); err != nil { // into one line
			return n, err
		}
		line.WriteByte('\n')
		if _, err := w.Write(line.Bytes()); err != nil {
			return n, err
		}
	}
	if _, err := d.Token(); err != nil {
		return n, refuse(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return n, fail(http.StatusBadRequest, "the body goes on after the array of rows")
	}
	if n == 0 {
		return 0, fail(http.StatusBadRequest, "there are no rows: a batch needs one")
	}
	return n, nil
}

func checkRow(svc *service, n int, text json.RawMessage) error {
	var given map[string]json.RawMessage
	if err := json.Unmarshal(text, &given); err != nil {
		return fail(http.StatusBadRequest, "row %d, counted from 0, must be an object of inputs, not %s", n, kindOf(text))
	}
	_, err := svc.inputs(given)
	var f *failure
	if errors.As(err, &f) {
		f.message = fmt.Sprintf("row %d, counted from 0: %s", n, f.message)
	}
	return err
}

// budget fails when more is read than is left.
type budget struct {
	r    io.Reader
	left int64
}

var errBudget = errors.New("too large")

func (b *budget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errBudget
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// eachRow reads the rows in order. The text is do's to keep.
func (f batchFiles) eachRow(do func(index int, text []byte) error) error {
	file, err := os.Open(f.rows())
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewReaderSize(file, 64<<10)
	for index := 0; ; index++ {
		text, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := do(index, text); err != nil {
			return err
		}
	}
}

// results knows where in its file the result of each row is.
type results struct {
	file  *os.File // to append to
	spans []span
	sum   progress
}

// span is where a result is; of a row that is not done it is empty.
type span struct {
	at     int64
	length int
}

// progress is a moment of a batch: how many rows were done, and how long the file of results was.
type progress struct {
	done int
	size int64
}

func (r *results) sofar() progress { return r.sum }

func (r *results) close() { _ = r.file.Close() } // every write was checked

// newResults opens the results of a batch, and reads which rows are done. A line that was not written to its end is dropped.
func newResults(files batchFiles, total int) (_ *results, err error) {
	file, err := os.OpenFile(files.results(), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	r := &results{file: file, spans: make([]span, total)}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	lines := bufio.NewReaderSize(file, 64<<10)
	for {
		line, err := lines.ReadSlice('\n')
		begin := len(line)
		number, _, found := bytes.Cut(line, []byte{'\t'})
		row, bad := strconv.Atoi(string(number))
		for err == bufio.ErrBufferFull { // its size is all that counts
			line, err = lines.ReadSlice('\n')
			begin += len(line)
		}
		if err == io.EOF {
			return r, file.Truncate(r.sum.size)
		} else if err != nil {
			return nil, err
		}
		if !found || bad != nil || row < 0 || row >= total {
			return nil, fmt.Errorf("%s is damaged at byte %d", file.Name(), r.sum.size)
		}
		r.add(row, len(number)+1, begin)
	}
}

// add takes note of a line of that size, whose result begins after a few bytes.
func (r *results) add(row, after, size int) {
	if r.spans[row].length == 0 {
		r.sum.done++
	}
	r.spans[row] = span{r.sum.size + int64(after), size - after - 1}
	r.sum.size += int64(size)
}

// keep appends what a row came to.
func (b *batch) keep(row int, answer object) error {
	var line bytes.Buffer
	fmt.Fprintf(&line, "%d\t", row)
	after := line.Len()
	enc := json.NewEncoder(&line) // ends the line
	enc.SetEscapeHTML(false)
	if err := enc.Encode(answer); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, err := b.results.file.Write(line.Bytes()); err != nil {
		return fmt.Errorf("result of row %d: %w", row, err)
	}
	b.results.add(row, after, line.Len())
	return nil
}

func (b *batch) done(row int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.results.spans[row].length > 0
}

// result reads what a row had come to by then, nil if it was not done.
func (b *batch) result(content io.ReaderAt, row int, then progress) ([]byte, error) {
	b.mu.Lock()
	at := b.results.spans[row]
	b.mu.Unlock()
	if at.length == 0 || at.at >= then.size {
		return nil, nil
	}
	text := make([]byte, at.length)
	_, err := content.ReadAt(text, at.at)
	return text, err
}

// loadBatches reads what an earlier run kept, and goes on with what it did not end.
func (s *Server) loadBatches() error {
	s.batches.byID = map[string]*batch{}
	s.batches.running = make(chan struct{}, s.cfg.BatchesAtOnce)
	records, err := loadAll[batchRecord](s.store, bucketBatches)
	if err != nil {
		return err
	}
	all := map[string]*batch{}
	for id, rec := range records {
		b := &batch{files: s.store.batch(id), rec: *rec}
		needed := b.files.rows()
		if !rec.Ended.IsZero() {
			needed = b.files.results()
		}
		_, err := os.Stat(needed)
		if err == nil {
			b.results, err = newResults(b.files, rec.Total)
		}
		if errors.Is(err, fs.ErrNotExist) || s.services.find(rec.service()) == nil {
			if b.results != nil {
				b.results.close()
			}
			if err := s.store.delete(id, bucketBatches); err != nil {
				return err
			}
			continue
		} else if err != nil {
			return err
		}
		all[id] = b
	}
	if err := s.store.dropUnknownBatches(all); err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(all)) { // those that waited longest first
		s.launch(all[id])
	}
	return nil
}
