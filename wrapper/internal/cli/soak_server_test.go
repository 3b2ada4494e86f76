//go:build unix

package cli

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/mlserver"
)

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
	n, turns  int
	services  map[string]certainty
	snapshots map[string]bool
	refresh   string // the last token that came
	renewing  bool   // it was sent, and nothing came
}

// start starts the server, and waits until it answers.
func (k *kept) start() *exec.Cmd {
	k.t.Helper()
	c, endpoint := serve(k.t, k.dir, nil, "--data-dir", filepath.Join(k.dir, "data"))
	k.endpoint, k.client = endpoint, adminOf(k.t, endpoint)
	return c
}

// check compares what the server has with what it said.
func (k *kept) check() {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
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
		service, err := k.client.Publish(ctx, mlserver.Definition{Name: name, Version: "1", Runtime: k.runtime(), Code: "answer = '" + name + "'",
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

// runtime is mostly Python, which starts faster.
func (k *kept) runtime() mlserver.Runtime {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.turns++; k.turns%4 == 0 {
		return mlserver.R
	}
	return mlserver.Python
}

func (k *kept) know(name string, c certainty) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.services[name] = c
}

func (k *kept) snapshot(ctx context.Context) {
	lang, code := k.runtime(), "x = 'x' * 1000000\nopen('f.txt', 'w').write(x)"
	if lang == mlserver.R {
		code = "x <- strrep('x', 1e6)\ncat(x, file = 'f.txt')"
	}
	session, err := k.client.NewSession(ctx, mlserver.SessionOptions{Runtime: lang})
	if err != nil {
		return
	}
	if _, err := session.Execute(ctx, code, mlserver.Execution{}); err != nil {
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
