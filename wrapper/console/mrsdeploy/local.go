package mrsdeploy

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// Options say how the local side is started.
type Options struct {
	Language runtimes.Language // R when empty
	Program  string            // the R or Python to start; empty: one is looked for
	Dir      string            // where the code runs; empty: the working directory of this process
	Args     []string          // what the code sees as its command line

	// Out gets what the code prints, as it prints it. Nil: os.Stdout.
	Out io.Writer
	// ReadLine asks the user, for R's readline and Python's input, and for a user name or password (hidden) that remoteLogin
	// was not given. io.EOF is no answer. Nil: there is nobody to ask.
	ReadLine func(ctx context.Context, prompt string, hidden bool) (string, error)
	// Login signs in for remoteLogin and remoteLoginAAD. Nil: SignIn, with the system's certificates.
	Login func(ctx context.Context, l Login) (*mlserver.Client, error)
	// LoginAsks: Login itself asks for the user name and the password that were not given, if it needs them.
	LoginAsks bool

	Endpoint string // instead of the address that remoteLogin is given
	Script   bool   // there is no remote command line
}

// Local is a running R or Python with mrsdeploy's functions. It executes one thing at a time.
type Local struct {
	o         Options
	worker    *runtimes.Worker
	functions map[string]function
	out       io.Writer

	mu         sync.Mutex // held while a function works: none may come after Logout
	connection Connection
	services   map[[2]string]*mlserver.Checked // by name and version
	detached   map[string]detachedRun          // by the id of their session
}

// ErrInterrupted is returned by Execute when the code was interrupted.
var ErrInterrupted = errors.New("interrupted")

// QuitError is returned by Execute when the code asked to leave: q() in R, exit() in Python.
type QuitError struct{ Status int }

func (e *QuitError) Error() string { return fmt.Sprintf("the code ended with status %d", e.Status) }

//go:embed r python
var sources embed.FS

// source is the program of the local side in its language.
func source(language runtimes.Language) (string, error) {
	files := []string{"python/mrsdeploy.py"}
	if language == runtimes.R {
		entries, err := sources.ReadDir("r")
		if err != nil {
			return "", err
		}
		files = []string{"r/namespace.R"}
		for _, e := range entries {
			if e.Name() != "namespace.R" && e.Name() != "attach.R" {
				files = append(files, "r/"+e.Name())
			}
		}
		files = append(files, "r/attach.R")
	}
	var text strings.Builder
	for _, f := range files {
		b, err := sources.ReadFile(f)
		if err != nil {
			return "", err
		}
		text.Write(b)
		text.WriteByte('\n')
	}
	return text.String(), nil
}

// Start starts the local R or Python. ctx bounds only the start. Close ends it.
func Start(ctx context.Context, o Options) (*Local, error) {
	if o.Language == "" {
		o.Language = runtimes.R
	}
	if o.Out == nil {
		o.Out = os.Stdout
	}
	if o.Dir == "" {
		o.Dir = "."
	}
	if o.Login == nil {
		o.Login = SignIn
	}
	l := &Local{o: o, out: &orderly{to: o.Out}}
	l.functions = l.table()
	text, err := source(o.Language)
	if err != nil {
		return nil, err
	}
	interpreter, err := runtimes.Find(ctx, o.Language, o.Program)
	if err != nil {
		return nil, err
	}
	l.worker, err = interpreter.Start(ctx, runtimes.Options{
		Dir:   o.Dir,
		Local: &runtimes.Local{Out: l.out, Call: l.call, Source: text, Args: o.Args},
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

// orderly lets several write, one after the other.
type orderly struct {
	mu sync.Mutex
	to io.Writer
}

func (o *orderly) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.to.Write(p)
}

// Execute runs code as at the prompt: what it prints, errors included, goes to Options.Out. Code that fails gives a
// *mlserver.CodeError, which was printed; one that asks to leave a *QuitError; an interrupted one ErrInterrupted. After a
// *runtimes.GoneError there is no local side any more.
func (l *Local) Execute(ctx context.Context, code string) error {
	r, err := l.worker.Execute(ctx, runtimes.Request{Code: code})
	switch {
	case err != nil:
		return err
	case r.Kind == runtimes.KindExit:
		return &QuitError{Status: r.Status}
	case r.Kind == runtimes.KindInterrupt:
		return ErrInterrupted
	case !r.Success:
		return &mlserver.CodeError{Message: r.Error, Console: r.Console}
	}
	return nil
}

// ExecuteFile runs the code of a script, which is called file. In R it prints what Rscript would; in Python expressions do not
// print their values.
func (l *Local) ExecuteFile(ctx context.Context, file, code string) error {
	if l.o.Language == runtimes.Python {
		literals, err := json.Marshal([]string{file, code}) // JSON's texts are Python's
		if err != nil {
			return err
		}
		code = "__mrsdeploy_script__(*" + string(literals) + ")"
	}
	return l.Execute(ctx, code)
}

// Complete reports, without running it, whether code is "complete", "incomplete" or "invalid".
func (l *Local) Complete(ctx context.Context, code string) (string, error) {
	return l.worker.Complete(ctx, code)
}

// Completions returns what the name before position pos of a line, in bytes, can be completed to: whole names, as they
// replace it.
func (l *Local) Completions(ctx context.Context, line string, pos int) ([]string, error) {
	return l.worker.Completions(ctx, line, pos)
}

// Interrupt interrupts the running execution, if there is one.
func (l *Local) Interrupt() { l.worker.Cancel() }

// Done is closed when the local process has ended.
func (l *Local) Done() <-chan struct{} { return l.worker.Done() }

// Language is the language of the local side.
func (l *Local) Language() runtimes.Language { return l.o.Language }

// Close ends the local process. The login lives on: see Logout.
func (l *Local) Close() error { return l.worker.Close() }

// closing is how long the server gets to close a session and to end a login.
const closing = 10 * time.Second

// lingering is a context that ends a while after ctx: time to learn what the server has made.
func lingering(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(closing, cancel) })
	return longer, func() { stop(); cancel() }
}
