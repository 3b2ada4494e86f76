package mlserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// cars are hp and wt of mtcars, with what Microsoft's notebook printed for a linear model of am.
var cars = [][3]float64{
	{110, 2.620, 0.592204}, {110, 2.875, 0.469917}, {93, 2.320, 0.68952}, {110, 3.215, 0.306868}, {175, 3.440, 0.376956}, {105, 3.460, 0.175686},
	{245, 3.570, 0.506294}, {62, 3.190, 0.18742}, {95, 3.150, 0.296965}, {123, 3.440, 0.234566}, {123, 3.440, 0.234566}, {180, 4.070, 0.088528},
	{180, 3.730, 0.251577}, {180, 3.780, 0.227599}, {205, 5.250, -0.408891}, {215, 5.424, -0.464951}, {230, 5.345, -0.385992}, {66, 2.200, 0.673133},
	{52, 1.615, 0.915338}, {65, 1.835, 0.845433}, {97, 2.465, 0.630938}, {150, 3.520, 0.270135}, {150, 3.435, 0.310897}, {245, 3.840, 0.376814},
	{175, 3.845, 0.182736}, {66, 1.935, 0.800216}, {91, 2.140, 0.770364}, {113, 1.513, 1.131287}, {264, 3.170, 0.750143}, {175, 2.770, 0.698259},
	{335, 3.570, 0.752739}, {109, 2.780, 0.512737},
}

var carsService = mlserver.Definition{
	Name: "TxService", Version: "1.0", InitCode: "fit <- lm(am ~ hp + wt, mtcars)",
	Code:      "am_Pred <- predict(fit, data.frame(hp = hp, wt = wt)); cat(paste0(hp, '\\r\\n', wt), file = 'answer.csv')",
	Inputs:    []mlserver.Parameter{{Name: "hp", Type: mlserver.Numeric}, {Name: "wt", Type: mlserver.Numeric}},
	Outputs:   []mlserver.Parameter{{Name: "am_Pred", Type: mlserver.Numeric}},
	Artifacts: []string{"answer.csv", "image.png"},
}

func carRows() (rows []mlserver.Values) {
	for _, c := range cars {
		rows = append(rows, mlserver.Values{"hp": c[0], "wt": c[1]})
	}
	return rows
}

// eager polls often.
var eager = mlserver.WaitOptions{Interval: 10 * time.Millisecond, MaxInterval: 10 * time.Millisecond}

func TestBatch(t *testing.T) {
	ctx := t.Context()
	server := newServer(t, mlserver.V930)
	service, err := server.client(t).Publish(ctx, carsService)
	if err != nil {
		t.Fatal(err)
	}
	batch, err := service.StartBatch(ctx, mlserver.RowsOf(carRows()), mlserver.BatchOptions{Parallel: 4})
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	status, err := batch.Wait(ctx, mlserver.WaitOptions{
		Interval: 10 * time.Millisecond, MaxInterval: 10 * time.Millisecond,
		Progress: func(s mlserver.BatchStatus) {
			if s.Total != 32 || s.Parallel != 4 || s.Completed < told {
				t.Errorf("progress %+v after %d rows", s, told)
			}
			told = s.Completed
		},
	})
	if want := (mlserver.BatchStatus{State: mlserver.BatchComplete, Completed: 32, Total: 32, Parallel: 4}); err != nil || *status != want || told != 32 {
		t.Fatalf("waited for %+v, %v, told of %d rows; want %+v", status, err, told, want)
	}

	// Another process knows no more than names and ids.
	list, err := server.client(t).Service("TxService", "1.0").Batches(ctx)
	if err != nil || len(list) != 1 || list[0].ID() != batch.ID() {
		t.Fatalf("batches %v, %v, want %s", list, err, batch.ID())
	}
	batch = list[0]
	next := 0
	for row, err := range batch.Results(ctx) {
		if err != nil || row.Err != nil {
			t.Fatal(err, row.Err)
		}
		var got float64
		if err := row.Outputs.Decode("am_Pred", &got); err != nil || row.Row != next || math.Abs(got-cars[next][2]) > 1e-6 {
			t.Errorf("row %d: %v, %v; want row %d: %v", row.Row, got, err, next, cars[next][2])
		}
		if want := fmt.Sprintf("%v\r\n%v", cars[next][0], cars[next][1]); string(row.Files["answer.csv"]) != want {
			t.Errorf("row %d: file %q, want %q", next, row.Files["answer.csv"], want)
		}
		next++
	}
	if next != 32 {
		t.Errorf("%d results, want 32", next)
	}
	for row := range batch.Results(ctx) { // leaving early is no error
		if row.Row == 3 {
			break
		}
	}

	if files, err := batch.Files(ctx, 31); err != nil || !reflect.DeepEqual(files, []string{"answer.csv"}) {
		t.Errorf("files %v, %v", files, err)
	}
	var content bytes.Buffer
	if err := batch.File(ctx, 31, "answer.csv", &content); err != nil || content.String() != "109\r\n2.78" {
		t.Errorf("file %q, %v", content.String(), err)
	}
	if err := batch.File(ctx, 31, "../../x", &content); err == nil {
		t.Error("a name that leads elsewhere was sent")
	}
	if err := batch.File(ctx, 32, "answer.csv", &content); !errors.Is(err, mlserver.ErrNotFound) || !strings.Contains(err.Error(), "32") {
		t.Errorf("row 32 gave %v", err)
	}
	dir := t.TempDir()
	if paths, err := batch.DownloadRow(ctx, 1, filepath.Join(dir, "new")); err != nil || !reflect.DeepEqual(paths, []string{filepath.Join(dir, "new", "answer.csv")}) {
		t.Errorf("row 1 was saved as %v, %v", paths, err)
	}
	paths, err := batch.Download(ctx, dir)
	if err != nil || len(paths) != 32 || paths[31] != filepath.Join(dir, "31", "answer.csv") {
		t.Errorf("saved as %v, %v", paths, err)
	}
	for name, want := range map[string]string{"new": "110\r\n2.875", "31": "109\r\n2.78"} {
		if got, err := os.ReadFile(filepath.Join(dir, name, "answer.csv")); err != nil || string(got) != want {
			t.Errorf("%s: file %q, %v, want %q", name, got, err, want)
		}
	}

	if err := batch.Cancel(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := batch.Status(ctx); !errors.Is(err, mlserver.ErrNotFound) || !strings.Contains(err.Error(), batch.ID()) {
		t.Errorf("a cancelled batch gave %v", err)
	}
	for _, err := range batch.Results(ctx) {
		if !errors.Is(err, mlserver.ErrNotFound) {
			t.Errorf("its results gave %v", err)
		}
	}
}

// One row that fails among 10,000 is found by its number; the others have their results.
func TestBatchRowFails(t *testing.T) {
	ctx := t.Context()
	server := newServer(t, mlserver.V930)
	service, err := server.client(t).Publish(ctx, mlserver.Definition{
		Name: "s", Version: "1", Runtime: mlserver.Python, Code: "if x == 7777:\n  print('so far')\n  raise ValueError('unlucky')\nif x < 0:\n  import time\n  time.sleep(3600)\ny = x",
		Inputs:  []mlserver.Parameter{{Name: "x", Type: mlserver.Numeric}},
		Outputs: []mlserver.Parameter{{Name: "y", Type: mlserver.Numeric}},
	})
	if err != nil {
		t.Fatal(err)
	}
	const total = 10_000
	rows := func(yield func(mlserver.Values, error) bool) {
		for i := 0; i < total && yield(mlserver.Values{"x": i}, nil); i++ {
		}
	}
	batch, err := service.StartBatch(ctx, rows, mlserver.BatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if status, err := batch.Wait(ctx, eager); err != nil || status.Completed != total || status.State != mlserver.BatchComplete {
		t.Fatalf("waited for %+v, %v", status, err)
	}
	read := 0
	for row, err := range batch.Results(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		var failed *mlserver.CodeError
		var y float64
		switch bad := row.Row == 7777; {
		case row.Row != read:
			t.Fatalf("row %d came after %d others", row.Row, read)
		case bad && (!errors.As(row.Err, &failed) || !strings.Contains(failed.Message, "unlucky") || !strings.Contains(row.Console, "so far")):
			t.Errorf("row %d: %v", row.Row, row.Err)
		case !bad && (row.Err != nil || row.Outputs.Decode("y", &y) != nil || y != float64(read)):
			t.Errorf("row %d: %v, %v", row.Row, y, row.Err)
		}
		read++
	}
	if read != total {
		t.Errorf("%d results, want %d", read, total)
	}

	// Inputs that don't fit are found on this side, and nothing is started.
	for _, test := range []struct {
		row  mlserver.Values
		says []string
	}{
		{mlserver.Values{"z": 1, "a": 2}, []string{`input "x" (numeric) is missing`, `input "a" is unknown: the service takes x`, `input "z" is unknown`}},
		{mlserver.Values{"x": math.NaN()}, []string{`input "x" has no JSON form`}},
		{mlserver.Values{"x": make(chan int)}, []string{`input "x" (numeric) has no JSON form`}},
		{mlserver.Values{"x": "one"}, []string{`input "x" (numeric) must be a number, not "one"`}},
		{mlserver.Values{"x": []int{1}, "y": 1}, []string{`input "x" (numeric) must be a number, not a list`, `input "y" is unknown`}},
		{mlserver.Values{"x": json.RawMessage("{}")}, []string{`input "x" (numeric) must be a number, not an object`}},
		{mlserver.Values{"x": json.RawMessage("1 2")}, []string{`input "x" has no JSON form`}},
		{mlserver.Values{"x": json.RawMessage(" ")}, []string{`input "x" has no JSON form`}},
	} {
		_, err := service.StartBatch(ctx, mlserver.RowsOf([]mlserver.Values{{"x": 1}, {"x": 1.5}, test.row, {"x": nil}}), mlserver.BatchOptions{})
		var row *mlserver.RowError
		if !errors.As(err, &row) || row.Row != 2 || !strings.HasPrefix(err.Error(), "row 2, counted from 0: ") {
			t.Errorf("%v gave %v", test.row, err)
			continue
		}
		for _, text := range test.says {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%v gave %v, want it to say %s", test.row, err, text)
			}
		}
	}
	if list, err := service.Batches(ctx); err != nil || len(list) != 1 {
		t.Errorf("batches %v, %v, want the first alone", list, err)
	}

	// Cancelled in the middle of a row; the service serves on.
	batch, err = service.StartBatch(ctx, mlserver.RowsOf([]mlserver.Values{{"x": 1}, {"x": -1}, {"x": -1}}), mlserver.BatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	waiting, enough := context.WithCancel(ctx)
	stuck := eager
	stuck.Progress = func(s mlserver.BatchStatus) {
		if s.Completed == 1 {
			enough()
		}
	}
	if status, err := batch.Wait(waiting, stuck); !errors.Is(err, context.Canceled) || status != nil && status.State.Over() {
		t.Errorf("waiting was given up with %+v, %v", status, err)
	}
	partial := 0
	for row, err := range batch.Results(ctx) {
		if err != nil || row.Row != 0 || row.Err != nil {
			t.Errorf("partial result %+v, %v", row, err)
		}
		partial++
	}
	if partial != 1 {
		t.Errorf("%d partial results, want 1", partial)
	}
	if _, err := batch.Download(ctx, t.TempDir()); err == nil || !strings.Contains(err.Error(), "not over") {
		t.Errorf("downloading from it gave %v", err)
	}
	if err := batch.Cancel(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := service.Consume(ctx, mlserver.Values{"x": 1}); err != nil {
		t.Errorf("a call afterwards gave %v", err)
	}
}

// A batch whose service does not start failed as a whole, and says where to look.
func TestBatchFailsAsAWhole(t *testing.T) {
	ctx := t.Context()
	server := newServer(t, mlserver.V930)
	service, err := server.client(t).Publish(ctx, mlserver.Definition{
		Name: "s", Version: "1", Runtime: mlserver.Python, InitCode: "no_such_thing()", Code: "pass", Artifacts: []string{"f"},
	})
	if err != nil {
		t.Fatal(err)
	}
	batch, err := service.StartBatch(ctx, mlserver.RowsOf(make([]mlserver.Values, 3)), mlserver.BatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	status, err := batch.Wait(ctx, eager)
	if !errors.Is(err, mlserver.ErrBatchFailed) || status.State != mlserver.BatchFailed || !strings.Contains(err.Error(), batch.ID()) {
		t.Errorf("waited for %+v, %v", status, err)
	}
	for row, err := range batch.Results(ctx) {
		if err != nil || row.Err == nil || !strings.Contains(row.Err.Error(), "no_such_thing") {
			t.Errorf("result %+v, %v", row, err)
		}
	}
	if paths, err := batch.Download(ctx, t.TempDir()); err != nil || len(paths) > 0 {
		t.Errorf("downloaded %v, %v", paths, err)
	}
}

// Servers before 9.1.0 have no batches: nothing is sent to one that is known to be so old.
func TestBatchNeedsVersion(t *testing.T) {
	ctx := t.Context()
	client, err := mlserver.New(mlserver.Config{Address: "http://127.0.0.1:9", Version: mlserver.V901, Auth: auth.Static("t")})
	if err != nil {
		t.Fatal(err)
	}
	service := client.Service("s", "1")
	_, starting := service.StartBatch(ctx, mlserver.RowsOf(carRows()), mlserver.BatchOptions{})
	_, listing := service.Batches(ctx)
	_, asking := service.Batch("b").Status(ctx)
	_, files := service.Batch("b").Files(ctx, 0)
	for _, err := range []error{starting, listing, asking, files, service.Batch("b").File(ctx, 0, "f", &bytes.Buffer{}), service.Batch("b").Cancel(ctx)} {
		if !errors.Is(err, mlserver.ErrUnsupported) || !strings.Contains(err.Error(), "batches") {
			t.Errorf("got %v, want that 9.1.0 is needed", err)
		}
	}
}
