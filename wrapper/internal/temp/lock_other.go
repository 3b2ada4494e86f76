//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd)

package temp

import (
	"io"
	"os"
	"time"
)

type noLock struct{}

func (noLock) Close() error { return nil }

func lockFile(*os.Root, string, *os.File) (io.Closer, error) { return noLock{}, nil }

func lockFolder(string) (io.Closer, error) { return noLock{}, nil }

// sweepFile removes a file that nobody has written to for an hour. On Windows one that is open cannot be removed.
func sweepFile(root *os.Root, name string) {
	if info, err := root.Lstat(name); err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > time.Hour {
		_ = root.Remove(name)
	}
}

// sweepFolder leaves folders alone: nothing tells whether they are in use.
func sweepFolder(string) {}
