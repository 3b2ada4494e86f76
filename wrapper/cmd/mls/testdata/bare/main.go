// Command bare is what the start of mls is compared with.
package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func main() {
	root := &cobra.Command{Use: "bare"}
	root.AddCommand(&cobra.Command{Use: "version", Run: func(c *cobra.Command, _ []string) { fmt.Fprintln(c.OutOrStdout(), "1.0") }})
	if err := root.Execute(); err != nil {
		panic(err)
	}
}
