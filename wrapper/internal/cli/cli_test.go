package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/devserver"
	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
	"github.com/mlserver-go/mls/wrapper/internal/canary"
	"github.com/mlserver-go/mls/wrapper/internal/slapd"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// printed is what these tests and their servers print. What commands print goes to guardedMain.
var printed = canary.New(password, clientSecret, ldapPassword, slapd.AlicePassword, slapd.JürgenPassword, slapd.OddPassword)

func TestMain(m *testing.M) {
	printed.NotStdout = true
	testscript.Main(printed.Tests(m), map[string]func(){
		"mls":            func() { os.Exit(guardedMain((*app).root, os.Stdin, os.Stdout, os.Stderr)) },
		devserverProgram: func() { os.Exit(guardedMain((*app).devserverRoot, os.Stdin, os.Stdout, os.Stderr)) },
		"mls-repeated":   repeatedMain,
		"mls-terminal":   func() { os.Exit(Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// password is what the test server takes. It must never be seen in any output.
const password = "Canary-9f3b-Wiesel"

// ldapPassword is the one of the query user in the test's directory.
const ldapPassword = slapd.QueryPassword

// clientSecret is that of an application in Azure AD. It must never be seen either.
const clientSecret = "Canary-77aa-Marder"

// leaked is the exit code of a command that printed a secret.
const leaked = 99

// guardedMain is Main or Devserver, and looks for secrets in everything that the command prints, or would print with --trace. All
// test scripts run it.
func guardedMain(root func(*app) *cobra.Command, in io.Reader, out, errOut io.Writer) int {
	var seen, traced recorder
	secrets := append(storedSecrets(), password, ldapPassword, clientSecret)
	a := testApp(in, tee{out, &seen}, tee{errOut, &seen})
	a.traceTo = tee{io.Discard, &traced}
	if len(os.Args) > 1 && os.Args[1] == "token" {
		a.out = out // the token, as it was asked for
	}
	code := a.main(root(a), os.Args[1:])
	secrets = append(secrets, storedSecrets()...)
	for _, variable := range []string{"MLS_TOKEN", "MLS_PASSWORD"} {
		secrets = append(secrets, os.Getenv(variable))
	}
	text := seen.String() + traced.String()
	for _, secret := range secrets {
		for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret)} {
			if len(secret) > 8 && strings.Contains(text, form) {
				fmt.Fprintln(errOut, "a secret was printed")
				return leaked
			}
		}
	}
	return code
}

// testApp is the command, with a keyring of the test's, and a clock that may be wrong.
func testApp(in io.Reader, out, errOut io.Writer) *app {
	ahead, _ := time.ParseDuration(os.Getenv("TEST_AHEAD"))
	now := func() time.Time { return time.Now().Add(ahead) }
	return &app{in: in, out: out, err: errOut, getenv: os.Getenv, now: now, vault: testVault(os.Getenv("TEST_KEYRING"))}
}

// storedSecrets are the tokens in all profiles, and what is in the keyring.
func storedSecrets() (secrets []string) {
	s := &store{dir: os.Getenv("MLS_CONFIG_DIR"), keys: keys{vault: testVault(os.Getenv("TEST_KEYRING"))}}
	names, _ := s.names()
	for _, name := range names {
		if p, err := s.load(name); err == nil && p.Tokens != nil {
			_ = s.complete(context.Background(), name, p) // if the keyring is there
			secrets = append(secrets, p.Tokens.Access, p.Tokens.Refresh)
		}
	}
	return secrets
}

type recorder struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// String is what was written. What goes on in the background when the command has ended may still write.
func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// tee writes to a stream and to the recorder.
type tee struct {
	to   io.Writer
	seen *recorder
}

func (t tee) Write(p []byte) (int, error) {
	t.seen.mu.Lock()
	defer t.seen.mu.Unlock()
	t.seen.text.Write(p)
	return t.to.Write(p)
}

// startServer starts a development server with the accounts admin and alice, and real R and Python.
func startServer(t testing.TB, change ...func(*devserver.Config)) (endpoint string) {
	t.Helper()
	cfg := devserver.Config{
		AdminPassword: password, Users: map[string]string{"alice": password}, SpareWorkers: -1, // few have a second session
		Logger: printed.Logger(), Interpreters: []*runtimes.Interpreter{interpreter(t, runtimes.R), interpreter(t, runtimes.Python)},
	}
	for _, change := range change {
		change(&cfg)
	}
	server, err := devserver.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, ln) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "http://" + ln.Addr().String()
}

var found = map[runtimes.Language]func() (*runtimes.Interpreter, error){
	runtimes.R:      find(runtimes.R),
	runtimes.Python: find(runtimes.Python),
}

// find probes once for all tests.
func find(lang runtimes.Language) func() (*runtimes.Interpreter, error) {
	return sync.OnceValues(func() (*runtimes.Interpreter, error) {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		return runtimes.Find(ctx, lang, "")
	})
}

func interpreter(t testing.TB, lang runtimes.Language) *runtimes.Interpreter {
	t.Helper()
	i, err := found[lang]()
	if err == nil {
		return i
	}
	if os.Getenv("CI") != "" {
		t.Fatal(err)
	}
	t.Skip(err)
	return nil
}

// clientOf is a client of a test server, without the command.
func clientOf(t testing.TB, endpoint, user string) *mlserver.Client {
	t.Helper()
	client, err := mlserver.New(mlserver.Config{Address: endpoint, Auth: auth.Login{Username: user, Password: password}})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// patience is how long tests wait for what other processes do, on a machine that does much else.
const patience = 5 * time.Minute

// eventually waits until something is so.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); <-time.After(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never comes to this: %s", what)
		}
	}
}

// environment is what a script or example finds: its own configuration, a password file, and switches that make other
// clients print passwords.
func environment(dir, endpoint string) map[string]string {
	tmp := filepath.Join(dir, ".tmp") // pictures that are shown stay in a temporary folder
	if err := os.MkdirAll(tmp, 0o700); err != nil {
		panic(err)
	}
	return map[string]string{
		"SERVER":         endpoint,
		"PASSWORD":       password,
		"HOME":           dir,
		"TMPDIR":         tmp,
		"MLS_CONFIG_DIR": filepath.Join(dir, ".mls"),
		"DEBUG":          "1",
		"SWAGGER_DEBUG":  "1",
		"TZ":             "UTC",
		"GORACE":         "atexit_sleep_ms=0", // a second at the end of each command, otherwise
	}
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			tb := env.T().(testing.TB)
			endpoint := startServer(tb)
			for name, value := range environment(env.WorkDir, endpoint) {
				env.Setenv(name, value)
			}
			env.Values[scriptDirectory{}] = &scriptDirectory{t: tb}
			return os.WriteFile(filepath.Join(env.WorkDir, "password.txt"), []byte(password+"\n"), 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":     exits,
			"times-out": timesOut,
			"capture":   capture,
			"sign-in": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(ts.Exec("mls", append([]string{
					"login", ts.Getenv("SERVER"), "--username", "alice", "--password-file", ts.MkAbs("password.txt")}, args...)...))
			},
			"await-file": awaitFile,
			"slapd":      startSlapd,
			"stop-slapd": stopSlapd,
		},
	})
}

// exits runs a command that must end with the given exit code: exits 3 mls exec -e 'stop("no")'
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var status *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &status) {
		got = status.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// timesOut runs a command that --timeout must end, after it has printed what matches a pattern. It is given more and more time for that,
// as a machine may be busy: times-out PATTERN mls exec -e 'repeat {}'
func timesOut(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: times-out PATTERN COMMAND...")
	}
	pattern, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	for limit := time.Second; ; limit *= 2 {
		exits(ts, false, append(slices.Concat([]string{"7"}, args[1:]), "--timeout", limit.String()))
		if pattern.MatchString(ts.ReadFile("stdout") + ts.ReadFile("stderr")) {
			return
		}
		if limit > patience/4 {
			ts.Fatalf("nothing that matches %s was printed within %s", args[0], limit)
		}
	}
}

// capture puts what the last command printed into a variable: capture ID
func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: capture VARIABLE")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

// scriptDirectory is a script's directory, if it starts one.
type scriptDirectory struct {
	t       testing.TB
	running *slapd.Directory
}

// startSlapd starts a directory for the script, whose address is in $LDAP.
func startSlapd(ts *testscript.TestScript, _ bool, _ []string) {
	d := ts.Value(scriptDirectory{}).(*scriptDirectory)
	d.running = slapd.Start(d.t, nil, nil)
	ts.Setenv("LDAP", d.running.URL)
}

// stopSlapd lets it be away.
func stopSlapd(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Value(scriptDirectory{}).(*scriptDirectory).running.Stop()
}

// awaitFile waits until a command in the background has written a file.
func awaitFile(ts *testscript.TestScript, neg bool, args []string) {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
	}
	ts.Fatalf("%s was not written", args[0])
}
