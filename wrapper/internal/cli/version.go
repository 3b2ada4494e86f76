package cli

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func (a *app) versionCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of this command",
		Example: `  mls version
  mls version -o json`,
		Args: args(0, 0, ""),
		RunE: func(*cobra.Command, []string) error { return a.printVersion("mls") },
	}
}

func (a *app) printVersion(program string) error {
	v := map[string]string{"version": "unknown", "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		v["version"] = info.Main.Version
	}
	return a.printLine(v, program+" "+v["version"]+" "+v["platform"]+" "+v["go"])
}
