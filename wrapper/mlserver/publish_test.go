package mlserver_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/mlserver-go/mls/wrapper/devserver"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// rFile is a file that R code writes to the path in file.
func rFile(t *testing.T, code string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	if out, err := exec.Command("Rscript", "-e", "file <- '"+file+"'; "+code).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return file
}

const fitCars = "model <- glm(am ~ hp + wt, data = mtcars, family = binomial); "

func transmission(version string) mlserver.Definition {
	return mlserver.Definition{
		Name: "transmission", Version: version, Description: "manual?",
		Code:    `answer <- predict(model, data.frame(hp = hp, wt = wt), type = "response")`,
		Inputs:  []mlserver.Parameter{{Name: "hp", Type: mlserver.Numeric}, {Name: "wt", Type: mlserver.Numeric}},
		Outputs: []mlserver.Parameter{{Name: "answer", Type: mlserver.Numeric}},
	}
}

// leftovers are the open sessions and kept snapshots.
func leftovers(t *testing.T, c *mlserver.Client) (sessions, snapshots int) {
	t.Helper()
	s, err := c.Sessions(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	n, err := c.Snapshots(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return len(s), len(n)
}

// TestPublishingObjects publishes a model in every form that R writes it in, and one on top of a snapshot.
func TestPublishingObjects(t *testing.T) {
	ctx := t.Context()
	client := newServer(t, mlserver.V930).client(t)
	for version, code := range map[string]string{
		"rds":       "saveRDS(model, file)",
		"bzip2":     "saveRDS(model, file, compress = 'bzip2')",
		"serialize": "writeBin(serialize(model, NULL), file)",
		"rdata":     "other <- 1; save(other, model, file = file)",
	} {
		content := bytes.NewReader(read(t, rFile(t, fitCars+code)))
		d := transmission(version)
		d.Objects = map[string]io.Reader{"model": content}
		service, err := client.Publish(ctx, d)
		if err != nil {
			t.Errorf("%s: %v", version, err)
			continue
		}
		if got := consume(t, service, mlserver.Values{"hp": 120, "wt": 2.8}); got < 0.6418125 || got > 0.6418126 {
			t.Errorf("%s: answers %v, want 0.6418125", version, got)
		}
	}

	session, err := client.NewSession(ctx, mlserver.SessionOptions{Runtime: mlserver.Python})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := session.Execute(ctx, "base = 40\ndef add(a, b): return a + b\nx = 1", mlserver.Execution{}); err != nil {
		t.Fatal(err)
	}
	var add bytes.Buffer
	if err := session.Object(ctx, "add", &add); err != nil {
		t.Fatal(err)
	}
	if _, err := session.Execute(ctx, "del add", mlserver.Execution{}); err != nil {
		t.Fatal(err)
	}
	base, err := session.Snapshot(ctx, "base")
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Close(ctx); err != nil {
		t.Fatal(err)
	}
	service, err := client.Publish(ctx, mlserver.Definition{
		Name: "sum", Version: "1", Runtime: mlserver.Python, Code: "answer = add(base, n)", SnapshotID: base,
		Objects: map[string]io.Reader{"add": &add},
		Inputs:  []mlserver.Parameter{{Name: "n", Type: mlserver.Numeric}}, Outputs: []mlserver.Parameter{{Name: "answer", Type: mlserver.Numeric}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := consume(t, service, mlserver.Values{"n": 2}); got != 42 {
		t.Errorf("object and snapshot together answer %v, want 42", got)
	}
	if sessions, snapshots := leftovers(t, client); sessions != 0 || snapshots != 1 {
		t.Errorf("%d sessions and %d snapshots are left, want none and the one that is ours", sessions, snapshots)
	}
}

// TestNothingIsLeftBehind lets every step of publishing objects fail, or be given up.
func TestNothingIsLeftBehind(t *testing.T) {
	server := newServer(t, mlserver.V930)
	client := server.client(t)
	good := read(t, rFile(t, fitCars+"saveRDS(model, file)"))
	publish := func(ctx context.Context, model io.Reader) error {
		d := transmission("1")
		d.Objects = map[string]io.Reader{"model": model}
		_, err := client.Publish(ctx, d)
		return err
	}
	for name, test := range map[string]struct {
		model io.Reader
		wants string
		fault string
	}{
		"no object":       {strings.NewReader("this is no object"), `object "model": setWorkspaceObject: 400`, ""},
		"empty":           {strings.NewReader(""), `object "model": the serialized object is empty`, ""},
		"xz":              {strings.NewReader("\xfd7zXZ\x00 and so on"), "compressed with xz", ""},
		"broken gzip":     {bytes.NewReader(good[:len(good)/2]), `object "model": `, ""},
		"unreadable":      {io.MultiReader(bytes.NewReader(good[:100]), failing{errors.New("the disk is gone")}), "the disk is gone", ""},
		"no session":      {bytes.NewReader(good), "createSession: 503", "createSession"},
		"no snapshot":     {bytes.NewReader(good), "CreateSnapshot: 503", "CreateSnapshot"},
		"not published":   {bytes.NewReader(good), "publishWebServiceVersion: 503", "publishWebServiceVersion"},
		"other .RData":    {imageOf(t, "other <- 1; another <- 2; save(other, another, file = file)"), `the file has no object model but other, another`, ""},
		"not a workspace": {gzipped("RDX3\nX\nnonsense"), `object "model": `, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if test.fault != "" {
				server.SetFaults(devserver.Faults{Answers: map[string]devserver.Answer{test.fault: {Status: 503}}})
				defer server.SetFaults(devserver.Faults{})
			}
			if err := publish(t.Context(), test.model); err == nil || !strings.Contains(err.Error(), test.wants) {
				t.Errorf("got error %v, want %q", err, test.wants)
			}
			if sessions, snapshots := leftovers(t, client); sessions != 0 || snapshots != 0 {
				t.Errorf("%d sessions and %d snapshots are left", sessions, snapshots)
			}
		})
	}

	t.Run("given up", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		model := io.MultiReader(bytes.NewReader(good[:100]), calling(cancel), bytes.NewReader(good[100:]))
		if err := publish(ctx, model); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
		if sessions, snapshots := leftovers(t, client); sessions != 0 || snapshots != 0 {
			t.Errorf("%d sessions and %d snapshots are left", sessions, snapshots)
		}
	})

	t.Run("cannot be removed", func(t *testing.T) {
		server.SetFaults(devserver.Faults{Answers: map[string]devserver.Answer{"DeleteSnapshot": {Status: 500, Times: 1}}})
		d := transmission("left")
		d.Objects = map[string]io.Reader{"model": bytes.NewReader(good)}
		service, err := client.Publish(t.Context(), d)
		var left *mlserver.LeftoverError
		if !errors.As(err, &left) || left.Snapshot == "" || left.Session != "" || service == nil {
			t.Fatalf("got %v and the service %v, want the service and a snapshot that is left over", err, service)
		}
		if err := client.DeleteSnapshot(t.Context(), left.Snapshot); err != nil {
			t.Errorf("deleting what is said to be left: %v", err)
		}
	})
}

// TestLostAnswers ends the publishing while the server makes a session or a snapshot: what nobody was told of is removed, too.
func TestLostAnswers(t *testing.T) {
	server := newServer(t, mlserver.V930)
	good := read(t, rFile(t, fitCars+"saveRDS(model, file)"))
	for _, path := range []string{"/sessions", "/snapshot"} {
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, path) {
				answer := httptest.NewRecorder()
				server.ServeHTTP(answer, r)
				panic(http.ErrAbortHandler) // the server has done it, and the answer is lost
			}
			server.ServeHTTP(w, r)
		}))
		defer proxy.Close()
		lossy := server
		lossy.address = proxy.URL
		d := transmission("1")
		d.Objects = map[string]io.Reader{"model": bytes.NewReader(good)}
		if _, err := lossy.client(t).Publish(t.Context(), d); err == nil {
			t.Errorf("%s: no error", path)
		}
		if sessions, snapshots := leftovers(t, server.client(t)); sessions != 0 || snapshots != 0 {
			t.Errorf("%s: %d sessions and %d snapshots are left", path, sessions, snapshots)
		}
	}
}

func TestUpdate(t *testing.T) {
	ctx := t.Context()
	client := newServer(t, mlserver.V930).client(t)
	service, err := client.Publish(ctx, mlserver.Definition{
		Name: "s", Version: "1", Runtime: mlserver.Python, Description: "old", Alias: "f", InitCode: "k = 1", Code: "y = x + k",
		Inputs:  []mlserver.Parameter{{Name: "x", Type: mlserver.Numeric}},
		Outputs: []mlserver.Parameter{{Name: "y", Type: mlserver.Numeric}}, Artifacts: []string{"a.txt"},
	})
	if err != nil {
		t.Fatal(err)
	}
	before, err := service.Describe(ctx)
	if err != nil {
		t.Fatal(err)
	}
	update := func(change mlserver.Change, want func(*mlserver.ServiceInfo)) {
		t.Helper()
		if err := service.Update(ctx, change); err != nil {
			t.Fatal(err)
		}
		want(before)
		after, err := service.Describe(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(after, before) {
			t.Errorf("changed to %+v\nwant %+v", after, before)
		}
	}
	update(mlserver.Change{Description: new("new")}, func(s *mlserver.ServiceInfo) { s.Description = "new" })
	update(mlserver.Change{Description: new(""), Artifacts: []string{}}, func(s *mlserver.ServiceInfo) { s.Description, s.Artifacts = "", []string{} })
	update(mlserver.Change{InitCode: new("k = 2"), Outputs: []mlserver.Parameter{}}, func(s *mlserver.ServiceInfo) {
		s.InitCode, s.Outputs = "k = 2", []mlserver.Parameter{}
	})
	update(mlserver.Change{Outputs: []mlserver.Parameter{{Name: "y", Type: mlserver.Integer}}, Runtime: mlserver.Python}, func(s *mlserver.ServiceInfo) {
		s.Outputs = []mlserver.Parameter{{Name: "y", Type: mlserver.Integer}}
	})
	if result, err := service.Consume(ctx, mlserver.Values{"x": 40}); err != nil || string(result.Outputs.JSON("y")) != "42" {
		t.Errorf("answers %v, %v; want 42", result, err)
	}
	if err := service.Update(ctx, mlserver.Change{Code: new("y = (")}); !errors.Is(err, mlserver.ErrBadRequest) {
		t.Errorf("code that does not parse: %v", err)
	}
	if err := service.Update(ctx, mlserver.Change{}); err == nil {
		t.Error("a change of nothing was sent")
	}
	if err := client.Service("s", "2").Update(ctx, mlserver.Change{Code: new("1")}); !errors.Is(err, mlserver.ErrNotFound) {
		t.Errorf("a service that is not there: %v", err)
	}

	trained := transmission("1")
	trained.Objects = map[string]io.Reader{"model": bytes.NewReader(read(t, rFile(t, fitCars+"saveRDS(model, file)")))}
	cars, err := client.Publish(ctx, trained)
	if err != nil {
		t.Fatal(err)
	}
	change := mlserver.Change{Objects: map[string]io.Reader{"model": bytes.NewReader(read(t, rFile(t,
		"model <- glm(vs ~ wt + hp, data = mtcars, family = binomial); saveRDS(model, file)")))}}
	old := consume(t, cars, mlserver.Values{"hp": 120, "wt": 2.8})
	if err := cars.Update(ctx, change); err != nil {
		t.Fatal(err)
	}
	if got := consume(t, cars, mlserver.Values{"hp": 120, "wt": 2.8}); got == old {
		t.Errorf("the new model answers %v as the old one did", got)
	}
}

// TestUpdateSendsOnlyTheChange looks at the bytes that go out.
func TestUpdateSendsOnlyTheChange(t *testing.T) {
	for want, change := range map[string]mlserver.Change{
		`{"description":""}`: {Description: new(""), Runtime: mlserver.R},
		`{"code":"x","inputParameterDefinitions":[],"runtimeType":"Python"}`:                 {Code: new("x"), Inputs: []mlserver.Parameter{}, Runtime: mlserver.Python},
		`{"outputFileNames":[],"outputParameterDefinitions":[{"name":"y","type":"vector"}]}`: {Outputs: []mlserver.Parameter{{Name: "y", Type: mlserver.Vector}}, Artifacts: []string{}, Runtime: mlserver.R},
	} {
		var sent string
		client := answering(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			sent = r.Method + " " + r.URL.Path + " " + strings.TrimSpace(string(body))
		})
		if err := client.Service("s", "1").Update(t.Context(), change); err != nil {
			t.Error(err)
		}
		if want := "PATCH /services/s/1 " + want; sent != want {
			t.Errorf("sent %s, want %s", sent, want)
		}
	}
}

func TestApply(t *testing.T) {
	ctx := t.Context()
	client := newServer(t, mlserver.V930).client(t)
	d := mlserver.Definition{
		Name: "s", Version: "1", Code: "k <- 1\ny <- x + k\n", Description: "adds",
		Inputs:  []mlserver.Parameter{{Name: "x", Type: mlserver.Numeric}},
		Outputs: []mlserver.Parameter{{Name: "y", Type: mlserver.Numeric}},
	}
	diff, err := client.Diff(ctx, d)
	if err != nil || diff.Exists || diff.Empty() || !strings.HasPrefix(diff.String(), "s/1 is new\n") {
		t.Fatalf("the difference is %v, %v; want a new service", diff, err)
	}
	service, diff, err := client.Apply(ctx, d)
	if err != nil || diff.Exists {
		t.Fatalf("applied %v, %v", diff, err)
	}
	if _, diff, err = client.Apply(ctx, d); err != nil || !diff.Empty() || diff.String() != "s/1 is published as defined\n" {
		t.Errorf("applied again: %v, %v", diff, err)
	}
	d.Code, d.Description, d.Artifacts = "k <- 2\ny <- x + k\n", "", []string{"a.csv"}
	diff, err = client.Diff(ctx, d)
	const want = "s/1 changes\n  code:\n    - k <- 1\n    + k <- 2\n      y <- x + k\n  description: - adds\n  artifacts: + a.csv\n"
	if err != nil || diff.String() != want {
		t.Errorf("the difference is %v, %v\nwant %s", diff, err, want)
	}
	if info, err := service.Describe(ctx); err != nil || info.Description != "adds" {
		t.Errorf("looking at the difference changed %+v, %v", info, err)
	}
	if _, _, err := client.Apply(ctx, d); err != nil {
		t.Fatal(err)
	}
	if info, err := service.Describe(ctx); err != nil || info.Code != d.Code || info.Description != "" || len(info.Artifacts) != 1 {
		t.Errorf("changed to %+v, %v", info, err)
	}
	if diff, err := client.Diff(ctx, d); err != nil || !diff.Empty() {
		t.Errorf("after that the difference is %v, %v", diff, err)
	}
	if text, err := json.Marshal(diff); err != nil || !strings.Contains(string(text), `"differences":[{"field":"code","old":"k `) {
		t.Errorf("as JSON it is %s, %v", text, err)
	}
	d.Version = ""
	if _, err := client.Diff(ctx, d); err == nil {
		t.Error("a definition without a version was compared")
	}
}

type calling func()

func (c calling) Read([]byte) (int, error) { c(); return 0, io.EOF }

func imageOf(t *testing.T, code string) io.Reader { return bytes.NewReader(read(t, rFile(t, code))) }

func gzipped(text string) io.Reader {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return &b
}

// answering is a client of a server that does what handle does, to one call at a time.
func answering(t *testing.T, handle http.HandlerFunc) *mlserver.Client {
	t.Helper()
	var mu sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		handle(w, r)
	}))
	t.Cleanup(server.Close)
	client, err := mlserver.New(mlserver.Config{Address: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return client
}
