package temp

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
)

// Folder is a folder among the system's temporary ones.
type Folder struct {
	Path string
	lock io.Closer
}

var folderName = regexp.MustCompile(`^mls-[a-z-]+-[0-9]+\.tmp$`)

// NewFolder makes one of a kind, in small letters. It stays until Remove is called, or until another process makes one after this
// one has ended.
func NewFolder(kind string) (*Folder, error) {
	SweepFolders()
	for {
		path, err := os.MkdirTemp("", "mls-"+kind+"-*.tmp")
		if err != nil {
			return nil, err
		}
		lock, err := lockFolder(path)
		if err == nil {
			return &Folder{path, lock}, nil
		}
		if !errors.Is(err, errSwept) {
			return nil, errors.Join(err, os.Remove(path))
		}
	}
}

// Remove removes the folder and what is in it.
func (f *Folder) Remove() error {
	return errors.Join(os.RemoveAll(f.Path), f.lock.Close())
}

// SweepFolders removes the folders that killed processes have left.
func SweepFolders() {
	entries, err := os.ReadDir(os.TempDir())
	if err != nil {
		return // whoever makes a folder there will learn why
	}
	for _, e := range entries {
		if e.IsDir() && folderName.MatchString(e.Name()) {
			sweepFolder(filepath.Join(os.TempDir(), e.Name()))
		}
	}
}
