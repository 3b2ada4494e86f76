//go:build unix

package runtimes

import (
	"os/exec"
	"syscall"
)

// supported says why workers cannot run here: they can.
func supported() error { return nil }

// ownGroup puts the process into a group of its own, so that signals reach its children and not its parent.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// interruptGroup sends what Ctrl-C sends to a process and its children.
func interruptGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGINT) }

func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }
