package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
	"github.com/mlserver-go/mls/wrapper/internal/temp"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

type diffOptions struct {
	app     *app
	session string // empty: a temporary one
	runtime string
	local   string // program
	lock    string // file
	check   bool
}

func (a *app) sessionDiffCmd() *cobra.Command {
	o := &diffOptions{app: a}
	c := &cobra.Command{
		Use:   "diff [ID]",
		Short: "Compare the R or Python here, or a lock file, with that of the server",
		Long: `Compare the R or Python on this machine with that of the server, before code goes there: the version of the language,
packages that the server lacks, and packages of which it has another version. Packages that only the server has are not
mentioned. Without ID a session is started for the question.

With --lock the packages come from renv.lock or requirements.txt instead; of the latter a version counts only where == gives one.

It stands for mrsdeploy's diffLocalRemote.`,
		Example: `  mls session diff
  mls session diff $ID --check || true
  mls session diff --runtime python --lock requirements.txt -o json`,
		Args: args(0, 1, ""),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				o.session = args[0]
			}
			if o.lock != "" && o.local != "" {
				return usageError(c, "give --lock or --local, not both")
			}
			if o.runtime != "" && o.session != "" {
				return usageError(c, "--runtime is for a new session, session %s has its own", o.session)
			}
			return o.run(c)
		},
	}
	c.Flags().StringVar(&o.runtime, "runtime", "", "r or python; by default that of the lock file, else r")
	c.Flags().StringVar(&o.local, "local", "", "R or Python `program` here; by default the one that lacks the fewest packages")
	c.Flags().StringVar(&o.lock, "lock", "", "compare what this `file` lists: renv.lock or requirements.txt")
	c.Flags().BoolVar(&o.check, "check", false, "exit with 8 when there is a difference")
	return c
}

func (o *diffOptions) run(c *cobra.Command) error {
	var local *mlserver.Environment
	if o.lock != "" {
		text, err := os.ReadFile(o.lock)
		if err != nil {
			return err
		}
		if local, err = parseLock(o.lock, text); err != nil {
			return fmt.Errorf("%s: %w", o.lock, err)
		}
	}
	lang, err := runtimeFlag(c, o.runtime, "")
	if err != nil {
		return err
	}
	if local != nil && o.runtime == "" {
		lang = local.Runtime
	}
	return o.app.connected(c.Context(), func(ctx context.Context, client *mlserver.Client) error {
		session, done, err := (&execOptions{app: o.app, session: o.session}).open(ctx, client, lang)
		if err != nil {
			return err
		}
		defer done()
		remote, err := session.Environment(ctx)
		if err != nil {
			return o.app.sessionHint(err)
		}
		if local == nil {
			if local, err = localEnvironment(ctx, remote.Runtime, o.local); err != nil {
				return hint(err, "--lock compares a lock file instead")
			}
		}
		if local.Runtime != remote.Runtime {
			return fmt.Errorf("%s is of %s, the session of %s", o.lock, local.Runtime, remote.Runtime)
		}
		return o.show(local.Diff(remote))
	})
}

func (o *diffOptions) show(d mlserver.EnvironmentDiff) error {
	var err error
	if o.app.output == "json" {
		err = o.app.printJSON(d)
	} else {
		_, err = o.app.out.Write([]byte(d.String()))
	}
	if err == nil && o.check && !d.Empty() {
		err = errDiffers
	}
	return err
}

// localEnvironment asks the R or Python of this machine.
func localEnvironment(ctx context.Context, lang mlserver.Runtime, program string) (*mlserver.Environment, error) {
	interpreter, err := runtimes.Find(ctx, runtimes.Language(lang), program)
	if err != nil {
		return nil, err
	}
	dir, err := temp.NewFolder("diff")
	if err != nil {
		return nil, err
	}
	defer dir.Remove()
	worker, err := interpreter.Start(ctx, runtimes.Options{Dir: dir.Path})
	if err != nil {
		return nil, err
	}
	defer worker.Close()
	code, outputs := mlserver.EnvironmentCode(lang)
	request := runtimes.Request{Code: code}
	for _, name := range outputs {
		request.Outputs = append(request.Outputs, runtimes.Output{Name: name})
	}
	r, err := worker.Execute(ctx, request)
	if err != nil {
		return nil, err
	}
	if !r.Success {
		return nil, errors.New(r.Error)
	}
	values := mlserver.Outputs{}
	for _, v := range r.Outputs {
		values = append(values, mlserver.Output{Name: v.Name, JSON: v.Value})
	}
	return mlserver.EnvironmentOf(lang, values)
}
