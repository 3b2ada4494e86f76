package bench_test

import (
	"encoding/json"
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
	cmd := exec.Command(program, "-json", "-rounds", "1", "-mib", "64", "-only", "^calls .*, (1|16)$|MiB|there and back|batch")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var r bench.Results
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", r.Table())

	cases := map[string]bool{}
	for _, c := range r.Calls {
		if c.Client != bench.Ours {
			continue
		}
		cases[c.Case] = true
		if c.Connections > 0 {
			t.Errorf("%s, %d goroutines: %.4f new connections a call, want none", c.Case, c.Goroutines, c.Connections)
		}
		if c.Case == "plain" && c.Goroutines == 1 && (c.Allocations > 75 || c.Bytes > 5500) { // aim: 4,700 bytes
			t.Errorf("a call makes %.1f allocations of %.0f bytes, want at most 75 of 5500", c.Allocations, c.Bytes)
		}
	}
	if len(cases) != 4 {
		t.Errorf("calls were measured %v, want plain and TLS, with and without a late last chunk", cases)
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
		for _, task := range r.Tasks {
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
