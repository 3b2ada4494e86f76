package mlserver_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/mlserver-go/mls/wrapper/data"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// TestFramesThroughRAndPython sends values of every kind through services that answer them as they came.
func TestFramesThroughRAndPython(t *testing.T) {
	ctx := t.Context()
	client := newServer(t, mlserver.V930).client(t)
	numbers := []float64{0.1, 1.0 / 3, math.MaxFloat64, -math.SmallestNonzeroFloat64 * 1e10, 1e21, 123456.789, math.NaN()}
	frame := data.Frame{
		{Name: "z", Values: data.Floats(numbers...)},
		{Name: "a", Values: data.Ints(1, -2, 3, 4, 5, 6, math.MaxInt32)},
		{Name: "text", Values: data.Strings("a", "é\"\\", "", "\n", "<&>", "x", "y").WithNA(5)},
		{Name: "l", Values: data.Bools(true, false, true, true, true, true, false)},
	}
	matrix := data.Matrix{Rows: 2, Cols: 3, Values: []float64{1.5, 2, 3, 4, 5, 1.0 / 3}}
	for lang, code := range map[mlserver.Runtime]string{
		mlserver.R:      "frame2 <- frame; matrix2 <- matrix; vector2 <- vector",
		mlserver.Python: "frame2 = frame; matrix2 = matrix; vector2 = vector",
	} {
		service, err := client.Publish(ctx, mlserver.Definition{
			Name: "same", Version: string(lang), Runtime: lang, Code: code,
			Inputs:  []mlserver.Parameter{{Name: "frame", Type: mlserver.DataFrame}, {Name: "matrix", Type: mlserver.Matrix}, {Name: "vector", Type: mlserver.Vector}},
			Outputs: []mlserver.Parameter{{Name: "frame2", Type: mlserver.DataFrame}, {Name: "matrix2", Type: mlserver.Matrix}, {Name: "vector2", Type: mlserver.Vector}},
		})
		if err != nil {
			t.Fatal(err)
		}
		checked, err := service.Checked(ctx)
		if err != nil {
			t.Fatal(err)
		}
		result, err := checked.Consume(ctx, mlserver.Values{"frame": frame, "matrix": matrix, "vector": data.Floats(numbers...)})
		if err != nil {
			t.Fatal(err)
		}
		var gotFrame data.Frame
		var gotMatrix data.Matrix
		var gotVector data.Vector
		err = errors.Join(result.Outputs.Decode("frame2", &gotFrame), result.Outputs.Decode("matrix2", &gotMatrix), result.Outputs.Decode("vector2", &gotVector))
		if err != nil {
			t.Fatalf("%s: %v", lang, err)
		}
		// And as they arrive, large enough for both ways.
		long := make([]float64, 140_000)
		for i := range long {
			long[i] = float64(i) / 7
		}
		var intoFrame data.Frame
		var intoVector data.Vector
		result, err = checked.ConsumeInto(ctx, mlserver.Values{"frame": frame, "matrix": matrix, "vector": data.Floats(long...)}, mlserver.Targets{"frame2": &intoFrame, "vector2": &intoVector})
		if err != nil {
			t.Fatalf("%s: %v", lang, err)
		}
		if got := result.Outputs.Names(); len(got) != 1 || got[0] != "matrix2" || fmt.Sprint(intoFrame) != fmt.Sprint(gotFrame) {
			t.Errorf("%s: stored %v, and %q besides", lang, intoFrame, got)
		}
		sameValues(t, string(lang)+" long vector", intoVector, data.Floats(long...))
		for i, c := range frame {
			if gotFrame[i].Name != c.Name {
				t.Errorf("%s: column %d is %q, want %q", lang, i, gotFrame[i].Name, c.Name)
			}
			sameValues(t, string(lang)+" "+c.Name, gotFrame[i].Values, c.Values)
		}
		sameValues(t, string(lang)+" vector", gotVector, data.Floats(numbers...))
		sameValues(t, string(lang)+" matrix", data.Floats(gotMatrix.Values...), data.Floats(matrix.Values...))
	}
}

func sameValues(t *testing.T, what string, got, want data.Vector) {
	t.Helper()
	if got.Kind() != want.Kind() || got.Len() != want.Len() {
		t.Errorf("%s: got %v (%s), want %v (%s)", what, got, got.Kind(), want, want.Kind())
		return
	}
	for i := range want.Len() {
		if got.At(i) != want.At(i) {
			t.Errorf("%s: value %d is %v, want %v", what, i, got.At(i), want.At(i))
		}
	}
}

func TestDecodeRows(t *testing.T) {
	o := mlserver.Outputs{{Name: "cars", JSON: []byte(`{"hp":[120,93],"name":["Mazda",null]}`)}, {Name: "n", JSON: []byte("1")}}
	type car struct {
		HP   int     `json:"hp"`
		Name *string `json:"name"`
	}
	cars, err := mlserver.DecodeRows[car](o, "cars")
	if err != nil || len(cars) != 2 || cars[1].HP != 93 || *cars[0].Name != "Mazda" || cars[1].Name != nil {
		t.Errorf("read as %+v, %v", cars, err)
	}
	if _, err := mlserver.DecodeRows[struct{ Wt float64 }](o, "cars"); err == nil || !strings.Contains(err.Error(), `output "cars": there is no column "Wt"`) {
		t.Errorf("a column that is not there gave %v", err)
	}
	if _, err := mlserver.DecodeRows[car](o, "n"); err == nil || !strings.Contains(err.Error(), `output "n"`) {
		t.Errorf("a number gave %v", err)
	}
}

// TestLargeInput sends more than the server takes: it says so. There is no other copy of it in memory.
func TestLargeInput(t *testing.T) {
	const size = 80 << 20
	text := bytes.Repeat([]byte("a"), size)
	text[0], text[size-1] = '"', '"'
	inputs := mlserver.Values{"x": json.RawMessage(text)}

	client := newServer(t, mlserver.V930).client(t)
	service, err := client.Publish(t.Context(), mlserver.Definition{Name: "s", Version: "1", Code: "1", Inputs: []mlserver.Parameter{{Name: "x", Type: mlserver.Character}}})
	if err != nil {
		t.Fatal(err)
	}
	var refused *mlserver.Error
	if _, err = service.Consume(t.Context(), inputs); !errors.As(err, &refused) || refused.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("got %v, want 413", err)
	}

	client = answering(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"success":true}`)
	})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = client.Service("s", "1").Consume(t.Context(), inputs)
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; err != nil || allocated > size/8 {
		t.Errorf("%d MB allocated for an input of %d MB, %v", allocated>>20, size>>20, err)
	}
}
