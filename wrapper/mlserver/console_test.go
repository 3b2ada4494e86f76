package mlserver_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// languages are what a test does in R and in Python.
type languages map[mlserver.Runtime]string

// TestConsoleWhileCodeRuns sees the text of code that goes on only when its first line was seen.
func TestConsoleWhileCodeRuns(t *testing.T) {
	client := newServer(t, mlserver.V930).client(t)
	for runtime, code := range (languages{
		mlserver.R: `cat("first é\n"); while (!file.exists("seen")) Sys.sleep(0.01); cat("no end of line"); while (!file.exists("seen too")) Sys.sleep(0.01); cat("!\n")`,
		mlserver.Python: `
import os, time
print("first é")
while not os.path.exists("seen"): time.sleep(0.01)
print("no end of line", end="", flush=True)
while not os.path.exists("seen too"): time.sleep(0.01)
print("!")`,
	}) {
		t.Run(string(runtime), func(t *testing.T) {
			session := newSession(t, client, mlserver.SessionOptions{Runtime: runtime})
			for range 2 { // the second time its text begins like that of the execution before
				reader, writer := io.Pipe()
				ended := make(chan error, 1)
				go func() {
					result, err := session.Execute(t.Context(), code, mlserver.Execution{Console: writer})
					if err == nil && result.Console != "first é\nno end of line!\n" {
						err = fmt.Errorf("the whole text is %q", result.Console)
					}
					_ = writer.CloseWithError(err)
					ended <- err
				}()
				text := bufio.NewReader(reader)
				if line, err := text.ReadString('\n'); err != nil || line != "first é\n" {
					t.Fatalf("read %q, %v", line, err)
				}
				put(t, session, "seen")
				part := make([]byte, len("no end of line"))
				if _, err := io.ReadFull(text, part); err != nil || string(part) != "no end of line" {
					t.Fatalf("read %q, %v", part, err)
				}
				put(t, session, "seen too")
				if rest, err := io.ReadAll(text); err != nil || string(rest) != "!\n" {
					t.Errorf("read %q, %v", rest, err)
				}
				if err := <-ended; err != nil {
					t.Fatal(err)
				}
				for _, name := range []string{"seen", "seen too"} {
					if err := session.DeleteFile(t.Context(), name); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}

// TestConsoleOfTheSameText runs code three times that prints the same and nothing more: each time it is seen while the code runs,
// by a client that knows of the time before and by one that does not. What another execution prints, which ours has to wait for,
// is not shown as ours.
func TestConsoleOfTheSameText(t *testing.T) {
	server := newServer(t, mlserver.V930)
	session := newSession(t, server.client(t), mlserver.SessionOptions{Runtime: mlserver.Python})
	other := server.client(t).Session(session.ID())
	const code = "import os, time\nprint('same')\nwhile not os.path.exists('go'): time.sleep(0.01)\nos.remove('go')"
	for i, s := range []*mlserver.Session{session, session, other} {
		reader, writer := io.Pipe()
		ended := make(chan error, 1)
		go func() {
			_, err := s.Execute(t.Context(), code, mlserver.Execution{Console: writer})
			ended <- errors.Join(err, writer.Close())
		}()
		text := bufio.NewReader(reader)
		if line, err := text.ReadString('\n'); err != nil || line != "same\n" {
			t.Fatalf("time %d: read %q, %v", i, line, err)
		}
		put(t, session, "go")
		if rest, err := io.ReadAll(text); err != nil || len(rest) != 0 {
			t.Errorf("time %d: then read %q, %v", i, rest, err)
		}
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	}

	first := make(chan error, 1)
	go func() {
		_, err := session.Execute(t.Context(), strings.NewReplacer("same", "theirs", "os.remove", "print('more'); os.remove").Replace(code), mlserver.Execution{})
		first <- err
	}()
	poll(t, "the first one runs", func() bool {
		text, err := session.Console(t.Context())
		return err == nil && text == "theirs\n"
	})
	var seen bytes.Buffer
	second := make(chan error, 1)
	another := server.client(t).Session(session.ID())
	go func() {
		_, err := another.Execute(t.Context(), "print('mine')", mlserver.Execution{Console: &seen})
		second <- err
	}()
	put(t, session, "go")
	if err := errors.Join(<-first, <-second); err != nil || seen.String() != "mine\n" {
		t.Errorf("seen %q, %v, want only what is ours", seen.String(), err)
	}
}

func put(t *testing.T, s *mlserver.Session, name string) {
	t.Helper()
	if err := s.PutFile(t.Context(), name, strings.NewReader("")); err != nil {
		t.Fatal(err)
	}
}

// TestFollow sees from another client what an execution prints.
func TestFollow(t *testing.T) {
	server := newServer(t, mlserver.V930)
	client := server.client(t)
	session := newSession(t, client, mlserver.SessionOptions{})
	reader, writer := io.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	followed := make(chan error, 1)
	follower := server.client(t).Session(session.ID())
	go func() {
		followed <- follower.Follow(ctx, writer)
		_ = writer.Close()
	}()
	text := bufio.NewReader(reader)
	for _, code := range []string{`cat("one\n")`, `cat("two\n")`} {
		if _, err := session.Execute(ctx, code, mlserver.Execution{}); err != nil {
			t.Fatal(err)
		}
		if line, err := text.ReadString('\n'); err != nil || !strings.Contains(code, strings.TrimSpace(line)) {
			t.Errorf("after %s read %q, %v", code, line, err)
		}
	}
	stop()
	if err := <-followed; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v, want the context's error", err)
	}
	if err := client.Session("00000000-0000-0000-0000-000000000000").Follow(t.Context(), io.Discard); !errors.Is(err, mlserver.ErrNotFound) {
		t.Errorf("a session that is not there gave %v", err)
	}
}

// TestMuchOutput runs what prints 200,000 lines. The server keeps no more than the beginning and the end of them; what it had
// lost before it was asked is told.
func TestMuchOutput(t *testing.T) {
	client := newServer(t, mlserver.V930).client(t)
	for runtime, code := range (languages{
		mlserver.R:      `cat(1:200000, sep = "\n"); cat("\n")`,
		mlserver.Python: "for i in range(1, 200001): print(i)",
	}) {
		session := newSession(t, client, mlserver.SessionOptions{Runtime: runtime})
		var seen bytes.Buffer
		result, err := session.Execute(t.Context(), code, mlserver.Execution{Console: &seen})
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(seen.String()), "\n")
		complete := len(lines) == 200_000
		if told := strings.Contains(seen.String(), "left out]"); lines[0] != "1" || lines[len(lines)-1] != "200000" || told == complete {
			t.Errorf("%s: %d lines from %s to %s, a gap told: %t", runtime, len(lines), lines[0], lines[len(lines)-1], told)
		}
		if len(result.Console) > 2<<20 {
			t.Errorf("%s: the result has %d bytes of text", runtime, len(result.Console))
		}
		if r, err := session.Execute(t.Context(), "1 + 1", mlserver.Execution{}); err != nil || !strings.Contains(r.Console, "2") {
			t.Errorf("%s: afterwards 1 + 1 gave %v", runtime, err)
		}
	}
}

// BenchmarkFirstOutput measures, in milliseconds, how long after code has printed its first line that line is seen. The code is
// slow: it prints the time of day after half a second to 3 s. The target is 300.
func BenchmarkFirstOutput(b *testing.B) {
	ctx := context.Background()
	session, err := newServer(b, mlserver.V930).client(b).NewSession(ctx, mlserver.SessionOptions{Runtime: mlserver.Python})
	if err != nil {
		b.Fatal(err)
	}
	defer session.ForceClose(ctx)
	var late []time.Duration
	for b.Loop() {
		w := &firstWrite{}
		code := fmt.Sprintf("import time; time.sleep(%f); print(time.time_ns()); time.sleep(2)", 0.5+2.5*rand.Float64())
		if _, err := session.Execute(ctx, code, mlserver.Execution{Console: w}); err != nil {
			b.Fatal(err)
		}
		var printed int64
		if _, err := fmt.Sscan(w.text, &printed); err != nil {
			b.Fatal(err)
		}
		late = append(late, w.at.Sub(time.Unix(0, printed)))
	}
	slices.Sort(late)
	ms := func(d time.Duration) float64 { return float64(d) / 1e6 }
	b.ReportMetric(ms(late[len(late)/2]), "ms-median")
	b.ReportMetric(ms(late[len(late)-1]), "ms-worst")
	b.ReportMetric(0, "ns/op")
}

// firstWrite notes what was written first, and when.
type firstWrite struct {
	at   time.Time
	text string
}

func (w *firstWrite) Write(p []byte) (int, error) {
	if w.at.IsZero() {
		w.at, w.text = time.Now(), string(p)
	}
	return len(p), nil
}
