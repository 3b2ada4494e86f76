package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/data"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// inputs reads what a call is given, by the types that the service declares.
func (o *callOptions) inputs(c *cobra.Command, declared []mlserver.Parameter) (mlserver.Values, error) {
	if c.Flags().Changed("json") {
		return o.readJSON()
	}
	values, err := parseValues(c, o.pairs)
	if err != nil {
		return nil, err
	}
	for _, pair := range o.pairs {
		name, text, _ := strings.Cut(pair, "=")
		if typeOf(declared, name) == mlserver.Character && !strings.HasPrefix(text, "@") {
			values[name] = asText(text)
		}
	}
	if o.csv != "" {
		return o.addCSV(values, declared)
	}
	return values, nil
}

// asText takes what is meant as a text as it is, unless it is in JSON's quotes.
func asText(text string) any {
	var quoted string
	if strings.HasPrefix(text, `"`) && json.Unmarshal([]byte(text), &quoted) == nil {
		return quoted
	}
	return text
}

func typeOf(declared []mlserver.Parameter, name string) mlserver.Type {
	i := slices.IndexFunc(declared, func(p mlserver.Parameter) bool { return p.Name == name })
	if i < 0 {
		return ""
	}
	switch t := declared[i].Type; t { // as some articles publish them
	case "string":
		return mlserver.Character
	case "dataframe":
		return mlserver.DataFrame
	default:
		return t
	}
}

// readJSON takes the text apart without copying it: it may be large.
func (o *callOptions) readJSON() (mlserver.Values, error) {
	text, err := o.app.bytesOf(o.json)
	if err != nil {
		return nil, err
	}
	values := mlserver.Values{}
	rest, err := data.Members(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")), func(name string, value []byte) error {
		if _, twice := values[name]; twice {
			return fmt.Errorf("input %q is there twice", name)
		}
		values[name] = json.RawMessage(value)
		return nil
	})
	if err == nil && len(bytes.TrimSpace(rest)) > 0 {
		err = errors.New("there is more after its end")
	}
	if err != nil {
		return nil, hint(fmt.Errorf("--json is no JSON object: %w", err), `it looks like {"hp": 120, "wt": 2.8}`)
	}
	return values, nil
}

// addCSV makes the table the one data frame that is missing; a service without one takes its single row as inputs.
func (o *callOptions) addCSV(values mlserver.Values, declared []mlserver.Parameter) (mlserver.Values, error) {
	var frames, texts []string
	for _, p := range declared {
		_, given := values[p.Name]
		switch typeOf(declared, p.Name) {
		case mlserver.DataFrame:
			if !given {
				frames = append(frames, p.Name)
			}
		case mlserver.Character:
			texts = append(texts, p.Name)
		}
	}
	if len(frames) > 0 {
		texts = nil
	}
	table, err := o.readCSV(texts)
	if err != nil {
		return nil, err
	}
	switch {
	case len(frames) == 1:
		values[frames[0]] = table
		return values, nil
	case len(frames) > 1:
		return nil, hint(fmt.Errorf("the service takes several data frames: %s", strings.Join(frames, ", ")), "give all but one as NAME=@FILE with JSON")
	case table.Rows() != 1:
		return nil, fmt.Errorf("%s has %d rows, and a call of this service takes one", o.csv, table.Rows())
	}
	for _, column := range table.Frame() {
		if _, twice := values[column.Name]; twice {
			return nil, fmt.Errorf("%s is given twice: as %s=... and as a column of %s", column.Name, column.Name, o.csv)
		}
		values[column.Name] = column.Values.At(0)
	}
	return values, nil
}

func (o *callOptions) readCSV(texts []string) (*data.Table, error) {
	var r io.Reader = o.app.in
	if o.csv != "-" {
		f, err := os.Open(o.csv)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		r = f
	}
	table, err := data.ReadTable(r, texts...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.csv, err)
	}
	return table, nil
}

// bytesOf is what a flag says: the text itself, @FILE, or - for the standard input.
func (a *app) bytesOf(flag string) ([]byte, error) {
	file, isFile := strings.CutPrefix(flag, "@")
	switch {
	case flag == "-" || file == "-":
		return io.ReadAll(a.in)
	case isFile:
		return os.ReadFile(file)
	}
	return []byte(flag), nil
}
