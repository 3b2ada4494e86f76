package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/mlserver-go/mls/wrapper/internal/temp"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// Plots says what becomes of the images that code makes.
type Plots struct {
	Dir  string                  // where they go; empty: a temporary folder, which is left there
	Draw Graphics                // how they are drawn on the screen
	Open func(file string) error // shows one in a window; nil: nothing does
}

var images = []string{".png", ".jpg", ".jpeg", ".gif", ".svg", ".pdf", ".bmp", ".tif", ".tiff", ".webp"}

// plots fetches the images among the files that code has changed, and names the other files.
func (c *Console) plots(ctx context.Context, s *mlserver.Session, changed []string) {
	var others []string
	for _, name := range changed {
		if !slices.Contains(images, strings.ToLower(filepath.Ext(name))) {
			others = append(others, shown(name))
			continue
		}
		file, err := c.plot(ctx, s, name)
		if err != nil {
			c.cfg.Say("mls: plot %s stays on the server: %s", shown(name), c.cfg.Explain(err))
			continue
		}
		c.cfg.Out.freshLine()
		c.cfg.Say("plot: %s", file)
	}
	if len(others) > 0 {
		c.cfg.Out.freshLine()
		c.cfg.Say("files on the server: %s", strings.Join(others, ", "))
	}
}

// plot fetches an image and shows it.
func (c *Console) plot(ctx context.Context, s *mlserver.Session, name string) (file string, err error) {
	if c.cfg.Plots.Dir == "" {
		if c.cfg.Plots.Dir, err = os.MkdirTemp("", "mls-plots-"); err != nil {
			return "", err
		}
	}
	if file, err = fetch(ctx, s, name, c.cfg.Plots.Dir); err != nil {
		return "", err
	}
	if err := c.cfg.Plots.Draw.draw(c.cfg.Out, file); err != nil {
		c.cfg.Say("mls: it cannot be drawn here: %v", err)
	}
	if c.cfg.Plots.Open != nil {
		if err := c.cfg.Plots.Open(file); err != nil {
			c.cfg.Say("mls: it cannot be shown: %v", err)
		}
	}
	return file, nil
}

// fetch brings a file of the session into a folder, whole or not at all. A file that is there already stays.
func fetch(ctx context.Context, s *mlserver.Session, name, dir string) (string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	temp.Sweep(root, ".")
	f, err := temp.Create(root, ".", 0o600)
	if err != nil {
		return "", err
	}
	if err := s.File(ctx, name, f); err != nil {
		f.Discard()
		return "", err
	}
	to, err := reserve(dir, localName(name))
	if err != nil {
		f.Discard()
		return "", err
	}
	return to, f.Commit(filepath.Base(to))
}

// reserve takes a name for a file, or the next one that is free.
func reserve(dir, name string) (string, error) {
	ext := filepath.Ext(name)
	for n := 1; ; n++ {
		to := filepath.Join(dir, name)
		if n > 1 {
			to = filepath.Join(dir, fmt.Sprintf("%s-%d%s", strings.TrimSuffix(name, ext), n, ext))
		}
		f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		return to, f.Close()
	}
}

// localName is the name of a remote file here: no path, and nothing that a terminal or file system takes for something else.
func localName(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	return cmp.Or(strings.TrimLeft(shown(name), "."), "plot")
}

// shown is a name as it can be printed.
func shown(name string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || strings.ContainsRune(`<>:"|?*`, r) {
			return '_'
		}
		return r
	}, name)
}
