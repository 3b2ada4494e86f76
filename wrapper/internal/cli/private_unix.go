//go:build unix

package cli

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// openPrivate opens a file that only this user may read or could have written.
func openPrivate(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) {
		return nil, hint(&noSignIn{fmt.Sprintf("the stored sign-in %s is a symbolic link, which is not trusted", path)}, signInAnew)
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	reason, way := "", signInAnew
	switch owner, ok := info.Sys().(*syscall.Stat_t); {
	case !info.Mode().IsRegular():
		reason = "is no regular file"
	case ok && int(owner.Uid) != os.Geteuid():
		reason = "belongs to another user"
		way = signInAnew + "; if that fails, set MLS_CONFIG_DIR to a folder that is yours"
	case info.Mode().Perm()&0o077 != 0:
		reason = fmt.Sprintf("is open to other users (mode %04o, it must be 0600)", info.Mode().Perm())
		way = "chmod 600 " + path + "; if others may have read it, `mls logout` ends the sign-in then"
	default:
		return f, nil
	}
	_ = f.Close() // nothing was written
	return nil, hint(&noSignIn{fmt.Sprintf("the stored sign-in %s %s", path, reason)}, "%s", way)
}
