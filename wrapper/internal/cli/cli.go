// Package cli is the command mls, and the program mls-devserver that it starts: one file per noun. A command parses its flags
// into a struct and hands it to a function that does the work with the mlserver package. Data goes to the standard output,
// everything else to the standard error.
package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// Main runs the command mls with the given arguments and returns the exit code, see exitCode. The first interrupt lets the
// command clean up on the server; the second one ends the process.
func Main(args []string, in io.Reader, out, errOut io.Writer) int {
	a := newApp(in, out, errOut)
	return a.main(a.root(), args)
}

// Devserver runs the program mls-devserver in the same way. Only from here the development server can be reached: the linker leaves
// it out of a program that calls Main alone.
func Devserver(args []string, in io.Reader, out, errOut io.Writer) int {
	a := newApp(in, out, errOut)
	return a.main(a.devserverRoot(), args)
}

func newApp(in io.Reader, out, errOut io.Writer) *app {
	return &app{in: in, out: out, err: errOut, getenv: os.Getenv, now: time.Now, vault: systemKeyring{sessionBus}}
}

func (a *app) main(root *cobra.Command, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)

	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	err := root.ExecuteContext(ctx)
	if err != nil && ctx.Err() != nil {
		err = errInterrupted
	}
	a.report(err)
	return exitCode(err)
}

// app is what all commands share: the three streams, the environment and the global flags.
type app struct {
	in      io.Reader
	out     io.Writer
	err     io.Writer
	getenv  func(string) string
	now     func() time.Time
	vault   vault
	traceTo io.Writer // gets what --trace shows, even without; nil: nobody
	asking  asker     // who has the terminal; nil: nobody

	endpoint   string
	profile    string
	apiVersion string
	output     string
	timeout    time.Duration
	caFile     string
	pin        string
	allowHTTP  optionalBool
	traced     bool
	noInput    bool
}

func (a *app) root() *cobra.Command {
	root := a.asRoot(&cobra.Command{
		Use:   "mls",
		Short: "Work with Microsoft R Server and Machine Learning Server",
		Long: `mls signs in to a Microsoft R Server (9.0.1 to 9.2.0) or Machine Learning Server (9.2.1, 9.3.0), runs R and Python code
there, and publishes and calls web services.

No server at hand? "mls devserver" starts one for development on this machine, with the R and Python that are installed.

Every flag that has an environment variable is looked up in this order: flag, environment, what "mls login" stored in the
profile, default. "mls profile show --origin" tells what holds, and why.

  MLS_ENDPOINT        address of the server                             --endpoint
  MLS_USERNAME        user name                                         login --username
  MLS_PASSWORD        password, or its file in MLS_PASSWORD_FILE        login --password-file
  MLS_TOKEN           access token to use instead of signing in
  MLS_PROFILE         which stored sign-in to use                       --profile
  MLS_API_VERSION     version of the server                             --api-version
  MLS_CA_FILE         certificates to trust                             --ca-file
  MLS_PIN_SHA256      fingerprint of the server's certificate           --pin-sha256
  MLS_ALLOW_HTTP      true: plain http to other machines is accepted    --allow-http
  MLS_PLAINTEXT_STORE true: sign-ins are not kept in the keyring        login --plaintext-store
  MLS_TRACE           not empty: show requests                          --trace
  MLS_AUTHURI         authority of Azure AD                             login --authuri
  MLS_TENANTID        its tenant                                        login --tenantid
  MLS_CLIENTID        application that signs in there                   login --clientid
  MLS_RESOURCE        application that the server is there              login --resource
  MLS_CLIENT_SECRET   client secret, or its file in MLS_CLIENT_SECRET_FILE
  MLS_CERTIFICATE_PASSWORD  of login --certificate, or its file in MLS_CERTIFICATE_PASSWORD_FILE
  MLS_CONFIG_DIR      where sign-ins are stored, default $XDG_CONFIG_HOME/mls

Exit codes: 0 done; 1 failed; 2 wrong usage; 3 the R or Python code failed; 4 sign in (again); 5 not found;
6 forbidden or in conflict; 7 server unavailable or out of time; 8 a dry run found a difference; 130 interrupted.`,
		Example: `  mls login http://localhost:12800 --username admin
  mls status
  mls exec -e 'summary(cars)'
  mls exec --runtime python -e 'print(6 * 7)'
  mls logout`,
	})
	a.group(root,
		a.devserverCmd(), a.loginCmd(), a.logoutCmd(), a.whoamiCmd(), a.tokenCmd(), a.profileCmd(), a.statusCmd(),
		a.execCmd(), a.rscriptCmd(), a.consoleCmd(), a.sessionCmd(), a.snapshotCmd(), a.serviceCmd(), a.batchCmd(), a.realtimeCmd(),
		a.poolCmd(), a.nodeCmd(), a.apiCmd(), a.versionCmd(),
	)
	return root
}

// asRoot gives a program's command the global flags, and lets main report its errors.
func (a *app) asRoot(root *cobra.Command) *cobra.Command {
	root.SilenceErrors, root.SilenceUsage = true, true
	root.PersistentPreRunE = a.checkGlobals
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return usageError(c, "%v", err) })
	f := root.PersistentFlags()
	f.StringVar(&a.endpoint, "endpoint", "", "address of the server, such as https://mls.example.com")
	f.StringVarP(&a.profile, "profile", "p", "", `stored sign-in to use (default: that of "mls profile use", else "default")`)
	f.StringVar(&a.apiVersion, "api-version", "", "version of the server: 9.0.1, 9.1.0, 9.2.0, 9.2.1 or 9.3.0")
	f.StringVarP(&a.output, "format", "o", "table", "form of the output: table or json")
	f.DurationVar(&a.timeout, "timeout", 0, "give up after this time, such as 30s or 5m; 0: never")
	f.StringVar(&a.caFile, "ca-file", "", "PEM file with certificates to trust besides the system's")
	f.StringVar(&a.pin, "pin-sha256", "", "SHA-256 fingerprint of the only certificate to accept, whoever signed it")
	f.Var(&a.allowHTTP, "allow-http", "send password and tokens over plain http, R Server's default, to another machine: whoever reads them on the way can act as you")
	f.Lookup("allow-http").NoOptDefVal = "true"
	f.BoolVar(&a.traced, "trace", false, "show each request on the standard error: method, address, status, time; no contents")
	f.BoolVar(&a.noInput, "no-input", false, "never ask, fail instead")
	return root
}

// group makes parent a command that only has others: without one of them it shows its help, with an unknown one it fails.
func (a *app) group(parent *cobra.Command, children ...*cobra.Command) *cobra.Command {
	parent.AddCommand(children...)
	parent.SuggestionsMinimumDistance = 2
	parent.Args = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		meant := ""
		if similar := c.SuggestionsFor(args[0]); len(similar) > 0 {
			meant = fmt.Sprintf(" (did you mean %s?)", strings.Join(similar, " or "))
		}
		return usageError(c, "unknown command %q%s", args[0], meant)
	}
	parent.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	return parent
}

func (a *app) checkGlobals(c *cobra.Command, _ []string) error {
	if a.output != "table" && a.output != "json" {
		return usageError(c, "--format is table or json, not %q", a.output)
	}
	if a.timeout < 0 {
		return usageError(c, "--timeout must not be negative")
	}
	if _, err := mlserver.ParseVersion(a.or(a.apiVersion, "MLS_API_VERSION")); err != nil {
		return usageError(c, "--api-version: %v", err)
	}
	return nil
}

// or is the flag's value, else the environment variable's.
func (a *app) or(flag, variable string) string {
	if flag != "" {
		return flag
	}
	return a.getenv(variable)
}

// args checks how many arguments a command was given; what names them as in its usage line.
func args(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, given []string) error {
		if len(given) < least {
			return usageError(c, "give %s", what)
		}
		if most >= 0 && len(given) > most {
			return usageError(c, "unexpected argument %q", given[most])
		}
		return nil
	}
}
