package devserver

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
	"github.com/mlserver-go/mls/wrapper/internal/stopwatch"
)

// TestBodiesWithoutEnd: what never ends is cut off, strangers earlier than others, and who sends slowly does not keep a connection.
func TestBodiesWithoutEnd(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.Python)
	c := start(t, Config{MaxBody: 1 << 20, MaxUpload: 1 << 20, StrangerTimeout: 800 * time.Millisecond})
	session := c.session(runtimes.Python)
	for _, path := range []string{"/login", "/login/refreshToken", "/sessions", "/services/a/1", "/api/a/1/batch", session + "/execute",
		session + "/workspace/x", session + "/files", "/realtime-services/a/1"} {
		var body io.Reader = endless{}
		kind := "application/json"
		switch {
		case strings.HasSuffix(path, "/x"):
			kind = "application/octet-stream"
		case strings.HasSuffix(path, "/files"), strings.HasPrefix(path, "/realtime"):
			body = io.MultiReader(strings.NewReader("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n"), body)
			kind = "multipart/form-data; boundary=b"
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url+path, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", kind)
		req.Header.Set("Authorization", "Bearer "+c.token)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			continue // cut off before the answer was read, which is as good
		}
		if err := res.Body.Close(); err != nil || res.StatusCode/100 != 4 {
			t.Errorf("an endless body to %s: status %d, %v", path, res.StatusCode, err)
		}
	}
	for _, request := range []string{
		"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
		"POST /sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
		"POST /login/refreshToken HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		if _, err := io.Copy(io.Discard, conn); err != nil {
			t.Errorf("%.25q: the connection is still open: %v", request, err)
		}
		_ = conn.Close()
	}
	if r := c.do("GET", "/status", nil); r.status != 200 {
		t.Errorf("afterwards: status %d", r.status)
	}
	if names := c.want("GET", session+"/files", nil, 200).names(); len(names) > 0 {
		t.Errorf("files that have no end were kept: %v", names)
	}
	if left, err := filepath.Glob(filepath.Join(c.srv.store.workers(), "temp-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// endless is a JSON string that has no end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	p[0] = '"'
	return len(p), nil
}

// TestSlowUploads: who is signed in may take longer than strangers.
func TestSlowUploads(t *testing.T) {
	c := start(t, Config{StrangerTimeout: 400 * time.Millisecond})
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body := `{"name":"x","runtimeType":"Fortran"}`
	if _, err := fmt.Fprintf(conn, "POST /sessions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n", c.token, len(body)); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(30 * time.Millisecond) // the network is slow: 36 bytes take more than a second
	defer tick.Stop()
	for i := range body {
		<-tick.C
		if _, err := io.WriteString(conn, body[i:i+1]); err != nil {
			t.Fatalf("after %d bytes: %v", i, err)
		}
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var e struct{ Message string }
	if err := json.NewDecoder(res.Body).Decode(&e); err != nil || res.StatusCode != 400 || !strings.Contains(e.Message, "untime") {
		t.Errorf("status %d, %+v, %v; want 400 about the runtime type", res.StatusCode, e, err)
	}
}

// TestIdleConnections: a thousand of them disturb nobody.
func TestIdleConnections(t *testing.T) {
	c := start(t, Config{})
	for range 1000 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
		if err != nil && os.Getenv("CI") == "" {
			t.Skipf("this computer does not allow so many: %v", err)
		} else if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	took := stopwatch.Start(t)
	c.want("GET", "/services", nil, 200)
	if took := took(); took > 5*time.Second {
		t.Errorf("a call took %s", took)
	}
}
