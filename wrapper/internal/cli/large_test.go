package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// largest is how much memory a file may cost, whatever its size: client and development server each.
const largest = 64 << 20

// TestLargeFile moves a file of twice that size; BenchmarkLargeFile does it with 1 GiB.
func TestLargeFile(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("how much memory a process has used at most is read from /proc")
	}
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		t.Skip("the race detector needs several times the memory")
	}
	t.Parallel()
	moveFile(t, 2*largest)
}

func BenchmarkLargeFile(b *testing.B) {
	const size = 1 << 30
	b.SetBytes(2 * size)
	for b.Loop() {
		up, down, server := moveFile(b, size)
		b.ReportMetric(float64(up)/(1<<20), "MiB-put")
		b.ReportMetric(float64(down)/(1<<20), "MiB-get")
		b.ReportMetric(float64(server)/(1<<20), "MiB-server")
	}
}

// moveFile sends a file up and fetches it, and returns the most memory that the three processes have used, in bytes.
func moveFile(tb testing.TB, size int64) (put, get, server int64) {
	u := &user{t: tb, dir: tb.TempDir(), env: os.Environ()}
	for name, value := range environment(u.dir, "") {
		u.env = append(u.env, name+"="+value)
	}
	u.write("password.txt", password+"\n")
	ready := filepath.Join(u.dir, "ready.json")
	dev := u.command("mls", "devserver", "--listen", "127.0.0.1:0", "--password-file", "password.txt", "--ready-file", ready)
	if err := dev.Start(); err != nil {
		tb.Fatal(err)
	}
	defer func() {
		_ = dev.Process.Signal(os.Interrupt)
		if err := dev.Wait(); err != nil {
			tb.Errorf("the server ended with %v", err)
		}
	}()
	var says struct{ Endpoint string }
	for deadline := time.Now().Add(time.Minute); says.Endpoint == ""; time.Sleep(20 * time.Millisecond) {
		if text, err := os.ReadFile(ready); err == nil && json.Unmarshal(text, &says) != nil || time.Now().After(deadline) {
			tb.Fatal("the server did not start")
		}
	}
	u.must("login", says.Endpoint, "--username", "admin", "--password-file", "password.txt")
	id := u.must("session", "create", "--runtime", "python")
	f, err := os.Create(filepath.Join(u.dir, "large.bin"))
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("the end"), size-7); err != nil {
		tb.Fatal(err)
	}
	if err := f.Close(); err != nil {
		tb.Fatal(err)
	}
	u.env = append(u.env, "TEST_STATUS=status.txt")
	u.must("session", "file", "put", id, "large.bin")
	put = peak(tb, filepath.Join(u.dir, "status.txt"))
	u.must("session", "file", "get", id, "large.bin", "--to", "back.bin")
	get = peak(tb, filepath.Join(u.dir, "status.txt"))
	server = peak(tb, filepath.Join("/proc", strconv.Itoa(dev.Process.Pid), "status"))
	if out, err := u.command("cmp", "large.bin", "back.bin").CombinedOutput(); err != nil {
		tb.Errorf("what came back differs: %v %s", err, out)
	}
	for what, used := range map[string]int64{"sending": put, "fetching": get, "serving": server} {
		if used > largest {
			tb.Errorf("%s %d MiB took %d MiB of memory, want no more than %d", what, size>>20, used>>20, largest>>20)
		}
	}
	return put, get, server
}

var highWater = regexp.MustCompile(`(?m)^VmHWM:\s*(\d+) kB$`)

// peak reads the most memory that a process has used from its status.
func peak(tb testing.TB, status string) int64 {
	tb.Helper()
	text, err := os.ReadFile(status)
	if err != nil {
		tb.Fatal(err)
	}
	m := highWater.FindStringSubmatch(string(text))
	if m == nil {
		tb.Fatalf("no VmHWM in %s", strings.TrimSpace(string(text)))
	}
	kib, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		tb.Fatal(err)
	}
	return kib << 10
}
