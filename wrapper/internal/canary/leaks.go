package canary

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// ownTemp gives the tests a folder for what is temporary, in which nothing may be left.
func ownTemp() (dir string) {
	dir, err := os.MkdirTemp("", "mls-tests-")
	if err == nil {
		err = os.Setenv("TMPDIR", dir)
	}
	if err != nil {
		panic(err)
	}
	return dir
}

// leaks is what the tests have left after a while: temporary files, processes, goroutines.
func leaks(dir string) (left []string) {
	const patience = 10 * time.Second // for what ends by itself, on a machine that has much to do
	for end := time.Now().Add(patience); ; <-time.After(20 * time.Millisecond) {
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil {
			panic(err)
		}
		if left = append(append(files, children()...), goroutines()...); len(left) == 0 || time.Now().After(end) {
			return left
		}
	}
}

// children are the processes that this one has started, where the system tells.
func children() (list []string) {
	tasks, _ := filepath.Glob("/proc/self/task/*/children")
	for _, task := range tasks {
		pids, _ := os.ReadFile(task) // a thread that has ended has none
		for _, pid := range strings.Fields(string(pids)) {
			command, _ := os.ReadFile(filepath.Join("/proc", pid, "cmdline"))
			list = append(list, fmt.Sprintf("process %s: %.200s", pid, strings.ReplaceAll(string(command), "\x00", " ")))
		}
	}
	return list
}

// goroutines are those that run code of this project, besides the one that asks.
func goroutines() (list []string) {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for i, stack := range strings.Split(string(stacks), "\n\n") {
		if i > 0 && strings.Contains(stack, "github.com/mlserver-go/mls/") {
			list = append(list, strings.Join(slices.DeleteFunc(strings.Split(stack, "\n"), func(line string) bool {
				return !strings.HasPrefix(line, "goroutine") && !strings.Contains(line, "github.com/mlserver-go/mls/")
			}), "\n"))
		}
	}
	return list
}
