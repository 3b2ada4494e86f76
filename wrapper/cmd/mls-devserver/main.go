// Command mls-devserver plays a Microsoft R Server or Machine Learning Server of any version, for development, with the R and
// Python of this machine. "mls devserver" starts it.
package main

import (
	"os"

	"github.com/mlserver-go/mls/wrapper/internal/cli"
)

func main() {
	os.Exit(cli.Devserver(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
