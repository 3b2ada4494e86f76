package devserver

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
)

// form is a multipart body with one part.
func form(disposition string, content io.Reader) (body io.Reader, kind string) {
	const boundary = "bOuNdArY"
	return io.MultiReader(strings.NewReader("--"+boundary+"\r\nContent-Disposition: "+disposition+"\r\nContent-Type: application/octet-stream\r\n\r\n"),
		content, strings.NewReader("\r\n--"+boundary+"--\r\n")), "multipart/form-data; boundary=" + boundary
}

func (c *client) upload(session, filename, content string, status int) *reply {
	c.t.Helper()
	body, kind := form(`form-data; name="file"; filename="`+filename+`"`, strings.NewReader(content))
	return c.want("POST", session+"/files", body, status, "Content-Type", kind)
}

func TestFiles(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.Python)
	c := start(t, only(runtimes.Python))
	p := c.session(runtimes.Python)
	if got := c.want("GET", p+"/files", nil, 200).body; got != "[]" {
		t.Errorf("files of a new session: %s", got)
	}
	for _, name := range []string{"iris.csv", `C:\Users\me\win.csv`, "/home/me/unix.csv", "../up.csv", "naïve %2e.txt"} {
		c.upload(p, name, "content of "+name, 201)
	}
	c.upload(p, "iris.csv", "a,b\n1,2\n", 201) // replaces
	for _, name := range []string{"", "..", ".", "x/..", "x/"} {
		c.upload(p, name, "x", 400).says("no file name")
	}
	c.run(p, "import os\nos.mkdir('sub')\nopen('sub/in.txt', 'w').write('deep')\nos.symlink('/etc/passwd', 'link')\nos.mkdir('dir.csv')")
	if got, want := c.want("GET", p+"/files", nil, 200).names(), []string{
		"iris.csv", "naïve %2e.txt", "sub/in.txt", "unix.csv", "up.csv", "win.csv"}; !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
	if console, _ := c.run(p, "print(open('iris.csv').read())"); console != "a,b\n1,2\n\n" {
		t.Errorf("the session reads %q", console)
	}
	r := c.want("GET", p+"/files/iris.csv", nil, 200)
	if r.body != "a,b\n1,2\n" || !strings.HasPrefix(r.header.Get("Content-Type"), "text/csv") {
		t.Errorf("iris.csv: %q as %s", r.body, r.header.Get("Content-Type"))
	}
	if r := c.want("GET", p+"/files/sub%2Fin.txt", nil, 200); r.body != "deep" {
		t.Errorf("sub/in.txt: %q", r.body)
	}
	if r := c.want("GET", p+"/files/na%C3%AFve%20%252e.txt", nil, 200); !strings.HasPrefix(r.body, "content of na") {
		t.Errorf("naïve: %q", r.body)
	}
	for _, name := range []string{"nope", "link", "sub", "sub%2F..%2F..%2Fx", "..%2Firis.csv", "%2Fetc%2Fpasswd"} {
		c.want("GET", p+"/files/"+name, nil, 404).says("has no file")
	}
	for _, name := range []string{"nope", "sub", "..%2Fx", "%2Fetc%2Fpasswd"} {
		c.want("DELETE", p+"/files/"+name, nil, 404).says("has no file")
	}
	c.want("DELETE", p+"/files/iris.csv", nil, 200)
	c.want("GET", p+"/files/iris.csv", nil, 404)
	c.want("DELETE", p+"/files/link", nil, 200)
	if _, err := os.Stat("/etc/passwd"); err != nil {
		t.Error(err)
	}

	c.upload(p, "dir.csv", "x", 400).says("directory")
	c.want("POST", p+"/files", `{}`, 400).says("multipart")
	body, kind := form(`form-data; name="other"; filename="x"`, strings.NewReader("x"))
	c.want("POST", p+"/files", body, 400, "Content-Type", kind).says("no part named file")
	c.want("POST", p+"/files", strings.NewReader("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"cut\"\r\n\r\nhalf"), 400,
		"Content-Type", "multipart/form-data; boundary=b").says("broken")
	c.want("GET", p+"/files/cut", nil, 404) // nothing half-written
	if left, err := os.ReadDir(c.srv.store.workers()); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A file larger than any buffer goes to disk and back.
func TestLargeFile(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.Python)
	cfg := only(runtimes.Python)
	cfg.MaxUpload = 70 << 20
	c := start(t, cfg)
	p := c.session(runtimes.Python)
	const size = 64 << 20
	body, kind := form(`form-data; name="file"; filename="big.bin"`, io.LimitReader(zeros{}, size))
	c.want("POST", p+"/files", body, 201, "Content-Type", kind)
	if r := c.want("GET", p+"/files/big.bin", nil, 200); len(r.body) != size {
		t.Errorf("%d bytes came back, want %d", len(r.body), size)
	}
	// So little too much that net/http reads the rest before it answers: to who still sends when the connection is closed the answer
	// may be lost.
	const tooMuch = 70<<20 + 100_000
	body, kind = form(`form-data; name="file"; filename="bigger.bin"`, io.LimitReader(zeros{}, tooMuch))
	c.want("POST", p+"/files", body, 413, "Content-Type", kind)
	c.want("POST", p+"/workspace/x", io.LimitReader(zeros{}, tooMuch), 413)
	c.want("GET", p+"/files/bigger.bin", nil, 404)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestWorkspace(t *testing.T) {
	both(t, func(t *testing.T, c *client, lang runtimes.Language) {
		a, b := c.session(lang), c.session(lang)
		if got := c.want("GET", a+"/workspace", nil, 200).body; got != "[]" {
			t.Errorf("new workspace: %s", got)
		}
		code := map[runtimes.Language]string{
			runtimes.R: "model <- lm(mpg ~ wt, mtcars); x <- 41", runtimes.Python: "model = {'a': [1, 2]}; x = 41",
		}[lang]
		c.run(a, code)
		if got := c.want("GET", a+"/workspace", nil, 200).names(); !slices.Equal(got, []string{"model", "x"}) {
			t.Errorf("workspace %q", got)
		}
		r := c.want("GET", a+"/workspace/model", nil, 200)
		if got := r.header.Get("Content-Type"); got != "application/octet-stream" {
			t.Errorf("content type %q", got)
		}
		c.want("POST", b+"/workspace/model", strings.NewReader(r.body), 200)
		c.run(b, map[runtimes.Language]string{
			runtimes.R: `stopifnot(inherits(model, "lm"))`, runtimes.Python: "assert model == {'a': [1, 2]}"}[lang])
		c.want("DELETE", b+"/workspace/model", nil, 200)
		c.want("DELETE", b+"/workspace/model", nil, 404).says("no object model")
		c.want("GET", b+"/workspace/model", nil, 404).says("no object model")
		c.want("POST", b+"/workspace/x", nil, 400).says("empty")
		c.want("POST", b+"/workspace/x", strings.NewReader("no object at all"), 400).says("object x")
		if got := c.want("GET", b+"/workspace", nil, 200).body; got != "[]" {
			t.Errorf("workspace after what was refused: %s", got)
		}
	})
}

// R's serialize(), saveRDS() and save() bytes are all taken.
func TestWorkspaceForms(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.R)
	c := start(t, only(runtimes.R))
	p := c.session(runtimes.R)
	c.run(p, `x <- 41; writeBin(serialize(x, NULL), "serialize"); saveRDS(x, "saveRDS"); save(x, file = "save")`)
	for _, form := range []string{"serialize", "saveRDS", "save"} {
		raw := c.want("GET", p+"/files/"+form, nil, 200).body
		c.want("POST", p+"/workspace/y", strings.NewReader(raw), 200)
		if _, v := c.run(p, "z <- y + 1; rm(y)", "z"); v["z"] != "[42]" {
			t.Errorf("%s: z = %s", form, v["z"])
		}
	}
}

func TestSnapshots(t *testing.T) {
	both(t, func(t *testing.T, c *client, lang runtimes.Language) {
		a := c.session(lang)
		c.run(a, map[runtimes.Language]string{
			runtimes.R:      `x <- 41; y <- 1; dir.create("sub"); writeLines("hello", "sub/f.txt"); save.image()`,
			runtimes.Python: "x = 41; y = 1\nimport os\nos.mkdir('sub')\nopen('sub/f.txt', 'w').write('hello')\nos.symlink('/etc/passwd', 'link')",
		}[lang])
		var id struct{ SnapshotID string }
		c.want("POST", a+"/snapshot", `{"name":"first"}`, 201).into(&id)
		snap := "/snapshots/" + id.SnapshotID

		var list []struct {
			ID, Name, Owner, CreationTime string
			ContentSize                   int
		}
		c.want("GET", "/snapshots", nil, 200).into(&list)
		content := c.want("GET", snap, nil, 200)
		if len(list) != 1 || list[0].ID != id.SnapshotID || list[0].Name != "first" || list[0].Owner != "admin" ||
			list[0].ContentSize != len(content.body) || !strings.Contains(list[0].CreationTime, "T") || strings.Contains(list[0].CreationTime, "Z") {
			t.Errorf("snapshots %+v, zip has %d bytes", list, len(content.body))
		}
		z, err := zip.NewReader(strings.NewReader(content.body), int64(len(content.body)))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range z.File {
			names = append(names, f.Name)
		}
		if want := []string{workspaceFile(lang), "sub/f.txt"}; !slices.Equal(names, want) {
			t.Errorf("zip holds %q, want %q", names, want)
		}

		check := map[runtimes.Language]string{
			runtimes.R:      `stopifnot(x == 41, y == 1, z == 2, readLines("sub/f.txt") == "hello")`,
			runtimes.Python: "assert (x, y, z) == (41, 1, 2)\nassert open('sub/f.txt').read() == 'hello'",
		}[lang]
		b := c.session(lang)
		c.run(b, "y = 5; z = 2")
		c.want("POST", b+"/loadsnapshot/"+id.SnapshotID, nil, 200)
		c.run(b, check)
		var made struct{ SessionID string }
		c.want("POST", "/sessions", map[string]any{"runtimeType": lang, "snapshotId": id.SnapshotID}, 201).into(&made)
		c.run("/sessions/"+made.SessionID, "z = 2\n"+check)

		c.want("DELETE", snap, nil, 200)
		c.want("GET", snap, nil, 404).says("not found")
		c.want("DELETE", snap, nil, 404)
		c.want("POST", b+"/loadsnapshot/"+id.SnapshotID, nil, 404)
		c.want("POST", "/sessions", map[string]any{"runtimeType": lang, "snapshotId": id.SnapshotID}, 404)
		c.want("POST", b+"/snapshot", nil, 400)
		if n := len(c.srv.sessions.byID); n != 3 {
			t.Errorf("%d sessions, want the refused one gone", n)
		}
		if left, err := os.ReadDir(c.srv.store.blobs()); err != nil || len(left) > 0 {
			t.Errorf("blobs left: %v, %v", left, err)
		}
	})
}

func TestSnapshotOfOtherLanguage(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.R, runtimes.Python)
	c := start(t, Config{})
	var id struct{ SnapshotID string }
	c.want("POST", c.session(runtimes.Python)+"/snapshot", `{}`, 201).into(&id)
	c.want("POST", c.session(runtimes.R)+"/loadsnapshot/"+id.SnapshotID, nil, 400).says("of Python", "of R")
	c.want("POST", "/sessions", `{"snapshotId":"`+id.SnapshotID+`"}`, 400).says("of Python")
	c.want("POST", "/services/s/1", `{"code":"1","snapshotId":"`+id.SnapshotID+`"}`, 400).says("of Python")
}

// A zip that wants to write elsewhere is refused, whatever way it tries.
func TestUnpackStaysInside(t *testing.T) {
	for _, name := range []string{"../evil", "/evil", "sub/../../evil", "link/evil"} {
		dir, outside := t.TempDir(), t.TempDir()
		if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(w, "evil")
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		archive := filepath.Join(t.TempDir(), "a.zip")
		if err := os.WriteFile(archive, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := unpack(archive, filepath.Join(t.TempDir(), "w"), ".RData", dir); err == nil {
			t.Errorf("%s: no error", name)
		}
		for _, where := range []string{filepath.Join(outside, "evil"), filepath.Join(filepath.Dir(dir), "evil"), "/evil"} {
			if _, err := os.Lstat(where); err == nil {
				t.Errorf("%s: wrote %s", name, where)
			}
		}
	}
}
