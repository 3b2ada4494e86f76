package mlserver_test

import (
	"encoding/json"
	"testing"

	"github.com/mlserver-go/mls/wrapper/data"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// consumed is what a call comes to that is answered with success and these members.
func consumed(t *testing.T, members string) *mlserver.Result {
	t.Helper()
	r, err := always(t, `{"success":true,"errorMessage":"","consoleOutput":"","changedFiles":[],`+members+`}`).Service("s", "1").Consume(t.Context(), nil)
	if err != nil {
		t.Fatalf("%s: %v", members, err)
	}
	return r
}

var callFacts = []fact{
	{7, "outputFiles unknown without artifacts; base64 texts", "a map where there are artifacts, with null for a file that was not written", func(t *testing.T) {
		r := consumed(t, `"outputFiles":{"image.png":null,"answer.csv":"LGFtX1ByZWQNCjAsMC41MzMyNjY4NTU5OTcwMzY4DQo="},"outputParameters":{}`)
		if image, ok := r.Files["image.png"]; !ok || image != nil || string(r.Files["answer.csv"]) != ",am_Pred\r\n0,0.5332668559970368\r\n" {
			t.Errorf("the files are %q", r.Files)
		}
		for _, none := range []string{`"outputParameters":{}`, `"outputFiles":null,"outputParameters":{}`, `"outputFiles":{},"outputParameters":{}`} {
			if r := consumed(t, none); len(r.Files) != 0 {
				t.Errorf("%s: the files are %q", none, r.Files)
			}
		}
	}},
	{8, "states of a batch: pending, inProgress, ready, complete", "Complete and Failed", func(t *testing.T) {
		for text, want := range map[string]mlserver.BatchState{
			"pending": mlserver.BatchPending, "Pending": mlserver.BatchPending, "inProgress": mlserver.BatchInProgress, "ready": mlserver.BatchReady,
			"complete": mlserver.BatchComplete, "Complete": mlserver.BatchComplete, "COMPLETE": mlserver.BatchComplete, "Failed": mlserver.BatchFailed,
			"failed": mlserver.BatchFailed, "Suspended": "Suspended",
		} {
			status, err := always(t, `{"state":"`+text+`","completedItemCount":1,"totalItemCount":2}`).Service("s", "1").Batch("b").Status(t.Context())
			if err != nil || status.State != want || status.State.Over() != (want == mlserver.BatchComplete || want == mlserver.BatchFailed) {
				t.Errorf("%s is read as %+v, %v", text, status, err)
			}
		}
	}},
	{9, "no parallelCount in a batch", "there is in 9.3", func(t *testing.T) {
		for body, want := range map[string]mlserver.BatchStatus{
			`{"state":"Complete","completedItemCount":32,"totalItemCount":32,"batchExecutionResults":[]}`:                      {State: mlserver.BatchComplete, Completed: 32, Total: 32},
			`{"state":"complete","completedItemCount":32,"totalItemCount":32,"parallelCount":10,"batchExecutionResults":null}`: {State: mlserver.BatchComplete, Completed: 32, Total: 32, Parallel: 10},
		} {
			if status, err := always(t, body).Service("s", "1").Batch("b").Status(t.Context()); err != nil || *status != want {
				t.Errorf("%s is read as %+v, %v", body, status, err)
			}
		}
	}},
	{24, "a vector is an object", "whatever the code left: a list, a single value, a text", func(t *testing.T) {
		for body, want := range map[string]string{`["a","b"]`: "[a b]", `"a"`: "[a]", `[1,2.5]`: "[1 2.5]", `3`: "[3]", `[]`: "[]"} {
			var v data.Vector
			r := consumed(t, `"outputParameters":{"answer":`+body+`}`)
			if err := r.Outputs.Decode("answer", &v); err != nil || v.String() != want || string(r.Outputs.JSON("answer")) != body {
				t.Errorf("%s is read as %v, %v", body, v, err)
			}
		}
		var text string
		if err := consumed(t, `"outputParameters":{"answer":"a"}`).Outputs.Decode("answer", &text); err != nil || text != "a" {
			t.Errorf("a text is read as %q, %v", text, err)
		}
	}},
	{29, "the man page: a realtime service answers inputData", "outputData", func(t *testing.T) {
		client, got := talk(t, map[string]reply{"POST /api/m/1": {body: `{"success":true,"outputParameters":{"outputData":{"rating_Pred":[51.110295255533131]}}}`}})
		r, err := client.Service("m", "1").Consume(t.Context(), mlserver.Values{mlserver.RealtimeInput: map[string][]int{"complaints": {51}}})
		if err != nil {
			t.Fatal(err)
		}
		var frame data.Frame
		if err := r.Outputs.Decode(mlserver.RealtimeOutput, &frame); err != nil || frame[0].Values.At(0) != 51.110295255533131 {
			t.Errorf("read as %v, %v", frame, err)
		}
		var sent map[string]map[string][]int
		if err := json.Unmarshal([]byte((*got)[0].body), &sent); err != nil || sent["inputData"]["complaints"][0] != 51 {
			t.Errorf("sent %+v, %v", *got, err)
		}
	}},
}
