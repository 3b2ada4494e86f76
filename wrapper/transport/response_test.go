package transport_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-openapi/runtime"
	"github.com/go-openapi/strfmt"

	v930 "github.com/mlserver-go/mls/gen/v930"
	"github.com/mlserver-go/mls/gen/v930/services"
	"github.com/mlserver-go/mls/gen/v930/sessions"
	"github.com/mlserver-go/mls/gen/v930/snapshots"
	"github.com/mlserver-go/mls/gen/v930/status"
	"github.com/mlserver-go/mls/wrapper/transport"
)

func TestDownloadsArriveByteForByte(t *testing.T) {
	bodies := []string{
		"", "\x89PNG\r\n\x1a\n\x00\xff", "a,b\r\n\"x, y\",2\r\n# c,\"q\"\r\nragged\r\n", `{"a": 1}` + "\n", "[1,2,3]", "null",
		"<html><body>report</body></html>", "\xef\xbb\xbftext", "<?xml version='1.0'?><a/>", strings.Repeat("0123456789", 100_000),
	}
	types := []string{
		"application/octet-stream", "image/png", "application/zip", "application/pdf", "application/json", "application/xml",
		"application/x-yaml", "text/csv", "text/plain; charset=utf-16", "text/html", "multipart/form-data", "-", "application/json; charset", "/;=,",
	}
	for _, contentType := range types {
		for i, body := range bodies {
			api := serve(t, reply{200, contentType, body}.ServeHTTP)
			var memory bytes.Buffer
			_, err := api.Sessions.GetSessionFileContext(background, &sessions.GetSessionFileParams{ID: "s", FileName: "f"}, &memory)
			if err != nil || memory.String() != body {
				t.Errorf("%s, body %d: got %d bytes, %v", contentType, i, memory.Len(), err)
			}
			file, err := os.Create(filepath.Join(t.TempDir(), "f"))
			if err != nil {
				t.Fatal(err)
			}
			_, err = api.Snapshots.GetSnapshotContentContext(background, &snapshots.GetSnapshotContentParams{ID: "s"}, file)
			_ = file.Close()
			if got, _ := os.ReadFile(file.Name()); err != nil || string(got) != body {
				t.Errorf("%s, body %d into a file: got %d bytes, %v", contentType, i, len(got), err)
			}
		}
	}
}

func TestRefusedDownloadWritesNothing(t *testing.T) {
	api := serve(t, reply{404, json, `{"message":"no such file"}`}.ServeHTTP)
	var got bytes.Buffer
	_, err := api.Sessions.GetSessionFileContext(background, &sessions.GetSessionFileParams{ID: "s", FileName: "f"}, &got)
	if !errors.Is(err, transport.ErrNotFound) || got.Len() != 0 {
		t.Errorf("got %v and %q, want ErrNotFound and nothing", err, got.String())
	}
}

// raw answers with bytes that net/http would not send, and closes the connection.
func raw(t *testing.T, answer string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, answer)
		_ = conn.Close()
	}
}

func TestTruncatedBodiesAreErrors(t *testing.T) {
	for name, answer := range map[string]string{
		"length":   "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"a\":1}",
		"chunks":   "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n",
		"no chunk": "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			api := serve(t, raw(t, answer))
			_, err := api.Sessions.GetSessionFileContext(background, &sessions.GetSessionFileParams{ID: "s", FileName: "f"}, io.Discard)
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("download gave %v, want io.ErrUnexpectedEOF", err)
			}
			contains(t, "error", err.Error(), "getSessionFile", "broke off")
			if _, err := api.Status.StatusContext(background, &status.StatusParams{}); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("document gave %v, want io.ErrUnexpectedEOF", err)
			}
		})
	}
}

func TestTruncatedErrorKeepsItsStatus(t *testing.T) {
	api := serve(t, raw(t, "HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\nbusy"))
	_, err := api.Status.StatusContext(background, &status.StatusParams{})
	if !errors.Is(err, transport.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
}

func TestOneObjectInsteadOfAList(t *testing.T) {
	for _, body := range []string{`{"name":"tx","version":"1.0"}`, `[{"name":"tx","version":"1.0"}]`, "\xef\xbb\xbf\n[{\"name\":\"tx\",\"version\":\"1.0\"}]"} {
		api := serve(t, reply{200, json, body}.ServeHTTP)
		ok, err := api.Services.GetWebServiceVersionContext(background, &services.GetWebServiceVersionParams{Name: "tx", Version: "1.0"})
		if err != nil || len(ok.Payload) != 1 || ok.Payload[0].Name != "tx" {
			t.Errorf("%s gave %v, %v", body, ok, err)
		}
	}
	for _, body := range []string{"[]", "null"} {
		api := serve(t, reply{200, json, body}.ServeHTTP)
		ok, err := api.Services.GetWebServiceVersionContext(background, &services.GetWebServiceVersionParams{Name: "tx", Version: "1.0"})
		if err != nil || len(ok.Payload) != 0 {
			t.Errorf("%s gave %v, %v", body, ok, err)
		}
	}
}

func TestTextAnswers(t *testing.T) {
	for _, test := range []struct{ contentType, body, want string }{
		{json, `"pool ready"`, "pool ready"},
		{"text/plain", "pool ready", "pool ready"},
		{"-", "pool ready\n", "pool ready"},
		{json, "", ""},
		{json, "null", ""},
		{json, "5", "5"},
		{json, `{"a":1}`, `{"a":1}`},
		{json, "\xef\xbb\xbf\"pool\"", "pool"},
		{"text/plain", "gr\xfc\xdfe", "gr\uFFFDe"},
	} {
		api := serve(t, reply{200, test.contentType, test.body}.ServeHTTP)
		ok, err := api.Services.CreateOrUpdateServicePoolContext(background, &services.CreateOrUpdateServicePoolParams{Name: "n", Version: "v"})
		if err != nil || ok.Payload != test.want {
			t.Errorf("%s %q gave %v, %v, want %q", test.contentType, test.body, ok, err, test.want)
		}
	}
}

func TestAnswersThatAreNoDocument(t *testing.T) {
	for _, test := range []struct{ name, contentType, body, want string }{
		{"empty", json, "", "body is empty"},
		{"blank", json, " \n", "body is empty"},
		{"null", json, "null", "body is empty"},
		{"web page", "text/html", "<!DOCTYPE html><html>sign in</html>", "web page"},
		{"web page called JSON", json, "<HTML>", "web page"},
		{"text", "text/plain", "all is well", "something else than the JSON"},
		{"cut", json, `{"components":`, "ends in the middle"},
		{"another type", json, `"fine"`, "something else than the JSON"},
		{"secret", json, `{"access_token":CANARY`, "something else than the JSON"},
	} {
		t.Run(test.name, func(t *testing.T) {
			api := serve(t, reply{200, test.contentType, test.body}.ServeHTTP)
			ok, err := api.Status.StatusContext(background, &status.StatusParams{})
			if err == nil {
				t.Fatalf("got %v, want an error", ok)
			}
			contains(t, "error", err.Error(), "status: ", test.want)
			if strings.Contains(err.Error(), "CANARY") {
				t.Errorf("error repeats the body: %v", err)
			}
		})
	}
	api := serve(t, reply{200, "text/html", "<html>sign in</html>"}.ServeHTTP)
	ok, err := api.Services.CreateOrUpdateServicePoolContext(background, &services.CreateOrUpdateServicePoolParams{Name: "n", Version: "v"})
	if err == nil {
		t.Errorf("a web page for a text gave %v, want an error", ok)
	}
}

func TestNumbersKeepTheirDigits(t *testing.T) {
	srv := httptest.NewServer(reply{200, json, `[12345678901234567890, 3.0]`})
	t.Cleanup(srv.Close)
	var got any
	read := func(resp runtime.ClientResponse, c runtime.Consumer) (any, error) {
		return nil, c.Consume(resp.Body(), &got)
	}
	_, err := newTransport(t, parse(t, srv.URL), nil).Submit(&runtime.ClientOperation{
		Method: "GET", PathPattern: "/numbers", Params: noParams, Reader: runtime.ClientResponseReaderFunc(read),
	})
	if err != nil || fmt.Sprint(got) != "[12345678901234567890 3.0]" {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestUndocumentedSuccess(t *testing.T) {
	for _, code := range []int{200, 201, 202, 203} {
		api := serve(t, reply{code, json, `{"sessionId":"s1"}`}.ServeHTTP)
		ok, err := api.Sessions.CreateSessionContext(background, &sessions.CreateSessionParams{})
		if err != nil || ok.Payload.SessionID != "s1" {
			t.Errorf("createSession answered with %d gave %v, %v", code, ok, err)
		}
		api = serve(t, reply{code, "image/png", "bytes"}.ServeHTTP)
		var got bytes.Buffer
		_, err = api.Sessions.GetSessionFileContext(background, &sessions.GetSessionFileParams{ID: "s", FileName: "f"}, &got)
		if err != nil || got.String() != "bytes" {
			t.Errorf("getSessionFile answered with %d gave %q, %v", code, got.String(), err)
		}
	}
	for _, code := range []int{200, 201, 202, 204} {
		api := serve(t, reply{code, "-", ""}.ServeHTTP)
		if _, err := api.Sessions.DeleteSessionFileContext(background, &sessions.DeleteSessionFileParams{ID: "s", FileName: "f"}); err != nil {
			t.Errorf("deleteSessionFile answered with %d gave %v", code, err)
		}
	}
}

// openDefault is a reader as it is generated from documents that have a default response, for 201.
type openDefault struct{}

type (
	openCreated        struct{ Payload string }
	openDefaultDefault struct{ Payload struct{ Message string } }
)

func (openDefault) ReadResponse(resp runtime.ClientResponse, c runtime.Consumer) (any, error) {
	if resp.Code() == 201 {
		v := &openCreated{}
		return v, c.Consume(resp.Body(), &v.Payload)
	}
	v := &openDefaultDefault{}
	if err := c.Consume(resp.Body(), &v.Payload); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if resp.Code()/100 == 2 {
		return v, nil
	}
	return nil, fmt.Errorf("%v", v)
}

func TestDocumentsWithDefaultResponse(t *testing.T) {
	for _, test := range []struct {
		reply reply
		want  string
	}{
		{reply{201, json, `"done"`}, "done"},
		{reply{200, json, `"done"`}, "done"},
		{reply{200, json, `{"message":"done"}`}, `{"message":"done"}`},
		{reply{204, "-", ""}, ""},
	} {
		srv := httptest.NewServer(test.reply)
		t.Cleanup(srv.Close)
		rt := newTransport(t, parse(t, srv.URL), nil)
		v, err := rt.Submit(&runtime.ClientOperation{ID: "open", Method: "POST", PathPattern: "/open", Reader: openDefault{}, Params: noParams})
		if got, ok := v.(*openCreated); !ok || err != nil || got.Payload != test.want {
			t.Errorf("%v gave %T %v, %v", test.reply, v, v, err)
		}
	}
}

var noParams = runtime.ClientRequestWriterFunc(func(runtime.ClientRequest, strfmt.Registry) error { return nil })

// A decoder stops at the end of the document, before the chunk that ends the body: the connection could not be used again.
func TestConnectionsAreUsedAgain(t *testing.T) {
	var connections atomic.Int32
	finish := make(chan struct{})
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, body := 200, `{"statusCode":"pass"}`
		switch {
		case strings.HasSuffix(r.URL.Path, "/missing"):
			status, body = 404, `{"message":"no"}`
		case strings.HasSuffix(r.URL.Path, "/long"):
			status, body = 500, strings.Repeat("x", 200<<10)
		case r.Method == http.MethodDelete:
			body = strings.Repeat("x", 100<<10) // of an operation that has no document
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
		w.(http.Flusher).Flush()
		<-finish // the last chunk comes late
	}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	srv.Start()
	over := make(chan struct{})
	t.Cleanup(func() { close(over) }) // after the next: closing the server waits for its answers
	t.Cleanup(srv.Close)
	api := v930.New(newTransport(t, parse(t, srv.URL), nil), nil)
	go func() { // each call waits for its last chunk
		for {
			select {
			case finish <- struct{}{}:
			case <-over:
				return
			}
		}
	}()
	for range 5 {
		if _, err := api.Status.StatusContext(background, &status.StatusParams{}); err != nil {
			t.Fatal(err)
		}
		for _, file := range []string{"missing", "long"} {
			if _, err := api.Sessions.GetSessionFileContext(background, &sessions.GetSessionFileParams{ID: "s", FileName: file}, io.Discard); err == nil {
				t.Fatal("want an error")
			}
		}
		if _, err := api.Sessions.DeleteSessionFileContext(background, &sessions.DeleteSessionFileParams{ID: "s", FileName: "f"}); err != nil {
			t.Fatal(err)
		}
	}
	if got := connections.Load(); got != 1 {
		t.Errorf("20 calls took %d connections, want 1", got)
	}
}

func TestPoolIsLargeAndSafe(t *testing.T) {
	p := transport.NewPool()
	if p.MaxIdleConnsPerHost < 100 || p.TLSClientConfig.MinVersion < 0x0303 || p.Proxy == nil {
		t.Errorf("MaxIdleConnsPerHost %d, MinVersion %x", p.MaxIdleConnsPerHost, p.TLSClientConfig.MinVersion)
	}
}
