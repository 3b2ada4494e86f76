package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzProfile reads anything as a stored sign-in: one that can be used is stored again as the same, the rest says what helps.
func FuzzProfile(f *testing.F) {
	for _, s := range []string{
		`{"endpoint":"http://localhost:12800","username":"alice","tokens":{"accessToken":"a","refreshToken":"r","issued":"2026-01-02T03:04:05Z","signedIn":"2026-01-02T03:04:05Z"}}`,
		`{"endpoint":"x","keyring":true,"azureAD":{}}`, `{"endpoint":""}`, `{`, ``, `null`, `{"endpoint":"x","tokens":{"issued":"no"}}`, "\x00",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s := &store{dir: t.TempDir()}
		path := s.path("p")
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, text, 0o600)); err != nil {
			t.Fatal(err)
		}
		p, err := s.load("p")
		if err != nil {
			if bad := new(noSignIn); !errors.As(err, &bad) {
				t.Errorf("%q gave %v, want that the stored sign-in is damaged", text, err)
			}
			return
		}
		p.Keyring = false // there is none here
		if err := s.save(context.Background(), "p", p); err != nil {
			if !strings.Contains(err.Error(), "Time.MarshalJSON") { // a year beyond 9999
				t.Fatal(err)
			}
			return
		}
		again, err := s.load("p")
		if err != nil {
			t.Fatal(err)
		}
		want, err := json.Marshal(p)
		got, err2 := json.Marshal(again)
		if err != nil || err2 != nil || !bytes.Equal(got, want) {
			t.Errorf("%q is stored as %s, want %s", text, got, want)
		}
	})
}

// FuzzDefinition reads anything as a service in YAML.
func FuzzDefinition(f *testing.F) {
	for _, s := range []string{
		"name: a\nversion: 1\ncode: x <- 1\ninputs: {hp: numeric}\noutputs: {a: character}\n", "name: &a x\nversion: *a\ncode: *a\n", "[]", "", "a: b", "name: a\n---\nname: b\n",
		"inputs: {a: 1}", "inputs: &a [*a]", "objects: {m: /etc/passwd}\nname: a\nversion: 1\ncode: x",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a := testApp(strings.NewReader(text), nil, nil)
		d, err := a.readDefinition("-")
		if err == nil && (d.Name == "" || d.Version == "" || d.Code == "") {
			t.Errorf("%q is read as %+v", text, d)
		}
	})
}

// FuzzFileNames: whatever a server calls a file, what is written for it is a file in the folder that was meant.
func FuzzFileNames(f *testing.F) {
	for _, s := range []string{
		"a.csv", "plots/a.png", "..", ".", "", "/", "../a", "a/../../b", "/etc/passwd", `..\a`, `C:\a`, "C:a", "con", "nul.txt", "a\x00b", "a\nb", "\xff", ".mls", "a/", "//a", "a\u202eb",
	} {
		f.Add(s)
	}
	dir := f.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = root.Close() })
	f.Fuzz(func(t *testing.T, name string) {
		if path, err := safeName(dir, name); err == nil && filepath.Dir(path) != dir {
			t.Errorf("%q leads to %s", name, path)
		}
		if local, err := filepath.Rel(dir, filepath.Join(dir, filepath.FromSlash(name))); err == nil && !filepath.IsLocal(local) {
			if _, err := localPath(dir, name); err == nil {
				t.Errorf("%q is no path below the folder, and was taken", name)
			}
			if saveIn(root, name, []byte("x")) == nil {
				t.Errorf("%q was written", name)
			}
			return
		}
		if len(name) > 100 || strings.Count(name, "/") > 5 || saveIn(root, name, []byte("x")) != nil {
			return
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if text, err := os.ReadFile(path); err != nil || string(text) != "x" {
			t.Errorf("%q was written elsewhere: %v", name, err)
		}
		if err := os.RemoveAll(filepath.Join(dir, strings.Split(filepath.ToSlash(filepath.Clean(name)), "/")[0])); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzLock reads anything as renv's lock file, or as pip's requirements.
func FuzzLock(f *testing.F) {
	f.Add("renv.lock", `{"R":{"Version":"4.2.2"},"Packages":{"rpart":{"Version":"4.1.19"}}}`)
	f.Add("renv.lock", `{"Packages":null}`)
	f.Add("requirements.txt", "numpy==1.26 # x\npandas[all]>=2; python_version<'3.8' \\\n --hash=sha256:0\n-r other.txt\n")
	f.Add("requirements.txt", "a @ https://x\n===1\n-e .\r\n")
	f.Fuzz(func(t *testing.T, name, text string) {
		e, err := parseLock(name, []byte(text))
		if err == nil && (e.Packages == nil || e.Runtime == "") {
			t.Errorf("%q is read as %+v", text, e)
		}
	})
}
