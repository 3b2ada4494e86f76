package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// content is something that sessions hold and that can be listed, sent, fetched and deleted: files or objects.
type content struct {
	app  *app
	noun string // "file"
	long string
	// Examples of the group and its commands.
	example, listExample, putExample, getExample, rmExample string

	nameOf func(path string) string // what a local file is called in the session
	list   func(context.Context, *mlserver.Session) ([]string, error)
	put    func(context.Context, *mlserver.Session, string, io.Reader) error
	get    func(context.Context, *mlserver.Session, string, io.Writer) error
	rm     func(context.Context, *mlserver.Session, string) error
}

func (a *app) fileCmd() *cobra.Command {
	return (&content{
		app: a, noun: "file",
		long: `The files in a session's working directory: code there reads and writes them by their names. The commands stand for
mrsdeploy's listRemoteFiles, putLocalFile, getRemoteFile and deleteRemoteFile.`,
		example: `  mls session file put $ID cars.csv
  mls session exec $ID -e 'write.csv(summary(read.csv("cars.csv")), "summary.csv")'
  mls session file list $ID
  mls session file get $ID summary.csv`,
		listExample: `  mls session file list $ID`,
		putExample: `  mls session file put $ID cars.csv
  mls session file put $ID cars.csv --as input.csv
  echo 'a,b' | mls session file put $ID - --as header.csv`,
		getExample: `  mls session file get $ID cars.csv --to copy.csv
  mls session file get $ID cars.csv --to - | head -3`,
		rmExample: `  mls session file rm $ID cars.csv`,
		nameOf:    filepath.Base,
		list:      func(ctx context.Context, s *mlserver.Session) ([]string, error) { return s.Files(ctx) },
		put: func(ctx context.Context, s *mlserver.Session, name string, r io.Reader) error {
			return s.PutFile(ctx, name, r)
		},
		get: func(ctx context.Context, s *mlserver.Session, name string, w io.Writer) error {
			return s.File(ctx, name, w)
		},
		rm: func(ctx context.Context, s *mlserver.Session, name string) error { return s.DeleteFile(ctx, name) },
	}).command()
}

func (a *app) objectCmd() *cobra.Command {
	return (&content{
		app: a, noun: "object",
		long: `The objects in a session's workspace, in the language's own form: what R's saveRDS or serialize wrote (fetched: an .RData
file for R's load), or Python's dill. Values that have a JSON form are easier with "mls exec --in" and "--out". The R of servers
is older than 3.5: write with version = 2. "put" and "get" stand for mrsdeploy's putLocalObject and getRemoteObject.`,
		example: `  mls session exec $ID -e 'model <- lm(dist ~ speed, cars)'
  mls session object list $ID
  mls session object get $ID model --to model.RData`,
		listExample: `  mls session object list $ID`,
		putExample: `  Rscript -e 'saveRDS(lm(dist ~ speed, cars), "fit.rds")'
  mls session object put $ID fit.rds
  mls session object put $ID fit.rds --as model`,
		getExample: `  mls session object get $ID model --to model.RData`,
		rmExample:  `  mls session object rm $ID model`,
		nameOf:     objectName,
		list:       func(ctx context.Context, s *mlserver.Session) ([]string, error) { return s.Objects(ctx) },
		put: func(ctx context.Context, s *mlserver.Session, name string, r io.Reader) error {
			return s.PutObject(ctx, name, r)
		},
		get: func(ctx context.Context, s *mlserver.Session, name string, w io.Writer) error {
			return s.Object(ctx, name, w)
		},
		rm: func(ctx context.Context, s *mlserver.Session, name string) error { return s.DeleteObject(ctx, name) },
	}).command()
}

func (k *content) command() *cobra.Command {
	return k.app.group(&cobra.Command{
		Use:     k.noun,
		Short:   fmt.Sprintf("The %ss of a session: list, put, get, rm", k.noun),
		Long:    k.long,
		Example: k.example,
	}, k.listCmd(), k.putCmd(), k.getCmd(), k.rmCmd())
}

func (k *content) listCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "list ID",
		Short:   fmt.Sprintf("List the %ss of a session", k.noun),
		Example: k.listExample,
		Args:    args(1, 1, "the session's id"),
		RunE: func(c *cobra.Command, args []string) error {
			return k.app.inSession(c, args[0], func(ctx context.Context, s *mlserver.Session) error {
				names, err := k.list(ctx, s)
				if err != nil {
					return err
				}
				return k.app.printNames(names, fmt.Sprintf("the session has no %ss", k.noun))
			})
		},
	}
}

func (k *content) putCmd() *cobra.Command {
	var as string
	c := &cobra.Command{
		Use:     "put ID FILE",
		Short:   fmt.Sprintf("Send a local file into a session as its %s, replacing one of that name", k.noun),
		Example: k.putExample,
		Args:    args(2, 2, "the session's id and a file, or - for the standard input"),
		RunE: func(c *cobra.Command, args []string) error {
			name, src, size := as, k.app.in, int64(0)
			if args[1] == "-" {
				if name == "" {
					return usageError(c, "what comes from the standard input needs a name: --as NAME")
				}
			} else {
				f, err := os.Open(args[1])
				if err != nil {
					return err
				}
				defer f.Close()
				fi, err := f.Stat()
				if err == nil && fi.IsDir() {
					err = fmt.Errorf("%s is a folder", args[1])
				}
				if err != nil {
					return err
				}
				src, size = f, fi.Size()
				if name == "" {
					name = k.nameOf(args[1])
				}
			}
			return k.app.inSession(c, args[0], func(ctx context.Context, s *mlserver.Session) error {
				from, t := k.app.upload(name, src, size)
				defer t.end()
				return prefix(k.put(ctx, s, name, from), args[1])
			})
		},
	}
	c.Flags().StringVar(&as, "as", "", "name in the session; by default that of the file")
	return c
}

func (k *content) getCmd() *cobra.Command {
	var d download
	c := &cobra.Command{
		Use:     "get ID NAME",
		Short:   fmt.Sprintf("Fetch a %s of a session into a local file", k.noun),
		Example: k.getExample,
		Args:    args(2, 2, fmt.Sprintf("the session's id and the %s's name", k.noun)),
		RunE: func(c *cobra.Command, args []string) error {
			return k.app.inSession(c, args[0], func(ctx context.Context, s *mlserver.Session) error {
				return k.hint(args[0], d.run(k.app, args[1], func(w io.Writer) error { return k.get(ctx, s, args[1], w) }))
			})
		},
	}
	d.flags(c)
	return c
}

func (k *content) rmCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "rm ID NAME...",
		Short:   fmt.Sprintf("Delete %ss of a session", k.noun),
		Example: k.rmExample,
		Args:    args(2, -1, fmt.Sprintf("the session's id and the %s's name", k.noun)),
		RunE: func(c *cobra.Command, args []string) error {
			return k.app.inSession(c, args[0], func(ctx context.Context, s *mlserver.Session) error {
				for _, name := range args[1:] {
					if err := k.rm(ctx, s, name); err != nil {
						return k.hint(args[0], err)
					}
				}
				return nil
			})
		},
	}
}

// hint: what is not found may be the session or the thing in it.
func (k *content) hint(id string, err error) error {
	return hintIf(err, mlserver.ErrNotFound, "`mls session %s list %s` shows what there is, `mls session list` the open sessions", k.noun, id)
}
