package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
)

// taskRow is what both ways of a task took.
type taskRow struct {
	name         string
	ours, theirs sample
	peak         int64 // memory of a process that does it our way, in bytes; 0: not known
	grown        int64 // by how much that is more than before
}

func allTasks(s *Stub) ([]task, error) {
	tasks, err := streamTasks(s)
	if err != nil {
		return nil, err
	}
	frames, err := frameTasks(s)
	if err != nil {
		return nil, err
	}
	batches, err := batchTasks(s)
	if err != nil {
		return nil, err
	}
	return append(append(tasks, frames...), batches...), nil
}

func runTasks(ctx context.Context, s *Stub, rounds int, want func(string) bool, progress io.Writer) ([]taskRow, error) {
	tasks, err := allTasks(s)
	if err != nil {
		return nil, err
	}
	var rows []taskRow
	for _, t := range tasks {
		if !want(t.name) {
			continue
		}
		row := taskRow{name: t.name}
		sides := []struct {
			do func(context.Context) error
			to *sample
		}{{t.ours, &row.ours}, {t.theirs, &row.theirs}}
		for _, side := range sides { // warms up
			if err := side.do(ctx); err != nil {
				return nil, fmt.Errorf("%s: %w", t.name, err)
			}
		}
		for range rounds {
			for _, i := range rand.Perm(len(sides)) {
				took, err := measure(func() error { return sides[i].do(ctx) })
				if err != nil {
					return nil, fmt.Errorf("%s: %w", t.name, err)
				}
				sides[i].to.turns = append(sides[i].to.turns, took)
				sides[i].to.calls++
			}
		}
		if row.peak, row.grown, err = memoryOf(ctx, s, t.name); err != nil {
			return nil, fmt.Errorf("%s: %w", t.name, err)
		}
		rows = append(rows, row)
		fmt.Fprintln(progress, row)
	}
	return rows, nil
}

// memoryOf is the memory that processes of their own take which do a task three times: the most that one of them took, and the
// least by which one grew, since a collector that gets no processor lags behind.
func memoryOf(ctx context.Context, s *Stub, name string) (peak, grown int64, err error) {
	for i := range 3 {
		most, more, err := memoryOnce(ctx, s, name)
		if err != nil {
			return 0, 0, err
		}
		if peak = max(peak, most); i == 0 || more < grown {
			grown = more
		}
	}
	return peak, grown, nil
}

func memoryOnce(ctx context.Context, s *Stub, name string) (peak, grown int64, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, 0, err
	}
	stub, err := json.Marshal(s)
	if err != nil {
		return 0, 0, err
	}
	cmd := exec.CommandContext(ctx, self, "memory", name, string(stub))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err == nil {
		_, err = fmt.Sscan(string(out), &peak, &grown)
	}
	return peak, grown, err
}

func reportMemory(name, stub string) error {
	s := &Stub{}
	if err := json.Unmarshal([]byte(stub), s); err != nil {
		return err
	}
	tasks, err := allTasks(s)
	if err != nil {
		return err
	}
	for _, t := range tasks {
		if t.name != name {
			continue
		}
		ours := t.ours
		tasks, t = nil, task{} // what the others need is not counted, nor is what comes with the first time
		if err := ours(context.Background()); err != nil {
			return err
		}
		debug.FreeOSMemory()
		_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // where there is one it takes back VmHWM
		before, err := status("VmRSS")
		if err != nil {
			return err
		}
		for range 3 {
			if err := ours(context.Background()); err != nil {
				return err
			}
		}
		peak, err := status("VmHWM")
		fmt.Println(peak, peak-before)
		return err
	}
	return fmt.Errorf("no task %q", name)
}

// status is a figure of /proc/self/status in bytes; 0 where there is none.
func status(name string) (int64, error) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0, nil
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), name+":"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(value, "kB")), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("/proc/self/status has no %s", name)
}

func (r taskRow) String() string {
	return fmt.Sprintf("%s: ours %.1f ms, theirs %.1f ms: %s  cpu %s  mallocs %.0f to %.0f  allocated %.1f to %.1f MiB  peak %.1f MiB, %.1f more", r.name,
		1e3*r.ours.median(wall), 1e3*r.theirs.median(wall), ratio(r.ours, r.theirs, wall), ratio(r.ours, r.theirs, cpu),
		r.ours.median(mallocs), r.theirs.median(mallocs), r.ours.median(allocated)/(1<<20), r.theirs.median(allocated)/(1<<20),
		float64(r.peak)/(1<<20), float64(r.grown)/(1<<20))
}
