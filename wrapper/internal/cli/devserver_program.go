package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const (
	// devserverProgram is a program of its own, so that mls is small, and holds no server that runs other people's code.
	devserverProgram = "mls-devserver"
	devserverShort   = "Start a server for development on this machine, with real R and Python"
	devserverInstall = "go install github.com/mlserver-go/mls/wrapper/cmd/" + devserverProgram + "@latest"
)

// devserverCmd hands everything on to mls-devserver, the question for help as well.
func (a *app) devserverCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "devserver",
		Short: devserverShort,
		Long: devserverShort + `.

It is a program of its own, ` + devserverProgram + `, which is not installed here. mls starts it, and shows its help, when it is in the
folder of mls or in PATH:

  ` + devserverInstall,
		Example:            `  mls devserver`,
		DisableFlagParsing: true,
		ValidArgsFunction:  completeDevserver,
		RunE:               func(c *cobra.Command, args []string) error { return a.runDevserver(c.Context(), args) },
	}
	shortHelp := c.HelpFunc()
	c.SetHelpFunc(func(c *cobra.Command, args []string) {
		err := a.runDevserver(c.Context(), []string{"--help"})
		if errors.Is(err, pflag.ErrHelp) {
			shortHelp(c, args)
		} else {
			a.report(err)
		}
	})
	return c
}

// runDevserver becomes mls-devserver, if this system lets a process do that: process id, signals and exit code are then the server's.
func (a *app) runDevserver(ctx context.Context, args []string) error {
	path, err := findDevserver()
	switch {
	case err != nil && (slices.Contains(args, "--help") || slices.Contains(args, "-h")):
		return pflag.ErrHelp
	case err != nil:
		return hint(&notFound{fmt.Sprintf("the development server is a program of its own, and is not installed: %v", err)},
			"`%s` installs it; or put it beside mls", devserverInstall)
	case ctx.Err() != nil:
		return ctx.Err() // a server that is started now would not know
	}
	err = syscall.Exec(path, append([]string{path}, args...), os.Environ())
	if errors.Is(err, errors.ErrUnsupported) {
		return a.runChild(exec.Command(path, args...))
	}
	return prefix(err, path)
}

// runChild runs a program with the streams of this one. It is left to that program what an interrupt does.
func (a *app) runChild(c *exec.Cmd) error {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	c.Stdin, c.Stdout, c.Stderr = a.in, a.out, a.err
	err := c.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return programStatus(exit.ExitCode())
	}
	return err
}

// findDevserver looks beside this program first: who has several versions wants the one that came with it.
func findDevserver() (string, error) {
	if self, err := os.Executable(); err == nil {
		programs := []string{self}
		if target, err := filepath.EvalSymlinks(self); err == nil {
			programs = append(programs, target)
		}
		for _, program := range programs {
			if path, err := exec.LookPath(filepath.Join(filepath.Dir(program), devserverProgram)); err == nil {
				return path, nil
			}
		}
	}
	return exec.LookPath(devserverProgram)
}

// completeDevserver asks mls-devserver. The global flags are completed already.
func completeDevserver(c *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	path, err := findDevserver()
	if err != nil {
		return nil, cobra.ShellCompDirectiveDefault
	}
	out, err := exec.CommandContext(c.Context(), path, slices.Concat([]string{cobra.ShellCompRequestCmd}, args, []string{toComplete})...).Output()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	last := len(lines) - 1
	directive, bad := strconv.Atoi(strings.TrimPrefix(lines[last], ":"))
	if err != nil || bad != nil {
		return nil, cobra.ShellCompDirectiveDefault
	}
	global := c.InheritedFlags()
	return slices.DeleteFunc(lines[:last], func(line string) bool {
		flag, _, _ := strings.Cut(line, "\t")
		name := strings.TrimLeft(flag, "-")
		return global.Lookup(name) != nil || len(name) == 1 && global.ShorthandLookup(name) != nil
	}), cobra.ShellCompDirective(directive)
}
