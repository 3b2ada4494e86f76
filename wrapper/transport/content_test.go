package transport_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-openapi/runtime"

	"github.com/mlserver-go/mls/gen/v930/sessions"
	"github.com/mlserver-go/mls/gen/v930/status"
	"github.com/mlserver-go/mls/wrapper/transport"
)

// readSeeker is a reader of somebody's own.
type readSeeker struct{ io.ReadSeeker }

func TestSizesAreTold(t *testing.T) {
	var size int64
	var got string
	api := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		size, got = r.ContentLength, string(body)
		w.WriteHeader(http.StatusCreated)
	})
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	open := func() *os.File {
		f, err := os.Open(path)
		if err == nil {
			_, err = f.Seek(3, io.SeekStart)
		}
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	after := func(r io.ReadSeeker) io.ReadSeeker { _, _ = r.Seek(3, io.SeekStart); return r }
	for name, test := range map[string]struct {
		content io.Reader
		want    int64
	}{
		"file":        {open(), 7},
		"bytes":       {after(bytes.NewReader([]byte("0123456789"))), 7},
		"text":        {after(strings.NewReader("0123456789")), 7},
		"buffer":      {bytes.NewBufferString("3456789"), 7},
		"part":        {after(io.NewSectionReader(strings.NewReader("x0123456789"), 1, 10)), 7},
		"seeker":      {readSeeker{after(strings.NewReader("0123456789"))}, 7},
		"stream":      {io.MultiReader(strings.NewReader("3456789")), -1},
		"named":       {transport.File("n", after(strings.NewReader("0123456789"))), 7},
		"named hides": {runtime.NamedReader("n", after(strings.NewReader("0123456789"))), -1},
	} {
		body, closes := test.content.(io.ReadCloser)
		if !closes {
			body = io.NopCloser(test.content)
		}
		if _, err := api.Sessions.SetWorkspaceObjectContext(background, &sessions.SetWorkspaceObjectParams{ID: "s", ObjectName: "o", SerializedObject: body}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if size != test.want || got != "3456789" {
			t.Errorf("%s: length %d of %q, want %d", name, size, got, test.want)
		}
	}
	file := open()
	if _, err := api.Sessions.UploadSessionFileContext(background, &sessions.UploadSessionFileParams{ID: "s", File: file}); err != nil || size != int64(len(got)) {
		t.Errorf("a form of %d bytes has length %d, %v", len(got), size, err)
	}
	if _, err := file.Stat(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("the file of a form is still open: %v", err)
	}
	if _, err := api.Sessions.SetWorkspaceObjectContext(background, &sessions.SetWorkspaceObjectParams{ID: "s", ObjectName: "o", SerializedObject: io.NopCloser(strings.NewReader(""))}); err != nil || size != 0 {
		t.Errorf("nothing has length %d, %v", size, err)
	}
	short := open()
	if err := os.Truncate(path, 5); err != nil { // while it is sent, as far as anybody can tell
		t.Fatal(err)
	}
	sized := io.NewSectionReader(short, 3, 7)
	if _, err := api.Sessions.SetWorkspaceObjectContext(background, &sessions.SetWorkspaceObjectParams{ID: "s", ObjectName: "o", SerializedObject: io.NopCloser(sized)}); err == nil {
		t.Error("a file that got shorter gave no error")
	}
}

// blocked is a RoundTripper that never gets a connection.
type blocked struct{ waiting chan struct{} }

func (b blocked) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
	close(b.waiting)
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// TestCancelledInEveryPhase cancels calls at each point where they wait.
func TestCancelledInEveryPhase(t *testing.T) {
	reached := make(chan struct{})
	waits := func(answer string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if answer != "" {
				_, _ = io.WriteString(w, answer)
				w.(http.Flusher).Flush()
			}
			close(reached)
			<-r.Context().Done()
		}
	}
	type call func(ctx context.Context) error
	statusOf := func(h http.HandlerFunc) call {
		api := serve(t, h)
		return func(ctx context.Context) error {
			_, err := api.Status.StatusContext(ctx, &status.StatusParams{})
			return err
		}
	}
	upload := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadFull(r.Body, make([]byte, 1<<10))
		close(reached)
		_, _ = io.Copy(io.Discard, r.Body) // until it breaks off
	})
	download := serve(t, waits("some bytes"))
	for name, do := range map[string]call{
		"before": func(ctx context.Context) error {
			close(reached)
			<-ctx.Done()
			return statusOf(func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })(ctx)
		},
		"connection": func(ctx context.Context) error {
			rt := newTransport(t, parse(t, "http://localhost"), &http.Client{Transport: blocked{reached}})
			_, err := rt.SubmitContext(ctx, &runtime.ClientOperation{Method: "GET", PathPattern: "/", Params: noParams, Reader: openDefault{}})
			return err
		},
		"answer":   statusOf(waits("")),
		"document": statusOf(waits(`{"statusCode":`)),
		"error": statusOf(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			close(reached)
			<-r.Context().Done()
		}),
		"upload": func(ctx context.Context) error {
			endless := io.MultiReader(strings.NewReader(strings.Repeat("x", 1<<20)), zeros{})
			_, err := upload.Sessions.SetWorkspaceObjectContext(ctx, &sessions.SetWorkspaceObjectParams{ID: "s", ObjectName: "o", SerializedObject: io.NopCloser(endless)})
			return err
		},
		"form": func(ctx context.Context) error {
			_, err := upload.Sessions.UploadSessionFileContext(ctx, &sessions.UploadSessionFileParams{ID: "s", File: runtime.NamedReader("f", zeros{})})
			return err
		},
		"download": func(ctx context.Context) error {
			_, err := download.Sessions.GetSessionFileContext(ctx, &sessions.GetSessionFileParams{ID: "s", FileName: "f"}, io.Discard)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			reached = make(chan struct{})
			ctx, cancel := context.WithCancel(background)
			defer cancel()
			done := make(chan error, 1)
			at := reached
			go func() { done <- do(ctx) }()
			<-at
			cancel()
			err := <-done
			if name == "error" { // the status is known, and counts more
				var got *transport.Error
				if errors.As(err, &got) && got.Status == http.StatusInternalServerError {
					return
				}
			}
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want context.Canceled", err)
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// Documents of any length arrive whole, whether their length is told or not.
func TestLongDocuments(t *testing.T) {
	for _, size := range []int{1, 16<<10 - 13, 16<<10 - 12, 16 << 10, 16<<10 + 1, 272 << 10, 272<<10 + 1, 3 << 20} {
		for _, told := range []bool{true, false} {
			text := strings.Repeat("ab", size/2+1)[:size]
			api := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				document := fmt.Sprintf(`{"consoleOutput":%q}`, text)
				if told {
					w.Header().Set("Content-Length", fmt.Sprint(len(document)))
				} else {
					w.(http.Flusher).Flush()
				}
				_, _ = io.WriteString(w, document)
			})
			ok, err := api.Sessions.GetSessionConsoleOutputContext(background, &sessions.GetSessionConsoleOutputParams{ID: "s"})
			if err != nil || sha256.Sum256([]byte(ok.Payload.ConsoleOutput)) != sha256.Sum256([]byte(text)) {
				t.Errorf("%d bytes, length told %t: got %v", size, told, err)
			}
		}
	}
}
