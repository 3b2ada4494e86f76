package bench

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
)

// Main is the command: it runs the benchmark with the given clients besides those of this package, and returns the exit code.
func Main(others ...Client) int {
	if len(os.Args) == 3 && os.Args[1] == "stub" {
		return report(ServeStub(os.Args[2]))
	}
	if len(os.Args) == 5 && os.Args[1] == "memory" {
		return report(reportMemory(os.Args[2], os.Args[3], os.Args[4]))
	}
	rounds := flag.Int("rounds", 41, "how often each client has its turn")
	only := flag.String("only", "", "a regular expression: run what it matches")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	return report(run(ctx, append(Clients(), others...), *rounds, *only))
}

func report(err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

func run(ctx context.Context, clients []Client, rounds int, only string) error {
	matching, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	file, err := makeFile()
	if err != nil {
		return err
	}
	defer os.Remove(file)
	stub, stop, err := startProcess(file)
	if err != nil {
		return err
	}
	defer stop()
	if _, err = runTasks(ctx, stub, file, rounds, matching.MatchString, os.Stderr); err != nil {
		return err
	}
	_, err = runCalls(ctx, stub, clients, rounds, matching.MatchString, os.Stderr)
	return err
}
