package mlserver_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/data"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// largeInputs are inputs of every kind that is made JSON while it is sent, among small ones, and their JSON.
func largeInputs(tb testing.TB) (mlserver.Values, string) {
	tb.Helper()
	const n = 140_000
	numbers, texts := make([]float64, n), make([]string, n)
	for i := range numbers {
		numbers[i], texts[i] = float64(i)/3, fmt.Sprintf("text %d \"é\n", i)
	}
	frame := data.Frame{{Name: "a\"b", Values: data.Floats(numbers...)}, {Name: "s", Values: data.Strings(texts...).WithNA(3)}}
	matrix := data.Matrix{Rows: n / 7, Cols: 7, Values: numbers}
	raw := json.RawMessage(`["` + strings.Repeat("raw", 500_000) + `"]`)
	inputs := mlserver.Values{"1": 1, "frame": frame, "list": numbers, "matrix": matrix, "raw": raw, "small": []int{1, 2}, "vector": data.Strings(texts...)}
	want := "{"
	for i, name := range []string{"1", "frame", "list", "matrix", "raw", "small", "vector"} {
		value := inputs[name]
		if name == "list" {
			value = data.Floats(numbers...)
		}
		text, err := marshal(value)
		if err != nil {
			tb.Fatal(err)
		}
		if i > 0 {
			want += ","
		}
		want += `"` + name + `":` + string(text)
	}
	return inputs, want + "}"
}

func marshal(v any) ([]byte, error) {
	if a, ok := v.(interface{ AppendJSON([]byte) ([]byte, error) }); ok {
		return a.AppendJSON(nil)
	}
	return json.Marshal(v)
}

// Large inputs arrive as they would in one piece, with their length in front, and again when the first token is refused: before the
// body has come, in the middle of it, and after it.
func TestLargeInputsAreStreamed(t *testing.T) {
	inputs, want := largeInputs(t)
	for name, refuse := range map[string]func(io.Reader){
		"not": nil, "at once": func(io.Reader) {}, "in the middle": func(r io.Reader) { _, _ = io.CopyN(io.Discard, r, 1<<20) }, "at the end": func(r io.Reader) { _, _ = io.Copy(io.Discard, r) },
	} {
		var expects []string
		client := answering(t, func(w http.ResponseWriter, r *http.Request) {
			expects = append(expects, r.Header.Get("Expect"))
			if refuse != nil && r.Header.Get("Authorization") == "Bearer 1" {
				refuse(r.Body)
				if name == "in the middle" { // closing the connection on who still sends may take the answer with it
					answer := http.NewResponseController(w)
					_ = answer.EnableFullDuplex()
					w.Header().Set("Content-Length", "0")
					w.WriteHeader(http.StatusUnauthorized)
					_ = answer.Flush()
					_, _ = io.Copy(io.Discard, r.Body) // until the client ends it
					return
				}
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			if r.ContentLength != int64(len(want)) {
				t.Errorf("%s: the length is %d, want %d", name, r.ContentLength, len(want))
			}
			if got, err := io.ReadAll(r.Body); err != nil || string(got) != want {
				t.Errorf("%s: %d bytes arrived, %v, which are not the %d that were sent", name, len(got), err, len(want))
			}
			_, _ = io.WriteString(w, `{"success":true,"outputParameters":{"y":1}}`)
		})
		tokens := 0
		hc := &http.Client{}
		if name == "in the middle" { // the stock runtime sends it
			hc.Jar, _ = cookiejar.New(nil)
		}
		signed, err := mlserver.New(mlserver.Config{Address: client.Address(), HTTP: hc, Auth: auth.SourceFunc(func(context.Context) (*auth.Token, error) {
			tokens++
			return &auth.Token{AccessToken: fmt.Sprint(tokens), Expiry: time.Now().Add(time.Hour)}, nil
		})})
		if err != nil {
			t.Fatal(err)
		}
		r, err := signed.Service("s", "1").Consume(t.Context(), inputs)
		if err != nil || string(r.Outputs.JSON("y")) != "1" {
			t.Errorf("%s refused: %v, %v", name, r, err)
		}
		calls := 2
		if refuse == nil {
			calls = 1
		}
		if !slices.Equal(expects, slices.Repeat([]string{"100-continue"}, calls)) {
			t.Errorf("%s refused: it was asked %q", name, expects)
		}
	}
}

// What has no JSON form is found before anything is sent.
func TestLargeInputsWithoutJSON(t *testing.T) {
	var calls atomic.Int32
	client := answering(t, func(http.ResponseWriter, *http.Request) { calls.Add(1) })
	texts := slices.Repeat([]string{"text"}, 200_000)
	texts[150_000] = "\xff"
	numbers := make([]float64, 200_000)
	for want, value := range map[string]any{
		`input "x" has no JSON form: column "a": value 150000: "\xff" is not UTF-8`:                     data.Frame{{Name: "a", Values: data.Strings(texts...)}},
		`input "x" has no JSON form: value 150000: "\xff" is not UTF-8`:                                 data.Strings(texts...),
		`input "x" has no JSON form: column "a" has 200000 values, column "b" has 1`:                    data.Frame{{Name: "a", Values: data.Floats(numbers...)}, {Name: "b", Values: data.Ints(1)}},
		`input "x" has no JSON form: a matrix of 200000 rows and 2 columns has 200000 values`:           data.Matrix{Rows: 200_000, Cols: 2, Values: numbers},
		`input "x" has no JSON form: it is no valid JSON`:                                               json.RawMessage(strings.Repeat("[", 2<<20)),
		`input "x" has no JSON form: json: unsupported value: +Inf (NA is nil; NaN and infinity can on`: append(numbers[:len(numbers):len(numbers)], 1/zero),
	} {
		if _, err := client.Service("s", "1").Consume(t.Context(), mlserver.Values{"x": value}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if n := calls.Load(); n > 0 {
		t.Errorf("%d calls were made", n)
	}
}

var zero float64

// Who answers early gets no more of the inputs than had been read: they are the caller's again. The race detector watches.
func TestLargeInputsAfterTheCall(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.CopyN(io.Discard, r.Body, 100_000)
		_, _ = io.WriteString(w, `{"success":true}`)
		_ = http.NewResponseController(w).Flush()
	}))
	t.Cleanup(server.Close)
	client, err := mlserver.New(mlserver.Config{Address: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	numbers := make([]float64, 3_000_000)
	for range 5 {
		_, _ = client.Service("s", "1").Consume(t.Context(), mlserver.Values{"x": data.Floats(numbers...)}) // either way
		for i := range numbers {
			numbers[i]++
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client.Service("s", "1").Consume(ctx, mlserver.Values{"x": data.Floats(numbers...)}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was cancelled", err)
	}
}

// The definition is checked of large inputs as of others.
func TestLargeInputsAreChecked(t *testing.T) {
	inputs, _ := largeInputs(t)
	service := stub(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, `{"success":true}`) })
	checked := mlserver.Checked{Service: service}
	for _, name := range []string{"frame", "list", "matrix", "raw", "vector"} {
		types := map[string]mlserver.Type{"frame": mlserver.DataFrame, "matrix": mlserver.Matrix}
		right, ok := types[name]
		if !ok {
			right = mlserver.Vector
		}
		for _, declared := range []mlserver.Type{mlserver.DataFrame, mlserver.Matrix, mlserver.Vector, mlserver.Numeric} {
			checked.Info.Inputs = []mlserver.Parameter{{Name: name, Type: declared}}
			err := checked.Check(mlserver.Values{name: inputs[name]})
			var wrong *mlserver.InputError
			if (declared == right) != (err == nil) || err != nil && (!errors.As(err, &wrong) || len(err.Error()) > 300) {
				t.Errorf("%s as %s: %v", name, declared, err)
			}
		}
	}
}
