package mlserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

const definition = `[{"name":"s","version":"1","inputParameterDefinitions":[{"name":"x","type":"numeric"}]}]`

// stub is a service on a server that describes it, and does with batches what the test says.
func stub(tb testing.TB, batches http.HandlerFunc) *mlserver.Service {
	tb.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/services/") {
			io.WriteString(w, definition)
			return
		}
		batches(w, r)
	}))
	tb.Cleanup(server.Close)
	client, err := mlserver.New(mlserver.Config{Address: server.URL, Auth: auth.Static("token")})
	if err != nil {
		tb.Fatal(err)
	}
	return client.Service("s", "1")
}

// saying answers every question for a batch with the same text.
func saying(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, text)
	}
}

// Whatever the order, the spelling and the gaps of an answer, it is understood, or the error says what is wrong with it.
func TestBatchAnswers(t *testing.T) {
	const row = `{"success":true,"errorMessage":"","consoleOutput":"","changedFiles":null,"outputParameters":{"y":2}}`
	for _, test := range []struct {
		answer string
		want   mlserver.BatchStatus
		rows   []int
		over   bool
	}{
		{`{"state":"complete","completedItemCount":2,"totalItemCount":2,"batchExecutionResults":[` + row + `,` + row + `]}`,
			mlserver.BatchStatus{State: "Complete", Completed: 2, Total: 2}, []int{0, 1}, true},
		{"\ufeff" + `{"batchExecutionResults":[null,` + row + `,null],"new":[{"a":1}],"TotalItemCount":3,"CompletedItemCount":1,"State":"INPROGRESS","parallelCount":7}`,
			mlserver.BatchStatus{State: "InProgress", Completed: 1, Total: 3, Parallel: 7}, []int{1}, false},
		{`{"state":"failed","completedItemCount":0,"totalItemCount":2,"batchExecutionResults":null}`,
			mlserver.BatchStatus{State: "Failed", Total: 2}, nil, true},
		{`{"state":"Resting","totalItemCount":2}`, mlserver.BatchStatus{State: "Resting", Total: 2}, nil, false},
	} {
		batch := stub(t, saying(test.answer)).Batch("b")
		status, err := batch.Status(t.Context())
		if err != nil {
			t.Errorf("%s: %v", test.answer, err)
			continue
		}
		if parallel := status.Parallel; parallel == 0 { // not needed, may not have been read
			test.want.Parallel = 0
		}
		if *status != test.want || status.State.Over() != test.over {
			t.Errorf("%s: %+v, want %+v", test.answer, *status, test.want)
		}
		var rows []int
		for row, err := range batch.Results(t.Context()) {
			var y int
			if err != nil || row.Err != nil || row.Outputs.Decode("y", &y) != nil || y != 2 {
				t.Errorf("%s: %+v, %v", test.answer, row, err)
			}
			rows = append(rows, row.Row)
		}
		if !reflect.DeepEqual(rows, test.rows) {
			t.Errorf("%s: rows %v, want %v", test.answer, rows, test.rows)
		}
	}

	for answer, says := range map[string]string{
		`{}`:                              "no state",
		`[]`:                              "something else",
		`<html>sign in</html>`:            "something else",
		``:                                "broke off",
		`{"state":"Complete","batchExecu`: "broke off",
		`{"state":"Complete","batchExecutionResults":[` + row + `,`:         "broke off",
		`{"state":"Complete","batchExecutionResults":[` + row + `,"text"]}`: "row 1",
		`{"state":"Complete","batchExecutionResults":{}}`:                   "batchExecutionResults",
		`{"state":7}`: "state",
		`{"state":"Complete","completedItemCount":1,"totalItemCount":1,"batchExecutionResults":[` + row + `] oops`: "something else",
	} {
		var got error
		for _, err := range stub(t, saying(answer)).Batch("b").Results(t.Context()) {
			got = err
		}
		if got == nil || !strings.Contains(got.Error(), says) || !strings.Contains(got.Error(), "getBatchExecutionStatus") {
			t.Errorf("%s gave %v, want %s", answer, got, says)
		}
	}

	broken := `{"state":"Complete","batchExecutionResults":[{"success":true,"outputFiles":{"f":"no base64!"}},{"success":false}]}`
	rows := 0
	for row, err := range stub(t, saying(broken)).Batch("b").Results(t.Context()) {
		if rows++; err != nil || row.Err == nil {
			t.Errorf("row %d: %+v, %v, want an error of its own", row.Row, row, err)
		}
	}
	if rows != 2 {
		t.Errorf("%d rows, want 2", rows)
	}
}

// Waiting asks at growing intervals, and without fetching results.
func TestBatchWait(t *testing.T) {
	asked := 0
	batch := stub(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.URL.RawQuery; got != "showPartialResults=false" {
			t.Errorf("asked with %s", got)
		}
		asked++
		state := "InProgress"
		if asked == 6 {
			state = "Complete"
		}
		fmt.Fprintf(w, `{"state":%q,"completedItemCount":%d,"totalItemCount":6,"batchExecutionResults":[`, state, asked)
		if state == "Complete" {
			io.WriteString(w, "what nobody reads") // may be any size
		}
	}).Batch("b")
	var pauses []time.Duration
	status, err := batch.Wait(t.Context(), mlserver.WaitOptions{
		Interval: 2 * time.Second, MaxInterval: 6 * time.Second,
		After: func(d time.Duration) <-chan time.Time {
			pauses = append(pauses, d)
			now := make(chan time.Time, 1)
			now <- time.Time{}
			return now
		},
	})
	want := []time.Duration{2 * time.Second, 3 * time.Second, 4500 * time.Millisecond, 6 * time.Second, 6 * time.Second}
	if err != nil || status.Completed != 6 || !reflect.DeepEqual(pauses, want) {
		t.Errorf("waited for %+v, %v with pauses %v, want %v", status, err, pauses, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	asked = 0
	_, err = batch.Wait(ctx, mlserver.WaitOptions{After: func(time.Duration) <-chan time.Time { cancel(); return nil }})
	if !errors.Is(err, context.Canceled) || asked != 1 {
		t.Errorf("giving up after %d questions gave %v", asked, err)
	}
}

// Rows are sent once, while they are made, and only all of them are a batch.
func TestBatchIsSentOnce(t *testing.T) {
	var posts atomic.Int32
	var body bytes.Buffer
	ended := make(chan error, 3) // how the body ended
	answer := func(w http.ResponseWriter) {
		w.WriteHeader(http.StatusAccepted)
		io.WriteString(w, `{"BatchExecutionId":"b-1"}`)
	}
	service := stub(t, func(w http.ResponseWriter, r *http.Request) {
		posts.Add(1)
		body.Reset()
		_, err := body.ReadFrom(r.Body)
		if err == nil && !json.Valid(body.Bytes()) {
			t.Errorf("a part of the rows was sent as if it were all: %.100s", body.String())
		}
		ended <- err
		answer(w)
	})
	batch, err := service.StartBatch(t.Context(), mlserver.RowsOf([]mlserver.Values{{"x": 0}, {"x": 1e21}, {"x": nil}}), mlserver.BatchOptions{})
	if <-ended != nil || err != nil || batch.ID() != "b-1" || body.String() != `[{"x":0},{"x":1e+21},{"x":null}]` || posts.Load() != 1 {
		t.Errorf("sent %s as %v, %v", body.String(), batch, err)
	}

	// Rows that end with an error after 20,000 that were sent: the server sees the body break off.
	posts.Store(0)
	gone := errors.New("disk gone")
	rows := func(yield func(mlserver.Values, error) bool) {
		for i := 0; i < 20_000; i++ {
			if !yield(mlserver.Values{"x": i}, nil) {
				return
			}
		}
		yield(nil, gone)
	}
	if _, err := service.StartBatch(t.Context(), rows, mlserver.BatchOptions{}); err != gone || posts.Load() != 1 || <-ended == nil {
		t.Errorf("rows that end with an error gave %v; %d requests, that did not break off", err, posts.Load())
	}
	func() { // rows that panic
		defer func() {
			if recover() == nil {
				t.Error("the panic was lost")
			}
		}()
		panicking := func(yield func(mlserver.Values, error) bool) { yield(mlserver.Values{"x": 1}, nil); panic("rows") }
		_, _ = service.StartBatch(t.Context(), panicking, mlserver.BatchOptions{})
	}()

	for _, test := range []struct {
		status int
		want   error
		says   string
	}{
		{http.StatusUnauthorized, mlserver.ErrUnauthorized, "start the batch again"},
		{http.StatusBadRequest, mlserver.ErrBadRequest, "row 17"},
		{http.StatusServiceUnavailable, mlserver.ErrUnavailable, "row 17"},
	} {
		var posts atomic.Int32
		service := stub(t, func(w http.ResponseWriter, r *http.Request) {
			posts.Add(1)
			io.CopyN(io.Discard, r.Body, 100_000) // in the middle of the rows
			w.WriteHeader(test.status)
			io.WriteString(w, `{"message":"row 17"}`)
		})
		rows := func(yield func(mlserver.Values, error) bool) {
			for i := 0; i < 25_000 && yield(mlserver.Values{"x": i}, nil); i++ {
			}
		}
		_, err := service.StartBatch(t.Context(), rows, mlserver.BatchOptions{})
		if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) || posts.Load() != 1 {
			t.Errorf("status %d after %d requests gave %v", test.status, posts.Load(), err)
		}
	}

	for answer, says := range map[string]string{`{}`: "without telling its id", `<html>`: "web page"} {
		service := stub(t, func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusAccepted)
			io.WriteString(w, answer)
		})
		if _, err := service.StartBatch(t.Context(), mlserver.RowsOf([]mlserver.Values{{"x": 1}}), mlserver.BatchOptions{}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("the answer %s gave %v", answer, err)
		}
	}
	service = stub(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	if _, err := service.StartBatch(t.Context(), mlserver.RowsOf(nil), mlserver.BatchOptions{}); err == nil {
		t.Errorf("no rows gave %v", err)
	}
	if _, err := service.StartBatch(t.Context(), mlserver.RowsOf([]mlserver.Values{{"x": 1}}), mlserver.BatchOptions{Parallel: -1}); err == nil {
		t.Errorf("-1 rows at a time gave %v", err)
	}
}

// A token that the server does not take any more is renewed before the rows are sent: they can't be sent again.
func TestBatchRenewsBeforeRows(t *testing.T) {
	var tokens, posts atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer token-2" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if r.Method == http.MethodPost {
			posts.Add(1)
			io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusAccepted)
			io.WriteString(w, `{"batchExecutionId":"b"}`)
			return
		}
		io.WriteString(w, definition)
	}))
	defer server.Close()
	source := auth.SourceFunc(func(context.Context) (*auth.Token, error) {
		return &auth.Token{AccessToken: fmt.Sprintf("token-%d", tokens.Add(1))}, nil
	})
	client, err := mlserver.New(mlserver.Config{Address: server.URL, Auth: auth.NewCache(source)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Service("s", "1").StartBatch(t.Context(), mlserver.RowsOf([]mlserver.Values{{"x": 1}}), mlserver.BatchOptions{}); err != nil || posts.Load() != 1 {
		t.Errorf("got %v after %d requests", err, posts.Load())
	}
}

// Files get the names that the server says only where these are names of files.
func TestBatchDownloadStaysInside(t *testing.T) {
	names := []string{"../../x", "/etc/x", "..", ".", "", "sub/x", `..\x`, "a\nb", "link", "good.csv"}
	batch := stub(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/files"):
			_ = json.NewEncoder(w).Encode(names)
		case strings.Contains(r.URL.Path, "/files/"):
			io.WriteString(w, "content")
		default:
			io.WriteString(w, `{"state":"Complete","completedItemCount":1,"totalItemCount":1}`)
		}
	}).Batch("b")
	parent := t.TempDir()
	outside := filepath.Join(parent, "outside")
	dir := filepath.Join(parent, "in", "0")
	if err := errors.Join(os.WriteFile(outside, []byte("mine"), 0o600), os.MkdirAll(dir, 0o700), os.Symlink(outside, filepath.Join(dir, "link"))); err != nil {
		t.Fatal(err)
	}
	paths, err := batch.Download(t.Context(), filepath.Join(parent, "in"))
	if want := []string{filepath.Join(dir, "link"), filepath.Join(dir, "good.csv")}; !reflect.DeepEqual(paths, want) {
		t.Errorf("saved %v, want %v", paths, want)
	}
	for _, name := range names[:8] {
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("row 0: %q is no safe name", name)) {
			t.Errorf("%q is not refused by %v", name, err)
		}
	}
	if got, err := os.ReadFile(outside); err != nil || string(got) != "mine" {
		t.Errorf("the file that a link leads to is %q, %v", got, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
		t.Errorf("the folder has %v, %v, want 2 files", left, err)
	}
}
