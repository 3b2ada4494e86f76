package transport_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	v930 "github.com/mlserver-go/mls/gen/v930"
	"github.com/mlserver-go/mls/gen/v930/sessions"
	"github.com/mlserver-go/mls/gen/v930/status"
	"github.com/mlserver-go/mls/wrapper/transport"
)

func benchmark(b *testing.B, answer reply, call func(*v930.Mlserver) error) {
	srv := httptest.NewServer(answer)
	defer srv.Close()
	u, err := url.Parse(srv.URL)
	if err != nil {
		b.Fatal(err)
	}
	api := v930.New(transport.New(u, nil), nil)
	b.ReportAllocs()
	for b.Loop() {
		if err := call(api); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDocument(b *testing.B) {
	benchmark(b, reply{http.StatusOK, json, `{"statusCode":"pass"}`}, func(api *v930.Mlserver) error {
		_, err := api.Status.StatusContext(background, &status.StatusParams{})
		return err
	})
}

func BenchmarkDownload16MB(b *testing.B) {
	b.SetBytes(16 << 20)
	body := reply{http.StatusOK, "image/png", strings.Repeat("x", 16<<20)}
	benchmark(b, body, func(api *v930.Mlserver) error {
		_, err := api.Sessions.GetSessionFileContext(background, &sessions.GetSessionFileParams{ID: "s", FileName: "f"}, &signal{})
		return err
	})
}
