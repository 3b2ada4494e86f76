package cli

import (
	"cmp"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"fmt"
	"go/token"
	"io"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/internal/lazyregexp"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// cardText is the page, with {{name}} where something is put in. It is no text/template: see codegen's templates.
//
//go:embed card.md.tmpl
var cardText string

func (a *app) serviceCardCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "card NAME[/VERSION]",
		Short: "Print a page about a service, with examples of calls",
		Long: `Print a page about a service in Markdown: what it takes and answers, who published it when, a hash of its code, and calls of it
in curl, Go, R and Python with made-up inputs. The hash is of the code's bytes (SHA-256); only who may see the code gets one.`,
		Example: `  mls service card transmission/1.0.0 > transmission.md`,
		Args:    args(1, 1, "the service"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.onService(c, args[0], func(ctx context.Context, s *mlserver.Service) error {
				info, err := s.Describe(ctx)
				if err != nil {
					return err
				}
				settings, err := a.settings("")
				if err != nil {
					return err
				}
				page := newCard(info, settings.endpoint)
				if a.output == "json" {
					return a.printJSON(page)
				}
				return page.write(a.out)
			})
		},
	}
}

// card is what a page about a service says.
type card struct {
	*mlserver.ServiceInfo
	Endpoint string `json:"endpoint"`
	URL      string `json:"url"`
	Hash     string `json:"codeSHA256,omitempty"`
	InitHash string `json:"initCodeSHA256,omitempty"`
}

func newCard(info *mlserver.ServiceInfo, endpoint string) *card {
	c := &card{ServiceInfo: info, Endpoint: strings.TrimRight(endpoint, "/"), Hash: hashOf(info.Code), InitHash: hashOf(info.InitCode)}
	c.URL = c.Endpoint + "/api/" + url.PathEscape(info.Name) + "/" + url.PathEscape(info.Version)
	return c
}

func hashOf(code string) string {
	if code == "" {
		return ""
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(code)))
}

func (c *card) write(w io.Writer) error {
	description, published, pandas, files := "", "unknown", "", ""
	if c.Description != "" {
		description = "\n" + markdownCell(c.Description) + "\n"
	}
	if !c.Created.IsZero() {
		published = c.Created.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	if c.Publisher != "" {
		published += " by " + markdownCell(c.Publisher)
	}
	for _, name := range c.Artifacts {
		files += " " + markdownCell(name)
	}
	if files != "" {
		files = "\nFiles:" + files + "\n"
	}
	if strings.Contains(c.python(), "pd.") {
		pandas = "\nimport pandas as pd"
	}
	output := func(format string) string { // how the first output is read
		if len(c.Outputs) == 0 {
			return ""
		}
		return "\n" + fmt.Sprintf(format, jsonText(c.Outputs[0].Name))
	}
	_, err := strings.NewReplacer(
		"{{name}}", markdownCell(c.Name), "{{version}}", markdownCell(c.Version), "{{description}}", description,
		"{{url}}", c.URL, "{{language}}", string(c.Runtime), "{{published}}", published, "{{hashes}}", c.hashes(),
		"{{inputs}}", parameterTable(c.Inputs), "{{outputs}}", parameterTable(c.Outputs), "{{files}}", files,
		"{{endpoint}}", jsonText(c.Endpoint), "{{quotedName}}", jsonText(c.Name), "{{quotedVersion}}", jsonText(c.Version), "{{method}}", c.method(),
		"{{curl}}", c.curl(), "{{go}}", c.golang(), "{{r}}", c.r(), "{{python}}", c.python(), "{{pandas}}", pandas,
		"{{goOutput}}", output("err = result.Outputs.Decode(%s, &value)"), "{{rOutput}}", output("result$output(%s)"),
		"{{pythonOutput}}", output("print(result.output(%s))"),
	).WriteString(w, cardText)
	return err
}

// hashes are the last lines of the table on top.
func (c *card) hashes() string {
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "| %s | %s |\n", name, value)
		}
	}
	line("Function", markdownCell(c.Alias))
	line("SHA-256 of the code", cmp.Or(c.Hash, "not visible to who asked"))
	line("SHA-256 of the initialization code", c.InitHash)
	return strings.TrimSuffix(b.String(), "\n")
}

func parameterTable(list []mlserver.Parameter) string {
	if len(list) == 0 {
		return "None.\n"
	}
	b := strings.Builder{}
	b.WriteString("| Name | Type |\n|---|---|\n")
	for _, p := range list {
		fmt.Fprintf(&b, "| %s | %s |\n", markdownCell(p.Name), p.Type)
	}
	return b.String()
}

// samples are made-up values of each type, in JSON, Go, R and Python.
var samples = map[mlserver.Type][4]string{
	mlserver.Numeric:   {"1.5", "1.5", "1.5", "1.5"},
	mlserver.Integer:   {"1", "1", "1L", "1"},
	mlserver.Logical:   {"true", "true", "TRUE", "True"},
	mlserver.Character: {`"text"`, `"text"`, `"text"`, `"text"`},
	mlserver.Vector:    {"[1, 2, 3]", "data.Floats(1, 2, 3)", "c(1, 2, 3)", "[1, 2, 3]"},
	mlserver.Matrix:    {"[[1, 2], [3, 4]]", "data.Matrix{Rows: 2, Cols: 2, Values: []float64{1, 2, 3, 4}}", "matrix(1:4, 2, byrow = TRUE)", "[[1, 2], [3, 4]]"},
	mlserver.DataFrame: {`{"x": [1, 2]}`, `data.Frame{{Name: "x", Values: data.Floats(1, 2)}}`, "data.frame(x = c(1, 2))", `pd.DataFrame({"x": [1, 2]})`},
}

func (c *card) sample(language int, format func(name, value string) string) string {
	var values []string
	for _, p := range c.Inputs {
		sample, ok := samples[typeOf(c.Inputs, p.Name)]
		if !ok {
			sample = samples[mlserver.Character]
		}
		values = append(values, format(p.Name, sample[language]))
	}
	return strings.Join(values, ", ")
}

// curl is the body of a call, for a shell.
func (c *card) curl() string {
	body := "{" + c.sample(0, func(name, value string) string { return jsonText(name) + ": " + value }) + "}"
	return "'" + strings.ReplaceAll(body, "'", `'\''`) + "'"
}

// golang is the inputs of a call in Go.
func (c *card) golang() string {
	return c.sample(1, func(name, value string) string { return strconv.Quote(name) + ": " + value })
}

var rName = lazyregexp.New(`^[a-zA-Z][a-zA-Z0-9._]*$`)

// r is the arguments of a call in R.
func (c *card) r() string {
	return c.sample(2, func(name, value string) string {
		if !rName().MatchString(name) {
			name = "`" + strings.ReplaceAll(name, "`", "\\`") + "`"
		}
		return name + " = " + value
	})
}

// python is the arguments of a call in Python.
func (c *card) python() string {
	plain := true
	for _, p := range c.Inputs {
		plain = plain && token.IsIdentifier(p.Name) && p.Name != "lambda" && p.Name != "class" && p.Name != "def" && p.Name != "in" && p.Name != "from"
	}
	if plain {
		return c.sample(3, func(name, value string) string { return name + "=" + value })
	}
	return "**{" + c.sample(3, func(name, value string) string { return jsonText(name) + ": " + value }) + "}"
}

// method is what a generated or mrsdeploy client calls the service by.
func (c *card) method() string {
	if !rName().MatchString(c.Alias) || c.Alias == "ConsumeWebService" {
		return "consume"
	}
	return c.Alias
}

// jsonText quotes for JSON, Go, R and Python alike.
func jsonText(s string) string {
	text, _ := json.Marshal(s) // of a string it cannot fail
	return string(text)
}

// markdownCell makes a text fit for a cell of a table, or a line.
func markdownCell(s string) string {
	s = strings.Join(strings.Fields(printable(s)), " ")
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "`", "\\`").Replace(s)
}
