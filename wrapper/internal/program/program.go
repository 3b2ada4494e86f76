// Package program writes programs for tests to run.
package program

import (
	"os"
	"syscall"
)

// Write writes an executable file. No process is started meanwhile: one that gets the file while it is open for writing, and keeps it
// until it runs its own program, makes it busy for whoever runs it next.
func Write(path, text string) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(path, []byte(text), 0o700)
}
