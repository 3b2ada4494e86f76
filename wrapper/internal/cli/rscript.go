package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/console"
	"github.com/mlserver-go/mls/wrapper/console/mrsdeploy"
	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
)

type rscriptOptions struct {
	app     *app
	program string
}

func (a *app) rscriptCmd() *cobra.Command {
	o := &rscriptOptions{app: a}
	c := &cobra.Command{
		Use:   "Rscript FILE [ARGUMENT...]",
		Short: "Run a script that uses mrsdeploy, on this machine",
		Long: `Run an R script on this machine, with the R that is installed here and with the functions of the package mrsdeploy:
remoteLogin, remoteExecute, putLocalObject, publishService, getService and the others. library(mrsdeploy) finds them. A file that
ends with .py runs in Python, where the same functions are there as the module mrsdeploy and among the built-in names.

remoteLogin signs in where the script says; --endpoint names another server instead, without a change to the script. A user name
and password that the script does not give, or gives as NULL, are those of "mls login" for this server, else MLS_USERNAME and
MLS_PASSWORD, else they are asked for. The remote command line does not exist in a script: after remoteLogin the next line runs
here.

When the script ends, however it does, its session is closed and its sign-in is revoked. That of "mls login" stays.

Scripts see their arguments as commandArgs(TRUE) or sys.argv, and print errors and warnings on the standard output. A script
that fails gives exit code 3, q(status = 5) or sys.exit(5) that code.`,
		Example: `  mls Rscript publish.R v1.0.1
  mls Rscript --endpoint http://localhost:12800 consume.py 120`,
		Args: args(1, -1, "a file"),
		RunE: func(c *cobra.Command, args []string) error { return o.run(c.Context(), args[0], args[1:]) },
	}
	c.Flags().SetInterspersed(false)
	c.Flags().StringVar(&o.program, "local", "", "R or Python `program`; by default the one that lacks the fewest packages")
	return c
}

func (o *rscriptOptions) run(ctx context.Context, file string, args []string) (err error) {
	a := o.app
	language := runtimes.R
	if strings.EqualFold(filepath.Ext(file), ".py") {
		language = runtimes.Python
	}
	code, err := a.readText(file)
	if err != nil {
		return err
	}
	p := &prompting{app: a, screen: console.NewScreen(a.out)}
	defer func() { p.end(ctx) }()
	l, err := mrsdeploy.Start(ctx, mrsdeploy.Options{
		Language: language, Program: o.program, Args: args, Out: p.screen, Login: p.remoteLogin, LoginAsks: true,
		Endpoint: a.endpoint, Script: true,
	})
	if err != nil {
		return err
	}
	defer l.Close()
	err = l.ExecuteFile(ctx, file, strings.TrimPrefix(code, "\ufeff"))
	if ctx.Err() != nil {
		_ = l.Close() // it does not sign in again
	}
	if err2 := l.Logout(ctx, false); err2 != nil {
		a.say("mls: the session or the sign-in could not be ended: %v", err2)
	}
	var quit *mrsdeploy.QuitError
	var gone *runtimes.GoneError
	switch {
	case errors.As(err, &quit) && quit.Status == 0:
		return nil
	case errors.As(err, &quit):
		return programStatus(quit.Status)
	case errors.As(err, &gone):
		return fmt.Errorf("%s: %s ended in the middle of it (%s)", file, language, gone.Status)
	}
	return prefix(err, file)
}
