package main

import (
	"bytes"
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

// TestSize fails when a program has grown. A dependency that runs a text/template, or calls methods by name in another way, costs
// a fifth at once: the linker then keeps every method of every type.
//
// What runs other people's code is in mls-devserver alone. The names of functions are in programs without symbols, too.
func TestSize(t *testing.T) {
	for _, test := range []struct {
		name   string
		limit  float64 // MiB
		serves bool
	}{
		{"mls", 15.0, false},
		{"mls-devserver", 13.3, true},
	} {
		program, err := os.ReadFile(built(t, "../"+test.name))
		if err != nil {
			t.Fatal(err)
		}
		size := float64(len(program)) / (1 << 20)
		t.Logf("%s: %.2f MiB", test.name, size)
		if size > test.limit {
			t.Errorf("%s has %.2f MiB without symbols, want at most %.1f", test.name, size, test.limit)
		}
		if got := bytes.Contains(program, []byte("wrapper/devserver.(*Server).Serve")); got != test.serves {
			t.Errorf("%s holds the development server: %t, want %t", test.name, got, test.serves)
		}
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
