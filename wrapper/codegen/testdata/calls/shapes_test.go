package calls

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/mlserver-go/mls/wrapper/data"
	"github.com/mlserver-go/mls/wrapper/mlserver"

	"example.com/clients/flightdelay"
	"example.com/clients/funcservice"
	"example.com/clients/grosse1"
	"example.com/clients/internalservice"
	"example.com/clients/kyphosis"
	"example.com/clients/loan"
	"example.com/clients/models"
	"example.com/clients/user"
	"example.com/clients/v1"
)

// A service of 9.0.1 with all scalar types, whose document has a host, CR LF, wide indentation and a byte order mark.
func TestScalars(t *testing.T) {
	s := newServer(t, `{"success":true,"outputParameters":{"count":[3.0],"good":[true],"text":["a\"b"],"score":"NA"}}`)
	c := loan.New(s.transport())
	out, err := c.LoanPredict(t.Context(), loan.Inputs{})
	ok(t, err)
	s.sent(t, "POST /api/loan/v1.0", `{"count":0,"good":false,"text":"","score":0}`)
	check(t, "count", out.Count, 3)
	check(t, "good", out.Good, true)
	check(t, "text", out.Text, `a"b`)

	s.answer = `{"success":true,"outputParameters":{"count":9007199254740993,"good":null,"text":null}}`
	out, err = c.LoanPredict(t.Context(), loan.Inputs{Count: 9007199254740993, Good: true, Text: "<größe>", Score: 1.5})
	ok(t, err)
	s.sent(t, "POST /api/loan/v1.0", `{"count":9007199254740993,"good":true,"text":"<größe>","score":1.5}`)
	check(t, "count", out.Count, 9007199254740993)

	s.answer = `{"success":true,"outputParameters":{"count":3.5,"good":"yes","text":{"a":1}}}`
	_, err = c.LoanPredict(t.Context(), loan.Inputs{})
	for _, want := range []string{`"count" is declared as integer`, `"good" is declared as logical`, `"text" is declared as character`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want one with %s", err, want)
		}
	}
}

// Frames, vectors and matrices, a title with a space, declared files, CR CR LF, no alias.
func TestFrames(t *testing.T) {
	const frame = `{"Carrier":["MQ","WN"],"Delay":[0,12.5]}`
	s := newServer(t, `{"success":true,"outputFiles":{"plot.png":"iVBORw=="},"outputParameters":{"scored":`+frame+`,"weights":[1,2.5],"table":[[1,2],[3,4]]}}`)
	c := flightdelay.New(s.transport())
	out, err := c.Consume(t.Context(), flightdelay.Inputs{
		Flights: map[string]any{"Carrier": []string{"MQ", "WN"}, "Delay": []float64{0, 12.5}},
		Weights: []float64{1, 2.5},
		Table:   json.RawMessage(`[[1, 2], [3, 4]]`),
	})
	ok(t, err)
	s.sent(t, "POST /api/Flight%20Delay/3.5.5", `{"flights":`+frame+`,"weights":[1,2.5],"table":[[1,2],[3,4]]}`)
	check(t, "scored", string(out.Scored), frame)
	check(t, "weights", string(out.Weights), "[1,2.5]")
	check(t, "table", string(out.Table), "[[1,2],[3,4]]")
	check(t, "file", string(out.Files["plot.png"]), "\x89PNG")

	out, err = c.Consume(t.Context(), flightdelay.Inputs{
		Flights: data.Frame{{Name: "Carrier", Values: data.Strings("MQ", "").WithNA(1)}, {Name: "Delay", Values: data.Floats(0, math.NaN())}},
		Weights: data.Ints(1, 2),
		Table:   data.Matrix{Rows: 1, Cols: 2, Values: []float64{1, 2}},
	})
	ok(t, err)
	s.sent(t, "POST /api/Flight%20Delay/3.5.5", `{"flights":{"Carrier":["MQ",null],"Delay":[0,null]},"weights":[1,2],"table":[[1,2]]}`)
	delays, err := mlserver.DecodeRows[struct {
		Carrier string
		Delay   float64
	}](out.Raw, "scored")
	ok(t, err)
	check(t, "row 1", delays[1].Carrier, "WN")
	check(t, "row 1", delays[1].Delay, 12.5)

	_, err = c.Consume(t.Context(), flightdelay.Inputs{})
	ok(t, err)
	s.sent(t, "POST /api/Flight%20Delay/3.5.5", `{"flights":null,"weights":null,"table":null}`)
}

func TestRealtime(t *testing.T) {
	s := newServer(t, `{"success":true,"outputParameters":{"outputData":{"Kyphosis_Pred":[0.12]}}}`)
	var frame struct {
		Pred []float64 `json:"Kyphosis_Pred"`
	}
	out, err := kyphosis.New(s.transport()).Consume(t.Context(), kyphosis.Inputs{InputData: map[string][]float64{"Age": {71}, "Number": {3}}})
	ok(t, err)
	s.sent(t, "POST /api/kyphosis/0.1", `{"inputData":{"Age":[71],"Number":[3]}}`)
	ok(t, json.Unmarshal(out.OutputData, &frame))
	check(t, "prediction", frame.Pred[0], 0.12)
}

// Names that are no Go names, or are taken, or become the same.
func TestNames(t *testing.T) {
	s := newServer(t, `{"success":true,"consoleOutput":"c","outputParameters":{"console":"own","X":1,"x":2,"outputs":3,"raw":4}}`)
	out, err := funcservice.New(s.transport()).StartBatchExecution(t.Context(), funcservice.Inputs{
		X: 1, X2: 2, SepalLength: 3, SepalLength2: 4, X1st: 5, Größe: 6, Type: 7, Func: 8, XY: 9, Validate2: 10, Y: 11, X价格: 12,
		Error: 13, UserID: 14, X3: 15,
	})
	ok(t, err)
	s.sent(t, "POST /api/func/1.0.0", `{"x":1,"X":2,"Sepal.Length":3,"Sepal_Length":4,"1st":5,"größe":6,"type":7,"func":8,"x y":9,"validate":10,
		".y":11,"价格":12,"error":13,"userId":14,"_x":15}`)
	check(t, "console", out.Console, "c")
	check(t, "output console", out.Outputs.Console, "own")
	check(t, "output X", out.X, 1)
	check(t, "output x", out.X2, 2)
	check(t, "output outputs", out.Outputs.Outputs, 3)
	check(t, "output raw", out.Outputs.Raw, 4)
}

func TestNothingDeclared(t *testing.T) {
	s := newServer(t, `{"success":true,"outputParameters":{"answer":1}}`)
	c := grosse1.New(s.transport())
	out, err := c.DoItNow(t.Context())
	ok(t, err)
	s.sent(t, "POST /api/Gr%C3%B6%C3%9Fe%20%231/1.0%20beta", `{}`)
	check(t, "answer", string(out.Raw.JSON("answer")), "1")

	s.status, s.answer = 202, `{"batchExecutionId":"1"}`
	_, err = c.StartBatch(t.Context(), make([]grosse1.Inputs, 2), 0)
	ok(t, err)
	s.sent(t, "POST /api/Gr%C3%B6%C3%9Fe%20%231/1.0%20beta/batch", `[{},{}]`)
}

func TestNamesOfServices(t *testing.T) {
	s := newServer(t, `{"success":true,"outputParameters":{"a":1}}`)
	for _, call := range []func() error{
		func() error { _, err := user.New(s.transport()).Login(t.Context(), user.Inputs{}); return err },
		func() error { _, err := v1.New(s.transport()).CallBatches(t.Context(), v1.Inputs{}); return err },
		func() error {
			_, err := internalservice.New(s.transport()).New(t.Context(), internalservice.Inputs{})
			return err
		},
		func() error { _, err := models.New(s.transport()).Models(t.Context(), models.Inputs{}); return err },
	} {
		ok(t, call())
		check(t, "body", s.body, "{\"a\":0}\n")
	}
	check(t, "service", user.ServiceName, "User")
}
