package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// built is the program of a package, without its symbols, as it is released.
func built(t testing.TB, pkg string) string {
	program := filepath.Join(t.TempDir(), "program")
	if out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", program, pkg).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// TestSize fails when the command has grown. A dependency that runs a text/template, or calls methods by name in another way, costs
// a fifth at once: the linker then keeps every method of every type.
func TestSize(t *testing.T) {
	info, err := os.Stat(built(t, "."))
	if err != nil {
		t.Fatal(err)
	}
	const limit = 17.2 // aim: 15, which takes a development server apart from the command
	size := float64(info.Size()) / (1 << 20)
	t.Logf("%.2f MiB", size)
	if size > limit {
		t.Errorf("mls has %.2f MiB without symbols, want at most %.1f", size, limit)
	}
}

// BenchmarkStart compares the start of the command with that of a program that has a cobra command and nothing else: median times of
// processes that run in turns.
func BenchmarkStart(b *testing.B) {
	mls, bare := built(b, "."), built(b, "./testdata/bare")
	var times [2][]time.Duration
	for b.Loop() {
		for i, program := range []string{mls, bare} {
			begin := time.Now()
			if err := exec.Command(program, "version").Run(); err != nil {
				b.Fatal(err)
			}
			times[i] = append(times[i], time.Since(begin))
		}
	}
	for i := range times {
		slices.Sort(times[i])
	}
	ours, theirs := times[0][len(times[0])/2], times[1][len(times[1])/2]
	b.ReportMetric(ours.Seconds()*1000, "ms/start")
	b.ReportMetric(theirs.Seconds()*1000, "ms/bare-start")
	b.ReportMetric(ours.Seconds()/theirs.Seconds(), "x-bare")
}
