//go:build unix

package cli

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// soak says for how long processes are killed, at which moments. SOAK is the time of each test, a few kills where it is not set;
// SEED makes the same moments again.
type soak struct {
	t     *testing.T
	end   time.Time
	least int // kills, however long they take
	kills int
	rand  *rand.Rand
}

func newSoak(t *testing.T, least int) *soak {
	t.Helper()
	seed, err := rand.Uint64(), error(nil)
	if text := os.Getenv("SEED"); text != "" {
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	s := &soak{t: t, end: time.Now(), least: least, rand: rand.New(rand.NewPCG(seed, seed))}
	if text := os.Getenv("SOAK"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		s.end = s.end.Add(d / 4) // there are four tests
	}
	t.Logf("SEED=%d", seed)
	t.Cleanup(func() { t.Logf("%d kills", s.kills) })
	return s
}

func (s *soak) more() bool { return !s.t.Failed() && (s.kills < s.least || time.Now().Before(s.end)) }

// kill ends a process at a random moment. It says whether that had not ended by itself.
func (s *soak) kill(c *exec.Cmd, within time.Duration) bool {
	ended := make(chan struct{})
	go func() { _ = c.Wait(); close(ended) }()
	select {
	case <-time.After(time.Duration(s.rand.Int64N(int64(within)))):
	case <-ended:
		return false
	}
	_ = c.Process.Kill()
	<-ended
	if c.ProcessState.Exited() {
		return false
	}
	s.kills++
	return true
}

// TestSoakServer kills the development server while it publishes, deletes, makes snapshots and renews tokens. What it said it had
// done is there when it is started again, and nothing is there by half.
func TestSoakServer(t *testing.T) {
	t.Parallel()
	s := newSoak(t, 2)
	k := &kept{soak: s, dir: t.TempDir(), services: map[string]certainty{}, snapshots: map[string]bool{}}
	for s.more() {
		server := k.start()
		k.check()
		ctx, cancel := context.WithCancel(context.Background())
		var busy sync.WaitGroup
		for _, do := range []func(context.Context){k.publish, k.publish, k.snapshot, k.renew} {
			busy.Go(func() { do(ctx) })
		}
		if !s.kill(server, 1500*time.Millisecond) {
			t.Error("the server ended by itself")
		}
		cancel()
		busy.Wait()
	}
	last := k.start()
	k.check()
	_ = last.Process.Kill()
	_ = last.Wait()
	t.Logf("%d services and %d snapshots were kept", len(k.services), len(k.snapshots))
}

// certainty is what is known of a service after a request that may have had no answer.
type certainty int

const (
	there certainty = iota
	gone
	either
)

// kept is what a server has acknowledged.
type kept struct {
	*soak
	dir      string
	endpoint string
	client   *mlserver.Client

	mu        sync.Mutex
	n         int
	services  map[string]certainty
	snapshots map[string]bool
	refresh   string // the last token that came
	renewing  bool   // it was sent, and nothing came
}

// start starts the server, and waits until it answers.
func (k *kept) start() *exec.Cmd {
	k.t.Helper()
	ready := filepath.Join(k.dir, "ready.json")
	_ = os.Remove(ready)
	c := exec.Command("mls", "devserver", "--listen", "127.0.0.1:0", "--data-dir", filepath.Join(k.dir, "data"), "--ready-file", ready,
		"--password-file", "-", "--python", interpreter(k.t, runtimes.Python))
	c.Stdin, c.Stderr = strings.NewReader(password+"\n"), &bytes.Buffer{}
	if err := c.Start(); err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() { _ = c.Process.Kill() })
	var r struct{ Endpoint string }
	for end := time.Now().Add(time.Minute); ; <-time.After(10 * time.Millisecond) {
		text, err := os.ReadFile(ready)
		if err == nil && json.Unmarshal(text, &r) == nil {
			break
		}
		if time.Now().After(end) {
			_ = c.Process.Kill()
			_ = c.Wait()
			k.t.Fatalf("the server does not start after %d kills: %s", k.kills, c.Stderr)
		}
	}
	k.endpoint = r.Endpoint
	client, err := mlserver.New(mlserver.Config{Address: r.Endpoint, Auth: auth.Login{Username: "admin", Password: password}})
	if err != nil {
		k.t.Fatal(err)
	}
	k.client = client
	return c
}

// check compares what the server has with what it said.
func (k *kept) check() {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	list, err := k.client.Services(ctx)
	if err != nil {
		k.t.Fatal(err)
	}
	found := map[string]bool{}
	for _, info := range list {
		found[info.Name] = true
		if want := "answer = '" + info.Name + "'"; info.Code != want {
			k.t.Errorf("service %s has the code %q, want %q", info.Name, info.Code, want)
		}
	}
	for name, is := range k.services {
		if is == there && !found[name] || is == gone && found[name] {
			k.t.Errorf("service %s: found is %t after %d kills, which is not what was said", name, found[name], k.kills)
		}
		k.services[name] = gone
		if found[name] {
			k.services[name] = there
		}
	}
	if names := slices.Sorted(maps.Keys(found)); len(names) > 0 { // one of them works
		name := names[k.rand.IntN(len(names))]
		r, err := k.client.Service(name, "1").Consume(ctx, nil)
		var answer string
		if err == nil {
			err = r.Outputs.Decode("answer", &answer)
		}
		if err != nil || answer != name {
			k.t.Errorf("service %s answers %q, %v", name, answer, err)
		}
	}
	shots, err := k.client.Snapshots(ctx)
	if err != nil {
		k.t.Fatal(err)
	}
	for _, shot := range shots {
		var content bytes.Buffer
		if err := k.client.DownloadSnapshot(ctx, shot.ID, &content); err != nil {
			k.t.Errorf("snapshot %s: %v", shot.ID, err)
			continue
		}
		if _, err := zip.NewReader(bytes.NewReader(content.Bytes()), int64(content.Len())); err != nil {
			k.t.Errorf("snapshot %s: %v", shot.ID, err)
		}
		delete(k.snapshots, shot.ID)
	}
	if len(k.snapshots) > 0 {
		k.t.Errorf("snapshots %v are lost", k.snapshots)
	}
	for _, shot := range shots {
		k.snapshots[shot.ID] = true
	}
	k.checkTokens(ctx)
}

func (k *kept) checkTokens(ctx context.Context) {
	k.t.Helper()
	body, path := map[string]string{"username": "admin", "password": password}, "/login"
	if k.refresh != "" {
		status, refresh := k.post(ctx, "/login/refreshToken", map[string]string{"refreshToken": k.refresh})
		if status == http.StatusOK {
			k.refresh, k.renewing = refresh, false
			return
		}
		if !k.renewing {
			k.t.Errorf("the refresh token gives status %d after %d kills", status, k.kills)
		}
	}
	status, refresh := k.post(ctx, path, body)
	if status != http.StatusOK {
		k.t.Errorf("signing in gives status %d", status)
	}
	k.refresh, k.renewing = refresh, false
}

// post asks for tokens; status 0: no answer.
func (k *kept) post(ctx context.Context, path string, body any) (status int, refresh string) {
	text, err := json.Marshal(body)
	if err != nil {
		k.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, k.endpoint+path, bytes.NewReader(text))
	if err != nil {
		k.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, ""
	}
	defer res.Body.Close()
	var pair struct {
		Refresh string `json:"refresh_token"`
	}
	if json.NewDecoder(res.Body).Decode(&pair) != nil {
		return 0, ""
	}
	return res.StatusCode, pair.Refresh
}

func (k *kept) renew(ctx context.Context) {
	for ctx.Err() == nil {
		k.renewing = true
		status, refresh := k.post(ctx, "/login/refreshToken", map[string]string{"refreshToken": k.refresh})
		if status != http.StatusOK {
			return
		}
		k.refresh, k.renewing = refresh, false
	}
}

// publish publishes one service after the other, and deletes every third.
func (k *kept) publish(ctx context.Context) {
	for ctx.Err() == nil {
		k.mu.Lock()
		k.n++
		name := fmt.Sprintf("s%d", k.n)
		third := k.n%3 == 0
		k.services[name] = either
		k.mu.Unlock()
		service, err := k.client.Publish(ctx, mlserver.Definition{Name: name, Version: "1", Runtime: mlserver.Python, Code: "answer = '" + name + "'",
			Outputs: []mlserver.Parameter{{Name: "answer", Type: "character"}}})
		if err != nil {
			return
		}
		k.know(name, there)
		if third {
			k.know(name, either)
			if service.Delete(ctx) != nil {
				return
			}
			k.know(name, gone)
		}
	}
}

func (k *kept) know(name string, c certainty) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.services[name] = c
}

func (k *kept) snapshot(ctx context.Context) {
	session, err := k.client.NewSession(ctx, mlserver.SessionOptions{Runtime: mlserver.Python})
	if err != nil {
		return
	}
	if _, err := session.Execute(ctx, "x = 'x' * 1000000\nopen('f.txt', 'w').write(x)", mlserver.Execution{}); err != nil {
		return
	}
	for i := 0; ctx.Err() == nil; i++ {
		id, err := session.Snapshot(ctx, fmt.Sprintf("shot%d", i))
		if err != nil {
			return
		}
		k.mu.Lock()
		k.snapshots[id] = true
		k.mu.Unlock()
	}
}

// TestSoakWorkers kills R or Python in the middle of what it does. Whoever waits gets an error, and the next call works.
func TestSoakWorkers(t *testing.T) {
	t.Parallel()
	s := newSoak(t, 2)
	client, err := mlserver.New(mlserver.Config{Address: startServer(t), Auth: auth.Login{Username: "admin", Password: password}})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	pidFile := filepath.Join(t.TempDir(), "pid")
	code := fmt.Sprintf("import os, time\nif wait > 0:\n    open(%q, 'w').write(str(os.getpid()) + '.')\n    time.sleep(wait)\nanswer = 6 * 7", pidFile)
	service, err := client.Publish(ctx, mlserver.Definition{Name: "slow", Version: "1", Runtime: mlserver.Python, Code: code,
		Inputs: []mlserver.Parameter{{Name: "wait", Type: "numeric"}}, Outputs: []mlserver.Parameter{{Name: "answer", Type: "numeric"}}})
	if err != nil {
		t.Fatal(err)
	}
	call := func(wait float64) error {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		r, err := service.Consume(ctx, mlserver.Values{"wait": wait})
		var answer float64
		if err == nil {
			err = r.Outputs.Decode("answer", &answer)
		}
		if err == nil && answer != 42 {
			err = fmt.Errorf("the answer is %v", answer)
		}
		return err
	}
	inSession := func(wait float64) error {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		session, err := client.NewSession(ctx, mlserver.SessionOptions{Runtime: mlserver.Python})
		if err != nil {
			return err
		}
		_, err = session.Execute(ctx, code, mlserver.Execution{Inputs: mlserver.Values{"wait": wait}})
		if closed := session.ForceClose(ctx); err == nil {
			err = closed
		}
		return err
	}
	for i := 0; s.more(); i++ {
		do := []func(float64) error{call, inSession}[i%2]
		_ = os.Remove(pidFile)
		failed := make(chan error, 1)
		go func() { failed <- do(3600) }()
		pid := 0
		for end := time.Now().Add(time.Minute); pid == 0 && time.Now().Before(end); <-time.After(5 * time.Millisecond) {
			if text, err := os.ReadFile(pidFile); err == nil && bytes.HasSuffix(text, []byte(".")) {
				pid, _ = strconv.Atoi(strings.TrimSuffix(string(text), "."))
			}
		}
		worker, err := os.FindProcess(pid)
		if pid == 0 || err != nil {
			t.Fatalf("the code does not run: %v", err)
		}
		<-time.After(time.Duration(s.rand.IntN(100)) * time.Millisecond)
		if err := worker.Kill(); err != nil {
			t.Fatal(err)
		}
		s.kills++
		if err := <-failed; err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the call whose process was killed gave %v, want an error at once", err)
		}
		if err := do(0); err != nil {
			t.Errorf("the next call: %v", err)
		}
	}
	if open, err := client.Sessions(ctx); err != nil || len(open) > 0 {
		t.Errorf("open sessions: %v, %v; want none", open, err)
	}
}

// TestSoakCommands kills mls in the middle of a download, an upload, a renewal. A file is whole or not there, and the sign-in can be
// used, or says that one has to sign in.
func TestSoakCommands(t *testing.T) {
	t.Parallel()
	s := newSoak(t, 3)
	u := newUser(t, startServer(t))
	id := u.must("session", "create", "--runtime", "python")
	const size = 4 << 20
	u.must("session", "exec", id, "-e", fmt.Sprintf("n = open('big.bin', 'w').write('x' * %d)", size))
	u.write("up.bin", strings.Repeat("y", size))
	whole := func(path string) {
		t.Helper()
		if info, err := os.Stat(filepath.Join(u.dir, path)); err == nil && info.Size() != size {
			t.Errorf("%s has %d bytes after a kill, want all %d or no file", path, info.Size(), size)
		}
	}
	lost := 0
	for i := 0; s.more(); i++ {
		args := [][]string{
			{"session", "file", "get", id, "big.bin", "--to", "down.bin"}, {"session", "file", "put", id, "up.bin"}, {"session", "list"},
		}[i%3]
		_ = os.Remove(filepath.Join(u.dir, "down.bin"))
		if i%3 == 2 {
			u.expire()
		}
		c := u.command("mls", args...)
		c.Stdout, c.Stderr = io.Discard, io.Discard
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		s.kill(c, 400*time.Millisecond)
		whole("down.bin")
		if _, p := u.stored(); p.Tokens == nil || p.Tokens.Access == "" || p.Tokens.Refresh == "" {
			t.Errorf("the stored sign-in is %+v", p)
		}
		files, err := u.command("mls", "session", "file", "list", id, "-o", "json").CombinedOutput()
		var status *exec.ExitError
		switch {
		case errors.As(err, &status) && status.ExitCode() == exitSignIn && i%3 == 2:
			lost++ // the server had made the next pair, and nobody got it
			u.must("login", u.getenv("SERVER"), "--username", "alice", "--password-file", "password.txt")
		case err != nil:
			t.Errorf("after the kill: %v %s", err, files)
		case strings.Contains(string(files), "up.bin"):
			u.must("session", "file", "get", id, "up.bin", "--to", "back.bin", "--force")
			whole("back.bin")
			u.must("session", "file", "rm", id, "up.bin")
		}
	}
	t.Logf("%d of the renewals that were killed had to be followed by signing in", lost)
}
