//go:build linux

package devserver

import (
	"io"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
)

// A disk that is full is told, and what was there before is kept.
func TestFullDisk(t *testing.T) {
	needs(t, runtimes.Python)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	c := start(t, only(runtimes.Python))
	_, err = io.Copy(full, strings.NewReader("no room"))
	w := httptest.NewRecorder()
	if c.srv.refuse(w, httptest.NewRequest("POST", "/", nil), badUpload(err)); w.Code != 507 || !strings.Contains(w.Body.String(), "the server's disk is full") {
		t.Errorf("%v is answered with %d %s", err, w.Code, w.Body)
	}

	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Logf("the rest needs a small disk, and this user may not mount one: %v", err)
		return
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	cfg := only(runtimes.Python)
	cfg.DataDir = dir
	c = start(t, cfg)
	p := c.session(runtimes.Python)
	c.upload(p, "x", "small", 201)
	c.run(p, "import os\nbig = os.urandom(3 << 20)")
	c.upload(p, "x", strings.Repeat("large", 1<<20), 507).says("disk is full")
	if got := c.want("GET", p+"/files/x", nil, 200).body; got != "small" {
		t.Errorf("the file before is %d bytes, want it kept", len(got))
	}
	c.run(p, "open('y', 'wb').write(big[:1 << 20])")
	c.want("POST", p+"/snapshot", `{}`, 507).says("disk is full")
	if got := c.want("GET", "/snapshots", nil, 200).body; got != "[]" {
		t.Errorf("snapshots: %s, want none", got)
	}
	for _, d := range []string{c.srv.store.workers(), c.srv.store.blobs()} {
		if left, err := os.ReadDir(d); err != nil || len(left) > 0 {
			t.Errorf("left behind in %s: %v, %v", d, left, err)
		}
	}
	var e executeResponse
	c.want("POST", p+"/execute", map[string]string{"code": "open('z', 'wb').write(big)"}, 200).into(&e)
	if e.Success || !strings.Contains(e.ErrorMessage, "No space left on device") {
		t.Errorf("code that fills the disk: %+v", e)
	}
	c.run(p, "os.remove('y')")
	c.want("DELETE", p+"/files/z", nil, 200)
	c.upload(p, "x", "there is room again", 201)
}
