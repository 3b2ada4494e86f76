package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/mlserver"
	"github.com/mlserver-go/mls/wrapper/transport"
)

type execOptions struct {
	app *app

	code    string // -e
	hasCode bool
	file    string // or a file, - for the standard input
	runtime string
	session string // empty: a temporary one
	in      []string
	out     []string
	detach  bool
	plots   plots
}

func (a *app) execCmd() *cobra.Command {
	o := &execOptions{app: a}
	c := &cobra.Command{
		Use:   "exec [-e CODE | FILE | -]",
		Short: "Run R or Python code on the server",
		Long: `Run R or Python code on the server, and print what it prints while it runs.

The code is the argument of -e, a local file, or with - the standard input. It runs in a session of its own that is closed
afterwards whatever happens; with --session in one that is open, where objects and files of earlier executions are.

With --out, the values of the named objects are printed as a JSON object on the standard output, and the console's text goes
to the standard error. R sends all values as lists, even single ones. With -o json one object holds everything.

With --plots DIR the pictures that the code has drawn are fetched into that folder; files of the same names are replaced.
--show-plots opens them.

With --detach the code goes on by itself, and the id of its session is printed when it has begun: "mls session output -f ID"
shows what it prints, "mls session wait ID" waits for it and prints its outputs, on any machine. The session stays open.

Code that fails gives exit code 3. An interrupt (Ctrl-C) cancels the execution on the server.

It stands for mrsdeploy's remoteExecute, and with a file for remoteScript; --detach for its async = TRUE, --show-plots and
--plots for displayPlots and writePlots.`,
		Example: `  mls exec -e 'summary(cars)'
  mls exec train.R
  mls exec --runtime python -e 'import sys; print(sys.version)'
  echo 'x <- 6 * 7' | mls exec - --out x
  mls exec -e 'y <- mean(x) + k' --in x=[1,2,3] --in k=0.5 --out y
  mls exec predict.py --in plants=@plants.json --out species
  mls exec -e '1 + 1' -o json
  mls exec -e 'hist(rnorm(1000))' --plots .
  ID=$(mls exec --detach -e 'x <- sum(rnorm(1e6))' --out x); mls session wait --close $ID`,
		Args: args(0, 1, "one file"),
		RunE: func(c *cobra.Command, args []string) error {
			o.hasCode = c.Flags().Changed("execute")
			if len(args) > 0 {
				o.file = args[0]
			}
			if o.hasCode == (o.file != "") {
				return usageError(c, "give the code with -e, or a file, or - for the standard input")
			}
			if c.Flags().Changed("session") && o.session == "" {
				return usageError(c, "--session needs the id of a session")
			}
			if o.runtime != "" && o.session != "" {
				return usageError(c, "--runtime is for a new session, --session has its own")
			}
			return o.run(c)
		},
	}
	o.flags(c)
	c.Flags().StringVar(&o.runtime, "runtime", "", "r or python; by default what the file's extension says, else r")
	c.Flags().StringVar(&o.session, "session", "", "run in this open session (its id or name) instead of a temporary one")
	return c
}

func (o *execOptions) flags(c *cobra.Command) {
	c.Flags().StringVarP(&o.code, "execute", "e", "", "code to run")
	c.Flags().StringArrayVar(&o.in, "in", nil, "set an object first: `NAME=VALUE`, JSON or plain text, or NAME=@FILE with JSON")
	c.Flags().StringArrayVar(&o.out, "out", nil, "print the value of the object with this `NAME` afterwards")
	c.Flags().BoolVar(&o.detach, "detach", false, "do not wait: print the session's id when the code has begun")
	o.plots.flags(c)
}

func (o *execOptions) run(c *cobra.Command) error {
	if o.detach && (o.plots.dir != "" || o.plots.show) {
		return usageError(c, "with --detach the plots stay in the session: `mls session file get` fetches them")
	}
	code, err := o.readCode()
	if err != nil {
		return err
	}
	inputs, err := parseValues(c, o.in)
	if err != nil {
		return err
	}
	lang, err := runtimeFlag(c, o.runtime, o.file)
	if err != nil {
		return err
	}
	return o.app.connected(c.Context(), func(ctx context.Context, client *mlserver.Client) error {
		session, done, err := o.open(ctx, client, lang)
		if err != nil {
			return err
		}
		e := mlserver.Execution{Inputs: inputs, Outputs: o.out, Console: o.console()}
		if o.detach {
			return o.start(ctx, session, done, code, e)
		}
		defer done()
		r, err := o.app.execute(ctx, session, code, e)
		return errors.Join(o.show(r, o.wayOut(ctx, session, r, err)), o.plots.fetch(ctx, o.app, session, r))
	})
}

// wayOut adds what helps when there is no result. A lost connection does not end what runs.
func (o *execOptions) wayOut(ctx context.Context, s *mlserver.Session, r *mlserver.Result, err error) error {
	switch {
	case r != nil || ctx.Err() != nil || !transport.Disconnected(err):
		return hintIf(err, mlserver.ErrNotFound, "`mls session list` shows the open sessions")
	case o.session != "":
		return hint(err, "the code may go on: `mls session output %s` shows what it has printed, `mls session cancel %[1]s` stops it", s.ID())
	}
	return hint(err, "with --detach code outlives the connection")
}

// open is the session to run in. done closes it, unless the user has named it.
func (o *execOptions) open(ctx context.Context, client *mlserver.Client, lang mlserver.Runtime) (s *mlserver.Session, done func(), err error) {
	if o.session == "" {
		return o.app.temporarySession(ctx, client, mlserver.SessionOptions{Runtime: lang})
	}
	id, err := sessionID(ctx, client, o.session)
	if err != nil {
		return nil, nil, err
	}
	return client.Session(id), func() {}, nil
}

// start detaches the execution. A session of its own stays open, unless nothing has begun in it.
func (o *execOptions) start(ctx context.Context, s *mlserver.Session, done func(), code string, e mlserver.Execution) error {
	if _, err := s.Detach(ctx, code, e); err != nil {
		done()
		return cmp.Or(context.Cause(ctx), o.app.sessionHint(err))
	}
	return o.app.printLine(map[string]string{"id": s.ID()}, s.ID())
}

// console is where the text of the running code goes: nil when all is printed as JSON at the end.
func (o *execOptions) console() io.Writer {
	switch {
	case o.app.output == "json":
		return nil
	case len(o.out) > 0:
		return o.app.err
	}
	return o.app.out
}

func (o *execOptions) readCode() (string, error) {
	if o.hasCode {
		return o.code, nil
	}
	return o.app.readText(o.file)
}

// readText reads a file, or the standard input for "-".
func (a *app) readText(file string) (string, error) {
	var text []byte
	var err error
	if file == "-" {
		text, err = io.ReadAll(a.in)
	} else {
		text, err = os.ReadFile(file)
	}
	return string(text), err
}

// execution is the JSON form of what code gave.
type execution struct {
	Success bool             `json:"success"`
	Error   string           `json:"error,omitempty"`
	Console string           `json:"console"`
	Outputs mlserver.Outputs `json:"outputs"`
	Changed []string         `json:"changedFiles"`
}

// show prints the outputs. The console's text was printed already, unless JSON is asked for.
func (o *execOptions) show(r *mlserver.Result, err error) error {
	if r == nil {
		return err
	}
	if o.app.output == "json" {
		e := execution{Success: err == nil, Console: r.Console, Outputs: r.Outputs, Changed: r.Changed}
		if err != nil {
			e.Error = err.Error()
		}
		if e.Changed == nil {
			e.Changed = []string{}
		}
		return errors.Join(o.app.printJSON(e), err)
	}
	if err != nil {
		return err
	}
	if lost := o.plots.left(r); len(lost) > 0 && o.session == "" {
		o.app.say("written on the server, and gone with the session: %s (use --session to keep files)", strings.Join(lost, ", "))
	}
	if len(o.out) > 0 {
		return o.app.printJSON(r.Outputs)
	}
	return nil
}

// grace is how long the server gets to stop what an interrupt found running.
const grace = 5 * time.Second

// graceful is a context that ends a while after ctx does: time to learn what the server did, and to undo it.
func graceful(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return longer, func() { stop(); cancel() }
}

// temporarySession starts a session that done closes, whatever runs in it and even when ctx is done.
func (a *app) temporarySession(ctx context.Context, client *mlserver.Client, o mlserver.SessionOptions) (s *mlserver.Session, done func(), err error) {
	// An interrupt while the session starts must not leave behind one that nobody knows.
	starting, cancel := graceful(ctx)
	defer cancel()
	if s, err = client.NewSession(starting, o); err != nil {
		return nil, nil, cmp.Or(context.Cause(ctx), err)
	}
	done = func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		if err := s.ForceClose(closing); err != nil && !errors.Is(err, mlserver.ErrNotFound) {
			a.say("mls: session %s may still be open: %v", s.ID(), err)
		}
	}
	if ctx.Err() != nil {
		done()
		return nil, nil, context.Cause(ctx)
	}
	return s, done, nil
}

// execute runs code. When ctx ends, so does the execution, as far as the server can end it.
func (a *app) execute(ctx context.Context, s *mlserver.Session, code string, e mlserver.Execution) (*mlserver.Result, error) {
	running, cancel := graceful(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		if err := s.Cancel(running); err != nil && running.Err() == nil {
			a.say("mls: the execution may still be running: %v", err)
		}
	})
	defer stop()

	r, err := s.Execute(running, code, e)
	if ctx.Err() != nil {
		if running.Err() != nil {
			a.say("mls: the code did not stop when it was told to; only the end of its session ends it")
		}
		return nil, context.Cause(ctx)
	}
	return r, err
}

// lines makes lines end as they do here, not as on a server with Windows.
func lines(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }

// runtimeFlag reads --runtime, else the extension of the code's file.
func runtimeFlag(c *cobra.Command, flag, file string) (mlserver.Runtime, error) {
	r, err := parseRuntime(flag, file)
	if err != nil {
		return "", usageError(c, "--%v", err)
	}
	return r, nil
}

// parseValues reads NAME=VALUE pairs: JSON, else plain text, or @FILE with JSON.
func parseValues(c *cobra.Command, pairs []string) (mlserver.Values, error) {
	values := mlserver.Values{}
	for _, pair := range pairs {
		name, text, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, usageError(c, "%q is no NAME=VALUE", pair)
		}
		if _, twice := values[name]; twice {
			return nil, usageError(c, "%s is given twice", name)
		}
		file, isFile := strings.CutPrefix(text, "@")
		if isFile {
			content, err := os.ReadFile(file)
			if err != nil {
				return nil, hint(fmt.Errorf("input %s: %w", name, err), `a text that begins with @ is given as JSON: %s='"@..."'`, name)
			}
			if text = string(content); !json.Valid(content) {
				return nil, fmt.Errorf("input %s: %s is no JSON", name, file)
			}
		}
		if json.Valid([]byte(text)) {
			values[name] = json.RawMessage(text)
		} else {
			values[name] = text
		}
	}
	return values, nil
}
