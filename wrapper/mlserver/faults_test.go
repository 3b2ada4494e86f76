package mlserver_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-openapi/runtime"

	"github.com/mlserver-go/mls/gen/v901"
	"github.com/mlserver-go/mls/gen/v910"
	"github.com/mlserver-go/mls/gen/v920"
	"github.com/mlserver-go/mls/gen/v921"
	"github.com/mlserver-go/mls/gen/v930"
	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/internal/faults"
	"github.com/mlserver-go/mls/wrapper/internal/testcert"
	"github.com/mlserver-go/mls/wrapper/mlserver"
	"github.com/mlserver-go/mls/wrapper/transport"
)

// generated are the five clients.
var generated = []struct {
	version    mlserver.Version
	operations int
	client     func(runtime.ContextualTransport) any
}{
	{mlserver.V901, 34, func(rt runtime.ContextualTransport) any { return v901.New(rt, nil) }},
	{mlserver.V910, 43, func(rt runtime.ContextualTransport) any { return v910.New(rt, nil) }},
	{mlserver.V920, 43, func(rt runtime.ContextualTransport) any { return v920.New(rt, nil) }},
	{mlserver.V921, 47, func(rt runtime.ContextualTransport) any { return v921.New(rt, nil) }},
	{mlserver.V930, 50, func(rt runtime.ContextualTransport) any { return v930.New(rt, nil) }},
}

// accessToken must be in every request, and in no error.
const accessToken = "CANARY.access.token"

// call is an operation with arguments, and what a server that is well makes of them.
type call struct {
	operation    string
	method, path string
	kind         faults.Kind
	answer       faults.Answer
	want         string // the payload
}

// callsOf are all operations of a generated client.
func callsOf(t *testing.T, client func(runtime.ContextualTransport) any) []call {
	t.Helper()
	var sent *http.Request
	recorder := roundTripper(func(r *http.Request) (*http.Response, error) {
		sent = r.Clone(context.Background())
		return nil, errors.New("recorded")
	})
	c := faultClient(t, "http://localhost", recorder)
	var calls []call
	for name, method := range newDriver(client(c.Transport())).operations {
		sent = nil
		if _, err := invoke(context.Background(), method); sent == nil {
			t.Fatalf("%s sends nothing: %v", name, err)
		}
		one := call{operation: name, method: sent.Method, path: sent.URL.Path}
		one.kind, one.answer, one.want = sample(t, method)
		calls = append(calls, one)
	}
	slices.SortFunc(calls, func(a, b call) int { return strings.Compare(a.operation, b.operation) })
	return calls
}

// faultClient is a client of a server with faults, that does not wait long for its recovery.
func faultClient(t *testing.T, address string, rt http.RoundTripper) *mlserver.Client {
	t.Helper()
	c, err := mlserver.New(mlserver.Config{
		Address: address, Auth: auth.Static(accessToken), HTTP: &http.Client{Transport: rt},
		Retry: transport.Retry{Wait: time.Millisecond, MaxWait: 2 * time.Millisecond, Budget: 1 << 20},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// invoke calls an operation with arguments of every kind, and returns the payload as JSON, or what was downloaded.
func invoke(ctx context.Context, method reflect.Value) (string, error) {
	params := reflect.New(method.Type().In(1).Elem())
	for i := range params.Elem().NumField() {
		field := params.Elem().Type().Field(i)
		if !field.IsExported() || field.Name == "Context" || field.Name == "HTTPClient" {
			continue
		}
		fill(params.Elem().Field(i), 3)
	}
	in := []reflect.Value{reflect.ValueOf(ctx), params}
	var download bytes.Buffer
	if downloads(method) {
		in = append(in, reflect.ValueOf(&download))
	}
	out := method.Call(in)
	if err, _ := out[len(out)-1].Interface().(error); err != nil {
		return "", err
	}
	if downloads(method) {
		return download.String(), nil
	}
	payload := out[0].Elem().FieldByName("Payload")
	if !payload.IsValid() {
		return "", nil
	}
	text, err := json.Marshal(payload.Interface())
	return string(text), err
}

func downloads(method reflect.Value) bool {
	return method.Type().NumIn() > 2 && method.Type().In(2) == reflect.TypeFor[io.Writer]()
}

// sample is a full answer to an operation.
func sample(t testing.TB, method reflect.Value) (faults.Kind, faults.Answer, string) {
	t.Helper()
	a := faults.Answer{Status: http.StatusOK, ContentType: "application/json; charset=utf-8", Body: `"Done as you wanted"`}
	result := method.Type().Out(0).Elem()
	if strings.HasSuffix(result.Name(), "Created") {
		a.Status = http.StatusCreated
	}
	if downloads(method) {
		a.ContentType, a.Body = "application/octet-stream", "PK\x03\x04 the bytes of a file\r\n\x00\xff"
		return faults.Stream, a, a.Body
	}
	payload, ok := result.FieldByName("Payload")
	if !ok {
		return faults.None, a, ""
	}
	v := reflect.New(payload.Type).Elem()
	fill(v, 4)
	text, err := json.Marshal(v.Interface())
	if err != nil {
		t.Fatal(err)
	}
	a.Body = string(text)
	if payload.Type.Kind() == reflect.String {
		return faults.Text, a, a.Body
	}
	return faults.JSON, a, a.Body
}

// fill puts something into every field.
func fill(v reflect.Value, depth int) {
	switch v.Type() {
	case reflect.TypeFor[runtime.NamedReadCloser]():
		v.Set(reflect.ValueOf(runtime.NamedReader("upload.csv", strings.NewReader("a,b\n"))))
		return
	case reflect.TypeFor[io.ReadCloser]():
		v.Set(reflect.ValueOf(io.NopCloser(strings.NewReader("bytes"))))
		return
	case reflect.TypeFor[json.RawMessage]():
		v.SetBytes([]byte(`{"a":[1,2]}`))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("text")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int32, reflect.Int64:
		v.SetInt(7)
	case reflect.Float64:
		v.SetFloat(0.5)
	case reflect.Interface:
		if v.NumMethod() == 0 {
			v.Set(reflect.ValueOf("anything"))
		}
	case reflect.Pointer:
		if depth > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), depth-1)
		}
	case reflect.Slice:
		if depth > 0 {
			v.Set(reflect.MakeSlice(v.Type(), 2, 2))
			fill(v.Index(0), depth-1)
			fill(v.Index(1), depth-1)
		}
	case reflect.Map:
		if depth > 0 {
			element := reflect.New(v.Type().Elem()).Elem()
			fill(element, depth-1)
			v.Set(reflect.MakeMap(v.Type()))
			v.SetMapIndex(reflect.ValueOf("key"), element)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), depth)
			}
		}
	}
}

// signedRight tells what is wrong with the token of a request.
func signedRight(path string, r *http.Request) string {
	got := r.Header.Values("Authorization")
	want := []string{"Bearer " + accessToken}
	if path == "/login" || path == "/login/refreshToken" {
		want = nil
	}
	if !slices.Equal(got, want) || strings.Contains(r.URL.RawQuery, accessToken) {
		return fmt.Sprintf("it has the Authorization %q, want %q", got, want)
	}
	return ""
}

// TestFaults puts every operation of the five generated clients through every fault.
func TestFaults(t *testing.T) {
	defer log.SetOutput(log.Writer())
	log.SetOutput(io.Discard)          // net/http complains of answers that are longer than they say
	const own = 300 * time.Millisecond // of the callers whose calls never end
	authority := testcert.Authority(t)
	secure := testcert.Server(t, authority, time.Now().Add(time.Hour), "127.0.0.1")
	for _, g := range generated {
		for name, cert := range map[string]*tls.Certificate{"http": nil, "https": &secure.KeyPair} {
			if cert != nil && g.version != mlserver.V930 {
				continue // what is below the operations is the same
			}
			t.Run(string(g.version)+" "+name, func(t *testing.T) {
				calls := callsOf(t, g.client)
				if len(calls) < g.operations {
					t.Fatalf("only %d operations", len(calls))
				}
				answers := map[string]faults.Answer{}
				for _, c := range calls {
					answers[c.method+" "+c.path] = c.answer
				}
				server := faults.NewServer(t, cert, func(method, path string) (faults.Answer, bool) {
					a, ok := answers[method+" "+path]
					return a, ok
				}, signedRight)
				pool := transport.NewPool()
				if cert != nil {
					pool.TLSClientConfig.RootCAs = x509.NewCertPool()
					pool.TLSClientConfig.RootCAs.AddCert(authority.X509)
				}
				pool.MaxConnsPerHost = 64
				defer pool.CloseIdleConnections()
				for _, fault := range faults.All() {
					if cert != nil && !strings.HasPrefix(fault.Name, "re") { // resets and redirects: TLS makes no difference to the others
						continue
					}
					pool.CloseIdleConnections() // net/http sends a GET again for each of them that turns out to be dead
					client := g.client(faultClient(t, server.URL+"/"+fault.Name, pool).Transport())
					operations := newDriver(client).operations
					over := newLateness()
					var all sync.WaitGroup
					for _, c := range calls {
						all.Go(func() {
							limit := time.Minute // for the others: a call that hangs is found
							if fault.Want == faults.Hangs {
								limit = own
							}
							ctx, cancel := context.WithTimeout(context.Background(), limit)
							defer cancel()
							returned := over.watch(ctx)
							got, err := invoke(ctx, operations[c.operation])
							returned()
							c.judge(t, fault, got, err)
							times := server.Times(c.method, "/"+fault.Name+c.path)
							if times == 0 && fault.Want != faults.Hangs && fault.Name != "length-too-short" { // what that leaves in a connection breaks it for the next
								t.Errorf("%s, %s: the server has not seen it", fault.Name, c.operation)
							}
							if once := c.method == "POST" || c.method == "PATCH"; once && times > 1 && fault.Name != "redirect-for-ever" || times > 10 {
								t.Errorf("%s, %s: %s was sent %d times", fault.Name, c.operation, c.method, times)
							}
						})
					}
					all.Wait()
					over.report(t, fault.Name)
				}
				for _, p := range server.Problems() {
					t.Error(p)
				}
			})
		}
	}
}

// judge compares what an operation returned with what the fault allows.
func (c *call) judge(t *testing.T, f faults.Fault, got string, err error) {
	t.Helper()
	if err != nil && strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "CANARY") {
		t.Errorf("%s, %s: a secret is in the error %v", f.Name, c.operation, err)
	}
	if slices.Contains(f.Blind, c.kind) {
		return
	}
	if err == nil && got != c.want {
		t.Errorf("%s, %s (%s): the wrong answer %s was taken for a right one", f.Name, c.operation, c.kind, got)
		return
	}
	var refused *mlserver.Error
	is := errors.As(err, &refused)
	switch f.Want {
	case faults.Right:
		if once := c.operation == "UploadSessionFile" || c.operation == "SetWorkspaceObject" || strings.Contains(c.operation, "Realtime"); is && once && refused.Status == 307 {
			return // the body cannot be read again, and the error says where to
		}
		if err != nil {
			t.Errorf("%s, %s: %v", f.Name, c.operation, err)
		}
	case faults.Broken:
		if err == nil || is || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s, %s (%s): got %v, want an error of the connection or of the answer", f.Name, c.operation, c.kind, err)
		}
	case faults.Refused:
		if !is || refused.Status != f.Status {
			t.Errorf("%s, %s: got %v, want status %d", f.Name, c.operation, err, f.Status)
		}
	case faults.Hangs:
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s, %s: got %v, want the caller's deadline", f.Name, c.operation, err)
		}
	}
	if err != nil && !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(c.operation)) {
		t.Errorf("%s, %s: the error does not name the operation: %v", f.Name, c.operation, err)
	}
}
