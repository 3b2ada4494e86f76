//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package temp

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// lockFile keeps others from removing a file that was just made, until the lock is closed. The lock has a descriptor of its own: it
// must last until the file, closed, has its name.
func lockFile(root *os.Root, name string, f *os.File) (io.Closer, error) {
	lock, err := root.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, errSwept
	}
	if err != nil {
		return nil, err
	}
	return locked(lock, func() (os.FileInfo, error) { return root.Lstat(name) })
}

func lockFolder(path string) (io.Closer, error) {
	lock, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, errSwept
	}
	if err != nil {
		return nil, err
	}
	return locked(lock, func() (os.FileInfo, error) { return os.Lstat(path) })
}

// locked locks a file, unless it is by now another one than that of its name. A file system that has no locks has no sweeping.
func locked(f *os.File, now func() (os.FileInfo, error)) (io.Closer, error) {
	for {
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	mine, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if there, err := now(); err != nil || !os.SameFile(mine, there) {
		_ = f.Close()
		return nil, errSwept
	}
	return f, nil
}

// sweepFile removes a file that nobody has locked.
func sweepFile(root *os.Root, name string) {
	if info, err := root.Lstat(name); err != nil || !info.Mode().IsRegular() {
		return
	}
	if f, err := root.Open(name); err == nil {
		if free(f) {
			_ = root.Remove(name)
		}
		_ = f.Close()
	}
}

func sweepFolder(path string) {
	if d, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_DIRECTORY, 0); err == nil {
		if free(d) {
			_ = os.RemoveAll(path)
		}
		_ = d.Close()
	}
}

// free takes the lock of a file if nobody has it.
func free(f *os.File) bool { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil }
