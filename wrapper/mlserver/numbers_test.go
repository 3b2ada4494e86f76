package mlserver_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/hex"
	"io"
	"math"
	"slices"
	"testing"

	"github.com/mlserver-go/mls/wrapper/data"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// TestNumbers sends numbers and gets them back, and looks at what the code had: the doc comment of Values.
func TestNumbers(t *testing.T) {
	client := newServer(t, mlserver.V930).client(t)
	doubles := []float64{
		0, math.Copysign(0, -1), 1, -1, 1.0 / 3, 0.1, math.Pi, 1e22, 1e-7, 123456789.123456789, 1 << 53, 1<<53 - 1, 1<<53 + 2,
		math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, 2.2250738585072011e-308, 2.2250738585072014e-308, math.Nextafter(1, 2),
	}
	integers := []int64{1<<53 - 1, 1<<53 + 1, math.MaxInt32, math.MaxInt32 + 1, 0, -1}
	inputs := mlserver.Values{"slice": doubles, "vector": data.Floats(doubles...), "zero": math.Copysign(0, -1), "int": integers, "least": math.MinInt64, "most": math.MaxInt64, "null": nil, "na": data.Floats(1, math.NaN(), math.Inf(1))}
	for runtime, test := range map[mlserver.Runtime]struct {
		code     string
		integers []int64 // as they come back
	}{
		mlserver.R: {
			code: `
bits <- function(x) unlist(lapply(x, function(v) paste(rev(as.character(writeBin(as.double(v), raw(), endian = "little"))), collapse = "")))
had <- bits(slice); same <- identical(had, bits(vector)) && identical(bits(zero), "8000000000000000")
int <- int; nothing <- NULL; isnull <- is.null(null); isna <- is.na(na)
lost <- c(NA, NaN, Inf, -Inf, 1); logical <- c(NA, TRUE); whole <- c(NA, 3L); text <- c(NA, "x")`,
			integers: []int64{1<<53 - 1, 1 << 53, math.MaxInt32, math.MaxInt32 + 1, 0, -1},
		},
		mlserver.Python: {
			code: `
import struct
bits = lambda x: [struct.pack('>d', v).hex() for v in x]
had = bits(slice); same = had == bits(vector) and bits([zero]) == ['8000000000000000']
nothing = None; isnull = null is None; isna = [v is None for v in na]
nan = float('nan'); inf = float('inf'); lost = [None, nan, inf, -inf, 1.0]; logical = [None, True]; whole = [None, 3]; text = [None, 'x']`,
			integers: integers,
		},
	} {
		t.Run(string(runtime), func(t *testing.T) {
			session := newSession(t, client, mlserver.SessionOptions{Runtime: runtime})
			r, err := session.Execute(t.Context(), test.code, mlserver.Execution{
				Inputs:  inputs,
				Outputs: []string{"slice", "vector", "zero", "int", "least", "most", "had", "same", "nothing", "isnull", "isna", "lost", "logical", "whole", "text"},
			})
			if err != nil {
				t.Fatal(err)
			}
			var had []string
			var same, isNull bool
			var isNA []bool
			decode(t, r, map[string]any{"had": &had, "same": &same, "isnull": &isNull, "isna": &isNA})
			if !same || !isNull || !slices.Equal(isNA, []bool{false, true, true}) {
				t.Errorf("the same %t, null %t, NA %v", same, isNull, isNA)
			}
			var slice []float64
			var vector data.Vector
			var zero float64
			decode(t, r, map[string]any{"slice": &slice, "vector": &vector, "zero": &zero})
			floats, err := vector.Floats()
			if err != nil || len(had) != len(doubles) || len(slice) != len(doubles) || len(floats) != len(doubles) {
				t.Fatalf("got %d, %d and %d doubles, want %d (%v)", len(had), len(slice), len(floats), len(doubles), err)
			}
			for i, f := range append(doubles, math.Copysign(0, -1)) {
				want := math.Float64bits(f)
				if i == len(doubles) {
					if got := math.Float64bits(zero); got != want {
						t.Errorf("-0 alone came back as %x", got)
					}
					continue
				}
				if there := hex.EncodeToString(binary.BigEndian.AppendUint64(nil, want)); had[i] != there {
					t.Errorf("%v was %s there, want %s", f, had[i], there)
				}
				if a, b := math.Float64bits(slice[i]), math.Float64bits(floats[i]); a != want || b != want {
					t.Errorf("%v came back as %v and %v", f, slice[i], floats[i])
				}
			}
			var ints []int64
			var lost, logical, whole, text data.Vector
			nothing := new(float64)
			decode(t, r, map[string]any{"int": &ints, "lost": &lost, "logical": &logical, "whole": &whole, "text": &text, "nothing": &nothing})
			if !slices.Equal(ints, test.integers) {
				t.Errorf("integers came back as %d, want %d", ints, test.integers)
			}
			var least, most float64
			var exact int64
			decode(t, r, map[string]any{"least": &least, "most": &most})
			if least != math.MinInt64 || most != math.MaxInt64 {
				t.Errorf("the least and the most came back as %v and %v", least, most)
			}
			if err := r.Outputs.Decode("most", &exact); (err == nil && exact == math.MaxInt64) != (runtime == mlserver.Python) {
				t.Errorf("the most came back as %d, %v: Python keeps it, and R's double is larger", exact, err)
			}
			for i := range 4 {
				if !lost.NA(i) {
					t.Errorf("%v: value %d is not NA", lost, i)
				}
			}
			if lost.NA(4) || !logical.NA(0) || !whole.NA(0) || !text.NA(0) || nothing != nil {
				t.Errorf("got %v, %v, %v, %v and %v", lost, logical, whole, text, nothing)
			}
		})
	}
}

func decode(t *testing.T, r *mlserver.Result, into map[string]any) {
	t.Helper()
	for name, dst := range into {
		if err := r.Outputs.Decode(name, dst); err != nil {
			t.Errorf("%s: %v in %s", name, err, r.Outputs.JSON(name))
		}
	}
}

// TestSerializedForm moves what JSON has no form for as an object, and looks at the bytes: R's have format 2, which R before 3.5
// reads.
func TestSerializedForm(t *testing.T) {
	ctx := t.Context()
	client := newServer(t, mlserver.V930).client(t)
	for runtime, code := range map[mlserver.Runtime]struct{ make, test string }{
		mlserver.R:      {"x <- c(NA, NaN, Inf, -Inf, -0, 5e-324)", "same <- identical(x, y) && is.na(y[1]) && !is.nan(y[1]) && is.nan(y[2]) && 1 / y[5] == -Inf"},
		mlserver.Python: {"import struct; x = [None, float('nan'), float('inf'), -0.0, 5e-324, 2**63 - 1]", "same = repr(x) == repr(y)"},
	} {
		session := newSession(t, client, mlserver.SessionOptions{Runtime: runtime})
		if _, err := session.Execute(ctx, code.make, mlserver.Execution{}); err != nil {
			t.Fatal(err)
		}
		var object bytes.Buffer
		if err := session.Object(ctx, "x", &object); err != nil {
			t.Fatal(err)
		}
		if runtime == mlserver.R {
			z, err := gzip.NewReader(bytes.NewReader(object.Bytes()))
			if err != nil {
				t.Fatal(err)
			}
			plain, err := io.ReadAll(z)
			if err != nil || !bytes.HasPrefix(plain, []byte("RDX2\nX\n\x00\x00\x00\x02")) {
				t.Errorf("the object begins with %q, %v, want format 2", plain[:min(len(plain), 12)], err)
			}
		}
		if err := session.PutObject(ctx, "y", &object); err != nil {
			t.Fatal(err)
		}
		r, err := session.Execute(ctx, code.test, mlserver.Execution{Outputs: []string{"same"}})
		if err != nil {
			t.Fatal(err)
		}
		var same bool
		if decode(t, r, map[string]any{"same": &same}); !same {
			t.Errorf("%s: the object that went there and back is another one", runtime)
		}
		if files, err := session.Files(ctx); err != nil || len(files) != 0 {
			t.Errorf("%s: left behind: %q, %v", runtime, files, err)
		}
	}
}
