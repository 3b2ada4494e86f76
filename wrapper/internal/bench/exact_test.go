package bench_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlserver-go/mls/wrapper/internal/bench"
)

// TestExactQuantities holds what does not depend on how busy the machine is: allocations, bytes, new connections and memory. A
// limit is what was reached, a little above what is measured; where more is aimed at, that stands beside it.
func TestExactQuantities(t *testing.T) {
	program := filepath.Join(t.TempDir(), "exact") // not this one, which the race detector makes another
	if out, err := exec.Command("go", "build", "-o", program, "./exact").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	measure := func(args ...string) (r bench.Results) {
		cmd := exec.Command(program, append(args, "-json")...)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err == nil {
			err = json.Unmarshal(out, &r)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("\n%s", r.Table())
		return r
	}
	calls := measure("-rounds", "3", "-mib", "1", "-clients", "^"+bench.Ours, "-only", "^calls ").Calls
	tasks := measure("-rounds", "1", "-mib", "64", "-only", "MiB|there and back|batch").Tasks

	cases := map[string]bool{}
	var floor bench.CallFigures // of the same case: it comes first
	for _, c := range calls {
		if c.Client == bench.Floor {
			floor = c
			continue
		}
		cases[fmt.Sprint(c.Case, c.Goroutines)] = true
		if c.FewestConnections > 0 { // net/http gives one up when the machine is so busy that 50 ms are nothing: not in each turn
			t.Errorf("%s, %d goroutines: at least %.4f new connections a call, want none", c.Case, c.Goroutines, c.FewestConnections)
		}
		allocations, bytes := 75.0, 4700.0
		if c.Case != "plain" || c.Goroutines == 256 { // net/http takes more then, and buffers of 256 goroutines that the collector has
			allocations, bytes = floor.Allocations+15, floor.Bytes+1000 // taken are made anew in each turn
		}
		if c.Allocations > allocations || c.Bytes > bytes {
			t.Errorf("%s, %d goroutines: a call makes %.1f allocations of %.0f bytes, want at most %.0f of %.0f", c.Case, c.Goroutines, c.Allocations, c.Bytes, allocations, bytes)
		}
	}
	if len(cases) != 12 {
		t.Errorf("calls were measured %v, want plain and TLS, with and without a late last chunk, from 1, 16 and 256 goroutines", cases)
	}
	limits := []struct {
		task              string
		peakMiB, extraMiB float64 // 0: no limit
		mallocs           float64
	}{
		{task: "up, octet stream", peakMiB: 16},
		{task: "up, multipart", peakMiB: 16},
		{task: "MiB down", peakMiB: 16},
		{task: "17 digits, there and back", extraMiB: 25, mallocs: 300},
		{task: "4 decimals, there and back", extraMiB: 25, mallocs: 300},
		{task: "posting", extraMiB: 4, mallocs: 101_000}, // one for each row: its number in an any
		{task: "reading", extraMiB: 5, mallocs: 10_000},
	}
	for _, l := range limits {
		found := false
		for _, task := range tasks {
			if !strings.Contains(task.Name, l.task) {
				continue
			}
			found = true
			if l.peakMiB > 0 && task.PeakMiB > l.peakMiB {
				t.Errorf("%s takes %.1f MiB, want at most %.0f", task.Name, task.PeakMiB, l.peakMiB)
			}
			if l.extraMiB > 0 && task.ExtraMiB > l.extraMiB {
				t.Errorf("%s takes %.1f MiB more than before, want at most %.0f", task.Name, task.ExtraMiB, l.extraMiB)
			}
			if l.mallocs > 0 && task.Mallocs > l.mallocs {
				t.Errorf("%s makes %.0f allocations, want at most %.0f", task.Name, task.Mallocs, l.mallocs)
			}
		}
		if !found {
			t.Errorf("no task %q was measured", l.task)
		}
	}
}
