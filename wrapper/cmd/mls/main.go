// Command mls signs in to a Microsoft R Server or Machine Learning Server, runs R and Python there, and publishes and calls
// web services. Its development server, to try all that with, is the program mls-devserver.
package main

import (
	"os"

	"github.com/mlserver-go/mls/wrapper/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
