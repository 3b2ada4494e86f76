package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/pkg/browser"
	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/console"
)

type consoleOptions struct {
	app         *app
	endpoint    string
	credentials credentials
	aad         aadOptions

	session     bool
	diff        bool
	commandLine bool
	prompt      string
	runtime     string
	sessionID   string
	keep        bool
	plots       string
	openPlots   bool
	graphics    string
}

func (a *app) consoleCmd() *cobra.Command {
	o := &consoleOptions{app: a}
	c := &cobra.Command{
		Use:   "console [ENDPOINT]",
		Short: "Type R or Python code that runs in a session on the server",
		Long: `Type R or Python code that runs in a session on the server: mrsdeploy's remote command line. It signs in as remoteLogin does,
starts a session, reports what differs from the R or Python of this machine, and shows the prompt REMOTE>.

  pause()     goes to the local prompt, where code runs on this machine; the session is on hold
  resume()    at the local prompt goes back
  exit        ends the session and signs out

Where R or Python is installed here, the local prompt is that, and has mrsdeploy's functions: remoteLogin, putLocalObject,
getRemoteFile, createSnapshot, publishService and the others. Without an address, and if no sign-in is stored, the prompt
starts there.

Ctrl-C cancels what runs and keeps the session. Ctrl-D leaves, which closes the session unless --keep says otherwise; a session
that was open before, see --session-id, is closed by exit only. If the connection is lost the session is kept.

Images that code makes are fetched and named, and drawn if the terminal is known to draw them; --graphics tells how when it is
not known.

Code can be piped in as well: what is printed then is what a terminal would show.`,
		Example: `  echo '1 + 1' | mls console http://localhost:12800
  printf 'x <- 10\nls()\npause()\nresume()\nexit\n' | mls console http://localhost:12800 --diff=false
  echo 'sum(range(10))' | mls console http://localhost:12800 --runtime python --prompt 'SERVER>>> '
  echo 'ls()' | mls console --session-id $ID`,
		Args: args(0, 1, "one address"),
		RunE: func(c *cobra.Command, args []string) error {
			if flag := o.aad.misused(c); flag != "" {
				return usageError(c, "--%s is for --aad", flag)
			}
			if len(args) > 0 {
				o.endpoint = args[0]
			}
			if o.sessionID != "" && !o.session {
				return usageError(c, "--session-id names a session, --session=false wants none")
			}
			return o.run(c)
		},
	}
	o.credentials.flags(c)
	o.aad.flags(c)
	f := c.Flags()
	f.BoolVar(&o.session, "session", true, "start a session on the server")
	f.BoolVar(&o.diff, "diff", true, "report what differs between the local and the remote side")
	f.BoolVar(&o.commandLine, "commandline", true, "begin at the remote prompt; otherwise resume() goes there")
	f.StringVar(&o.prompt, "prompt", console.Prompt, "the remote prompt")
	f.StringVar(&o.runtime, "runtime", "", "r or python (default that of --session-id, else r)")
	f.StringVar(&o.sessionID, "session-id", "", "go on in this open session (its id or name)")
	f.BoolVar(&o.keep, "keep", false, "leaving keeps the session open; exit still ends it")
	f.StringVar(&o.plots, "plots", "", "folder for the images that code makes (default a temporary one)")
	f.BoolVar(&o.openPlots, "open-plots", false, "show each image in a window")
	f.StringVar(&o.graphics, "graphics", "auto", "how the terminal draws images: auto, kitty, iterm2, sixel or none")
	return c
}

func (o *consoleOptions) run(c *cobra.Command) error {
	beginning, stop := signal.NotifyContext(c.Context(), syscall.SIGHUP)
	defer stop()
	// Later an interrupt is for what runs, not for the command.
	ctx, stop := signal.NotifyContext(context.WithoutCancel(c.Context()), syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	broken := make(chan os.Signal, 1) // a reader that has gone is an error of the write: the session is to be closed
	signal.Notify(broken, syscall.SIGPIPE)
	defer signal.Stop(broken)

	draw, err := o.draw(c)
	if err != nil {
		return err
	}
	if err := o.plotsFolder(); err != nil {
		return err
	}
	b, err := o.begin(beginning, c)
	if err != nil {
		return err
	}
	defer b.end(ctx)
	con := console.New(console.Config{
		Language: b.language, Local: b.local, Lines: b.lines, Out: b.screen, Say: o.app.say, Ask: b.terminal != nil, Keep: o.keep,
		Plots: console.Plots{Dir: o.plots, Draw: draw, Open: o.open()}, Explain: b.explain, Restart: b.startLocal,
	})
	if b.terminal != nil {
		b.terminal.Complete = con.Complete
	}
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	go func() {
		for {
			select {
			case <-interrupts:
				con.Interrupt()
			case <-ctx.Done():
				return
			}
		}
	}()
	if b.client != nil {
		err = con.Open(ctx, b.client, console.Login{
			NoSession: !o.session, SessionID: b.sessionID, NoDiff: !o.diff, NoCommandLine: !o.commandLine, Prompt: o.prompt,
		})
	}
	if err == nil {
		err = con.Run(ctx)
	} else {
		err = errors.Join(b.wayOut(err), con.Close(ctx))
	}
	if ctx.Err() != nil {
		return errInterrupted
	}
	return err
}

// draw is how images are drawn on the screen.
func (o *consoleOptions) draw(c *cobra.Command) (console.Graphics, error) {
	if o.graphics != "auto" {
		g, err := console.ParseGraphics(o.graphics)
		if err != nil {
			return "", usageError(c, "--graphics: %v", err)
		}
		return g, nil
	}
	if f, ok := o.app.out.(*os.File); !ok || !isTerminal(f) {
		return console.NoGraphics, nil
	}
	return console.DetectGraphics(o.app.getenv), nil
}

func (o *consoleOptions) plotsFolder() (err error) {
	if o.plots == "" {
		return nil
	}
	if o.plots, err = filepath.Abs(o.plots); err != nil {
		return err
	}
	if err := os.MkdirAll(o.plots, 0o755); err != nil {
		return fmt.Errorf("--plots: %w", err)
	}
	return nil
}

// open shows an image in a window.
func (o *consoleOptions) open() func(string) error {
	if !o.openPlots {
		return nil
	}
	return browser.OpenFile
}
