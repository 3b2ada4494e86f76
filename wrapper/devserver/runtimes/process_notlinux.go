//go:build !linux

package runtimes

import (
	"errors"
	"os/exec"
	"runtime"
)

func limit(_ int, memory uint64) error {
	if memory != 0 {
		return errors.New("a memory limit is not supported on " + runtime.GOOS)
	}
	return nil
}

// dieWithParent has no equivalent here: an idle worker ends when its requests end, a busy one when it becomes idle.
func dieWithParent(*exec.Cmd) {}
