package bench

import (
	"fmt"
	"slices"
	"strings"
)

// Results are all figures of a run.
type Results struct {
	Rounds, Processors int
	Go                 string
	Calls              []CallFigures
	Tasks              []TaskFigures
}

// CallFigures are what one client took for calls of a service.
type CallFigures struct {
	Case       string
	Late       bool // the last chunk
	Goroutines int
	Client     string
	Wall, CPU  spread // ratio to the floor
	// For each call.
	Allocations, Bytes, Connections float64
	FewestConnections               float64 // in one turn
}

// TaskFigures are what our way of a task took.
type TaskFigures struct {
	Name                  string
	Wall, CPU             spread // ratio to the other way
	Mallocs, TheirMallocs float64
	PeakMiB, ExtraMiB     float64 // of a process of its own
}

func (r callRow) figures() []CallFigures {
	var list []CallFigures
	for _, c := range r.clients {
		connections, fewest := c.connections()
		list = append(list, CallFigures{
			Case: r.name, Late: r.late, Goroutines: r.goroutines, Client: c.name, Wall: ratio(c, r.clients[0], wall), CPU: ratio(c, r.clients[0], cpu),
			Allocations: c.per(mallocs), Bytes: c.per(allocated), Connections: connections, FewestConnections: fewest,
		})
	}
	return list
}

func (r taskRow) figures() TaskFigures {
	return TaskFigures{
		Name: r.name, Wall: ratio(r.ours, r.theirs, wall), CPU: ratio(r.ours, r.theirs, cpu),
		Mallocs: r.ours.median(mallocs), TheirMallocs: r.theirs.median(mallocs),
		PeakMiB: float64(r.peak) / (1 << 20), ExtraMiB: float64(r.grown) / (1 << 20),
	}
}

// Table is Markdown.
func (r Results) Table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d processors shared by client and server, loopback; median (quartiles) of %d rounds.\n", r.Go, r.Processors, r.Rounds)
	if len(r.Calls) > 0 {
		r.calls(&b)
	}
	if len(r.Tasks) > 0 {
		b.WriteString("\n| task | compared with | time | processor | allocations | peak memory, MiB | of it extra |\n|---|---|---|---|---|---|---|\n")
		for _, t := range r.Tasks {
			to := "generated client, runtime's defaults"
			if strings.Contains(t.Name, "MiB") {
				to = "`io.Copy` to a bare connection"
			}
			fmt.Fprintf(&b, "| %s | %s | %v | %v | %.0f to %.0f | %.1f | %.1f |\n", t.Name, to, t.Wall, t.CPU, t.Mallocs, t.TheirMallocs, t.PeakMiB, t.ExtraMiB)
		}
	}
	return b.String()
}

func (r Results) calls(b *strings.Builder) {
	var clients []string
	for _, c := range r.Calls {
		if !slices.Contains(clients, c.Client) {
			clients = append(clients, c.Client)
		}
	}
	row := func(name string, cell func(CallFigures) string, of func(CallFigures) bool) {
		fmt.Fprintf(b, "| %s |", name)
		for _, client := range clients {
			text := ""
			if i := slices.IndexFunc(r.Calls, func(c CallFigures) bool { return c.Client == client && of(c) }); i >= 0 {
				text = cell(r.Calls[i])
			}
			fmt.Fprintf(b, " %s |", text)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(b, "\n| calling a service, goroutines | %s |\n|---|%s\n", strings.Join(clients, " | "), strings.Repeat("---|", len(clients)))
	var last CallFigures
	for _, c := range r.Calls {
		if c.Case == last.Case && c.Goroutines == last.Goroutines {
			continue
		}
		last = c
		same := func(o CallFigures) bool { return o.Case == c.Case && o.Goroutines == c.Goroutines }
		row(fmt.Sprintf("%s, %d: time", c.Case, c.Goroutines), func(f CallFigures) string {
			if f.Connections < 0.0005 {
				return f.Wall.String()
			}
			return fmt.Sprintf("%v; %.2f new connections a call", f.Wall, f.Connections)
		}, same)
		if c.Goroutines == 16 {
			row(fmt.Sprintf("%s, %d: processor time of the client", c.Case, c.Goroutines), func(f CallFigures) string { return f.CPU.String() }, same)
		}
	}
	steady := func(c CallFigures) bool { return c.Case == "plain" && c.Goroutines == 1 }
	row("allocations of a call", func(f CallFigures) string { return fmt.Sprintf("%.0f", f.Allocations) }, steady)
	row("bytes of a call", func(f CallFigures) string { return fmt.Sprintf("%.0f", f.Bytes) }, steady)
	if slices.ContainsFunc(r.Calls, func(c CallFigures) bool { return c.Late && c.Goroutines == 1 && c.Connections > 0.5 }) {
		b.WriteString("\nWith one goroutine and the last chunk late, whoever gives up the connection can be faster than who waits a millisecond for that chunk to keep it.\n")
	}
}
