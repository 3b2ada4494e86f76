// Package temp makes temporary files and folders of which nothing stays, even if the process that made them is killed: whoever
// makes one locks it, and removes those that nobody has locked any more.
package temp

import (
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

// File is a new file that gets its name when it is whole.
type File struct {
	*os.File
	root *os.Root
	name string // within root, until it gets its own
	lock io.Closer
}

var fileName = regexp.MustCompile(`^\.mls-[0-9A-Z]{26}\.tmp$`)

// WriteFile lets write fill a file that appears under its name only when all went well, readable by its owner alone. An error
// names the path.
func WriteFile(path string, write func(io.Writer) error) error {
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer root.Close()
	Sweep(root, ".")
	return WriteIn(root, filepath.Base(path), 0o600, func(w io.Writer) error {
		if err := write(w); err != nil {
			return err
		}
		return w.(*os.File).Sync()
	})
}

// WriteIn is WriteFile for a path within root, for files that need not outlive a power cut. Nothing is swept.
func WriteIn(root *os.Root, path string, perm fs.FileMode, write func(io.Writer) error) error {
	full := filepath.Join(root.Name(), path)
	f, err := Create(root, filepath.Dir(path), perm)
	if err != nil {
		return named(err, full)
	}
	if err := write(f.File); err != nil {
		f.Discard()
		return named(err, full)
	}
	return named(f.Commit(path), full)
}

// named says path where an error speaks of the temporary file.
func named(err error, path string) error {
	var p *fs.PathError
	var l *os.LinkError
	switch {
	case errors.As(err, &l):
		return &fs.PathError{Op: "write", Path: path, Err: l.Err}
	case errors.As(err, &p) && fileName.MatchString(filepath.Base(p.Path)):
		return &fs.PathError{Op: "write", Path: path, Err: p.Err}
	}
	return err
}

// Create makes a file in a folder of root. Either Commit or Discard ends it.
func Create(root *os.Root, dir string, perm fs.FileMode) (*File, error) {
	for {
		name := filepath.Join(dir, ".mls-"+rand.Text()+".tmp")
		f, err := root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, perm)
		if err != nil {
			return nil, err
		}
		lock, err := lockFile(root, name, f)
		if err == nil {
			return &File{f, root, name, lock}, nil
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
		if !errors.Is(err, errSwept) {
			return nil, errors.Join(err, root.Remove(name))
		}
	}
}

// Commit closes the file and gives it its name within the root.
func (f *File) Commit(name string) error {
	err := f.Close()
	if err == nil {
		err = f.root.Rename(f.name, name)
	}
	if err != nil {
		_ = f.root.Remove(f.name) // the first error tells more
	}
	_ = f.lock.Close()
	return err
}

// Discard closes and removes the file.
func (f *File) Discard() {
	_ = f.Close()
	_ = f.root.Remove(f.name)
	_ = f.lock.Close()
}

// Sweep removes the files in a folder of root that a killed process has left there.
func Sweep(root *os.Root, dir string) {
	d, err := root.Open(dir)
	if err != nil {
		return // whoever writes there will learn why
	}
	defer d.Close()
	for {
		names, err := d.Readdirnames(1000)
		for _, name := range names {
			if fileName.MatchString(name) {
				sweepFile(root, filepath.Join(dir, name))
			}
		}
		if err != nil {
			return
		}
	}
}

// errSwept is that somebody has removed a file or folder before it was locked.
var errSwept = errors.New("removed by another process")
