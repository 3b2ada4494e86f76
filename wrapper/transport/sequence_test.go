package transport_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v930 "github.com/mlserver-go/mls/gen/v930"
	"github.com/mlserver-go/mls/gen/v930/sessions"
	"github.com/mlserver-go/mls/wrapper/transport"
)

// before does something when a request is about to be sent.
type before struct {
	do   func()
	base http.RoundTripper
}

func (b before) RoundTrip(r *http.Request) (*http.Response, error) {
	b.do()
	return b.base.RoundTrip(r)
}

// Files in forms go over connections of a pool as they were when their size was told, or the call fails.
func TestFilesInForms(t *testing.T) {
	var got []byte
	var broken error
	server := func(tls bool) *httptest.Server {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got, broken = nil, nil
			f, _, err := r.FormFile("file")
			if err == nil {
				got, err = io.ReadAll(f)
			}
			if broken = err; err == nil {
				_, broken = io.ReadAll(r.Body)
			}
			w.WriteHeader(http.StatusCreated)
		}))
		if tls {
			s.StartTLS()
		} else {
			s.Start()
		}
		t.Cleanup(s.Close)
		return s
	}
	content := []byte(strings.Repeat("0123456789abcdef", 100_000))
	for _, size := range []int{1, 3_000, 5_000, len(content)} { // less and more than net/http's buffer, which a form begins in
		for name, test := range map[string]struct {
			tls   bool
			do    func(f *os.File) error
			fails bool
		}{
			"as it is": {do: func(*os.File) error { return nil }},
			"TLS":      {tls: true, do: func(*os.File) error { return nil }},
			"grows":    {do: func(f *os.File) error { _, err := f.WriteAt([]byte("more"), int64(size)); return err }},
			"shrinks":  {do: func(f *os.File) error { return f.Truncate(int64(size - 1)) }, fails: true},
		} {
			path := filepath.Join(t.TempDir(), "f")
			if err := os.WriteFile(path, content[:size], 0o600); err != nil {
				t.Fatal(err)
			}
			file, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			s := server(test.tls)
			pool := transport.NewPool()
			defer pool.CloseIdleConnections()
			if test.tls {
				pool.TLSClientConfig.RootCAs = s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
			}
			hc := &http.Client{Transport: before{func() {
				if err := test.do(file); err != nil {
					t.Error(err)
				}
			}, pool}}
			api := v930.New(transport.New(parse(t, s.URL), hc), nil)
			_, err = api.Sessions.UploadSessionFileContext(background, &sessions.UploadSessionFileParams{ID: "s", File: file})
			s.Close() // now its handler has ended
			switch {
			case test.fails && err == nil:
				t.Errorf("%s, %d bytes: no error, and the server has %d bytes (%v)", name, size, len(got), broken)
			case !test.fails && (err != nil || broken != nil || !bytes.Equal(got, content[:size])):
				t.Errorf("%s, %d bytes: %v; the server has %d bytes (%v)", name, size, err, len(got), broken)
			}
		}
	}
}
