package calls

import (
	"bytes"
	"errors"
	"math"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/mlserver"

	"example.com/clients/transmission"
)

const (
	answered = `{"success":true,"errorMessage":"","consoleOutput":"hello\r\n","changedFiles":["a.txt"],"outputParameters":{"answer":0.6418125}}`
	failed   = `{"success":false,"errorMessage":"object 'mpg' not found","consoleOutput":"before\n","changedFiles":null,"outputParameters":null}`
)

func TestCall(t *testing.T) {
	s := newServer(t, answered)
	out, err := transmission.New(s.transport()).ManualTransmission(t.Context(), transmission.Inputs{HP: 120, Wt: 2.8})
	ok(t, err)
	s.sent(t, "POST /api/transmission/1.0.0", `{"hp":120,"wt":2.8}`)
	check(t, "answer", out.Answer, 0.6418125)
	check(t, "console", out.Console, "hello\r\n")
	check(t, "changed files", strings.Join(out.Changed, " "), "a.txt")
	check(t, "raw answer", string(out.Raw.JSON("answer")), "0.6418125")
}

func TestZerosAreSent(t *testing.T) {
	s := newServer(t, answered)
	_, err := transmission.New(s.transport()).ManualTransmission(t.Context(), transmission.Inputs{})
	ok(t, err)
	s.sent(t, "POST /api/transmission/1.0.0", `{"hp":0,"wt":0}`)
}

func TestCodeFails(t *testing.T) {
	s := newServer(t, failed)
	out, err := transmission.New(s.transport()).ManualTransmission(t.Context(), transmission.Inputs{})
	var failure *mlserver.CodeError
	if !errors.As(err, &failure) {
		t.Fatalf("got %v, %v", out, err)
	}
	check(t, "console of the result", out.Console, "before\n")
	check(t, "message", failure.Message, "object 'mpg' not found")
	check(t, "error", err.Error(), "transmission 1.0.0: object 'mpg' not found")
	check(t, "console", failure.Console, "before\n")
}

func TestServerRefuses(t *testing.T) {
	s := newServer(t, `{"code":404,"message":"no such service"}`)
	s.status = http.StatusNotFound
	_, err := transmission.New(s.transport()).ManualTransmission(t.Context(), transmission.Inputs{})
	if !errors.Is(err, mlserver.ErrNotFound) || !strings.Contains(err.Error(), "no such service") {
		t.Errorf("got %v, want the transport's error", err)
	}
}

func TestNumericAnswers(t *testing.T) {
	for _, c := range []struct {
		outputs string
		want    float64
	}{
		{`{"answer":0.5}`, 0.5},
		{`{"answer":1e3}`, 1000},
		{`{"answer":[0.5]}`, 0.5},
		{`{"answer":[ 0.5 ],"more":"text"}`, 0.5},
		{`{"answer":"NA"}`, math.NaN()},
		{`{"answer":["NaN"]}`, math.NaN()},
		{`{"answer":"-Inf"}`, math.Inf(-1)},
		{`{"answer":null}`, math.NaN()},
		{`{"answer":[null]}`, math.NaN()},
		{`{}`, math.NaN()},
		{`null`, math.NaN()},
	} {
		s := newServer(t, `{"success":true,"outputParameters":`+c.outputs+`}`)
		out, err := transmission.New(s.transport()).ManualTransmission(t.Context(), transmission.Inputs{})
		if err != nil {
			t.Errorf("%s: %v", c.outputs, err)
			continue
		}
		if got := out.Answer; got != c.want && !(math.IsNaN(got) && math.IsNaN(c.want)) {
			t.Errorf("%s: got %v, want %v", c.outputs, got, c.want)
		}
	}
	for _, outputs := range []string{`{"answer":[1,2]}`, `{"answer":{"a":[1]}}`, `{"answer":"yes"}`, `{"answer":true}`, `{"answer":[]}`} {
		s := newServer(t, `{"success":true,"outputParameters":`+outputs+`}`)
		out, err := transmission.New(s.transport()).ManualTransmission(t.Context(), transmission.Inputs{})
		if err == nil || !strings.Contains(err.Error(), `output "answer" is declared as numeric`) {
			t.Errorf("%s: got error %v", outputs, err)
			continue
		}
		if len(out.Raw) != 1 {
			t.Errorf("%s: got %v beside the error, want the raw output", outputs, out.Raw)
		}
	}
}

func TestUndeclaredOutputsAndFiles(t *testing.T) {
	s := newServer(t, `{"success":true,"outputParameters":{"answer":1,"more":[1,2]},"outputFiles":{"a.png":"iVBORw==","b.csv":null}}`)
	out, err := transmission.New(s.transport()).ManualTransmission(t.Context(), transmission.Inputs{})
	ok(t, err)
	var more []float64
	ok(t, out.Raw.Decode("more", &more))
	check(t, "more", more[1], 2)
	if want := map[string][]byte{"a.png": []byte("\x89PNG"), "b.csv": nil}; !reflect.DeepEqual(out.Files, want) {
		t.Errorf("files %q, want %q", out.Files, want)
	}
}

func TestBatch(t *testing.T) {
	s := newServer(t, `{"BatchExecutionId":"10beb-9"}`)
	s.status = http.StatusAccepted
	c := transmission.New(s.transport())
	b, err := c.StartBatch(t.Context(), []transmission.Inputs{{HP: 120, Wt: 2.8}, {}}, 4)
	ok(t, err)
	s.sent(t, "POST /api/transmission/1.0.0/batch?parallelCount=4", `[{"hp":120,"wt":2.8},{"hp":0,"wt":0}]`)
	check(t, "id", b.ID, "10beb-9")
	_, err = c.StartBatch(t.Context(), []transmission.Inputs{{}}, 0)
	ok(t, err)
	s.sent(t, "POST /api/transmission/1.0.0/batch", `[{"hp":0,"wt":0}]`)

	s.status, s.answer = http.StatusOK, `["10beb-9"]`
	ids, err := c.Batches(t.Context())
	ok(t, err)
	s.sent(t, "GET /api/transmission/1.0.0/batch", "")
	check(t, "ids", strings.Join(ids, " "), "10beb-9")

	s.answer = `{"state":"InProgress","completedItemCount":1,"totalItemCount":3,"parallelCount":4,"batchExecutionResults":[null,` + answered + `,` + failed + `]}`
	status, err := b.Status(t.Context(), true)
	ok(t, err)
	s.sent(t, "GET /api/transmission/1.0.0/batch/10beb-9?showPartialResults=true", "")
	check(t, "over", status.Over(), false)
	check(t, "completed", status.Completed, 1)
	check(t, "total", status.Total, 3)
	if r := status.Rows[0]; r.Result != nil || r.Err != nil {
		t.Errorf("row 0 is %v, want neither result nor error", r)
	}
	check(t, "row 1", status.Rows[1].Answer, 0.6418125)
	check(t, "console of row 2", status.Rows[2].Console, "before\n")
	var failure *mlserver.CodeError
	check(t, "row 2 failed", errors.As(status.Rows[2].Err, &failure), true)

	for _, state := range []string{"complete", "Complete", "Failed"} {
		s.answer = `{"state":"` + state + `"}`
		status, err = b.Wait(t.Context(), time.Hour)
		ok(t, err)
		check(t, "state", status.State, state)
	}
	s.sent(t, "GET /api/transmission/1.0.0/batch/10beb-9?showPartialResults=false", "")

	s.answer = `["plot 1.png"]`
	files, err := b.Files(t.Context(), 1)
	ok(t, err)
	s.sent(t, "GET /api/transmission/1.0.0/batch/10beb-9/1/files", "")
	check(t, "files", strings.Join(files, ", "), "plot 1.png")

	s.contentType, s.answer = "image/png", "\x89PNG\r\n\x00"
	var content bytes.Buffer
	ok(t, b.File(t.Context(), 1, "dir/plot 1.png", &content))
	s.sent(t, "GET /api/transmission/1.0.0/batch/10beb-9/1/files/dir%2Fplot%201.png", "")
	check(t, "content", content.String(), "\x89PNG\r\n\x00")

	s.contentType, s.answer = "application/json", `"gone"`
	ok(t, c.Batch("10beb-9").Cancel(t.Context()))
	s.sent(t, "DELETE /api/transmission/1.0.0/batch/10beb-9", "")
}

func TestBatchRefusesPathsOfOtherOperations(t *testing.T) {
	s := newServer(t, `[]`)
	c := transmission.New(s.transport())
	for _, name := range []string{"", ".", ".."} {
		if err := c.Batch(name).Cancel(t.Context()); err == nil {
			t.Errorf("canceled batch %q", name)
		}
		if err := c.Batch("1").File(t.Context(), 0, name, &bytes.Buffer{}); err == nil {
			t.Errorf("read file %q", name)
		}
	}
	check(t, "sent", s.method, "")
}
