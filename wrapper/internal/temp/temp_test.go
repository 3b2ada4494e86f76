//go:build unix

package temp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestMain can be a process that makes a file and a folder, and waits to be killed.
func TestMain(m *testing.M) {
	dir := os.Getenv("HOLD")
	if dir == "" {
		os.Exit(m.Run())
	}
	folder, err := NewFolder("test")
	if err != nil {
		panic(err)
	}
	panic(WriteFile(filepath.Join(dir, "a"), func(w io.Writer) error {
		fmt.Fprint(w, "half of it")
		fmt.Println(folder.Path)
		_, err := os.Stdin.Read(make([]byte, 1))
		return err
	}))
}

// hold starts that process, and gives its folder.
func hold(t *testing.T, dir, tmp string) (c *exec.Cmd, folder string) {
	t.Helper()
	c = exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "HOLD="+dir, "TMPDIR="+tmp)
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = c.Process.Kill(); _ = c.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return c, strings.TrimSpace(line)
}

// TestKilled: what a killed process leaves is removed by the next one, and what one still needs is not.
func TestKilled(t *testing.T) {
	dir, tmp := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", tmp)
	// Those look alike, and are not ours.
	others := []string{".mls-2024.tmp", ".mls-notes", "mls-plots-17"}
	for _, name := range others {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(filepath.Join(tmp, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	killed, left := hold(t, dir, tmp)
	_, needed := hold(t, dir, tmp)
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = killed.Wait()
	count := func(dir string) (n int) {
		t.Helper()
		names, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range names {
			if !slices.Contains(others, e.Name()) {
				n++
			}
		}
		return n
	}
	if files, folders := count(dir), count(tmp); files != 2 || folders != 2 {
		t.Fatalf("%d files and %d folders after the kill, want 2 and 2", files, folders)
	}
	if err := WriteFile(filepath.Join(dir, "b"), func(io.Writer) error { return nil }); err != nil {
		t.Fatal(err)
	}
	own, err := NewFolder("test")
	if err != nil {
		t.Fatal(err)
	}
	if files, folders := count(dir), count(tmp); files != 2 || folders != 2 { // with b and own
		t.Errorf("%d files and %d folders, want those of the living process and the new ones", files, folders)
	}
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder of the killed process: %v", err)
	}
	if _, err := os.Stat(needed); err != nil {
		t.Errorf("the folder of the living process: %v", err)
	}
	if err := own.Remove(); err != nil {
		t.Error(err)
	}
	for _, name := range others {
		for _, where := range []string{dir, tmp} {
			if _, err := os.Stat(filepath.Join(where, name)); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestAtOnce: those that write at the same time do not take each other's files for leftovers.
func TestAtOnce(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", t.TempDir())
	var writers sync.WaitGroup
	for i := range 16 {
		writers.Go(func() {
			for j := range 20 {
				path, text := filepath.Join(dir, fmt.Sprint(i, "-", j)), strings.Repeat("x", i*j)
				if err := WriteFile(path, func(w io.Writer) error { _, err := io.WriteString(w, text); return err }); err != nil {
					t.Error(err)
				} else if got, err := os.ReadFile(path); err != nil || string(got) != text {
					t.Errorf("%s has %d bytes, %v; want %d", path, len(got), err, len(text))
				}
				folder, err := NewFolder("test")
				if err != nil {
					t.Error(err)
				} else if err := errors.Join(os.WriteFile(filepath.Join(folder.Path, "x"), nil, 0o600), folder.Remove()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	if names, err := filepath.Glob(filepath.Join(dir, ".mls*")); err != nil || len(names) > 0 {
		t.Errorf("left behind: %v, %v", names, err)
	}
}

// TestErrors name the file that was to be written, leave nothing, and keep what was there.
func TestErrors(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	if err := os.WriteFile(path, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	failed := errors.New("failed")
	if err := WriteFile(path, func(io.Writer) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("got %v, want the writer's error", err)
	}
	closed := WriteFile(path, func(w io.Writer) error {
		_ = w.(io.Closer).Close()
		_, err := w.Write([]byte("x"))
		return err
	})
	if want := "write " + path + ": file already closed"; closed == nil || closed.Error() != want {
		t.Errorf("got %v, want %s", closed, want)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(filepath.Join(dir, "folder"), func(io.Writer) error { return nil }); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "folder")) {
		t.Errorf("in place of a folder: %v", err)
	}
	if err := WriteFile(filepath.Join(dir, "none", "a"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in no folder: %v", err)
	}
	names, err := os.ReadDir(dir)
	if text, _ := os.ReadFile(path); err != nil || len(names) != 2 || string(text) != "before" {
		t.Errorf("left behind: %v, %v; the file says %q", names, err, text)
	}
}
