// Command exact runs the benchmark without the client of another generator, which takes another module. Tests run it for the
// quantities that are the same each time.
package main

import (
	"os"

	"github.com/mlserver-go/mls/wrapper/internal/bench"
)

func main() { os.Exit(bench.Main()) }
