//go:build linux

package devserver

import (
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
)

// Whatever keeps the server from writing is told as that, and no server's mistake.
func TestNoRoom(t *testing.T) {
	c := start(t, noLanguages)
	for _, err := range []error{
		&os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, fmt.Errorf("x: %w", syscall.EDQUOT), syscall.EFBIG,
		&runtimes.OperationError{Message: "[Errno 28] No space left on device"}, &runtimes.OperationError{Message: "error writing: File too large"},
	} {
		w := httptest.NewRecorder()
		if c.srv.refuse(w, httptest.NewRequest("POST", "/", nil), err); w.Code != 507 || !strings.Contains(w.Body.String(), "the server's disk is full") {
			t.Errorf("%v is answered with %d %s", err, w.Code, w.Body)
		}
	}
}

// smallDisk mounts one. A user who may not do that gets a second run of the test, as the root of a namespace of its own; where
// the system has none, it returns "".
func smallDisk(t *testing.T, size string) (dir string) {
	t.Helper()
	const again = "MLS_TEST_NAMESPACE"
	dir = t.TempDir()
	err := syscall.Mount("none", dir, "tmpfs", 0, "size="+size)
	if err == nil {
		t.Cleanup(func() {
			if err := syscall.Unmount(dir, 0); err != nil {
				t.Error(err)
			}
		})
		return dir
	}
	if os.Getenv(again) != "" {
		t.Fatal(err)
	}
	c := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	c.Env = append(os.Environ(), again+"=1")
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}, GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := c.CombinedOutput()
	if _, ran := errors.AsType[*exec.ExitError](err); ran {
		t.Errorf("%s", out)
	} else if err != nil {
		t.Logf("nobody may mount a disk here: %v (TestLimitedServer of internal/cli needs none)", err)
	}
	return ""
}

// TestFullDisk: what there is no room for is refused and leaves nothing, what was acknowledged stays, and once there is room all
// goes on. The server after this one finds just that.
func TestFullDisk(t *testing.T) {
	needs(t, runtimes.R, runtimes.Python)
	dir := smallDisk(t, "6m")
	if dir == "" {
		return
	}
	t.Setenv("TMPDIR", filepath.Join(dir, "tmp"))
	if err := os.Mkdir(os.Getenv("TMPDIR"), 0o700); err != nil {
		t.Fatal(err)
	}
	cfg := Config{DataDir: filepath.Join(dir, "data")}
	c := start(t, cfg)
	login := c.signIn()
	c = c.with(login.AccessToken)
	p, r := c.session(runtimes.Python), c.session(runtimes.R)
	c.upload(p, "x", "small", 201)
	c.run(p, "import os\nbig = os.urandom(3 << 20)")
	c.run(r, "big <- as.raw(sample(0:255, 3e6, TRUE))")
	var kept struct{ SnapshotID string }
	small := c.session(runtimes.Python)
	c.run(small, "x = 1")
	c.want("POST", small+"/snapshot", `{}`, 201).into(&kept)
	c.upload(p, "x", strings.Repeat("x", room(t, dir)+100_000), 507).says("disk is full") // little too much: see TestLargeFile
	if got := c.want("GET", p+"/files/x", nil, 200).body; got != "small" {
		t.Errorf("the file before is %d bytes, want it kept", len(got))
	}
	c.run(p, "n = open('y', 'wb').write(big)")
	nothingNew := func(what string) {
		t.Helper()
		if got := c.want("GET", "/snapshots", nil, 200).body; strings.Count(got, `"id"`) != 1 || !strings.Contains(got, kept.SnapshotID) {
			t.Errorf("snapshots after %s: %s, want the one before", what, got)
		}
		blobs, err := os.ReadDir(c.srv.store.blobs())
		if err != nil || len(blobs) != 1 {
			t.Errorf("blobs after %s: %v, %v", what, blobs, err)
		}
		left, err := filepath.Glob(filepath.Join(c.srv.store.workers(), "*-*"))
		left = slices.DeleteFunc(left, func(name string) bool { return strings.HasPrefix(filepath.Base(name), "service-") })
		if err != nil || len(left) > 0 {
			t.Errorf("left behind by %s: %v, %v", what, left, err)
		}
	}
	for _, session := range []string{p, r} {
		c.want("POST", session+"/snapshot", `{}`, 507).says("disk is full")
		nothingNew("a snapshot")
	}
	var e executeResponse
	c.want("POST", p+"/execute", map[string]string{"code": "open('z', 'wb').write(big)"}, 200).into(&e)
	if e.Success || !strings.Contains(e.ErrorMessage, "No space left on device") {
		t.Errorf("code that fills the disk: %+v", e)
	}

	c.want("DELETE", p+"/files/y", nil, 200)
	c.want("DELETE", p+"/files/z", nil, 200)

	// Now there is no room at all, and then for the database to grow a little.
	fill(t, filepath.Join(dir, "full"))
	for size := 10; size < 1e6; size *= 3 { // R's own buffers hold the smaller ones
		code := fmt.Sprintf("o <- as.raw(sample(0:255, %d, TRUE))", size)
		if a := c.do("POST", r+"/execute", map[string]string{"code": code}); a.status != 200 {
			continue // not even that found room
		}
		if a := c.do("GET", r+"/workspace/o", nil); a.status != 507 {
			t.Errorf("an object of %d bytes on a full disk: status %d, %d bytes", size, a.status, len(a.body))
		}
	}
	if err := os.Truncate(filepath.Join(dir, "full"), fileSize(t, filepath.Join(dir, "full"))-100_000); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", t.TempDir())
	published := []string{}
	refused := false
	for i := 0; i < 100 && !refused; i++ {
		name := fmt.Sprint("s", i)
		switch a := c.do("POST", "/services/"+name+"/1", map[string]string{"code": "1 #" + strings.Repeat("x", 10_000), "runtimeType": "Python"}); a.status {
		case 201:
			published = append(published, name)
		case 507:
			a.says("disk is full")
			refused = true
		default:
			t.Fatalf("status %d: %s", a.status, a.body)
		}
	}
	if !refused {
		t.Error("a hundred services were published on a full disk")
	}
	renewed := false
	for range 100 {
		a := c.do("POST", "/login/refreshToken", map[string]string{"refreshToken": login.RefreshToken})
		if a.status != 200 {
			renewed = a.status == 507
			break
		}
		a.into(&login)
		c = c.with(login.AccessToken)
	}
	if !renewed {
		t.Log("all renewals found room")
	}
	c.want("GET", "/services", nil, 200) // the pair before is still good
	deleted := c.do("DELETE", "/snapshots/"+kept.SnapshotID, nil)
	if deleted.status != 200 && deleted.status != 507 {
		t.Errorf("deleting a snapshot: status %d: %s", deleted.status, deleted.body)
	}
	t.Logf("%d services were published, renewal refused: %t, deletion: %d", len(published), renewed, deleted.status)
	snapshots := c.want("GET", "/snapshots", nil, 200).body
	if there := strings.Contains(snapshots, kept.SnapshotID); there != (deleted.status == 507) {
		t.Errorf("deleting it gave %d, and the snapshots are %s", deleted.status, snapshots)
	}

	if err := os.Remove(filepath.Join(dir, "full")); err != nil {
		t.Fatal(err)
	}
	c.upload(p, "x", "there is room again", 201)
	c.want("POST", "/services/again/1", map[string]string{"code": "1", "runtimeType": "Python"}, 201)
	published = append(published, "again")
	login = c.renew(login.RefreshToken, 200)
	c = c.with(login.AccessToken)
	services := c.want("GET", "/services", nil, 200).body
	if err := c.srv.Close(); err != nil {
		t.Fatal(err)
	}

	next := start(t, cfg).with(login.AccessToken)
	if got := next.want("GET", "/services", nil, 200).body; got != services || strings.Count(got, `"name":"s`)+strings.Count(got, `"name":"again"`) != len(published) {
		t.Errorf("services after the restart: %s\nbefore: %s\npublished were %v", got, services, published)
	}
	if got := next.want("GET", "/snapshots", nil, 200).body; got != snapshots {
		t.Errorf("snapshots after the restart: %s\nbefore: %s", got, snapshots)
	}
	next.renew(login.RefreshToken, 200)
}

// room is how much may be written to a disk, in bytes.
func room(t *testing.T, dir string) int {
	t.Helper()
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		t.Fatal(err)
	}
	return int(s.Bavail) * int(s.Bsize)
}

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// fill writes a file until there is no more room.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for block := make([]byte, 4096); err == nil; _, err = f.Write(block) {
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// What is written to a full disk says so.
func TestFullDevice(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	if _, err = io.Copy(full, strings.NewReader("no room")); !noRoom(badUpload(err)) {
		t.Errorf("%v is not taken for a full disk", err)
	}
}

// TestFailedDeletion: what could not be deleted for good is still there.
func TestFailedDeletion(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.Python)
	c := start(t, only(runtimes.Python))
	p := c.session(runtimes.Python)
	var shot struct{ SnapshotID string }
	c.want("POST", p+"/snapshot", `{}`, 201).into(&shot)
	c.want("POST", "/services/s/1", plus(runtimes.Python), 201)
	before := c.want("GET", "/services", nil, 200).body + c.want("GET", "/snapshots", nil, 200).body
	if err := c.srv.store.db.Close(); err != nil {
		t.Fatal(err)
	}
	c.want("DELETE", "/services/s/1", nil, 500)
	c.want("DELETE", "/snapshots/"+shot.SnapshotID, nil, 500)
	c.want("PATCH", "/services/s/1", `{"code":"y = 0"}`, 500)
	if after := c.want("GET", "/services", nil, 200).body + c.want("GET", "/snapshots", nil, 200).body; after != before {
		t.Errorf("there was\n%s\nand now there is\n%s", before, after)
	}
	c.want("GET", "/snapshots/"+shot.SnapshotID, nil, 200)
	if got := c.want("POST", "/api/s/1", `{"x":1}`, 200).body; !strings.Contains(got, `"y":2`) {
		t.Errorf("the service answers %s", got)
	}
}
