package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/mlserver"
)

func (a *app) workspaceCmd() *cobra.Command {
	return a.group(&cobra.Command{
		Use:   "workspace",
		Short: "All objects of a session, to and from a folder: pull, push",
		Long: `All objects of a session's workspace, each in a file of a folder: NAME.RData of R, NAME.dill of Python. Of a name that is
none for a file the characters in question are written as %XX. "pull" and "push" stand for mrsdeploy's getRemoteWorkspace and
putLocalWorkspace.`,
		Example: `  mls session workspace pull $ID objects
  OTHER=$(mls session create)
  mls session workspace push $OTHER objects`,
	}, a.workspacePullCmd(), a.workspacePushCmd())
}

func (a *app) workspacePullCmd() *cobra.Command {
	var force bool
	c := &cobra.Command{
		Use:   "pull ID DIR",
		Short: "Fetch all objects of a session into files of a folder",
		Long: `Fetch all objects of a session into files of a folder, which is made if need be. Objects that have no serialized form, such
as Python's generators, are named, and the others fetched nonetheless.`,
		Example: `  mls session workspace pull $ID objects`,
		Args:    args(2, 2, "the session's id and a folder"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.inSession(c, args[0], func(ctx context.Context, s *mlserver.Session) error {
				return a.pullWorkspace(ctx, s, args[1], force)
			})
		},
	}
	c.Flags().BoolVar(&force, "force", false, "replace files that exist")
	return c
}

func (a *app) pullWorkspace(ctx context.Context, s *mlserver.Session, dir string, force bool) error {
	lang, err := s.Runtime(ctx)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	extension := map[mlserver.Runtime]string{mlserver.R: ".RData", mlserver.Python: ".dill"}[lang]
	names, err := s.Objects(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		d := download{to: filepath.Join(dir, fileName(name)+extension), force: force}
		if err := d.run(a, name, func(w io.Writer) error { return s.Object(ctx, name, w) }); err != nil {
			errs = append(errs, fmt.Errorf("object %s: %w", printable(name), err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

func (a *app) workspacePushCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "push ID DIR",
		Short: "Send the objects in the files of a folder into a session",
		Long: `Send the objects in the files of a folder into a session, each under the name of its file: .RData, .rda and .rds of R,
.dill, .pickle and .pkl of Python. Other files are left alone. Objects of the same name are replaced.`,
		Example: `  mls session workspace pull $ID objects
  mls session workspace push $ID objects`,
		Args: args(2, 2, "the session's id and a folder"),
		RunE: func(c *cobra.Command, args []string) error {
			files, err := filesOfObjects(args[1])
			if err != nil {
				return err
			}
			return a.inSession(c, args[0], func(ctx context.Context, s *mlserver.Session) error {
				return a.pushWorkspace(ctx, s, files)
			})
		},
	}
}

func (a *app) pushWorkspace(ctx context.Context, s *mlserver.Session, files []string) error {
	byName := map[string]string{}
	var names []string
	for _, file := range files {
		name := objectName(file)
		if other, twice := byName[name]; twice {
			return fmt.Errorf("%s and %s hold objects of the same name", other, file)
		}
		byName[name] = file
		names = append(names, name)
	}
	return s.PutWorkspace(ctx, names, func(name string) (io.ReadCloser, error) {
		f, err := os.Open(byName[name])
		if err != nil {
			return nil, err
		}
		a.say("sending %s", byName[name])
		return f, nil
	})
}

// filesOfObjects are the files of a folder that hold an object, sorted.
func filesOfObjects(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		known := []string{".rdata", ".rda", ".rds", ".dill", ".pickle", ".pkl"}
		if !e.IsDir() && slices.Contains(known, strings.ToLower(filepath.Ext(e.Name()))) {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s has no files with objects", dir)
	}
	return files, nil
}

// fileName is what a file with the object of that name is called, without extension; objectName is the way back.
func fileName(object string) string {
	var b strings.Builder
	for i, c := range []byte(object) {
		if c < ' ' || c == 0x7f || strings.IndexByte(`%/\:*?"<>|`, c) >= 0 || c == '.' && i == 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func objectName(file string) string {
	name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	if plain, err := url.PathUnescape(name); err == nil {
		return plain
	}
	return name
}
