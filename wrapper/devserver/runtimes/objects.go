package runtimes

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// operate sends a request that runs no code of the user's.
func (w *Worker) operate(ctx context.Context, m message) (*reply, error) {
	for _, s := range []string{m.name, m.path, m.code, m.dir} {
		if strings.IndexByte(s, 0) >= 0 {
			return nil, errors.New("a NUL character is not allowed here")
		}
	}
	r, err := w.do(ctx, m, false)
	if err != nil {
		return nil, err
	}
	if r.missing {
		return nil, fmt.Errorf("%w: %s", ErrNoObject, m.name)
	}
	if r.problem != "" {
		return nil, &OperationError{r.problem}
	}
	return r, nil
}

// OperationError is what R or Python says about an operation on the workspace that it cannot do.
type OperationError struct{ Message string }

func (e *OperationError) Error() string { return e.Message }

// full are the reasons why nothing more can be written.
var full = []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG}

// Is lets errors.Is find a disk that was full.
func (e *OperationError) Is(target error) bool {
	code, ok := target.(syscall.Errno)
	if !ok || !slices.Contains(full, code) {
		return false
	}
	// R does not say why it could not write, and hardly anything else keeps it from that.
	return strings.Contains(strings.ToLower(e.Message), code.Error()) || code == syscall.ENOSPC && strings.Contains(e.Message, "error writing to connection")
}

// Objects returns the names of the user's objects in the workspace, sorted: GET /sessions/{id}/workspace. Hidden names,
// and Python's modules, are not among them.
func (w *Worker) Objects(ctx context.Context) ([]string, error) {
	r, err := w.operate(ctx, message{op: "ls"})
	if err != nil {
		return nil, err
	}
	return r.names, nil
}

// scratch creates an empty file that an object passes through.
func (w *Worker) scratch() (*os.File, error) {
	f, err := os.CreateTemp(w.tmp, "object-")
	if errors.Is(err, os.ErrNotExist) {
		<-w.done // the directory goes with the process
		return nil, w.gone()
	}
	return f, err
}

// WriteObject writes an object to dst: GET /sessions/{id}/workspace/{name}. R writes what save(version = 2) writes, an
// .RData file; Python what dill writes. An object that does not exist is [ErrNoObject].
func (w *Worker) WriteObject(ctx context.Context, name string, dst io.Writer) error {
	f, err := w.scratch()
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if _, err := w.operate(ctx, message{op: "get", name: name, path: f.Name()}); err != nil {
		return err
	}
	// R and Python truncate the file rather than replace it, so f is still it.
	if err := w.checkWhole(f); err != nil {
		return err
	}
	_, err = io.Copy(dst, f)
	return err
}

// checkWhole looks whether R could write all of a file, which ends at its beginning again: R closes a file without looking
// whether there was room for the last of it.
func (w *Worker) checkWhole(f *os.File) error {
	if w.interp.Language != R {
		return nil
	}
	z, err := gzip.NewReader(bufio.NewReaderSize(f, 1<<16))
	if err == nil {
		_, err = io.Copy(io.Discard, z)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the end of what R wrote is missing: %w", syscall.ENOSPC)
	}
	if err != nil {
		return err
	}
	_, err = f.Seek(0, io.SeekStart)
	return err
}

// ReadObject reads an object and assigns it to name: POST /sessions/{id}/workspace/{name}. R accepts what serialize,
// saveRDS and save write, compressed or not; of a file with several objects it takes the one called name. Python accepts
// what dill and pickle write; reading such data can run code that is in it.
func (w *Worker) ReadObject(ctx context.Context, name string, src io.Reader) error {
	f, err := w.scratch()
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = io.Copy(f, src)
	if err2 := f.Close(); err == nil {
		err = err2
	}
	if err != nil {
		return err
	}
	_, err = w.operate(ctx, message{op: "set", name: name, path: f.Name()})
	return err
}

// LoadModel reads an object from a file and assigns it to name, like ReadObject. Of what R's save wrote it takes everything that
// is there, for a model of an S4 class, or with methods of its own, is nothing without them. It is the object called name or,
// besides functions and hidden names, the only one.
func (w *Worker) LoadModel(ctx context.Context, name, path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	_, err = w.operate(ctx, message{op: "model", name: name, path: path})
	return err
}

// RemoveObject removes an object: DELETE /sessions/{id}/workspace/{name}. One that does not exist is [ErrNoObject].
func (w *Worker) RemoveObject(ctx context.Context, name string) error {
	_, err := w.operate(ctx, message{op: "rm", name: name})
	return err
}

// SaveWorkspace writes all objects to a file, as a snapshot needs it: an .RData file in format version 2, or a dill file
// with a dictionary of them. skipped names what has no form in the file, each with the reason.
func (w *Worker) SaveWorkspace(ctx context.Context, path string) (skipped []string, err error) {
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	r, err := w.operate(ctx, message{op: "save", path: path})
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return r.skipped, w.checkWhole(f)
}

// LoadWorkspace reads a file that [Worker.SaveWorkspace] wrote. Objects of the same name are replaced, others stay.
func (w *Worker) LoadWorkspace(ctx context.Context, path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); err != nil { // R would only say that it cannot open it
		return err
	}
	_, err = w.operate(ctx, message{op: "load", path: path})
	return err
}
