package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/internal/temp"
)

// download is where something from the server goes: a file, or the standard output when to is "-". Without to it is a file
// in the working directory, under the server's name for it.
type download struct {
	to    string
	force bool
}

func (d *download) run(a *app, name string, get func(io.Writer) error) error {
	fetch := func(to io.Writer) error {
		w, t := a.download(name, to)
		defer t.end()
		return get(w)
	}
	if d.to == "-" {
		return fetch(a.out)
	}
	path := d.to
	if path == "" {
		var err error
		if path, err = safeName(".", name); err != nil {
			return hint(err, "--to gives it a name")
		}
	}
	write := temp.WriteFile
	switch fi, err := os.Stat(path); {
	case err == nil && fi.IsDir():
		return hint(fmt.Errorf("%s is a folder", path), "--to names the file to write")
	case err == nil && !fi.Mode().IsRegular(): // a pipe, or a device: nothing takes its place
		write = writeInto
	case !d.force && !free(path):
		return hint(fmt.Errorf("%s exists already", path), "--force replaces it")
	}
	if err := write(path, fetch); err != nil {
		return fullDisk(err, path)
	}
	a.say("wrote %s", path)
	return nil
}

func free(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}

func writeInto(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// fullDisk says where there is no room. Nothing was left there.
func fullDisk(err error, path string) error {
	for _, reason := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		if errors.Is(err, reason) {
			return hint(fmt.Errorf("%s cannot be written: %w", path, reason), "nothing was kept of it; --to names another place")
		}
	}
	return err
}

// safeName is the path of a file in dir that bears a name of the server's choosing. Names that would lead elsewhere are refused.
func safeName(dir, name string) (string, error) {
	if !filepath.IsLocal(name) || name != filepath.Base(name) || name == "." || printable(name) != name {
		return "", fmt.Errorf("%q is no safe name for a file here", name)
	}
	return filepath.Join(dir, name), nil
}

func (d *download) flags(c *cobra.Command) {
	c.Flags().StringVar(&d.to, "to", "", "local file to write, - for the standard output; by default the name it has on the server")
	c.Flags().BoolVar(&d.force, "force", false, "replace a file that exists")
}
