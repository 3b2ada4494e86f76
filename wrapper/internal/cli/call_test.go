package cli

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestArtifactsStayInTheirFolder saves files that bear names of a hostile server.
func TestArtifactsStayInTheirFolder(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "saved")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(parent, filepath.Join(dir, "way out")); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	o := &callOptions{app: &app{out: &said, err: &said}, dir: dir}
	err := o.saveFiles(map[string][]byte{
		"good.txt": []byte("1"), "below/good.txt": []byte("2"), "empty": {}, "none": nil,
		"../../x": []byte("bad"), "/tmp/mls-bad": []byte("bad"), "way out/x": []byte("bad"), "..": []byte("bad"), "": []byte("bad"), "a\x1b[2J": []byte("bad"),
		"below/../../x": []byte("bad"),
	})
	for _, name := range []string{`"../../x"`, `"/tmp/mls-bad"`, "way out", `".."`, `""`, `"a\x1b[2J"`, `"below/../../x"`} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("the error %v does not name %s", err, name)
		}
	}
	for name, want := range map[string]string{"good.txt": "1", "below/good.txt": "2", "empty": ""} {
		if got, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name))); err != nil || string(got) != want {
			t.Errorf("%s is %q, %v; want %q", name, got, err, want)
		}
	}
	if !strings.Contains(said.String(), "did not write none") {
		t.Errorf("said %q", said.String())
	}
	files := 0
	err = filepath.WalkDir(parent, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files++
		}
		return err
	})
	if _, outside := os.Stat("/tmp/mls-bad"); err != nil || files != 3 || !errors.Is(outside, fs.ErrNotExist) {
		t.Errorf("%d files, %v, %v; want the three good ones and nothing outside", files, err, outside)
	}
}
