package auth_test

import (
	"crypto/sha256"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-openapi/runtime"

	v930 "github.com/mlserver-go/mls/gen/v930"
	"github.com/mlserver-go/mls/gen/v930/sessions"
	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/transport"
)

// A server that refuses a token in the middle of an upload gets all of it with the next one, if it can be read again, while the
// first attempt may still be reading.
func TestUploadsAreSentAgain(t *testing.T) {
	content := strings.Repeat("0123456789abcdef", 1<<18) // 4 MiB
	want := sha256.Sum256([]byte(content))
	path := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	var accepted atomic.Int32
	var early atomic.Bool // whether the refusal comes before the end of the upload
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer 1" {
			if early.Load() {
				_, _ = io.CopyN(io.Discard, r.Body, 100_000)
			} else {
				_, _ = io.Copy(io.Discard, r.Body)
			}
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var body io.Reader = r.Body
		if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
			f, _, err := r.FormFile("file")
			if err != nil {
				t.Error(err)
				return
			}
			body = f
		}
		got := sha256.New()
		n, err := io.Copy(got, body)
		if err != nil || string(got.Sum(nil)) != string(want[:]) {
			t.Errorf("%d bytes arrived, %v", n, err)
		}
		accepted.Add(1)
		w.WriteHeader(http.StatusCreated)
	}))
	t.Cleanup(srv.Close)
	open := func() *os.File {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	object := func(api *v930.Mlserver, body io.ReadCloser) error {
		_, err := api.Sessions.SetWorkspaceObjectContext(background, &sessions.SetWorkspaceObjectParams{ID: "s", ObjectName: "o", SerializedObject: body})
		return err
	}
	for name, send := range map[string]func(*v930.Mlserver) error{
		"file":          func(api *v930.Mlserver) error { return object(api, open()) },
		"text":          func(api *v930.Mlserver) error { return object(api, io.NopCloser(strings.NewReader(content))) },
		"form":          func(api *v930.Mlserver) error { return form(api, open()) },
		"form of texts": func(api *v930.Mlserver) error { return form(api, transport.File("data", strings.NewReader(content))) },
	} {
		for range 2 {
			accepted.Store(0)
			server := auth.Server{URL: parse(t, srv.URL)}
			api := v930.New(transport.New(server.URL, server.Client(&issuer{})), nil)
			err := send(api)
			// An early refusal can get lost with the connection: then nothing may be sent again.
			if err != nil && !early.Load() || err == nil && accepted.Load() != 1 {
				t.Errorf("%s, refused early %t: accepted %d times, %v", name, early.Load(), accepted.Load(), err)
			}
			early.Store(!early.Load())
		}
	}
}

func form(api *v930.Mlserver, file runtime.NamedReadCloser) error {
	_, err := api.Sessions.UploadSessionFileContext(background, &sessions.UploadSessionFileParams{ID: "s", File: file})
	return err
}
