package bench

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Stub is where a stub server listens.
type Stub struct {
	Plain, TLS  string // base URLs of the API
	Late        string // path in front of it, for answers whose last chunk comes late
	Certificate []byte // of TLS, as PEM
	Control     string // URL that tells how many connections there were, and lets calls wait for others
	Up, Down    string // TCP addresses: one takes a file, the other gives it
	File        string // to send and to give
	FileSize    int64
}

// answer is what the service of the stub gives.
const answer = `{"success":true,"errorMessage":"","outputParameters":{"answer":0.64181252840938208},"consoleOutput":"","changedFiles":[]}`

// lateness is between the last byte of a document and the chunk that ends the body, at least: the timers of a process that has
// nothing else to do are off by a millisecond.
const lateness = 100 * time.Microsecond

const batchRows = 100_000

// StartStub starts a stub in this process. file is what it gives for downloads.
func StartStub(file string) (*Stub, func(), error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, nil, err
	}
	s := &stub{file: file, batch: batchAnswer(batchRows), bodies: sync.Pool{New: func() any { return new(bytes.Buffer) }}}
	plain, secure := httptest.NewUnstartedServer(s.handler()), httptest.NewUnstartedServer(s.handler())
	for _, server := range []*httptest.Server{plain, secure} {
		server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				s.connections.Add(1)
			}
		}
	}
	plain.Start()
	secure.StartTLS()
	control := httptest.NewServer(s.control())
	stop := func() {
		for _, server := range []*httptest.Server{plain, secure, control} {
			server.CloseClientConnections()
			server.Close()
		}
	}
	up, err := listen(func(c *net.TCPConn) error {
		if _, err := io.Copy(io.Discard, c); err != nil {
			return err
		}
		_, err := c.Write([]byte{1}) // all is there
		return err
	})
	if err != nil {
		stop()
		return nil, nil, err
	}
	down, err := listen(s.send)
	if err != nil {
		stop()
		_ = up.Close()
		return nil, nil, err
	}
	return &Stub{
			Plain: plain.URL, TLS: secure.URL, Late: "/late", Control: control.URL, Up: up.Addr().String(), Down: down.Addr().String(),
			File: file, FileSize: info.Size(),
			Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}),
		}, func() {
			stop()
			_, _ = up.Close(), down.Close()
		}, nil
}

// connections is how many the stub has accepted.
func (s *Stub) connections() (int64, error) {
	res, err := http.Get(s.Control)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(string(text), 10, 64)
}

// awaitConnections returns when the stub has accepted as many connections as were dialed, which may take it a moment.
func (s *Stub) awaitConnections(dialed func() int64) error {
	for end := time.Now().Add(10 * time.Second); ; {
		accepted, err := s.connections()
		if err != nil || accepted == dialed() {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("the stub accepted %d connections, the clients have dialed %d", accepted, dialed())
		}
		time.Sleep(time.Millisecond)
	}
}

// gather lets the next n calls of the service wait for each other.
func (s *Stub) gather(n int) error {
	res, err := http.Post(s.Control+"?gather="+strconv.Itoa(n), "", nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return errors.New(res.Status)
	}
	return nil
}

func listen(serve func(*net.TCPConn) error) (net.Listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_ = serve(c.(*net.TCPConn)) // the other side sees that it broke off
			}()
		}
	}()
	return l, nil
}

type stub struct {
	file        string
	batch       string
	connections atomic.Int64
	gathering   atomic.Pointer[gathering]
	bodies      sync.Pool // of *bytes.Buffer
}

// gathering is of calls that are answered when all are there.
type gathering struct {
	missing atomic.Int64
	all     chan struct{}
}

func (s *stub) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, s.connections.Load())
	})
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.ParseInt(r.FormValue("gather"), 10, 64)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		g := &gathering{all: make(chan struct{})}
		g.missing.Store(n)
		s.gathering.Store(g)
	})
	return mux
}

func (s *stub) gather(r *http.Request) {
	g := s.gathering.Load()
	if g == nil {
		return
	}
	if left := g.missing.Add(-1); left == 0 {
		s.gathering.Store(nil)
		close(g.all)
	} else if left > 0 {
		select {
		case <-g.all:
		case <-r.Context().Done():
		}
	}
}

func (s *stub) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/TxService/1.0", func(w http.ResponseWriter, r *http.Request) {
		drain(r)
		s.gather(r)
		respond(w, answer)
	})
	mux.HandleFunc("POST /late/api/TxService/1.0", func(w http.ResponseWriter, r *http.Request) {
		drain(r)
		s.gather(r)
		respond(w, answer)
		w.(http.Flusher).Flush()
		time.Sleep(lateness)
	})
	mux.HandleFunc("POST /api/Echo/1.0", func(w http.ResponseWriter, r *http.Request) {
		body := s.bodies.Get().(*bytes.Buffer) // used again: memory for a large one takes longer than to read it, and is not what is measured
		defer s.bodies.Put(body)
		body.Reset()
		if _, err := body.ReadFrom(r.Body); err != nil {
			return
		}
		// In chunks, without a length: that is how the servers answer JSON.
		respond(w, `{"success":true,"errorMessage":"","outputParameters":`)
		_, _ = w.Write(body.Bytes())
		_, _ = io.WriteString(w, `,"consoleOutput":"","changedFiles":[]}`)
	})
	mux.HandleFunc("POST /api/TxService/1.0/batch", func(w http.ResponseWriter, r *http.Request) {
		drain(r)
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"batchExecutionId":"b"}`)
	})
	mux.HandleFunc("GET /api/TxService/1.0/batch/b", func(w http.ResponseWriter, _ *http.Request) {
		respond(w, s.batch)
	})
	mux.HandleFunc("GET /services/TxService/1.0", func(w http.ResponseWriter, _ *http.Request) {
		respond(w, `[{"name":"TxService","version":"1.0","inputParameterDefinitions":[{"name":"hp","type":"numeric"},{"name":"wt","type":"numeric"}]}]`)
	})
	take := func(w http.ResponseWriter, r *http.Request) {
		drain(r)
		w.WriteHeader(http.StatusCreated)
	}
	mux.HandleFunc("POST /sessions/s/workspace/object", take)
	mux.HandleFunc("POST /sessions/s/files", take)
	mux.HandleFunc("GET /sessions/s/files/file", func(w http.ResponseWriter, _ *http.Request) {
		f, err := os.Open(s.file)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer f.Close()
		w.Header().Set("Content-Type", "application/octet-stream")
		if info, err := f.Stat(); err == nil {
			w.Header().Set("Content-Length", strconv.FormatInt(info.Size(), 10))
		}
		_, _ = io.Copy(w, f)
	})
	return mux
}

func drain(r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }

func respond(w http.ResponseWriter, document string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = io.WriteString(w, document)
}

func (s *stub) send(c *net.TCPConn) error {
	f, err := os.Open(s.file)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(c, f)
	return err
}

// batchAnswer is a batch that is over, with what its rows came to.
func batchAnswer(rows int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"state":"Complete","completedItemCount":%d,"totalItemCount":%[1]d,"parallelCount":10,"batchExecutionResults":[`, rows)
	for i := range rows {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"success":true,"errorMessage":"","outputParameters":{"answer":%d.5},"consoleOutput":"","changedFiles":[]}`, i)
	}
	b.WriteString("]}")
	return b.String()
}

// ServeStub starts a stub, tells where it is on standard output, and ends with standard input.
func ServeStub(file string) error {
	s, stop, err := StartStub(file)
	if err != nil {
		return err
	}
	defer stop()
	if err := json.NewEncoder(os.Stdout).Encode(s); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// startProcess starts this program again as a stub.
func startProcess(file string) (*Stub, func() error, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.Command(self, "stub", file)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	stop := func() error {
		_ = stdin.Close()
		return cmd.Wait()
	}
	s := &Stub{}
	if err := json.NewDecoder(stdout).Decode(s); err != nil {
		_ = stop()
		return nil, nil, fmt.Errorf("the stub did not start: %w", err)
	}
	return s, stop, nil
}
