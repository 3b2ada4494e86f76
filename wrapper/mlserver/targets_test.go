package mlserver_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/mlserver-go/mls/wrapper/data"
	"github.com/mlserver-go/mls/wrapper/mlserver"
	"github.com/mlserver-go/mls/wrapper/transport"
)

// answersOf is a service that answers every call with what the reader gives.
func answersOf(tb testing.TB, body *func() io.Reader) *mlserver.Service {
	tb.Helper()
	rt := roundTripper(func(req *http.Request) (*http.Response, error) {
		_, _ = io.Copy(io.Discard, req.Body)
		return &http.Response{
			StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req, ContentLength: -1,
			Header: http.Header{"Content-Type": {jsonType}}, Body: io.NopCloser((*body)()),
		}, nil
	})
	client, err := mlserver.New(mlserver.Config{Address: "http://localhost", HTTP: &http.Client{Transport: rt}, Retry: transport.Retry{Attempts: 1}})
	if err != nil {
		tb.Fatal(err)
	}
	return client.Service("s", "1")
}

// pieces gives a text in pieces of a size.
type pieces struct {
	text string
	size int
}

func (p *pieces) Read(b []byte) (int, error) {
	if p.text == "" {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), p.size)], p.text)
	p.text = p.text[n:]
	return n, nil
}

// targetsOf are targets of every kind.
func targetsOf() map[string]mlserver.Targets {
	return map[string]mlserver.Targets{
		"frame": {"x": new(data.Frame)}, "matrix": {"x": new(data.Matrix)}, "vector": {"x": new(data.Vector)}, "number": {"x": new(float64)}, "list": {"x": new([]any)},
		"any": {"x": new(any)}, "two": {"y": new(float64), "x": new(data.Frame)}, "other": {"z": new(string)},
	}
}

// sameAsConsume compares ConsumeInto with Consume and Decode, which see the same answer.
func sameAsConsume(tb testing.TB, service *mlserver.Service, text string, kinds ...string) {
	tb.Helper()
	ctx := context.Background()
	for name, targets := range targetsOf() {
		if len(kinds) > 0 && !slices.Contains(kinds, name) {
			continue
		}
		got, gotErr := service.ConsumeInto(ctx, nil, targets)
		want, wantErr := service.Consume(ctx, nil)
		decoded := targetsOf()[name]
		if wantErr == nil {
			rest := mlserver.Outputs{}
			for _, o := range want.Outputs {
				if decoded[o.Name] == nil {
					rest = append(rest, o)
				}
			}
			for output, dst := range decoded {
				wantErr = errors.Join(wantErr, want.Outputs.Decode(output, dst))
			}
			want.Outputs = rest
		}
		var code, wantCode *mlserver.CodeError
		if (gotErr == nil) != (wantErr == nil) || errors.As(gotErr, &code) != errors.As(wantErr, &wantCode) || code != nil && *code != *wantCode {
			tb.Fatalf("%s of %s gave %v, want %v", name, shortened(text), gotErr, wantErr)
		}
		if (got == nil) != (gotErr != nil && code == nil) {
			tb.Fatalf("%s of %s gave %v with %v", name, shortened(text), got, gotErr)
		}
		if code == nil && gotErr == nil {
			if a, b := fmt.Sprint(got.Console, got.Changed, got.Files, got.Outputs), fmt.Sprint(want.Console, want.Changed, want.Files, want.Outputs); a != b {
				tb.Fatalf("%s of %s gave %s, want %s", name, shortened(text), shortened(a), shortened(b))
			}
			for output, dst := range decoded {
				if a, b := shown(targets[output]), shown(dst); a != b {
					tb.Fatalf("%s of %s stored %s, want %s", name, shortened(text), shortened(a), shortened(b))
				}
			}
		}
	}
}

// shown is what a pointer points to, NaN being the same as NaN.
func shown(pointer any) string {
	return fmt.Sprintf("%#v", reflect.ValueOf(pointer).Elem().Interface())
}

func shortened(text string) string {
	const most = 200
	if len(text) > 2*most {
		text = text[:most] + "..." + text[len(text)-most:]
	}
	return text
}

const longBlank = 70 << 10 // more than fits into a window

// longer is an answer whose output x is so long that it is read while it arrives.
func longer(x string) string {
	if x != "" {
		x = x[:len(x)-1] + strings.Repeat(" ", longBlank) + x[len(x)-1:]
	}
	return `{"success":true,"outputParameters":{"y":1.5,"x":` + x + `},"consoleOutput":"so far","changedFiles":["a"],"newer":{"x":[1]}}`
}

var outputsOfAllKinds = []string{
	`{"a":[1,2.5,null],"b":["x","NA",null]}`, `[{"a":1,"b":"x"},{"a":2}]`, `[[1,2],[3.5,null]]`, `[1,2.5,"NA"]`, `["a",null]`, `[true,null]`, `[]`, `{}`, `[[]]`,
	`1.5`, `"text"`, `null`, `[[1,2,3]]`, `[{"a":[1,2],"b":[3,4]}]`, `[[[1,2],[3,4]]]`, `[[1,2],[3]]`, `[1,[2]]`, `{"a":[1],"b":[1,2]}`, `{"a":[1],"a":[2]}`, `[1,2,x]`, `[[1],2]`,
}

// ConsumeInto gives what Consume and Decode do, whatever the answer is and in which pieces it comes.
func TestConsumeIntoAsConsume(t *testing.T) {
	var body func() io.Reader
	service := answersOf(t, &body)
	for _, x := range outputsOfAllKinds {
		short := strings.ReplaceAll(longer(x), strings.Repeat(" ", longBlank), "")
		for _, text := range []string{short, longer(x)} {
			for _, size := range []int{1, 1000, len(text)} {
				if size == 1 && len(text) > len(short) {
					continue
				}
				body = func() io.Reader { return &pieces{text, size} }
				sameAsConsume(t, service, text)
			}
		}
		for at := range len(short) { // cut
			body = func() io.Reader { return strings.NewReader(short[:at]) }
			sameAsConsume(t, service, short[:at])
		}
	}
	long := longer(`{"a":[` + strings.Repeat("0.1234567890123456,", 20_000) + `1]}`)
	for _, text := range []string{
		long, long[:len(long)/2], long[:len(long)-1], long + "x", "\ufeff" + long, strings.Replace(long, "true", "false", 1), strings.Replace(long, `"outputParameters"`, `"other"`, 1),
		`<html>` + strings.Repeat(" ", 1<<20), strings.Repeat(" ", 1<<20), `null`, `[]`, ``, `{"success":false,"errorMessage":"object 'x' not found","consoleOutput":"so far"}`, `{"success":true,"outputParameters":null}`,
	} {
		body = func() io.Reader { return strings.NewReader(text) }
		sameAsConsume(t, service, text)
	}
}

// The errors name what they are about, as those of Consume and Decode do.
func TestConsumeIntoErrors(t *testing.T) {
	var body func() io.Reader
	service := answersOf(t, &body)
	long := longer(`{"a":[` + strings.Repeat("0.5,", 100_000) + `1]}`)
	broken := errors.New("broken")
	for _, c := range []struct {
		answer io.Reader
		want   string
	}{
		{strings.NewReader(strings.Replace(long, "0.5,", `true,`, 1)), `output "x": column "a": value 1 is numeric among values that are logical`},
		{strings.NewReader(longer(`[1,2]`)), `output "x": row 0 is no object`},
		{strings.NewReader(`{"success":true,"outputParameters":{"y":1}}`), `no output "x": have ["y"]`},
		{strings.NewReader(long[:len(long)/2]), "service s/1: the server answered something else than the result that belongs here: column \"a\": the JSON ends in the middle"},
		{strings.NewReader(long + "x"), "after its end"},
		{strings.NewReader("<html><body>Sign in"), "web page"},
		{strings.NewReader(""), "its body is empty"},
		{io.MultiReader(strings.NewReader(long[:len(long)/2]), iotest.ErrReader(broken)), "broken"},
		{io.MultiReader(strings.NewReader(long[:len(long)/2]), iotest.ErrReader(io.ErrUnexpectedEOF)), "consumeWebService: the answer broke off before its end"},
		{iotest.ErrReader(broken), "broken"},
	} {
		body = func() io.Reader { return c.answer }
		was := data.Frame{{Name: "was", Values: data.Ints(1)}}
		frame := was
		r, err := service.ConsumeInto(t.Context(), nil, mlserver.Targets{"x": &frame})
		if r != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, %v; want an error with %q", r, err, c.want)
		}
		if !reflect.DeepEqual(frame, was) {
			t.Errorf("%v: the target is %v", err, frame)
		}
	}
}

// FuzzConsumeInto reads any output that is read while it arrives as Consume and Decode do.
func FuzzConsumeInto(f *testing.F) {
	for _, x := range outputsOfAllKinds {
		f.Add(x, uint16(5000))
	}
	var body func() io.Reader
	service := answersOf(f, &body)
	f.Fuzz(func(t *testing.T, x string, size uint16) {
		text := longer(x)
		body = func() io.Reader { return &pieces{text, 1000 + int(size)} }
		sameAsConsume(t, service, text, "frame", "matrix", "vector")
	})
}
