package devserver

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
)

// batchAnswer is what asking for a batch gives.
type batchAnswer struct {
	State                 string
	CompletedItemCount    int
	TotalItemCount        int
	ParallelCount         *int
	BatchExecutionResults []*struct {
		Success                     bool
		ErrorMessage, ConsoleOutput string
		OutputParameters            map[string]any
	}
}

// startBatch starts a batch and returns its path.
func (c *client) startBatch(service, rows string) string {
	c.t.Helper()
	var id map[string]string
	c.want("POST", service+"/batch", rows, 202).into(&id)
	if id["batchExecutionId"] == "" || id["BatchExecutionId"] != id["batchExecutionId"] {
		c.t.Fatalf("started as %v, want the id under the document's name and under that of Microsoft's client", id)
	}
	return service + "/batch/" + id["batchExecutionId"]
}

func (c *client) status(batch string) (a batchAnswer) {
	c.t.Helper()
	c.want("GET", batch, nil, 200).into(&a)
	return a
}

// until polls a batch until it is in that state.
func (c *client) until(batch, state string) batchAnswer {
	c.t.Helper()
	return c.poll(batch, func(a batchAnswer) bool { return a.State == state })
}

// untilDone polls a batch until that many rows are done.
func (c *client) untilDone(batch string, rows int) batchAnswer {
	c.t.Helper()
	return c.poll(batch, func(a batchAnswer) bool { return a.CompletedItemCount >= rows })
}

func (c *client) poll(batch string, enough func(batchAnswer) bool) batchAnswer {
	c.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		a := c.status(batch)
		if enough(a) {
			return a
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("batch is %s with %d of %d rows", a.State, a.CompletedItemCount, a.TotalItemCount)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// fileGate is code that waits until a file exists, so that tests decide when a row ends.
func fileGate(path string) string {
	return fmt.Sprintf("import os, time\nwhile not os.path.exists(%q): time.sleep(0.005)\n", path)
}

func touch(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// The 32 cars of Microsoft's notebook give the figures that it printed, in the order of the rows.
func TestBatchOfCars(t *testing.T) {
	both(t, func(t *testing.T, c *client, lang runtimes.Language) {
		code := map[runtimes.Language]string{
			runtimes.R: `fit <- lm(am ~ hp + wt, mtcars)
`, runtimes.Python: `import numpy as np
am = [1,1,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1,1,0,0,0,0,0,1,1,1,1,1,1,1]
cars = [(110,2.62),(110,2.875),(93,2.32),(110,3.215),(175,3.44),(105,3.46),(245,3.57),(62,3.19),(95,3.15),(123,3.44),(123,3.44),
  (180,4.07),(180,3.73),(180,3.78),(205,5.25),(215,5.424),(230,5.345),(66,2.2),(52,1.615),(65,1.835),(97,2.465),(150,3.52),
  (150,3.435),(245,3.84),(175,3.845),(66,1.935),(91,2.14),(113,1.513),(264,3.17),(175,2.77),(335,3.57),(109,2.78)]
fit = np.linalg.lstsq(np.array([(1, h, w) for h, w in cars]), np.array(am, float), rcond=None)[0]
`}[lang]
		call := map[runtimes.Language]string{
			runtimes.R:      `am_Pred <- predict(fit, data.frame(hp = hp, wt = wt)); write.csv(am_Pred, "answer.csv")`,
			runtimes.Python: "am_Pred = float(fit @ np.array([1, hp, wt]))\nopen('answer.csv', 'w').write('%r\\r\\n' % am_Pred)",
		}[lang]
		c.want("POST", "/services/TxService/1.0", map[string]any{
			"runtimeType": lang, "initCode": code, "code": call, "outputFileNames": []string{"answer.csv", "image.png"},
			"inputParameterDefinitions":  []parameter{{"hp", "numeric"}, {"wt", "numeric"}},
			"outputParameterDefinitions": []parameter{{"am_Pred", "numeric"}},
		}, 201)
		cars := [][3]float64{{110, 2.620, 0.592204}, {110, 2.875, 0.469917}, {93, 2.320, 0.68952}, {110, 3.215, 0.306868}, {175, 3.440, 0.376956},
			{105, 3.460, 0.175686}, {245, 3.570, 0.506294}, {62, 3.190, 0.18742}, {95, 3.150, 0.296965}, {123, 3.440, 0.234566}, {123, 3.440, 0.234566},
			{180, 4.070, 0.088528}, {180, 3.730, 0.251577}, {180, 3.780, 0.227599}, {205, 5.250, -0.408891}, {215, 5.424, -0.464951}, {230, 5.345, -0.385992},
			{66, 2.200, 0.673133}, {52, 1.615, 0.915338}, {65, 1.835, 0.845433}, {97, 2.465, 0.630938}, {150, 3.520, 0.270135}, {150, 3.435, 0.310897},
			{245, 3.840, 0.376814}, {175, 3.845, 0.182736}, {66, 1.935, 0.800216}, {91, 2.140, 0.770364}, {113, 1.513, 1.131287}, {264, 3.170, 0.750143},
			{175, 2.770, 0.698259}, {335, 3.570, 0.752739}, {109, 2.780, 0.512737}}
		var rows []string
		for _, car := range cars {
			rows = append(rows, fmt.Sprintf(`{"hp":%v,"wt":%v}`, car[0], car[1]))
		}
		b := c.startBatch("/api/TxService/1.0", "["+strings.Join(rows, ",\n")+"]")
		a := c.until(b, "Complete")
		if a.CompletedItemCount != 32 || a.TotalItemCount != 32 || len(a.BatchExecutionResults) != 32 || *a.ParallelCount != 10 {
			t.Fatalf("answer %+v", a)
		}
		for i, res := range a.BatchExecutionResults {
			if got, ok := res.OutputParameters["am_Pred"].(float64); !ok || !res.Success || math.Abs(got-cars[i][2]) > 1e-6 {
				t.Errorf("row %d: %v %q, want %v", i, got, res.ErrorMessage, cars[i][2])
			}
		}
		if got := c.want("GET", b+"/31/files", nil, 200).body; got != `["answer.csv"]` {
			t.Errorf("files of row 31: %s", got)
		}
		file := c.want("GET", b+"/31/files/answer.csv", nil, 200)
		if !strings.Contains(file.body, "0.5127") || file.header.Get("Content-Type") != "application/octet-stream" {
			t.Errorf("file %q (%s)", file.body, file.header.Get("Content-Type"))
		}
		c.want("GET", b+"/31/files/image.png", nil, 404).says("row 31 has no file image.png")
		c.want("GET", b+"/32/files", nil, 404).says("no row 32", "the last is 31")
		c.want("GET", b+"/-1/files", nil, 404)
		c.want("GET", b+"/one/files", nil, 400).says(`"one" is no row`)
		c.want("GET", b+"/0/files/..%2Fanswer.csv", nil, 404)
	})
}

// A row that fails stays in its place; rows that are not done are null there; results come when it is over, or when asked for.
func TestBatchPartialResults(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.Python)
	cfg := only(runtimes.Python)
	cfg.ServiceWorkers, cfg.BatchesAtOnce = 2, 1
	c := start(t, cfg)
	wait := t.TempDir() + "/go"
	c.want("POST", "/services/s/1", with(plus(runtimes.Python), "code", "print('got', x)\nif x == 1: raise ValueError('one')\nif x == 3:\n  "+
		strings.ReplaceAll(fileGate(wait), "\n", "\n  ")+"\ny = x"), 201)
	b := c.startBatch("/api/s/1", `[{"x":0},{"x":1},{"x":2},{"x":3},{"x":4}]`)
	c.untilDone(b, 4)
	queued := c.startBatch("/api/s/1", `[{"x":0}]`)
	if a := c.status(queued); a.State != "Pending" {
		t.Errorf("a batch behind another is %s", a.State)
	}
	if a := c.status(b); a.State != "InProgress" || len(a.BatchExecutionResults) != 0 {
		t.Errorf("without partial results: %+v", a)
	}
	for _, query := range []string{"?showPartialResults=true", "?showPartialResult=True"} {
		var a batchAnswer
		c.want("GET", b+query, nil, 200).into(&a)
		r := a.BatchExecutionResults
		if a.CompletedItemCount != 4 || a.TotalItemCount != 5 || len(r) != 5 || r[3] != nil {
			t.Fatalf("%s: %+v", query, a)
		}
		if r[0].OutputParameters["y"] != 0.0 || !r[0].Success || r[1].Success || !strings.Contains(r[1].ErrorMessage, "one") ||
			!strings.Contains(r[1].ConsoleOutput, "got 1") || r[4].OutputParameters["y"] != 4.0 {
			t.Errorf("rows %+v %+v %+v", r[0], r[1], r[4])
		}
	}
	c.want("GET", b+"?showPartialResults=perhaps", nil, 400).says("showPartialResults", "perhaps")
	c.want("GET", b+"/3/files", nil, 404).says("row 3", "not done")
	touch(t, wait)
	if a := c.until(b, "Complete"); a.BatchExecutionResults[3].OutputParameters["y"] != 3.0 {
		t.Errorf("row 3: %+v", a.BatchExecutionResults[3])
	}
	c.until(queued, "Complete")
	if got, want := c.want("GET", "/api/s/1/batch", nil, 200).names(), 2; len(got) != want || !strings.HasSuffix(b, got[0]) {
		t.Errorf("batches %v, want %d, oldest first", got, want)
	}
}

// Rows run side by side: as many as asked for, where the service has that many workers.
func TestBatchParallel(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.Python)
	cfg := only(runtimes.Python)
	cfg.ServiceWorkers = 3
	c := start(t, cfg)
	dir := t.TempDir()
	// Each row waits until there are as many rows running as it says.
	code := fmt.Sprintf("import os, time\nopen(%q + '/%%d' %% x, 'w').close()\nwhile len(os.listdir(%q)) < 3: time.sleep(0.005)\ny = x", dir, dir)
	c.want("POST", "/services/s/1", with(plus(runtimes.Python), "code", code), 201)
	b := c.startBatch("/api/s/1", `[{"x":0},{"x":1},{"x":2}]`)
	c.until(b, "Complete")
	for query, want := range map[string]int{"?parallelCount=2": 2, "?parallelCount=5000": 100, "?parallelCount=99999999999999999999": 100, "": 10} {
		var id map[string]string
		c.want("POST", "/api/s/1/batch"+query, `[{"x":0}]`, 202).into(&id)
		if a := c.status("/api/s/1/batch/" + id["batchExecutionId"]); *a.ParallelCount != want {
			t.Errorf("%s: %d at a time, want %d", query, *a.ParallelCount, want)
		}
	}
	for _, bad := range []string{"0", "-1", "ten", "1.5"} {
		c.want("POST", "/api/s/1/batch?parallelCount="+bad, `[{"x":0}]`, 400).says("parallelCount", bad)
	}
}

func TestBatchBadRows(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.Python)
	cfg := only(runtimes.Python)
	cfg.MaxBody = 1000
	c := start(t, cfg)
	c.want("POST", "/services/s/1", plus(runtimes.Python), 201)
	many := strings.Repeat(`{"x":1},`, 9_999)
	for _, test := range []struct {
		rows   string
		status int
		says   []string
	}{
		{`[{"x":1},{"x":"a"}]`, 400, []string{"row 1", "input x (numeric) must be a number"}},
		{`[{"x":1},{"y":1}]`, 400, []string{"row 1", "input x (numeric) is missing", `"y" is unknown`}},
		{"[" + many + `{}]`, 400, []string{"row 9999", "x (numeric) is missing"}},
		{`[{"x":1},[2]]`, 400, []string{"row 1", "must be an object of inputs, not an array"}},
		{`[]`, 400, []string{"no rows"}},
		{``, 400, []string{"body is missing"}},
		{`{"x":1}`, 400, []string{"array of rows"}},
		{`[{"x":1},`, 400, []string{"not JSON", "row 1"}},
		{`[{"x":1}`, 400, []string{"not JSON"}},
		{`[{"x":1}] []`, 400, []string{"goes on"}},
		{`[{"x":1},{"x":` + strings.Repeat("1", 70_000) + `}]`, 413, []string{"row 1", "larger than the 1000 bytes"}},
	} {
		c.want("POST", "/api/s/1/batch", test.rows, test.status).says(test.says...)
	}
	if got := c.want("GET", "/api/s/1/batch", nil, 200).body; got != "[]" {
		t.Errorf("batches %s, want none", got)
	}
	if left, err := os.ReadDir(c.srv.store.batches()); err != nil || len(left) > 0 {
		t.Errorf("files left: %v, %v", left, err)
	}
	b := c.startBatch("/api/s/1", "\ufeff [ {\"x\"\n:\r\n1} ]\r\n")
	c.until(b, "Complete")
	c.want("POST", "/api/none/1/batch", `[{"x":1}]`, 404).says("none")
	c.want("GET", "/api/none/1/batch", nil, 404)
	c.want("GET", b+"0", nil, 404).says("batch", "not found")
}

// A batch is its starter's: for others it does not exist.
func TestBatchBelongsToItsStarter(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.Python)
	c := start(t, only(runtimes.Python))
	c.want("POST", "/services/s/1", with(plus(runtimes.Python), "outputFileNames", []string{"f"}), 201)
	c.want("POST", "/services/s/2", plus(runtimes.Python), 201)
	bob := c.as("bob")
	mine, his := c.startBatch("/api/s/1", `[{"x":1}]`), bob.startBatch("/api/s/1", `[{"x":2}]`)
	if a := bob.until(his, "Complete"); a.BatchExecutionResults[0].OutputParameters["y"] != 3.0 {
		t.Errorf("answer %+v", a)
	}
	if got := bob.want("GET", "/api/s/1/batch", nil, 200).names(); !slices.Equal(got, []string{his[len("/api/s/1/batch/"):]}) {
		t.Errorf("bob's batches: %v", got)
	}
	bob.want("GET", mine, nil, 404)
	bob.want("DELETE", mine, nil, 404)
	bob.want("GET", mine+"/0/files", nil, 404)
	bob.want("GET", mine+"/0/files/f", nil, 404)
	bob.want("GET", strings.Replace(his, "/1/", "/2/", 1), nil, 404) // of another version
	c.until(mine, "Complete")
}

// Deleting stops a batch in the middle of a row, and the workers serve on.
func TestBatchCancel(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.Python)
	cfg := only(runtimes.Python)
	cfg.ServiceWorkers = 1
	c := start(t, cfg)
	c.want("POST", "/services/s/1", with(plus(runtimes.Python), "code", "import time\nif x > 0: time.sleep(3600)\ny = x"), 201)
	b := c.startBatch("/api/s/1", `[{"x":0},{"x":1},{"x":2}]`)
	c.untilDone(b, 1)
	if got := c.want("DELETE", b, nil, 200).names(); len(got) != 1 || !strings.HasSuffix(b, got[0]) {
		t.Errorf("deleting answered %v", got)
	}
	c.want("GET", b, nil, 404)
	c.want("DELETE", b, nil, 404)
	if got := c.want("GET", "/api/s/1/batch", nil, 200).body; got != "[]" {
		t.Errorf("batches %s", got)
	}
	c.until(c.startBatch("/api/s/1", `[{"x":0}]`), "Complete")
	if got := c.want("POST", "/api/s/1", `{"x":0}`, 200).body; !strings.Contains(got, `"success":true`) {
		t.Errorf("a call afterwards: %s", got)
	}

	// A batch goes with its service.
	b = c.startBatch("/api/s/1", `[{"x":1}]`)
	c.want("DELETE", "/services/s/1", nil, 200)
	c.want("POST", "/services/s/1", plus(runtimes.Python), 201)
	c.want("GET", b, nil, 404)
}

// Where the service can't start, the rest of the rows is not tried; where it changes, the rest is run as it is then.
func TestBatchOfChangingService(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.Python)
	cfg := only(runtimes.Python)
	cfg.ServiceWorkers = 1
	c := start(t, cfg)
	c.want("POST", "/services/bad/1", with(plus(runtimes.Python), "initCode", "no_such_thing()"), 201)
	a := c.until(c.startBatch("/api/bad/1", `[{"x":0},{"x":1},{"x":2}]`), "Failed")
	if a.CompletedItemCount != 1 || !strings.Contains(a.BatchExecutionResults[0].ErrorMessage, "no_such_thing") || a.BatchExecutionResults[1] != nil {
		t.Errorf("answer %+v", a)
	}

	wait := t.TempDir() + "/go"
	c.want("POST", "/services/s/1", with(plus(runtimes.Python), "code", fileGate(wait)+"y = x"), 201)
	b := c.startBatch("/api/s/1", `[{"x":0},{"x":1}]`)
	c.until(b, "InProgress")
	c.want("PATCH", "/services/s/1", map[string]any{"code": "y = z", "runtimeType": "Python", "inputParameterDefinitions": []parameter{{"z", "numeric"}}}, 200)
	touch(t, wait)
	a = c.until(b, "Complete")
	last := a.BatchExecutionResults[1]
	if last.Success || !strings.Contains(last.ErrorMessage, "z (numeric) is missing") {
		t.Errorf("row 1 under the new definition: %+v", last)
	}
}

// What is over is kept for a time, and there is a bound to how many batches one user has.
func TestBatchRetention(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.Python)
	clk := newClock()
	cfg := only(runtimes.Python)
	cfg.Clock, cfg.MaxBatches, cfg.BatchKeep, cfg.ServiceWorkers = clk.now, 2, time.Minute, 1
	c := start(t, cfg)
	wait := t.TempDir() + "/go"
	c.want("POST", "/services/s/1", with(plus(runtimes.Python), "code", "y = x\nif x > 0:\n  "+strings.ReplaceAll(fileGate(wait), "\n", "\n  ")+"pass"), 201)
	first := c.startBatch("/api/s/1", `[{"x":0}]`)
	c.until(first, "Complete")
	second := c.startBatch("/api/s/1", `[{"x":0}]`)
	c.until(second, "Complete")
	third := c.startBatch("/api/s/1", `[{"x":1}]`)
	c.want("GET", first, nil, 404)
	c.want("GET", second, nil, 200)
	fourth := c.startBatch("/api/s/1", `[{"x":1}]`)
	c.want("GET", second, nil, 404)
	c.want("POST", "/api/s/1/batch", `[{"x":1}]`, 503).says("2 batches of admin are not over")
	c.as("bob").startBatch("/api/s/1", `[{"x":0}]`)
	touch(t, wait)
	c.until(third, "Complete")
	c.until(fourth, "Complete")
	clk.pass(2 * time.Minute)
	c.want("GET", third, nil, 404)
	if got := c.want("GET", "/api/s/1/batch", nil, 200).body; got != "[]" {
		t.Errorf("batches %s", got)
	}
}

// A batch survives a restart: what was done is there, the rest is run.
func TestBatchRestart(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.Python)
	cfg := only(runtimes.Python)
	cfg.DataDir, cfg.ServiceWorkers = t.TempDir(), 1
	c := start(t, cfg)
	log := t.TempDir() + "/log"
	code := fmt.Sprintf("import time\nopen(%q, 'a').write('%%d ' %% x)\nif x == 2 and len(open(%q).read()) < 9: time.sleep(3600)\ny = x", log, log)
	c.want("POST", "/services/s/1", with(plus(runtimes.Python), "code", code), 201)
	over := c.startBatch("/api/s/1", `[{"x":7}]`)
	c.until(over, "Complete")
	b := c.startBatch("/api/s/1", `[{"x":0},{"x":1},{"x":2},{"x":3}]`)
	c.untilDone(b, 2)
	await(t, "the third row runs", func() bool {
		ran, err := os.ReadFile(log)
		return err == nil && string(ran) == "7 0 1 2 "
	})
	if err := c.srv.Close(); err != nil {
		t.Fatal(err)
	}
	// As if it had been killed while it wrote.
	if _, err := os.Stat(c.srv.store.batch(over[len("/api/s/1/batch/"):]).rows()); err == nil {
		t.Error("the inputs of a batch that is over are still there")
	}
	f, err := os.OpenFile(c.srv.store.batch(b[len("/api/s/1/batch/"):]).results(), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(f, "3\t{\"succ"); err != nil {
		t.Fatal(err)
	}
	f.Close()
	touch(t, c.srv.store.batch("stray").rows())

	c = start(t, cfg)
	a := c.until(b, "Complete")
	for i, res := range a.BatchExecutionResults {
		if !res.Success || res.OutputParameters["y"] != float64(i) {
			t.Errorf("row %d: %+v", i, res)
		}
	}
	if a := c.status(over); a.State != "Complete" || a.BatchExecutionResults[0].OutputParameters["y"] != 7.0 {
		t.Errorf("the batch that was over: %+v", a)
	}
	if ran, err := os.ReadFile(log); err != nil || string(ran) != "7 0 1 2 2 3 " {
		t.Errorf("rows were run as %q, %v: want those done not again", ran, err)
	}
	if _, err := os.Stat(c.srv.store.batch("stray").rows()); err == nil {
		t.Error("files of no batch are still there")
	}
}

// Servers older than 9.1.0 have no batches, those older than 9.3.0 don't tell how many rows run at a time.
func TestBatchVersions(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.Python, runtimes.R)
	for version, status := range map[string]int{"9.0.1": http.StatusNotFound, "9.1.0": 202, "9.2.1": 202} {
		c := start(t, Config{APIVersion: version})
		c.want("POST", "/services/s/1", plus(runtimes.R), 201)
		var id map[string]json.RawMessage
		c.want("POST", "/api/s/1/batch", `[{"x":1}]`, status).into(&id)
		if status == 202 {
			if a := c.until("/api/s/1/batch/"+strings.Trim(string(id["batchExecutionId"]), `"`), "Complete"); a.ParallelCount != nil {
				t.Errorf("%s tells parallelCount", version)
			}
		}
	}
}
