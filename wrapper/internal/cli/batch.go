package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/internal/temp"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

func (a *app) batchCmd() *cobra.Command {
	return a.group(&cobra.Command{
		Use:   "batch",
		Short: "Call a service for many rows: start, wait, results, files",
		Long: `A batch calls a web service for many rows in the background. The server keeps the results for a while; only who started a
batch sees it. Commands name the service as NAME/VERSION, and the batch by the ID that start prints.

Rows are counted from 0. A server may run a row again that takes longer than ten minutes. Batches need server version 9.1.0.`,
		Example: `  ID=$(mls batch start transmission/1.0.0 --csv mtcars.csv)
  mls batch wait transmission/1.0.0 $ID
  mls batch results transmission/1.0.0 $ID
  mls batch cancel transmission/1.0.0 $ID`,
	},
		a.batchStartCmd(), a.batchListCmd(), a.batchStatusCmd(), a.batchWaitCmd(), a.batchResultsCmd(),
		a.batchFilesCmd(), a.batchDownloadCmd(), a.batchCancelCmd())
}

// onBatch runs do on the batch that two arguments name: service and id.
func (a *app) onBatch(c *cobra.Command, args []string, do func(context.Context, *mlserver.Service, *mlserver.Batch) error) error {
	return a.onService(c, args[0], func(ctx context.Context, s *mlserver.Service) error {
		return batchHint(do(ctx, s, s.Batch(args[1])), s, args[1])
	})
}

// batchHint tells the way out of what can go wrong with a batch.
func batchHint(err error, s *mlserver.Service, id string) error {
	err = hintIf(err, mlserver.ErrNotFound, "`mls batch list %s/%s` shows your batches of it, `mls service list` the services", s.Name(), s.Version())
	return hintIf(err, mlserver.ErrBatchFailed, "`mls batch results %s/%s %s` shows the rows that were run, and why the last failed",
		s.Name(), s.Version(), id)
}

type batchStart struct {
	app      *app
	csv      string
	json     string
	parallel int
	wait     bool
	cancel   bool
}

func (a *app) batchStartCmd() *cobra.Command {
	o := &batchStart{app: a}
	c := &cobra.Command{
		Use:   "start NAME[/VERSION] (--csv FILE | --json-lines FILE)",
		Short: "Start a batch and print its id",
		Long: `Start a batch and print its id. The rows come from a file, or from the standard input for -.

A CSV file has a header with a column for each input of the service; other columns are passed over. Cells are read as what the
input is declared to be; NA, and an empty cell that is to be no text, is sent as null. JSON lines are an object of inputs each.

With --wait the id goes to the standard error, and the results to the standard output when the batch is over, as from
"mls batch results". An interrupt (Ctrl-C) ends the waiting and not the batch, unless --cancel-on-interrupt says so.`,
		Example: `  mls batch start transmission/1.0.0 --csv mtcars.csv
  mls batch start transmission/1.0.0 --csv mtcars.csv --parallel 4 --wait
  echo '{"hp": 120, "wt": 2.8}' | mls batch start transmission --json-lines - --wait`,
		Args: args(1, 1, "the service"),
		RunE: func(c *cobra.Command, args []string) error {
			if (o.csv == "") == (o.json == "") {
				return usageError(c, "give the rows with either --csv or --json-lines")
			}
			if o.parallel < 0 {
				return usageError(c, "--parallel must not be negative")
			}
			return o.run(c, args[0])
		},
	}
	f := c.Flags()
	f.StringVar(&o.csv, "csv", "", "file with rows as comma-separated values, - for the standard input")
	f.StringVar(&o.json, "json-lines", "", "file with a JSON object on each line, - for the standard input")
	f.IntVar(&o.parallel, "parallel", 0, "rows to run at a time, up to 100; 0 leaves it to the server, which takes 10")
	f.BoolVar(&o.wait, "wait", false, "wait until the batch is over and print its results")
	f.BoolVar(&o.cancel, "cancel-on-interrupt", false, "with --wait: an interrupt cancels the batch")
	return c
}

func (o *batchStart) run(c *cobra.Command, service string) error {
	file, from := o.app.in, "the standard input"
	if path := o.csv + o.json; path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		file, from = f, path
	}
	return o.app.onService(c, service, func(ctx context.Context, s *mlserver.Service) error {
		rows := mlserver.JSONRows(file)
		if o.csv != "" {
			info, err := s.Describe(ctx)
			if err != nil {
				return err
			}
			rows = mlserver.CSVRows(file, info.Inputs)
		}
		starting, cancel := graceful(ctx) // an interrupt must not leave behind a batch that nobody knows
		defer cancel()
		batch, err := s.StartBatch(starting, named(ctx, rows, from), mlserver.BatchOptions{Parallel: o.parallel})
		var row *mlserver.RowError
		if errors.As(err, &row) {
			return prefix(err, from)
		}
		if err != nil {
			return err
		}
		if !o.wait {
			return o.app.printLine(batchJSON{ID: batch.ID()}, batch.ID())
		}
		o.app.say("batch %s", batch.ID())
		if err := o.app.waitForBatch(ctx, s, batch, o.cancel); err != nil && !errors.Is(err, mlserver.ErrBatchFailed) {
			return err
		}
		return o.app.printResults(ctx, s, batch, false)
	})
}

// named puts the name of the file in front of errors of its rows, and ends them when ctx ends.
func named(ctx context.Context, rows mlserver.Rows, from string) mlserver.Rows {
	return func(yield func(mlserver.Values, error) bool) {
		for row, err := range rows {
			if err != nil {
				err = prefix(err, from)
			} else if err = ctx.Err(); err != nil {
				row = nil
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// batchJSON is the JSON form of a batch.
type batchJSON struct {
	ID string `json:"id"`
	*mlserver.BatchStatus
}

func (a *app) batchListCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "list NAME[/VERSION]",
		Short: "List your batches of a service, those that are over as well",
		Example: `  mls batch list transmission/1.0.0
  mls batch list transmission -o json`,
		Args: args(1, 1, "the service"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.onService(c, args[0], func(ctx context.Context, s *mlserver.Service) error {
				list, err := s.Batches(ctx)
				if err != nil {
					return err
				}
				shown := []batchJSON{}
				t := table{header: batchHeader, none: "you have no batches of this service"}
				for _, b := range list {
					status, err := b.Status(ctx)
					if errors.Is(err, mlserver.ErrNotFound) {
						continue // gone by now
					} else if err != nil {
						return err
					}
					shown = append(shown, batchJSON{b.ID(), status})
					t.rows = append(t.rows, batchCells(b.ID(), status))
				}
				return a.print(shown, t)
			})
		},
	}
}

var batchHeader = []string{"ID", "STATE", "DONE", "ROWS"}

func batchCells(id string, s *mlserver.BatchStatus) []string {
	return []string{id, string(s.State), strconv.Itoa(s.Completed), strconv.Itoa(s.Total)}
}

func (a *app) batchStatusCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "status NAME[/VERSION] ID",
		Short:   "Tell how far a batch is",
		Example: `  mls batch status transmission/1.0.0 $BATCH`,
		Args:    args(2, 2, "the service and the batch's id"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.onBatch(c, args, func(ctx context.Context, _ *mlserver.Service, b *mlserver.Batch) error {
				status, err := b.Status(ctx)
				if err != nil {
					return err
				}
				return a.print(batchJSON{b.ID(), status}, table{header: batchHeader, rows: [][]string{batchCells(b.ID(), status)}})
			})
		},
	}
}

func (a *app) batchCancelCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "cancel NAME[/VERSION] ID",
		Short:   "Stop a batch, and make the server forget its results",
		Example: `  mls batch cancel transmission/1.0.0 $BATCH`,
		Args:    args(2, 2, "the service and the batch's id"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.onBatch(c, args, func(ctx context.Context, _ *mlserver.Service, b *mlserver.Batch) error {
				if err := b.Cancel(ctx); err != nil {
					return err
				}
				a.say("cancelled %s", b.ID())
				return nil
			})
		},
	}
}

func (a *app) batchFilesCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "files NAME[/VERSION] ID ROW",
		Short: "List the files that a row has written",
		Example: `  mls batch files plot/1 $PLOTS 0
  mls batch files plot $PLOTS 1 -o json`,
		Args: args(3, 3, "the service, the batch's id and the row, counted from 0"),
		RunE: func(c *cobra.Command, args []string) error {
			row, err := rowNumber(c, args[2])
			if err != nil {
				return err
			}
			return a.onBatch(c, args, func(ctx context.Context, _ *mlserver.Service, b *mlserver.Batch) error {
				files, err := b.Files(ctx, row)
				if err != nil {
					return err
				}
				t := table{none: fmt.Sprintf("row %d has written no files", row)}
				for _, name := range files {
					t.rows = append(t.rows, []string{name})
				}
				return a.print(append([]string{}, files...), t)
			})
		},
	}
}

func rowNumber(c *cobra.Command, text string) (int, error) {
	row, err := strconv.Atoi(text)
	if err != nil || row < 0 {
		return 0, usageError(c, "%q is no row: they are counted from 0", text)
	}
	return row, nil
}

func (a *app) batchDownloadCmd() *cobra.Command {
	var row, dir, file string
	c := &cobra.Command{
		Use:   "download NAME[/VERSION] ID --dir DIR",
		Short: "Save the files that rows have written, replacing older ones",
		Long: `Save the files that rows have written in a folder, replacing older ones, and print their paths. The files of each row go into
a folder of its number, from 0: DIR/0/plot.png. With --row those of one row go into DIR itself, with --file just one of them.`,
		Example: `  mls batch download plot/1 $PLOTS --dir plots
  mls batch download plot/1 $PLOTS --row 0 --dir plot
  mls batch download plot/1 $PLOTS --row 0 --file plot.png --dir plot`,
		Args: args(2, 2, "the service and the batch's id"),
		RunE: func(c *cobra.Command, args []string) error {
			if dir == "" {
				return usageError(c, "say where to with --dir")
			}
			fetch := (*mlserver.Batch).Download
			if c.Flags().Changed("row") {
				n, err := rowNumber(c, row)
				if err != nil {
					return err
				}
				fetch = func(b *mlserver.Batch, ctx context.Context, dir string) ([]string, error) {
					if file != "" {
						return downloadOne(ctx, b, n, file, dir)
					}
					return b.DownloadRow(ctx, n, dir)
				}
			} else if file != "" {
				return usageError(c, "say whose file it is with --row")
			}
			return a.onBatch(c, args, func(ctx context.Context, _ *mlserver.Service, b *mlserver.Batch) error {
				paths, err := fetch(b, ctx, dir)
				if len(paths) == 0 && err == nil {
					a.say("there are no files")
				}
				out := bufio.NewWriter(a.out)
				for _, path := range paths {
					fmt.Fprintln(out, printable(path))
				}
				return errors.Join(err, out.Flush())
			})
		},
	}
	c.Flags().StringVar(&file, "file", "", "this file of the row alone")
	c.Flags().StringVar(&row, "row", "", "the files of this row alone, counted from 0")
	c.Flags().StringVar(&dir, "dir", "", "folder to save them in, made if need be")
	return c
}

// downloadOne saves one file of a row.
func downloadOne(ctx context.Context, b *mlserver.Batch, row int, name, dir string) ([]string, error) {
	path, err := safeName(dir, name)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	if err := temp.WriteFile(path, func(w io.Writer) error { return b.File(ctx, row, name, w) }); err != nil {
		return nil, err
	}
	return []string{path}, nil
}
