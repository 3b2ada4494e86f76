package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/pkg/browser"
	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/internal/temp"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// plots are where the pictures that code has drawn go.
type plots struct {
	dir  string // empty: they stay on the server
	show bool
}

func (p *plots) flags(c *cobra.Command) {
	c.Flags().StringVar(&p.dir, "plots", "", "fetch the pictures that the code has drawn into this `folder`")
	c.Flags().BoolVar(&p.show, "show-plots", false, "open them; without --plots in a temporary folder that stays")
}

// left are the changed files that are not fetched.
func (p *plots) left(r *mlserver.Result) []string {
	if p.dir == "" && !p.show {
		return r.Changed
	}
	return slices.DeleteFunc(slices.Clone(r.Changed), func(name string) bool { return slices.Contains(r.Plots(), name) })
}

// fetch writes the pictures, each whole or not at all, and says where.
func (p *plots) fetch(ctx context.Context, a *app, s *mlserver.Session, r *mlserver.Result) (err error) {
	if p.dir == "" && !p.show || r == nil || len(r.Plots()) == 0 {
		return nil
	}
	dir := p.dir
	if dir == "" {
		if dir, err = os.MkdirTemp("", "mls-plots-"); err != nil {
			return err
		}
	}
	var errs []error
	for _, name := range r.Plots() {
		path, err := localPath(dir, name)
		if err == nil {
			err = fullDisk(temp.WriteFile(path, func(w io.Writer) error { return s.File(ctx, name, w) }), path)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("plot %s: %w", printable(name), err))
			continue
		}
		a.say("wrote %s", path)
		if p.show {
			if err := browser.OpenFile(path); err != nil {
				errs = append(errs, hint(fmt.Errorf("nothing here opens %s: %w", path, err), "without --show-plots it is just written"))
			}
		}
	}
	return errors.Join(errs...)
}

// localPath is where in dir something goes that the server calls name, which may be a path with slashes; its folder is made.
// Names that would lead out of dir are refused.
func localPath(dir, name string) (string, error) {
	local := filepath.FromSlash(name)
	if !filepath.IsLocal(local) || printable(name) != name {
		return "", fmt.Errorf("%q is no safe name for a file here", name)
	}
	path := filepath.Join(dir, local)
	return path, os.MkdirAll(filepath.Dir(path), 0o777)
}
