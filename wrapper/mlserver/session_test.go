package mlserver_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/mlserver"
)

func newSession(t *testing.T, c *mlserver.Client, o mlserver.SessionOptions) *mlserver.Session {
	t.Helper()
	s, err := c.NewSession(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.ForceClose(context.Background()); err != nil && !errors.Is(err, mlserver.ErrNotFound) {
			t.Errorf("closing the session: %v", err)
		}
	})
	return s
}

func TestSessions(t *testing.T) {
	ctx := t.Context()
	client := newServer(t, mlserver.V930).client(t)
	for _, test := range []struct {
		runtime                    mlserver.Runtime
		code, printed              string
		fails, message, afterwards string
	}{
		{mlserver.R, "y <- sum(x); y", "[1] 6\n", "stop('no further')", "Error: no further", "y"},
		{mlserver.Python, "y = sum(x)\ny", "6\n", "raise ValueError('no further')", "ValueError: no further", "y"},
	} {
		t.Run(string(test.runtime), func(t *testing.T) {
			name := "of " + string(test.runtime)
			session := newSession(t, client, mlserver.SessionOptions{Name: name, Runtime: test.runtime})
			list, err := client.Sessions(ctx)
			want := mlserver.SessionInfo{ID: session.ID(), Name: name, Owner: "admin", Runtime: test.runtime}
			if err != nil || !slices.Contains(list, want) {
				t.Errorf("sessions are %v, %v, want %v among them", list, err, want)
			}

			result, err := session.Execute(ctx, test.code, mlserver.Execution{Inputs: mlserver.Values{"x": []int{1, 2, 3}}, Outputs: []string{"y"}})
			if err != nil {
				t.Fatal(err)
			}
			var y float64
			if err := result.Outputs.Decode("y", &y); err != nil || y != 6 || result.Console != test.printed {
				t.Errorf("got y %v (%v), console %q, want 6 and %q", y, err, result.Console, test.printed)
			}

			result, err = session.Execute(ctx, test.fails, mlserver.Execution{})
			var failed *mlserver.CodeError
			if !errors.As(err, &failed) || failed.Message != test.message || !strings.Contains(result.Console, "no further") {
				t.Errorf("failing code gave %v, console %q, want %q", err, result.Console, test.message)
			}
			console, err := session.Console(ctx)
			if err != nil || console != result.Console {
				t.Errorf("console is %q, %v, want %q", console, err, result.Console)
			}
			history, err := session.History(ctx)
			if want := []string{test.code, test.fails}; err != nil || !slices.Equal(history, want) {
				t.Errorf("history is %q, %v, want %q", history, err, want)
			}

			if _, err := session.Execute(ctx, test.code, mlserver.Execution{Outputs: []string{"nothing"}}); !errors.As(err, &failed) || !strings.Contains(failed.Message, "nothing") {
				t.Errorf("an output that is not there gave %v", err)
			}
			if err := session.Close(ctx); err != nil {
				t.Fatal(err)
			}
			if _, err := session.Execute(ctx, test.code, mlserver.Execution{}); !errors.Is(err, mlserver.ErrNotFound) {
				t.Errorf("a closed session gave %v, want not found", err)
			}
		})
	}
}

func TestCancelKeepsTheSession(t *testing.T) {
	ctx := t.Context()
	client := newServer(t, mlserver.V930).client(t)
	for runtime, code := range map[mlserver.Runtime]string{
		mlserver.R:      "x <- 1; cat('started\\n'); Sys.sleep(60)",
		mlserver.Python: "import time; x = 1; print('started'); time.sleep(60)",
	} {
		t.Run(string(runtime), func(t *testing.T) {
			session := newSession(t, client, mlserver.SessionOptions{Runtime: runtime})
			ended := make(chan error, 1)
			go func() {
				_, err := session.Execute(ctx, code, mlserver.Execution{})
				ended <- err
			}()
			poll(t, "the console shows what runs", func() bool {
				text, err := session.Console(ctx)
				return err == nil && strings.Contains(text, "started")
			})
			if err := session.Cancel(ctx); err != nil {
				t.Fatal(err)
			}
			var failed *mlserver.CodeError
			if err := <-ended; !errors.As(err, &failed) {
				t.Errorf("the cancelled execution gave %v, want a CodeError", err)
			}
			result, err := session.Execute(ctx, "0", mlserver.Execution{Outputs: []string{"x"}})
			var x int
			if err != nil || result.Outputs.Decode("x", &x) != nil || x != 1 {
				t.Errorf("after the cancel x is %v, %v, want 1", x, err)
			}
		})
	}
}

// TestContextEndsTheWaiting also sees to it that a call has no limit of its own: the deadline is the caller's.
func TestContextEndsTheWaiting(t *testing.T) {
	client := newServer(t, mlserver.V930).client(t)
	session := newSession(t, client, mlserver.SessionOptions{Runtime: mlserver.Python})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := session.Execute(ctx, "import time; time.sleep(60)", mlserver.Execution{})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error", err)
	}
}

func TestADeadInterpreter(t *testing.T) {
	ctx := t.Context()
	client := newServer(t, mlserver.V930).client(t)
	for runtime, code := range map[mlserver.Runtime]string{mlserver.R: "base::quit(status = 3)", mlserver.Python: "import os; os._exit(3)"} {
		session := newSession(t, client, mlserver.SessionOptions{Runtime: runtime})
		_, err := session.Execute(ctx, code, mlserver.Execution{})
		if err == nil || !strings.Contains(err.Error(), "exit status 3") {
			t.Errorf("%s: code that ends the interpreter gave %v, want its exit status", runtime, err)
		}
		if _, err := session.Objects(ctx); !errors.Is(err, mlserver.ErrGone) {
			t.Errorf("%s: the objects of a dead session gave %v, want gone", runtime, err)
		}
	}
}

func TestFilesObjectsSnapshots(t *testing.T) {
	ctx := t.Context()
	client := newServer(t, mlserver.V930).client(t)
	session := newSession(t, client, mlserver.SessionOptions{})

	content := []byte("a,b\r\n1,\"x\ny\"\r\n\x00\xff")
	for _, name := range []string{"data.csv", "page.html", "list.json", "ünicode and space.txt", "noext"} {
		if err := session.PutFile(ctx, name, bytes.NewReader(content)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var got bytes.Buffer
		if err := session.File(ctx, name, &got); err != nil || !bytes.Equal(got.Bytes(), content) {
			t.Errorf("%s came back as %q, %v", name, got.Bytes(), err)
		}
	}
	files, err := session.Files(ctx)
	if err != nil || len(files) != 5 || !slices.Contains(files, "ünicode and space.txt") {
		t.Errorf("files are %q, %v", files, err)
	}
	if err := session.DeleteFile(ctx, "noext"); err != nil {
		t.Error(err)
	}

	if _, err := session.Execute(ctx, "fit <- lm(mpg ~ wt, mtcars); twice <- function(x) 2 * x", mlserver.Execution{}); err != nil {
		t.Fatal(err)
	}
	var object bytes.Buffer
	if err := session.Object(ctx, "fit", &object); err != nil {
		t.Fatal(err)
	}
	snapshot, err := session.Snapshot(ctx, "shot")
	if err != nil {
		t.Fatal(err)
	}
	list, err := client.Snapshots(ctx)
	if err != nil || len(list) != 1 || list[0].ID != snapshot || list[0].Name != "shot" || list[0].Size == 0 || time.Since(list[0].Created).Abs() > time.Hour {
		t.Errorf("snapshots are %+v, %v", list, err)
	}
	var zip bytes.Buffer
	if err := client.DownloadSnapshot(ctx, snapshot, &zip); err != nil || !bytes.HasPrefix(zip.Bytes(), []byte("PK\x03\x04")) {
		t.Errorf("the snapshot begins with %q, %v", zip.Bytes()[:min(4, zip.Len())], err)
	}

	other := newSession(t, client, mlserver.SessionOptions{})
	if err := other.PutObject(ctx, "fit2", bytes.NewReader(object.Bytes())); err != nil {
		t.Fatal(err)
	}
	if err := other.LoadSnapshot(ctx, snapshot); err != nil {
		t.Fatal(err)
	}
	result, err := other.Execute(ctx, "same <- all.equal(coef(fit), coef(fit2)); four <- twice(2); there <- file.exists('data.csv')", mlserver.Execution{Outputs: []string{"same", "four", "there"}})
	if err != nil {
		t.Fatal(err)
	}
	var same, there bool
	var four float64
	if err := errors.Join(result.Outputs.Decode("same", &same), result.Outputs.Decode("four", &four), result.Outputs.Decode("there", &there)); err != nil || !same || four != 4 || !there {
		t.Errorf("after loading: same %v, four %v, there %v, %v", same, four, there, err)
	}
	if err := other.DeleteObject(ctx, "fit2"); err != nil {
		t.Error(err)
	}
	if objects, err := other.Objects(ctx); err != nil || slices.Contains(objects, "fit2") || !slices.Contains(objects, "fit") {
		t.Errorf("objects are %q, %v", objects, err)
	}
	if err := client.DeleteSnapshot(ctx, snapshot); err != nil {
		t.Error(err)
	}
	if err := client.DownloadSnapshot(ctx, snapshot, &zip); !errors.Is(err, mlserver.ErrNotFound) {
		t.Errorf("a deleted snapshot gave %v", err)
	}
}

func TestPathValuesAreRefusedBeforeSending(t *testing.T) {
	ctx := t.Context()
	client, err := mlserver.New(mlserver.Config{Address: "http://127.0.0.1:1"}) // nobody there
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", ".", ".."} {
		for what, err := range map[string]error{
			"deleting a file":    client.Session("s").DeleteFile(ctx, bad),
			"closing a session":  client.Session(bad).Close(ctx),
			"deleting a service": client.Service(bad, "1").Delete(ctx),
			"deleting a version": client.Service("s", bad).Delete(ctx),
			"removing an object": client.Session("s").DeleteObject(ctx, bad),
		} {
			if err == nil || !strings.Contains(err.Error(), "must not be") {
				t.Errorf("%s %q: got %v, want a refusal", what, bad, err)
			}
		}
	}
}

// patience is how long tests wait for what others do, on a machine that does much else.
const patience = 2 * time.Minute

// poll waits for something to happen on the server, by asking it.
func poll(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-time.After(5 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Fatalf("waited in vain until %s", what)
}
