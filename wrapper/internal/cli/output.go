package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"golang.org/x/term"
)

// table is the human form of a result. JSON is the stable one.
type table struct {
	header []string
	rows   [][]string
	none   string // said on stderr when there are no rows
}

// print writes v as JSON when asked for, else t.
func (a *app) print(v any, t table) error {
	if a.output == "json" {
		return a.printJSON(v)
	}
	if len(t.rows) == 0 && t.none != "" {
		a.say("%s", t.none)
		return nil
	}
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	if t.header != nil {
		t.rows = append([][]string{t.header}, t.rows...)
	}
	for _, row := range t.rows {
		for i := range row {
			row[i] = printable(row[i])
		}
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(text.String()) {
		if _, err := fmt.Fprintln(a.out, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

// printJSON writes v in one line, or indented for a reader at a terminal.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetEscapeHTML(false)
	if isTerminal(a.out) {
		enc.SetIndent("", "  ")
	}
	return enc.Encode(v)
}

// printLine writes one piece of data: the value itself, or v as JSON.
func (a *app) printLine(v any, line string) error {
	if a.output == "json" {
		return a.printJSON(v)
	}
	_, err := fmt.Fprintln(a.out, line)
	return err
}

// say tells the user something that is no data.
func (a *app) say(format string, args ...any) {
	fmt.Fprintf(a.err, format+"\n", args...)
}

// printable keeps what a server or its users wrote from steering the terminal or breaking a table's lines.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}
