//go:build !unix

package runtimes

import (
	"errors"
	"os/exec"
	"runtime"
)

func supported() error {
	return errors.New("running R and Python locally is not supported on " + runtime.GOOS +
		" (workers need inherited pipes); use a server, or run it on Linux, macOS or WSL")
}

func ownGroup(*exec.Cmd) {}

func interruptGroup(int) {}

func killGroup(int) {}
