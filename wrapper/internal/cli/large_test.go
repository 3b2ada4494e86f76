package cli

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
)

// largest is how much memory a file may cost, whatever its size: client and development server each.
const largest = 64 << 20

// TestLargeFile moves a file of twice that size; BenchmarkLargeFile does it with 1 GiB.
func TestLargeFile(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("how much memory a process has used at most is read from /proc")
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

// moveFile sends a file up and fetches it, and returns the most memory that the three processes have used, in bytes. They are of
// programs without the race detector, which needs several times the memory.
func moveFile(tb testing.TB, size int64) (put, get, server int64) {
	programs := tb.TempDir()
	if out, err := exec.Command("go", "build", "-o", programs, "../../cmd/mls", "../../cmd/"+devserverProgram).CombinedOutput(); err != nil {
		tb.Fatalf("%v\n%s", err, out)
	}
	mls := filepath.Join(programs, "mls")
	u := &user{t: tb, dir: tb.TempDir(), env: os.Environ()}
	for name, value := range environment(u.dir, "") {
		u.env = append(u.env, name+"="+value)
	}
	u.write("password.txt", password+"\n")
	ready := filepath.Join(u.dir, "ready.json")
	dev := u.command(mls, "devserver", "--listen", "127.0.0.1:0", "--password-file", "password.txt", "--ready-file", ready)
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
	for deadline := time.Now().Add(patience); says.Endpoint == ""; time.Sleep(20 * time.Millisecond) {
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
	put = u.measured(mls, "session", "file", "put", id, "large.bin")
	get = u.measured(mls, "session", "file", "get", id, "large.bin", "--to", "back.bin")
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

// measure runs a command and writes the most memory that it has used, in KiB. (The system counts for a process what the one had that
// started it, which is therefore a small one, and not this test.)
const measure = `import resource, subprocess, sys
status = subprocess.call(sys.argv[2:])
open(sys.argv[1], "w").write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(status)`

// measured runs a command, which must end well, and returns the most memory that it has used, in bytes.
func (u *user) measured(command ...string) int64 {
	u.t.Helper()
	file := filepath.Join(u.dir, "peak.txt")
	if out, err := u.command(interpreter(u.t, runtimes.Python).Path, append([]string{"-I", "-S", "-c", measure, file}, command...)...).CombinedOutput(); err != nil {
		u.t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		u.t.Fatal(err)
	}
	kib, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || kib == 0 {
		u.t.Fatalf("the most memory of %s is %q, %v", strings.Join(command, " "), text, err)
	}
	return kib << 10
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
