package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"
)

var when = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func somefiles() []file {
	return []file{{"mls", []byte("program"), 0o755}, {"LICENSE", []byte("MIT"), 0o644}}
}

func TestTar(t *testing.T) {
	a, err := pack(platform{"linux", "amd64"}, "mls_v1", somefiles(), when)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(a.bytes))
	if err != nil {
		t.Fatal(err)
	}
	r := tar.NewReader(z)
	for _, want := range []struct {
		name string
		mode int64
		text string
	}{{"mls_v1/LICENSE", 0o644, "MIT"}, {"mls_v1/mls", 0o755, "program"}} {
		h, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil || h.Name != want.name || h.Mode != want.mode || string(text) != want.text || !h.ModTime.Equal(when) {
			t.Errorf("got %s %o %q %v (%v), want %+v", h.Name, h.Mode, text, h.ModTime, err, want)
		}
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("after the last file: %v, want EOF", err)
	}
}

func TestZip(t *testing.T) {
	a, err := pack(platform{"windows", "arm64"}, "mls_v1", somefiles(), when)
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(a.bytes), int64(len(a.bytes)))
	if err != nil {
		t.Fatal(err)
	}
	if len(z.File) != 2 || z.File[0].Name != "mls_v1/LICENSE" || z.File[1].Name != "mls_v1/mls" || z.File[1].Mode().Perm() != 0o755 {
		t.Errorf("files: %+v", z.File)
	}
}

func TestSameFilesSameBytes(t *testing.T) {
	for _, p := range []platform{{"linux", "amd64"}, {"windows", "amd64"}} {
		one, err := pack(p, "mls_v1", somefiles(), when)
		if err != nil {
			t.Fatal(err)
		}
		turned := somefiles()
		turned[0], turned[1] = turned[1], turned[0]
		two, err := pack(p, "mls_v1", turned, when)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(one.bytes, two.bytes) {
			t.Errorf("%s: the order of the files shows in the archive", p.os)
		}
	}
}

// TestSame: that two folders hold the same programs is looked at for each of them.
func TestSame(t *testing.T) {
	here, there := t.TempDir(), t.TempDir()
	p := platform{"windows", "amd64"}
	for _, dir := range []string{here, there} {
		for _, name := range programs {
			if err := os.WriteFile(filepath.Join(dir, name+".exe"), []byte(name), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := same(here, there, p); err != nil {
		t.Error(err)
	}
	for _, name := range programs {
		if err := os.WriteFile(filepath.Join(there, name+".exe"), []byte("another"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := same(here, there, p); err == nil || !strings.Contains(err.Error(), "two builds of "+name+" from") {
			t.Errorf("%s is another: %v", name, err)
		}
		if err := os.WriteFile(filepath.Join(there, name+".exe"), []byte(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPrograms: what is released is what wrapper/cmd has.
func TestPrograms(t *testing.T) {
	mains, err := filepath.Glob("../../wrapper/cmd/*/main.go")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, file := range mains {
		got = append(got, filepath.Base(filepath.Dir(file)))
	}
	if !slices.Equal(got, programs) {
		t.Errorf("wrapper/cmd has %q, released are %q", got, programs)
	}
}

func TestDistinct(t *testing.T) {
	a, b, c := &debug.Module{Path: "a"}, &debug.Module{Path: "b"}, &debug.Module{Path: "c"}
	if got, want := distinct([]*debug.Module{a, c, a, b, c}), []*debug.Module{a, b, c}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestAcceptable(t *testing.T) {
	component := func(name, licences string) string {
		return `{"name":"` + name + `","version":"v1.0.0","evidence":{"licenses":[` + licences + `]}}`
	}
	mit := component("good", `{"license":{"id":"MIT"}}`)
	for _, test := range []struct{ name, components, want string }{
		{"MIT", mit, ""},
		{"GPL", mit + "," + component("bad", `{"license":{"id":"GPL-3.0"}}`), `bad v1.0.0: licence "GPL-3.0"`},
		{"none", component("bare", ""), "bare v1.0.0: no licence found"},
		{"no modules", "", "lists no module"},
	} {
		err := acceptable([]byte(`{"components":[` + test.components + `]}`))
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
}

func TestNotices(t *testing.T) {
	dir := t.TempDir()
	if err := notice(&bytes.Buffer{}, "module v1", dir); err == nil {
		t.Error("a module without a licence file is passed on")
	}
	for _, name := range []string{"license", "NOTICE.txt", "main.go"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("text of "+name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := notice(&b, "module v1", dir); err != nil {
		t.Fatal(err)
	}
	want := "==== module v1: NOTICE.txt\n\ntext of NOTICE.txt\n\n==== module v1: license\n\ntext of license\n\n"
	if b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}
