//go:build !linux

package runtimes

import (
	"errors"
	"runtime"
)

func limit(_ int, memory uint64) error {
	if memory != 0 {
		return errors.New("a memory limit is not supported on " + runtime.GOOS)
	}
	return nil
}
