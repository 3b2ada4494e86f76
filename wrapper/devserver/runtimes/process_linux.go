package runtimes

import (
	"fmt"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// limit bounds the address space of a process and keeps it from leaving core files.
func limit(pid int, memory uint64) error {
	if err := unix.Prlimit(pid, unix.RLIMIT_CORE, &unix.Rlimit{}, nil); err != nil {
		return fmt.Errorf("limit core files: %w", err)
	}
	if memory == 0 {
		return nil
	}
	if err := unix.Prlimit(pid, unix.RLIMIT_AS, &unix.Rlimit{Cur: memory, Max: memory}, nil); err != nil {
		return fmt.Errorf("limit memory: %w", err)
	}
	return nil
}

// dieWithParent makes the kernel kill the process when the thread that started it ends, as it does when this program is
// killed: a busy worker would otherwise run on for nobody.
func dieWithParent(cmd *exec.Cmd) { cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL }
