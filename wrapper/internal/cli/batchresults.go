package cli

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/mlserver"
)

func (a *app) batchWaitCmd() *cobra.Command {
	var cancel bool
	c := &cobra.Command{
		Use:   "wait NAME[/VERSION] ID",
		Short: "Wait until a batch is over",
		Long: `Wait until a batch is over, and show how far it is on the standard error. An interrupt (Ctrl-C) ends the waiting and not the
batch, unless --cancel-on-interrupt says so. Whether rows failed is told by "mls batch results".`,
		Example: `  mls batch wait transmission/1.0.0 $BATCH`,
		Args:    args(2, 2, "the service and the batch's id"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.onBatch(c, args, func(ctx context.Context, s *mlserver.Service, b *mlserver.Batch) error {
				return a.waitForBatch(ctx, s, b, cancel)
			})
		},
	}
	c.Flags().BoolVar(&cancel, "cancel-on-interrupt", false, "an interrupt cancels the batch")
	return c
}

// waitForBatch waits, and tells how to go on when the user has waited long enough.
func (a *app) waitForBatch(ctx context.Context, s *mlserver.Service, b *mlserver.Batch, cancel bool) error {
	p := &progress{to: a.err, bar: isTerminal(a.err), now: a.now}
	_, err := b.Wait(ctx, mlserver.WaitOptions{Progress: p.show})
	p.end()
	if ctx.Err() == nil {
		return err
	}
	which := fmt.Sprintf("%s/%s %s", s.Name(), s.Version(), b.ID())
	if !cancel {
		a.say("the batch goes on: `mls batch wait %s` waits again, `mls batch cancel %s` stops it", which, which)
		return err
	}
	stopping, done := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer done()
	if failed := b.Cancel(stopping); failed != nil {
		a.say("mls: the batch may still be running: %v", failed)
	} else {
		a.say("cancelled %s", b.ID())
	}
	return err
}

// progress shows how far a batch is: by a bar at a terminal, else by a line now and then.
type progress struct {
	to  io.Writer
	bar bool
	now func() time.Time

	began time.Time
	first int    // rows that were done then
	shown string // the last line
}

func (p *progress) show(s mlserver.BatchStatus) {
	if p.began.IsZero() {
		p.began, p.first = p.now(), s.Completed
	}
	const width = 30
	percent := 0
	if s.Total > 0 {
		percent = 100 * s.Completed / s.Total
	}
	if p.bar {
		filled := min(width*percent/100, width)
		p.shown = fmt.Sprintf("[%s%s] %3d %% of %d rows", strings.Repeat("#", filled), strings.Repeat(".", width-filled), percent, s.Total)
		if took := p.now().Sub(p.began).Seconds(); took >= 1 {
			p.shown += fmt.Sprintf(", %.0f/s", float64(s.Completed-p.first)/took)
		}
		fmt.Fprintf(p.to, "\r%-70s", printable(p.shown))
		return
	}
	const step = 10
	line := fmt.Sprintf("%s, %d %%", printable(string(s.State)), percent/step*step)
	if line != p.shown {
		fmt.Fprintf(p.to, "%s: %d of %d rows\n", printable(string(s.State)), s.Completed, s.Total)
		p.shown = line
	}
}

func (p *progress) end() {
	if p.bar && p.shown != "" {
		fmt.Fprintln(p.to)
	}
}

func (a *app) batchResultsCmd() *cobra.Command {
	var asCSV bool
	c := &cobra.Command{
		Use:   "results NAME[/VERSION] ID",
		Short: "Print the results in the order of the rows, those of rows that failed as well",
		Long: `Print the results in the order of the rows, as they arrive: a JSON object on each line, with row, success, outputs, error,
console and the names of files; or, with --csv, the row, a column for each output, and the error. An output that is no single
value is JSON within its cell.

Of a batch that is not over the rows done so far are printed. Rows that failed give exit code 3 when all are printed.`,
		Example: `  mls batch results transmission/1.0.0 $BATCH
  mls batch results transmission/1.0.0 $BATCH --csv > answers.csv`,
		Args: args(2, 2, "the service and the batch's id"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.onBatch(c, args, func(ctx context.Context, s *mlserver.Service, b *mlserver.Batch) error {
				return a.printResults(ctx, s, b, asCSV)
			})
		},
	}
	c.Flags().BoolVar(&asCSV, "csv", false, "comma-separated values instead of JSON lines")
	return c
}

// printResults prints every result, and then says whether rows failed or are not done.
func (a *app) printResults(ctx context.Context, s *mlserver.Service, b *mlserver.Batch, asCSV bool) error {
	status, err := b.Status(ctx)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(a.out, 64<<10)
	write := jsonResults(out)
	if asCSV {
		info, err := s.Describe(ctx)
		if err != nil {
			return err
		}
		write = csvResults(out, info.Outputs)
	}
	printed, failed := 0, 0
	var first error
	for row, err := range b.Results(ctx) {
		if err == nil {
			err = write(row)
		}
		if err != nil {
			return errors.Join(out.Flush(), err)
		}
		printed++
		if row.Err != nil {
			if failed++; failed == 1 {
				first = fmt.Errorf("row %d: %w", row.Row, row.Err)
			}
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if failed > 0 {
		first = fmt.Errorf("%d of %d rows failed, the first is %w", failed, printed, first)
	}
	if status.State == mlserver.BatchFailed {
		return errors.Join(fmt.Errorf("%w: %d of %d rows are done", mlserver.ErrBatchFailed, printed, status.Total), first)
	}
	if !status.State.Over() {
		a.say("%d of %d rows are done: `mls batch wait %s/%s %s` waits for the rest", printed, status.Total, s.Name(), s.Version(), b.ID())
	}
	return first
}

// rowJSON is the JSON form of a result.
type rowJSON struct {
	Row     int              `json:"row"`
	Success bool             `json:"success"`
	Error   string           `json:"error,omitempty"`
	Outputs mlserver.Outputs `json:"outputs,omitempty"`
	Console string           `json:"console,omitempty"`
	Files   []string         `json:"files,omitempty"`
}

func jsonResults(w io.Writer) func(mlserver.RowResult) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return func(r mlserver.RowResult) error {
		line := rowJSON{Row: r.Row, Success: r.Err == nil}
		if r.Err != nil {
			line.Error = r.Err.Error()
		}
		if r.Result != nil {
			line.Outputs, line.Console = r.Outputs, r.Console
			for _, name := range slices.Sorted(maps.Keys(r.Files)) {
				if r.Files[name] != nil {
					line.Files = append(line.Files, name)
				}
			}
		}
		return enc.Encode(line)
	}
}

// csvResults writes a header with the declared outputs, then the rows.
func csvResults(w io.Writer, outputs []mlserver.Parameter) func(mlserver.RowResult) error {
	table := csv.NewWriter(w)
	header := []string{"row"}
	for _, o := range outputs {
		header = append(header, o.Name)
	}
	err := table.Write(append(header, "error"))
	return func(r mlserver.RowResult) error {
		cells := []string{strconv.Itoa(r.Row)}
		for _, o := range outputs {
			var value json.RawMessage
			if r.Result != nil {
				value = r.Outputs.JSON(o.Name)
			}
			cells = append(cells, csvCell(value, o.Type))
		}
		if r.Err != nil {
			cells = append(cells, r.Err.Error())
		} else {
			cells = append(cells, "")
		}
		err = errors.Join(err, table.Write(cells))
		table.Flush() // into the buffer of w
		return errors.Join(err, table.Error())
	}
}

// csvCell is an output within CSV: text as it is, a single value even where it comes as a list of one, null as nothing, else JSON.
func csvCell(value json.RawMessage, declared mlserver.Type) string {
	var boxed []json.RawMessage
	if declared != mlserver.Vector && declared != mlserver.Matrix && json.Unmarshal(value, &boxed) == nil && len(boxed) == 1 {
		value = boxed[0]
	}
	var text *string
	if json.Unmarshal(value, &text) == nil {
		if text == nil {
			return ""
		}
		return *text
	}
	return string(value)
}
