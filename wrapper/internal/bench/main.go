package bench

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"slices"
)

// Main is the command: it runs the benchmark with the given clients besides those of this package, and returns the exit code.
func Main(others ...Client) int {
	switch args := os.Args[1:]; {
	case len(args) == 2 && args[0] == "stub":
		return report(ServeStub(args[1]))
	case len(args) == 3 && args[0] == "memory":
		return report(reportMemory(args[1], args[2]))
	}
	var o options
	flag.IntVar(&o.rounds, "rounds", 41, "how often each client has its turn")
	flag.IntVar(&o.mib, "mib", 512, "size of the file that is sent and fetched, in MiB")
	flag.StringVar(&o.only, "only", "", "a regular expression: run what it matches")
	flag.StringVar(&o.clients, "clients", "", "a regular expression: the clients to compare with the hand-written one")
	flag.StringVar(&o.table, "table", "", "write the figures to this file, as a table in Markdown")
	flag.BoolVar(&o.json, "json", false, "print the figures as JSON")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	return report(run(ctx, slices.Concat(Clients(), others, []Client{{Bare, newBare}}), o))
}

type options struct {
	rounds, mib          int
	only, clients, table string
	json                 bool
}

func report(err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

func run(ctx context.Context, clients []Client, o options) error {
	only, err := regexp.Compile(o.only)
	if err != nil {
		return err
	}
	compare, err := regexp.Compile(o.clients)
	if err != nil {
		return err
	}
	clients = slices.DeleteFunc(clients, func(c Client) bool { return c.Name != Floor && !compare.MatchString(c.Name) })
	file, err := makeFile(o.mib)
	if err != nil {
		return err
	}
	defer os.Remove(file)
	stub, stop, err := startProcess(file)
	if err != nil {
		return err
	}
	defer stop()
	progress := io.Writer(os.Stderr)
	if o.json {
		progress = io.Discard
	}
	r := Results{Rounds: o.rounds, Processors: runtime.NumCPU(), Go: runtime.Version()}
	// The tasks go first: calls leave thousands of connections, which sending a file then feels.
	tasks, err := runTasks(ctx, stub, o.rounds, only.MatchString, progress)
	if err != nil {
		return err
	}
	for _, row := range tasks {
		r.Tasks = append(r.Tasks, row.figures())
	}
	calls, err := runCalls(ctx, stub, clients, o.rounds, only.MatchString, progress)
	if err != nil {
		return err
	}
	for _, row := range calls {
		r.Calls = append(r.Calls, row.figures()...)
	}
	if o.table != "" {
		if err := os.WriteFile(o.table, []byte(r.Table()), 0o644); err != nil {
			return err
		}
	}
	if o.json {
		return json.NewEncoder(os.Stdout).Encode(r)
	}
	return nil
}
