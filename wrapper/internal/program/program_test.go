//go:build unix

package program

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// TestWrite runs programs as soon as they are written, while other goroutines start processes.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 25 {
				path := filepath.Join(dir, fmt.Sprint(i, "-", j))
				if err := Write(path, "#!/bin/sh\necho done\n"); err != nil {
					t.Error(err)
				} else if out, err := exec.Command(path).CombinedOutput(); err != nil || string(out) != "done\n" {
					t.Errorf("%s, %v", out, err)
				}
			}
		})
	}
	all.Wait()
}
