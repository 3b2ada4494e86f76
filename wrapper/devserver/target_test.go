package devserver

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
)

var pathParameter = regexp.MustCompile(`\{[^}]+\}`)

// forged are access tokens that look like the right one of c, and are not.
func forged(t *testing.T, c *client) map[string]string {
	t.Helper()
	var right jwt.MapClaims
	if _, _, err := jwt.NewParser().ParseUnverified(c.token, &right); err != nil {
		t.Fatal(err)
	}
	with := func(name string, value any) jwt.MapClaims {
		claims := jwt.MapClaims{}
		for k, v := range right {
			claims[k] = v
		}
		claims[name] = value
		return claims
	}
	sign := func(method jwt.SigningMethod, key any, claims jwt.Claims) string {
		text, err := jwt.NewWithClaims(method, claims).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&testKey().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(c.token, ".")
	missing := with("exp", 0)
	delete(missing, "exp")
	return map[string]string{
		"none at all":             "",
		"not a token":             "x",
		"of another key":          sign(jwt.SigningMethodRS512, stranger, right),
		"algorithm none":          sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, right),
		"public key as secret":    sign(jwt.SigningMethodHS512, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), right),
		"another algorithm":       sign(jwt.SigningMethodRS256, testKey(), right),
		"expired":                 sign(jwt.SigningMethodRS512, testKey(), with("exp", time.Now().Add(-time.Second).Unix())),
		"without expiry":          sign(jwt.SigningMethodRS512, testKey(), missing),
		"of no sign-in":           sign(jwt.SigningMethodRS512, testKey(), with("jti", "8fac71e8-92a9-4959-a679-4376e5aab20d")),
		"without signature":       parts[0] + "." + parts[1] + ".",
		"with another signature":  parts[0] + "." + parts[1] + "." + strings.Repeat("A", len(parts[2])),
		"with claims of somebody": parts[0] + "." + parts[1] + "AA." + parts[2],
	}
}

// TestNothingWithoutToken: of all operations of all versions only those that sign in and out do anything for strangers.
func TestNothingWithoutToken(t *testing.T) {
	t.Parallel()
	for _, version := range APIVersions() {
		t.Run(version, func(t *testing.T) {
			c := start(t, Config{APIVersion: version})
			ops, err := operations(version)
			if err != nil {
				t.Fatal(err)
			}
			free := map[string]int{}
			for name, token := range forged(t, c) {
				stranger := *c
				stranger.token = token
				for _, op := range ops {
					path := pathParameter.ReplaceAllString(op.path, "x")
					switch r := stranger.do(op.method, path, "{}"); {
					case open(op.id):
						free[op.id]++
						if r.status/100 == 2 {
							t.Errorf("%s with a token %s: status %d for a body that is none", op.id, name, r.status)
						}
					case r.status != http.StatusUnauthorized || r.header.Get("WWW-Authenticate") == "":
						t.Errorf("%s with a token %s: status %d, want 401 with a challenge", op.id, name, r.status)
					}
				}
			}
			if len(free) != 3 {
				t.Errorf("strangers may use %v, want login, renewToken and revokeRefreshToken", free)
			}
			c.want("GET", "/services", nil, 200) // the right one is still good
		})
	}
}

// TestOthersCannot: sessions, snapshots and batches are of who made them, and nobody else can tell that they exist.
func TestOthersCannot(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.Python)
	c := start(t, Config{Users: map[string]string{"bob": password, "eve": password}})
	bob := c.as("bob")
	session := bob.session(runtimes.Python)
	bob.run(session, "secret = 'CANARY'\nopen('secret.txt', 'w').write('CANARY')")
	var shot struct{ SnapshotID string }
	bob.want("POST", session+"/snapshot", `{"name":"CANARY"}`, 201).into(&shot)
	bob.want("POST", "/services/mine/1", map[string]any{"code": "answer = 'CANARY'", "runtimeType": "Python",
		"outputParameterDefinitions": []map[string]string{{"name": "answer", "type": "character"}}}, 201)
	var batch struct{ BatchExecutionID string }
	bob.want("POST", "/api/mine/1/batch", "[{}]", 202).into(&batch)
	bob.until("/api/mine/1/batch/"+batch.BatchExecutionID, batchComplete)

	ops, err := operations("9.3.0")
	if err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("{fileName}", "secret.txt", "{objectName}", "secret", "{snapshotId}", shot.SnapshotID,
		"{executionId}", batch.BatchExecutionID, "{index}", "0", "{name}", "mine", "{version}", "1")
	for _, user := range []string{"eve", "admin"} {
		other := c.as(user)
		tried := 0
		for _, op := range ops {
			id := strings.TrimPrefix(session, "/sessions/")
			var body any = `{"code":"print(secret)","name":"x"}`
			switch {
			case strings.HasPrefix(op.path, "/snapshots/"):
				id = shot.SnapshotID
			case strings.Contains(op.path, "{executionId}"):
			case !strings.HasPrefix(op.path, "/sessions/{id}"):
				continue
			}
			kind := "application/json"
			if op.id == "uploadSessionFile" {
				body, kind = uploadOf("evil.txt", "x")
			}
			tried++
			path := fill.Replace(strings.Replace(op.path, "{id}", id, 1))
			if r := other.do(op.method, path, body, "Content-Type", kind); r.status != http.StatusNotFound || strings.Contains(r.body, "CANARY") {
				t.Errorf("%s as %s: status %d, want 404: %s", op.id, user, r.status, r.body)
			}
		}
		if tried < 22 {
			t.Errorf("only %d operations were tried", tried)
		}
		mine := other.session(runtimes.Python)
		if r := other.do("POST", mine+"/loadsnapshot/"+shot.SnapshotID, nil); r.status != http.StatusNotFound {
			t.Errorf("%s can load a snapshot of bob's: status %d", user, r.status)
		}
		if r := other.do("POST", "/sessions", map[string]any{"runtimeType": "Python", "snapshotId": shot.SnapshotID}); r.status/100 == 2 {
			t.Errorf("%s can begin with a snapshot of bob's: status %d", user, r.status)
		}
		if r := other.do("POST", "/services/theirs/1", map[string]any{"code": "1", "snapshotId": shot.SnapshotID}); r.status/100 == 2 {
			t.Errorf("%s can publish a snapshot of bob's: status %d", user, r.status)
		}
		for _, list := range []string{"/sessions", "/snapshots", "/api/mine/1/batch"} {
			if r := other.want("GET", list, nil, 200); strings.Contains(r.body, shot.SnapshotID) || strings.Contains(r.body, batch.BatchExecutionID) || strings.Contains(r.body, session[10:]) {
				t.Errorf("%s sees in %s what is bob's: %s", user, list, r.body)
			}
		}
		other.want("DELETE", mine, nil, 200)
	}
	eve := c.as("eve")
	for _, try := range []struct{ method, path string }{
		{"PATCH", "/services/mine/1"}, {"DELETE", "/services/mine/1"}, {"PATCH", "/realtime-services/mine/1"},
		{"POST", "/services/mine/1/pool"}, {"DELETE", "/services/mine/1/pool"},
	} {
		var body any = `{"InitialPoolSize":0,"MaxPoolSize":1}`
		kind := "application/json"
		if strings.HasPrefix(try.path, "/realtime") {
			body, kind = uploadOf("evil", "x")
		}
		if r := eve.do(try.method, try.path, body, "Content-Type", kind); r.status != http.StatusForbidden {
			t.Errorf("%s %s as eve: status %d, want 403: %s", try.method, try.path, r.status, r.body)
		}
	}
	if r := eve.want("GET", "/services/mine/1", nil, 200); strings.Contains(r.body, "CANARY") {
		t.Errorf("eve sees bob's code: %s", r.body)
	}
	if _, got := bob.run(session, "", "secret"); got["secret"] != `"CANARY"` {
		t.Errorf("bob's object is %s now", got["secret"])
	}
	bob.want("GET", "/snapshots/"+shot.SnapshotID, nil, 200)
}

// uploadOf is a form with one file, whatever its name.
func uploadOf(name, content string) (body io.Reader, kind string) {
	return form(`form-data; name="file"; filename="`+strings.ReplaceAll(name, `"`, `\"`)+`"`, strings.NewReader(content))
}

// TestNamesThatLeadElsewhere puts them in place of every name in every path, and into uploads. Nothing outside is read or written.
func TestNamesThatLeadElsewhere(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.Python)
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret.txt")
	if err := os.WriteFile(secret, []byte("CANARY"), 0o600); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(outside, "data")
	c := start(t, Config{DataDir: data, SigningKey: testKey()})
	session := c.session(runtimes.Python)
	c.run(session, "import os\nos.symlink('"+outside+"', 'out')\nos.symlink('"+secret+"', 'link.txt')\nopen('own.txt', 'w').write('own')")
	ops, err := operations("9.3.0")
	if err != nil {
		t.Fatal(err)
	}
	id := strings.TrimPrefix(session, "/sessions/")
	before := tree(t, outside, data)
	up := strings.Repeat("../", 8)
	names := []string{
		"..", ".", "../secret.txt", up + strings.TrimPrefix(secret, "/"), secret, "/" + secret, `..\secret.txt`, `C:\x`, "out/secret.txt", "link.txt",
		"a/../../secret.txt", "own.txt/../../secret.txt", "secret.txt\x00.csv", "a\nb", "..%2fsecret.txt", "....//secret.txt", strings.Repeat("a", 5000), "\xff\xfe",
	}
	sent := 0
	for _, op := range ops {
		places := pathParameter.FindAllString(op.path, -1)
		for _, place := range places {
			if op.method == "DELETE" && strings.HasPrefix(op.path, "/sessions/{id}") && place == "{id}" || op.id == "uploadSessionFile" {
				continue
			}
			for _, name := range names {
				path := strings.Replace(op.path, place, escape(name), 1)
				path = strings.Replace(path, "{id}", id, 1)
				path = pathParameter.ReplaceAllString(path, "x")
				var body any
				if op.method != "GET" && op.method != "DELETE" {
					body = `{"code":"1"}`
				}
				r := c.do(op.method, path, body)
				sent++
				if strings.Contains(r.body, "CANARY") || r.status >= 500 && r.status != http.StatusNotImplemented {
					t.Errorf("%s %.200q: status %d: %.300s", op.method, path, r.status, r.body)
				}
			}
		}
	}
	for _, name := range names {
		body, kind := uploadOf(name, "evil")
		if r := c.do("POST", session+"/files", body, "Content-Type", kind); r.status >= 500 {
			t.Errorf("upload of %.100q: status %d: %.200s", name, r.status, r.body)
		}
	}
	if sent < 500 {
		t.Errorf("only %d requests were sent", sent)
	}
	if after := tree(t, outside, data); !slices.Equal(before, after) {
		t.Errorf("outside there was %q, now there is %q", before, after)
	}
	if text, err := os.ReadFile(secret); err != nil || string(text) != "CANARY" {
		t.Errorf("the secret is %q now, %v", text, err)
	}
}

// escape writes every byte of a name for a URL, slashes and dots included, so that nobody cleans it on the way.
func escape(name string) string {
	var b strings.Builder
	for i := range len(name) {
		fmt.Fprintf(&b, "%%%02x", name[i])
	}
	return b.String()
}

// tree lists the files below dir, without those below except.
func tree(t *testing.T, dir, except string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if path == except {
			return filepath.SkipDir
		}
		names = append(names, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// FuzzUnpack: whatever is in a snapshot's zip, nothing is written outside of the session's folder.
func FuzzUnpack(f *testing.F) {
	for _, names := range [][]string{{".RData", "a", "b/c"}, {"../x"}, {"/x", "a/../../x"}, {"out/x"}, {"a", "a/b"}, {""}, {".RData/x", "link"}} {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for _, name := range names {
			w, err := z.Create(name)
			if err == nil {
				_, err = w.Write([]byte("evil"))
			}
			if err != nil {
				f.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		session, archive, secret := filepath.Join(dir, "session"), filepath.Join(dir, "a.zip"), filepath.Join(dir, "secret")
		err := errors.Join(os.WriteFile(archive, content, 0o600), os.WriteFile(secret, []byte("secret"), 0o600), os.Mkdir(session, 0o700),
			os.Symlink(dir, filepath.Join(session, "out")), os.Symlink(secret, filepath.Join(session, "link")))
		if err != nil {
			t.Fatal(err)
		}
		_ = unpack(archive, filepath.Join(dir, "workspace"), ".RData", session)
		if text, err := os.ReadFile(secret); err != nil || string(text) != "secret" {
			t.Errorf("the secret is %q, %v", text, err)
		}
		if names := tree(t, dir, session); len(names) > 4 { // dir, and three files
			t.Errorf("there are %q", names)
		}
	})
}

// FuzzAccessToken: nothing but the token that was issued signs anybody in.
func FuzzAccessToken(f *testing.F) {
	store, err := openStore("")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = store.close() })
	tokens, err := newTokens(Config{SigningKey: testKey()}.withDefaults(), store)
	if err != nil {
		f.Fatal(err)
	}
	right, err := tokens.login("admin")
	if err != nil {
		f.Fatal(err)
	}
	parts := strings.Split(right.AccessToken, ".")
	for _, s := range []string{right.AccessToken, "", "..", "a.b.c", parts[0] + "." + parts[1] + ".", "eyJhbGciOiJub25lIn0." + parts[1] + ".", right.AccessToken + "="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, access string) {
		user, err := tokens.check(access)
		if err == nil && access != right.AccessToken || err != nil && access == right.AccessToken {
			t.Errorf("%q is %s, %v", access, user, err)
		}
		if l, err := tokens.take(hashOf(access)); err == nil {
			t.Errorf("%q renews the sign-in of %s", access, l.User)
		}
	})
}
