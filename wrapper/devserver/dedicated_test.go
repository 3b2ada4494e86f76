package devserver

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
)

// pooled is a service each of whose processes leaves a file with its number in dir. A call with x < 0 waits until there is a
// file called go.
func pooled(lang runtimes.Language, dir string) map[string]any {
	if lang == runtimes.R {
		return with(with(plus(lang), "initCode", fmt.Sprintf("dir <- %q; file.create(file.path(dir, Sys.getpid()))", dir)),
			"code", `while (x < 0 && !file.exists(file.path(dir, "go"))) Sys.sleep(0.01); y <- Sys.getpid()`)
	}
	return with(with(plus(lang), "initCode", fmt.Sprintf("import os, time\ndir = %q\nopen(dir + '/' + str(os.getpid()), 'w').close()", dir)),
		"code", "while x < 0 and not os.path.exists(dir + '/go'): time.sleep(0.01)\ny = os.getpid()")
}

// processes counts those that pooled has started: all of them, and those that are alive.
func processes(t *testing.T, dir string) (started, alive int) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Error(err) // not Fatal: goroutines beside the test's ask as well
	}
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		started++
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err == nil && !strings.Contains(string(stat), ") Z ") {
			alive++
		}
	}
	return started, alive
}

// poolStatus is what the only node says.
func (c *client) poolStatus(path string) string {
	c.t.Helper()
	var nodes []map[string]string
	c.want("GET", path, nil, 200).into(&nodes)
	if len(nodes) != 1 || nodes[0]["computeNodeEndpoint"] != c.url+"/" {
		c.t.Errorf("nodes %v, want %s/", nodes, c.url)
	}
	return nodes[0]["status"]
}

// awaitPool waits until the pool is as wanted; what it may be before that is checked.
func (c *client) awaitPool(path, want, before string) {
	c.t.Helper()
	await(c.t, "the pool is "+want, func() bool {
		got := c.poolStatus(path)
		if got != want && got != before {
			c.t.Fatalf("pool %s, want %s before %s", got, before, want)
		}
		return got == want
	})
}

// awaitCalls waits until so many calls run, and so many wait.
func (c *client) awaitCalls(run, wait int) {
	c.t.Helper()
	p := c.srv.services.byKey["s\x001"].workers
	await(c.t, fmt.Sprintf("%d calls run and %d wait", run, wait), func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.used == run && len(p.waiting) == wait
	})
}

const poolPath = "/services/s/1/pool"

func size(initial, most int) string {
	return fmt.Sprintf(`{"InitialPoolSize":%d,"MaxPoolSize":%d}`, initial, most)
}

// A pool has its processes before anybody calls, at most as many as it may, and none when it was deleted.
func TestDedicatedPool(t *testing.T) {
	both(t, func(t *testing.T, c *client, lang runtimes.Language) {
		dir := t.TempDir()
		c.want("POST", "/services/s/1", pooled(lang, dir), 201)
		if got := c.poolStatus(poolPath); got != "NotFound" {
			t.Errorf("before there is one: %s", got)
		}
		c.want("POST", poolPath, size(2, 3), 200)
		c.awaitPool(poolPath, "Success", "Pending")
		if started, alive := processes(t, dir); started != 2 || alive != 2 {
			t.Errorf("%d processes started, %d live, want 2", started, alive)
		}
		// Nobody uses them for long, and yet they stay.
		c.srv.reapBefore(time.Now().Add(time.Hour))
		if _, alive := processes(t, dir); alive != 2 {
			t.Errorf("%d processes after a while, want 2", alive)
		}

		// More calls than it may have processes wait, and all are answered.
		var wg sync.WaitGroup
		t.Cleanup(wg.Wait)
		for range 6 {
			wg.Go(func() {
				if r := c.beside("POST", "/api/s/1", `{"x":-1}`); r.status != 200 || !strings.Contains(r.body, `"success":true`) {
					t.Errorf("call: %d %s", r.status, r.body)
				}
			})
		}
		c.awaitCalls(3, 3)
		// Deleted now, it is there until their calls are over.
		c.want("DELETE", poolPath, nil, 200)
		if got := c.poolStatus(poolPath); got != "Pending" {
			t.Errorf("deleted while calls run: %s", got)
		}
		if started, _ := processes(t, dir); started > 3 {
			t.Errorf("%d processes, the pool may have 3", started)
		}
		if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		c.awaitPool(poolPath, "NotFound", "Pending")
		c.want("DELETE", poolPath, nil, 200)
		c.want("POST", "/api/s/1", `{"x":1}`, 200)
	})
}

// While a pool grows and shrinks under load it never has more processes than it may.
func TestDedicatedPoolUnderLoad(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.Python)
	c := start(t, only(runtimes.Python))
	dir := t.TempDir()
	c.want("POST", "/services/s/1", pooled(runtimes.Python, dir), 201)
	c.want("POST", poolPath, size(0, 4), 200)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	end := sync.OnceFunc(func() { close(stop); wg.Wait() })
	defer end()
	for range 8 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if r := c.beside("POST", "/api/s/1", `{"x":1}`); !strings.Contains(r.body, `"success":true`) {
					t.Errorf("call: %d %s", r.status, r.body)
				}
				if _, alive := processes(t, dir); alive > 4 {
					t.Errorf("%d processes", alive)
				}
			}
		})
	}
	for _, n := range []int{4, 1, 3, 2} {
		c.want("POST", poolPath, size(n, n), 200)
		c.awaitPool(poolPath, "Success", "Pending")
	}
	end()
	c.awaitPool(poolPath, "Success", "Pending")
	if _, alive := processes(t, dir); alive != 2 {
		t.Errorf("%d processes in the end, want 2", alive)
	}
	// A process that ends is replaced.
	p := c.srv.services.byKey["s\x001"].workers
	p.mu.Lock()
	victim := p.idle[0]
	p.mu.Unlock()
	victim.Kill()
	<-victim.Done()
	c.srv.reapBefore(time.Time{})
	c.awaitPool(poolPath, "Success", "Pending")
	if _, alive := processes(t, dir); alive != 2 {
		t.Errorf("%d processes after one was killed, want 2", alive)
	}
}

// A pool with room for nobody answers at once, those who wait as well.
func TestPoolWithoutRoom(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.Python)
	c := start(t, only(runtimes.Python))
	dir := t.TempDir()
	c.want("POST", "/services/s/1", pooled(runtimes.Python, dir), 201)
	c.want("POST", poolPath, size(1, 1), 200)
	busy := make(chan *reply, 2)
	for range 2 {
		go func() { busy <- c.beside("POST", "/api/s/1", `{"x":-1}`) }()
	}
	c.awaitCalls(1, 1)
	// One who waits and leaves does not keep others from their turn.
	answered := c.leaves("POST", "/api/s/1", `{"x":1}`, func() { c.awaitCalls(1, 2) })
	if answered {
		t.Error("an answer from a pool that is busy")
	}
	c.awaitCalls(1, 1)
	c.want("POST", poolPath, size(0, 0), 200)
	if r := <-busy; r.status != 503 || !strings.Contains(r.body, "room for 0 workers") {
		t.Errorf("who waits: %d %s", r.status, r.body)
	}
	c.want("POST", "/api/s/1", `{"x":1}`, 503).says("s version 1", "raise its maximum")
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := <-busy; r.status != 200 {
		t.Errorf("who was served: %d %s", r.status, r.body)
	}
	if got := c.poolStatus(poolPath); got != "Success" {
		t.Errorf("a pool of 0 is %s", got)
	}
	c.want("POST", poolPath, size(0, 1), 200)
	c.want("POST", "/api/s/1", `{"x":1}`, 200)
}

func TestPoolBadRequests(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.Python)
	c := start(t, only(runtimes.Python))
	c.want("POST", "/services/s/1", plus(runtimes.Python), 201)
	for body, says := range map[string]string{
		size(3, 2): "between 0 and MaxPoolSize", size(-1, 2): "is -1", size(0, 81): "at most 80", `{"MaxPoolSize":1}`: "both needed",
		`{"InitialPoolSize":"1","MaxPoolSize":1}`: "InitialPoolSize", `{"InitialPoolSize":1.5,"MaxPoolSize":2}`: "InitialPoolSize", ``: "missing",
	} {
		c.want("POST", poolPath, body, 400).says(says)
	}
	c.want("POST", "/services/S/1/pool", size(0, 1), 404).says("S version 1") // names are case-sensitive
	c.want("DELETE", "/services/nope/1/pool", nil, 404)
	if got := c.poolStatus("/services/nope/1/pool"); got != "NotFound" {
		t.Errorf("pool of no service: %s", got)
	}
	c.sendForm("POST", "/realtime-services/revo/1", 201, "model", "blob")
	c.want("POST", "/services/revo/1/pool", size(1, 1), 501).says("RevoScaleR")
	c.as("bob").want("POST", poolPath, size(1, 1), 403).says("admin")
	c.as("bob").want("DELETE", poolPath, nil, 403).says("admin")
	if got := c.as("bob").poolStatus(poolPath); got != "NotFound" {
		t.Errorf("after what was refused: %s", got)
	}
	// A service that does not start has no worker, and the call tells why.
	c.want("POST", "/services/bad/1", with(plus(runtimes.Python), "initCode", "no_such_thing"), 201)
	c.want("POST", "/services/bad/1/pool", size(1, 1), 200)
	if got := c.want("POST", "/api/bad/1", `{"x":1}`, 200).body; !strings.Contains(got, "no_such_thing") {
		t.Errorf("call: %s", got)
	}
	if got := c.poolStatus("/services/bad/1/pool"); got != "Pending" {
		t.Errorf("its pool: %s", got)
	}
}

// A pool outlives an update of its service and a restart, for realtime services as well; with the service it goes.
func TestPoolIsKept(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.R, runtimes.Python)
	cfg := Config{DataDir: t.TempDir()}
	c := start(t, cfg)
	dir, later := t.TempDir(), t.TempDir()
	c.want("POST", "/services/s/1", pooled(runtimes.Python, dir), 201)
	c.want("POST", poolPath, size(2, 2), 200)
	c.awaitPool(poolPath, "Success", "Pending")
	c.want("PATCH", "/services/s/1", map[string]any{"initCode": pooled(runtimes.Python, later)["initCode"]}, 200)
	c.awaitPool(poolPath, "Success", "Pending")
	if _, alive := processes(t, dir); alive != 0 {
		t.Errorf("%d processes of before the update", alive)
	}
	if started, alive := processes(t, later); started != 2 || alive != 2 {
		t.Errorf("after the update %d started, %d live, want 2", started, alive)
	}
	m := models(t, runtimes.R, `saveRDS(lm(dist ~ speed, cars), "model")`)["model"]
	c.sendForm("POST", "/realtime-services/m/1", 201, "model", m)
	c.want("POST", "/services/m/1/pool", size(2, 2), 200)
	c.awaitPool("/services/m/1/pool", "Success", "Pending")
	if err := c.srv.Close(); err != nil {
		t.Fatal(err)
	}
	if _, alive := processes(t, later); alive != 0 {
		t.Errorf("%d processes outlive the server", alive)
	}

	c = start(t, cfg)
	c.awaitPool(poolPath, "Success", "Pending")
	if started, alive := processes(t, later); started != 4 || alive != 2 {
		t.Errorf("after the restart %d started in all, %d live, want 4 and 2", started, alive)
	}
	c.awaitPool("/services/m/1/pool", "Success", "Pending")
	column(t, c.score("/api/m/1", `{"speed":[10]}`), "dist_Pred", 21.744993)
	c.sendForm("PATCH", "/realtime-services/m/1", 200, "model", "blob") // which nothing can run
	if got := c.poolStatus("/services/m/1/pool"); got != "NotFound" {
		t.Errorf("pool of a model that can't be scored: %s", got)
	}
	c.want("DELETE", "/services/s/1", nil, 200)
	if got := c.poolStatus(poolPath); got != "NotFound" {
		t.Errorf("pool of a deleted service: %s", got)
	}
	c.want("POST", "/services/s/1", plus(runtimes.Python), 201)
	if got := c.poolStatus(poolPath); got != "NotFound" {
		t.Errorf("pool of a new service of that name: %s", got)
	}
}
