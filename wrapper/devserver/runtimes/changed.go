package runtimes

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// listing is what a directory tree holds, to find out what an execution changed. It is made here and not by the
// harness: that way it is the same for both languages and survives setwd().
type listing map[string]fs.FileInfo

func list(dir string) listing {
	l := listing{}
	// A file that vanishes meanwhile is simply not in the list.
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		if info, err := d.Info(); err == nil {
			l[path] = info
		}
		return nil
	})
	return l
}

// changed returns the files that are new or different in now, relative to dir, sorted.
func (before listing) changed(now listing, dir string) []string {
	var names []string
	for path, a := range now {
		b, ok := before[path]
		if ok && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && os.SameFile(a, b) {
			continue
		}
		if rel, err := filepath.Rel(dir, path); err == nil {
			names = append(names, filepath.ToSlash(rel))
		}
	}
	slices.Sort(names)
	return names
}
