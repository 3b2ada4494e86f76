package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/devserver"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// TestTransfer shows at a terminal how far a file is, once that takes a while, and takes the line away at the end.
func TestTransfer(t *testing.T) {
	var shown bytes.Buffer
	now := time.Unix(0, 0)
	w := writing{&transfer{to: &shown, bar: true, now: func() time.Time { return now }, what: "big.csv", began: now}, io.Discard}
	w.Expect(4 << 20)
	half := make([]byte, 2<<20)
	for _, step := range []struct {
		after time.Duration
		want  string
	}{
		{100 * time.Millisecond, ""},
		{time.Second, "\rbig.csv: [##############################] 100 % of 4.0 MiB, 3.6 MiB/s"},
	} {
		shown.Reset()
		now = now.Add(step.after)
		if _, err := w.Write(half); err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimRight(shown.String(), " "); got != step.want {
			t.Errorf("after %v shown %q, want %q", step.after, got, step.want)
		}
	}
	shown.Reset()
	if w.end(); strings.TrimSpace(shown.String()) != "" || shown.Len() == 0 {
		t.Errorf("at the end %q is left", shown.String())
	}
	quiet := writing{&transfer{to: &shown, now: func() time.Time { return now.Add(time.Hour) }}, io.Discard}
	shown.Reset()
	if _, err := quiet.Write(half); err != nil || shown.Len() > 0 {
		t.Errorf("no terminal, and %q is shown (%v)", shown.String(), err)
	}
}

// TestLostConnection says what becomes of code whose answer was lost.
func TestLostConnection(t *testing.T) {
	client, err := mlserver.New(mlserver.Config{Address: "http://127.0.0.1:1"}) // nobody is asked
	if err != nil {
		t.Fatal(err)
	}
	lost := fmt.Errorf("executeCode: %w", io.EOF)
	for session, want := range map[string]string{"training": "`mls session output id` shows what it has printed", "": "--detach"} {
		err := (&execOptions{session: session}).wayOut(t.Context(), client.Session("id"), nil, lost)
		var h *hinted
		if !errors.As(err, &h) || !strings.Contains(h.hint, want) || !errors.Is(err, io.EOF) {
			t.Errorf("in session %q: %v, want the hint %q", session, h, want)
		}
	}
}

func TestSafeName(t *testing.T) {
	for name, safe := range map[string]bool{
		"plot.png": true, "a b.txt": true, "größe.csv": true, ".profile": true,
		"": false, ".": false, "..": false, "../x": false, "a/b": false, "/etc/passwd": false, "a\x00b": false, "a\x1b[2J": false, "a\n": false,
	} {
		path, err := safeName("dir", name)
		if (err == nil) != safe {
			t.Errorf("%q: %v, want it safe: %t", name, err, safe)
		}
		if want := filepath.Join("dir", name); err == nil && path != want {
			t.Errorf("%q: got %s, want %s", name, path, want)
		}
	}
}

// TestHostileFileNames calls a service of a server that tries to write outside of --artifacts-dir.
func TestHostileFileNames(t *testing.T) {
	t.Parallel()
	u := newUser(t, startServer(t, func(c *devserver.Config) {
		c.Faults.Answers = map[string]devserver.Answer{
			"getWebServiceVersion": {Body: `[{"name":"any","version":"1","inputParameterDefinitions":[]}]`},
			"consumeWebService": {
				Body: `{"success":true,"errorMessage":"","outputParameters":{},"outputFiles":{"../evil.txt":"aGVsbG8="},"consoleOutput":"","changedFiles":[]}`,
			},
		}
	}))
	out, err := u.command("mls", "service", "call", "any/1", "--artifacts-dir", "files").CombinedOutput()
	if err == nil || !strings.Contains(string(out), `"../evil.txt" is no safe name`) {
		t.Errorf("%v %s, want the name refused", err, out)
	}
	if _, err := os.Lstat(filepath.Join(u.dir, "evil.txt")); err == nil {
		t.Error("the file was written outside of the folder")
	}
}

func TestListenAddress(t *testing.T) {
	for _, test := range []struct {
		host, addr, endpoint string
		loopback             bool
	}{
		{"127.0.0.1", "127.0.0.1:12800", "http://127.0.0.1:12800", true},
		{"localhost", "127.0.0.1:12800", "http://127.0.0.1:12800", true},
		{"::1", "[::1]:12800", "http://[::1]:12800", true},
		{"", "[::]:12800", "http://localhost:12800", false},
		{"0.0.0.0", "0.0.0.0:12800", "http://localhost:12800", false},
		{"192.0.2.1", "192.0.2.1:12800", "http://192.0.2.1:12800", false},
	} {
		if got := isLoopback(test.host); got != test.loopback {
			t.Errorf("%q is loopback: %t, want %t", test.host, got, test.loopback)
		}
		if got := endpointOf(test.addr, false); got != test.endpoint {
			t.Errorf("endpoint at %s: %s, want %s", test.addr, got, test.endpoint)
		}
	}
}

func TestErrorsInWords(t *testing.T) {
	refused := &mlserver.Error{Op: "getWebServiceVersion", Status: 404, Message: "service x version 1 not found"}
	for _, test := range []struct {
		err  error
		want string
	}{
		{prefix(refused, "service x/1"), "service x/1: get web service version: not found (404): service x version 1 not found"},
		{hint(refused, "look"), "get web service version: not found (404): service x version 1 not found"},
		{&mlserver.Error{Op: "createSession", Status: 503, Hint: "Later."}, "create session: service unavailable (503)\nLater."},
		{&mlserver.Error{Op: "GET /getX", Status: 404}, "GET /getX: 404 Not Found"},
		{&mlserver.Error{Op: "login", Status: 599}, "login: 599"},
		{fmt.Errorf("status: %w", &mlserver.Error{Op: "login", Status: 401}), "status: login: unauthorized (401)"},
		{errors.Join(fmt.Errorf("publishing x: %w", refused), errors.New("and more")),
			"publishing x: get web service version: not found (404): service x version 1 not found\nand more"},
		{errors.New("fitModel: 404 Not Found"), "fitModel: 404 Not Found"},
	} {
		if got := inWords(test.err); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
	client, err := mlserver.New(mlserver.Config{Address: "http://127.0.0.1:1", Auth: auth.Static("t")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Sessions(t.Context())
	if got := inWords(err); !strings.HasPrefix(got, "list sessions: no server at 127.0.0.1:1") {
		t.Errorf("got %q", got)
	}
}

// TestSignInEnds: 14 days without use, 90 days in all. With Azure AD 90 days without use, if there is a refresh token.
func TestSignInEnds(t *testing.T) {
	day := 24 * time.Hour
	signedIn := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	code, secret, adfs := &azureAD{Flow: flowDeviceCode}, &azureAD{Flow: flowSecret}, &azureAD{Flow: flowPassword, TenantID: "adfs"}
	for _, test := range []struct {
		azure        *azureAD
		refresh      string
		issued, want time.Duration // after signedIn; negative: not known
	}{
		{nil, "r", 0, 14 * day}, {nil, "r", 30 * day, 44 * day}, {nil, "r", 80 * day, 90 * day},
		{code, "r", 80 * day, 170 * day}, {code, "", 0, time.Hour}, {secret, "", 0, -1}, {adfs, "r", 0, -1},
	} {
		issued := signedIn.Add(test.issued)
		p := profile{AzureAD: test.azure, Tokens: &tokenPair{Refresh: test.refresh, SignedIn: signedIn, Issued: issued, Expires: issued.Add(time.Hour)}}
		got := p.signInEnds()
		if test.want < 0 && got != nil || test.want >= 0 && (got == nil || !got.Equal(signedIn.Add(test.want))) {
			t.Errorf("%v, refresh token %q, renewed after %s: ends %v, want after %s", test.azure, test.refresh, test.issued, got, test.want)
		}
	}
}

func TestExpiring(t *testing.T) {
	issued := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		lifetime, age time.Duration
		want          bool
	}{
		{time.Hour, 58 * time.Minute, false},
		{time.Hour, 59*time.Minute + time.Second, true},
		{time.Hour, 2 * time.Hour, true},
		{10 * time.Second, 8 * time.Second, false}, // a minute before its end would be before its beginning
		{10 * time.Second, 9500 * time.Millisecond, true},
	} {
		pair := tokenPair{Issued: issued, Expires: issued.Add(test.lifetime)}
		if got := pair.expiring(issued.Add(test.age)); got != test.want {
			t.Errorf("good for %s, at the age of %s: %t, want %t", test.lifetime, test.age, got, test.want)
		}
	}
	if (&tokenPair{Issued: issued}).expiring(issued.Add(time.Hour)) {
		t.Error("a token whose end is not known is not expiring")
	}
}

func TestProgress(t *testing.T) {
	var now time.Time
	run := func(bar bool) string {
		var out bytes.Buffer
		p := &progress{to: &out, bar: bar, now: func() time.Time { return now }}
		for _, done := range []int{0, 1, 50, 59, 60, 100} {
			state := mlserver.BatchInProgress
			if done == 100 {
				state = mlserver.BatchComplete
			}
			p.show(mlserver.BatchStatus{State: state, Completed: done, Total: 100})
			now = now.Add(2 * time.Second)
		}
		p.end()
		return out.String()
	}
	want := "InProgress: 0 of 100 rows\nInProgress: 50 of 100 rows\nInProgress: 60 of 100 rows\nComplete: 100 of 100 rows\n"
	if got := run(false); got != want {
		t.Errorf("lines: got %q, want %q", got, want)
	}
	got := run(true)
	for _, want := range []string{
		"\r[..............................]   0 % of 100 rows ",
		"\r[###############...............]  50 % of 100 rows, 12/s",
		"\r[##############################] 100 % of 100 rows, 10/s",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("bar: got %q, want %q in it", got, want)
		}
	}
	if !strings.HasSuffix(got, "\n") || strings.Count(got, "\n") != 1 {
		t.Errorf("bar: got %q, want one line", got)
	}
}

// TestTable: a column is as wide as its widest cell, whatever comes after it, and no line ends in blanks.
func TestTable(t *testing.T) {
	var out bytes.Buffer
	a := &app{out: &out}
	if err := a.print(nil, table{header: []string{"A", "B", "C"}, rows: [][]string{{"1", "2026-11-25", ""}, {"a\tb", "", "x "}}}); err != nil {
		t.Fatal(err)
	}
	if want := "A    B           C\n1    2026-11-25\na b              x\n"; out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestCSVResults(t *testing.T) {
	var out bytes.Buffer
	write := csvResults(&out, []mlserver.Parameter{{Name: "n", Type: mlserver.Numeric}, {Name: "v", Type: mlserver.Vector}, {Name: "c", Type: mlserver.Character}})
	for _, r := range []mlserver.RowResult{
		{Row: 0, Result: &mlserver.Result{Outputs: mlserver.Outputs{{Name: "n", JSON: []byte("[1.50]")}, {Name: "v", JSON: []byte("[1]")}, {Name: "c", JSON: []byte(`"a \"b\", c"`)}, {Name: "more", JSON: []byte("1")}}}},
		{Row: 1, Result: &mlserver.Result{Outputs: mlserver.Outputs{{Name: "n", JSON: []byte("null")}, {Name: "v", JSON: []byte("[1,2]")}, {Name: "c", JSON: []byte("true")}}}},
		{Row: 7, Err: &mlserver.CodeError{Message: "no luck"}},
	} {
		if err := write(r); err != nil {
			t.Fatal(err)
		}
	}
	want := "row,n,v,c,error\n0,1.50,[1],\"a \"\"b\"\", c\",\n1,,\"[1,2]\",true,\n7,,,,no luck\n"
	if got := out.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestForeignFile: what another user wrote is no sign-in of this one.
func TestForeignFile(t *testing.T) {
	foreign := "/etc/passwd" // of root
	if os.Geteuid() == 0 {
		foreign = filepath.Join(t.TempDir(), "foreign")
		if err := errors.Join(os.WriteFile(foreign, []byte("{}"), 0o600), os.Chown(foreign, 65534, 65534)); err != nil {
			t.Fatal(err)
		}
	}
	f, err := openPrivate(foreign)
	if err == nil {
		_ = f.Close()
	}
	if !errors.Is(err, auth.ErrLoginRequired) || !strings.Contains(err.Error(), "belongs to another user") {
		t.Errorf("got %v, want it refused", err)
	}
}
