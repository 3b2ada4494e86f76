package mlserver_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/data"
	"github.com/mlserver-go/mls/wrapper/devserver"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

func TestRealtime(t *testing.T) {
	ctx := t.Context()
	client := newServer(t, mlserver.V910).client(t)
	session, err := client.NewSession(ctx, mlserver.SessionOptions{Runtime: mlserver.Python})
	if err != nil {
		t.Fatal(err)
	}
	train := "import pandas as pd\nfrom sklearn.linear_model import LinearRegression\nmodel = LinearRegression().fit(pd.DataFrame({'x': [1, 2, 4]}), [3, 5, 9])"
	if _, err := session.Execute(ctx, train, mlserver.Execution{}); err != nil {
		t.Fatal(err)
	}
	var model bytes.Buffer
	if err := session.Object(ctx, "model", &model); err != nil {
		t.Fatal(err)
	}
	if err := session.Close(ctx); err != nil {
		t.Fatal(err)
	}

	line := mlserver.RealtimeDefinition{Name: "line", Version: "1", Description: "2x + 1", Alias: "line", Model: bytes.NewReader(model.Bytes())}
	service, err := client.PublishRealtime(ctx, line)
	if err != nil {
		t.Fatal(err)
	}
	score := func(want float64) {
		t.Helper()
		result, err := service.Consume(ctx, mlserver.Values{mlserver.RealtimeInput: map[string][]float64{"x": {10}}})
		if err != nil {
			t.Fatal(err)
		}
		var frame map[string][]float64
		if err := result.Outputs.Decode(mlserver.RealtimeOutput, &frame); err != nil || len(frame["Pred"]) != 1 || frame["Pred"][0] < want-1e-9 || frame["Pred"][0] > want+1e-9 {
			t.Errorf("scored as %v, %v, want %v", frame, err, want)
		}
	}
	score(21)
	info, err := service.Describe(ctx)
	if err != nil || info.Runtime != mlserver.Realtime || info.Description != "2x + 1" || info.Alias != "line" || info.Code != "" ||
		len(info.Inputs) != 1 || info.Inputs[0] != (mlserver.Parameter{Name: mlserver.RealtimeInput, Type: mlserver.DataFrame}) {
		t.Errorf("described as %+v, %v", info, err)
	}

	// A batch, each row of which is a data frame.
	rows := func(frames ...any) (rows []mlserver.Values) {
		for _, f := range frames {
			rows = append(rows, mlserver.Values{mlserver.RealtimeInput: f})
		}
		return rows
	}
	batch, err := service.StartBatch(ctx, mlserver.RowsOf(rows(
		data.Frame{{Name: "x", Values: data.Floats(10, 0)}}, []map[string]int{{"x": 1}}, map[string][]int{"y": {1}})), mlserver.BatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if status, err := batch.Wait(ctx, eager); err != nil || status.Completed != 3 {
		t.Fatalf("the batch is %+v, %v", status, err)
	}
	var scores []string
	for row, err := range batch.Results(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		var frame data.Frame
		if row.Err == nil {
			row.Err = row.Outputs.Decode(mlserver.RealtimeOutput, &frame)
		}
		if row.Err != nil {
			scores = append(scores, row.Err.Error())
			continue
		}
		pred, _ := frame.Column("Pred")
		numbers, err := pred.Floats()
		scores = append(scores, fmt.Sprintf("%.3f %v", numbers, err))
	}
	if want := []string{"[21.000 1.000] <nil>", "[3.000] <nil>", "ValueError: inputData lacks the columns x"}; !slices.Equal(scores, want) {
		t.Errorf("the batch is scored as %q, want %q", scores, want)
	}
	var row *mlserver.RowError
	if _, err := service.StartBatch(ctx, mlserver.RowsOf(rows(map[string][]int{"x": {1}}, 5)), mlserver.BatchOptions{}); !errors.As(err, &row) || row.Row != 1 {
		t.Errorf("a row that is no data frame gave %v", err)
	}

	line.Model = bytes.NewReader(model.Bytes())
	if _, err := client.PublishRealtime(ctx, line); !errors.Is(err, mlserver.ErrConflict) || !strings.Contains(err.Error(), "line version 1 exists") {
		t.Errorf("publishing it again gave %v, want a conflict", err)
	}
	line.Version, line.Model = "", bytes.NewReader(model.Bytes())
	if made, err := client.PublishRealtime(ctx, line); err != nil || len(made.Version()) != 36 {
		t.Errorf("without a version: %+v, %v", made, err)
	}
	if err := service.UpdateRealtime(ctx, mlserver.RealtimeUpdate{Description: "still"}); err != nil {
		t.Fatal(err)
	}
	score(21)
	if info, err := service.Describe(ctx); err != nil || info.Description != "still" || info.Alias != "line" {
		t.Errorf("after an update described as %+v, %v", info, err)
	}
	if err := service.UpdateRealtime(ctx, mlserver.RealtimeUpdate{Model: strings.NewReader("blob of RevoScaleR")}); err != nil {
		t.Fatal(err)
	}
	var refused *mlserver.Error
	_, calling := service.Consume(ctx, mlserver.Values{mlserver.RealtimeInput: map[string][]float64{"x": {10}}})
	_, starting := service.StartBatch(ctx, mlserver.RowsOf(rows(map[string][]float64{"x": {10}})), mlserver.BatchOptions{})
	for _, err := range []error{calling, starting} {
		if !errors.As(err, &refused) || refused.Status != http.StatusNotImplemented || !strings.Contains(refused.Message, "RevoScaleR's own format") {
			t.Errorf("a model that cannot be scored gave %v", err)
		}
	}

	broken := errors.New("disk on fire")
	for want, d := range map[string]mlserver.RealtimeDefinition{
		"needs a name": {Model: &model}, "needs a model": {Name: "line"}, "no serialized model": {Name: "line", Version: "2", Model: strings.NewReader("text")},
		"is empty": {Name: "line", Version: "2", Model: strings.NewReader("")}, "disk on fire": {Name: "line", Version: "2", Model: io.MultiReader(strings.NewReader("blob"), failing{broken})},
	} {
		if _, err := client.PublishRealtime(ctx, d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v gave %v, want %q", d, err, want)
		}
	}
	if err := service.UpdateRealtime(ctx, mlserver.RealtimeUpdate{}); err == nil {
		t.Error("an empty update succeeded")
	}
	if versions, err := client.ServiceVersions(ctx, "line"); err != nil || len(versions) != 2 {
		t.Errorf("versions %v, %v, want 2", versions, err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// measured notes how much memory is in use while it is read.
type measured struct {
	io.Reader
	read, next int
	base, most uint64
}

func (m *measured) Read(p []byte) (int, error) {
	n, err := m.Reader.Read(p)
	if m.read += n; m.read >= m.next {
		m.next += 16 << 20
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		if m.base == 0 {
			m.base = stats.HeapAlloc
		}
		m.most = max(m.most, max(stats.HeapAlloc, m.base)-m.base)
	}
	return n, err
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// A model is streamed: as large as it may be, neither side holds it in memory.
func TestLargeModel(t *testing.T) {
	server := newServer(t, mlserver.V930)
	const size = 300 << 20
	model := &measured{Reader: io.MultiReader(strings.NewReader("blob"), io.LimitReader(zeros{}, size))}
	_, err := server.client(t).PublishRealtime(t.Context(), mlserver.RealtimeDefinition{Name: "large", Version: "1", Model: model})
	if err != nil {
		t.Fatal(err)
	}
	if model.read != size+4 || model.most > 64<<20 {
		t.Errorf("%d bytes were read, at most %d of memory were in use above those at the start, want %d and less than 64 MiB", model.read, model.most, size+4)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestPools(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	server := newServer(t, mlserver.V930)
	client := server.client(t)
	service, err := client.Publish(ctx, mlserver.Definition{
		Name: "one", Version: "1", Runtime: mlserver.Python, Code: "y = 1", Outputs: []mlserver.Parameter{{Name: "y", Type: mlserver.Numeric}},
	})
	if err != nil {
		t.Fatal(err)
	}
	states := func(want ...mlserver.PoolNode) {
		t.Helper()
		got, err := service.Pool(ctx)
		if err != nil || len(got) != len(want) {
			t.Fatalf("pool %+v, %v, want %+v", got, err, want)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("pool %+v, want %+v", got, want)
			}
		}
	}
	node := server.address + "/"
	states(mlserver.PoolNode{Endpoint: node, State: mlserver.PoolNotFound})
	if err := service.SetPool(ctx, 1, 2); err != nil {
		t.Fatal(err)
	}
	if err := service.AwaitPool(ctx); err != nil {
		t.Fatal(err)
	}
	states(mlserver.PoolNode{Endpoint: node, State: mlserver.PoolSuccess})
	if _, err := service.Consume(ctx, nil); err != nil {
		t.Errorf("calling it: %v", err)
	}
	if err := service.DeletePoolAndWait(ctx); err != nil {
		t.Fatal(err)
	}
	states(mlserver.PoolNode{Endpoint: node, State: mlserver.PoolNotFound})

	for _, size := range [][2]int{{-1, 1}, {2, 1}} {
		if err := service.SetPool(ctx, size[0], size[1]); err == nil || !strings.Contains(err.Error(), "need 0 <= initial <= most") {
			t.Errorf("sizes %v gave %v", size, err)
		}
	}
	if err := client.Service("ONE", "1").SetPool(ctx, 0, 1); !errors.Is(err, mlserver.ErrNotFound) {
		t.Errorf("a name in other case gave %v", err)
	}

	// Keys in Pascal case, as documented, and in camel case, as recorded; several nodes; a deletion that needs to be repeated.
	answer := func(body string, times int) {
		server.SetFaults(devserver.Faults{Answers: map[string]devserver.Answer{"getServicePoolStatus": {Body: body, Times: times, Header: http.Header{"Content-Type": {"application/json"}}}}})
	}
	answer(`[{"ComputeNodeEndpoint":"http://a:12805/","Status":"Success"},{"computeNodeEndpoint":"http://b:12805/","status":"notfound"}]`, 0)
	states(mlserver.PoolNode{Endpoint: "http://a:12805/", State: mlserver.PoolSuccess}, mlserver.PoolNode{Endpoint: "http://b:12805/", State: mlserver.PoolNotFound})
	inVain := func(says string) error {
		for limit := 100 * time.Millisecond; ; limit *= 2 { // which is not enough to be answered once, if the machine is busy
			short, stop := context.WithTimeout(ctx, limit)
			err := service.AwaitPool(short)
			stop()
			if limit > patience/2 || err == nil || strings.Contains(err.Error(), says) {
				return err
			}
		}
	}
	const notFound = "one/1 is NotFound at http://b:12805/"
	if err := inVain(notFound); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), notFound) {
		t.Errorf("a pool that does not come gave %v", err)
	}
	answer(`[]`, 0)
	const nobody = "no compute node"
	if err := inVain(nobody); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), nobody) {
		t.Errorf("a pool without nodes gave %v", err)
	}
	answer(`[{"ComputeNodeEndpoint":"http://a:12805/","Status":"Success"}]`, 6)
	if err := service.SetPool(ctx, 1, 1); err != nil {
		t.Fatal(err)
	}
	deletions := 0
	counting, err := mlserver.New(mlserver.Config{Address: server.address, Auth: auth.Login{Username: "admin", Password: adminPassword}, HTTP: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodDelete {
			deletions++
		}
		return http.DefaultTransport.RoundTrip(r)
	})}})
	if err != nil {
		t.Fatal(err)
	}
	if err := counting.Service("one", "1").DeletePoolAndWait(ctx); err != nil || deletions != 2 {
		t.Errorf("deleted with %d requests, %v, want 2", deletions, err)
	}
}

func TestComputeNodes(t *testing.T) {
	ctx := t.Context()
	client := newServer(t, mlserver.V921).client(t)
	nodes := func(want string) {
		t.Helper()
		got, err := client.ComputeNodes(ctx)
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("nodes %v, %v, want %s", got, err, want)
		}
	}
	nodes("")
	for _, step := range []struct {
		do        func(context.Context, ...string) error
		addresses []string
		want      string
	}{
		{client.SetComputeNodes, []string{"http://10.0.0.5:12805"}, "http://10.0.0.5:12805"},
		{client.AddComputeNode, []string{"http://1.0.1-3.1-2:12805", "http://b"}, "http://10.0.0.5:12805 http://1.0.1-3.1-2:12805 http://b"},
		{client.RemoveComputeNode, []string{"http://10.0.0.5:12805", "http://b"}, "http://1.0.1-3.1-2:12805"},
		{client.SetComputeNodes, nil, ""},
	} {
		if err := step.do(ctx, step.addresses...); err != nil {
			t.Errorf("%v: %v", step.addresses, err)
		}
		nodes(step.want)
	}
	if err := client.AddComputeNode(ctx, "http://1.1.1.9-3"); !errors.Is(err, mlserver.ErrBadRequest) || !strings.Contains(err.Error(), "goes backwards") {
		t.Errorf("a range that goes backwards gave %v", err)
	}
	if err := client.RemoveComputeNode(ctx, "http://gone"); !errors.Is(err, mlserver.ErrBadRequest) || !strings.Contains(err.Error(), "http://gone") {
		t.Errorf("removing what is not there gave %v", err)
	}
}

// What a role does not allow is ErrForbidden, with the server's reason.
func TestForbidden(t *testing.T) {
	ctx := t.Context()
	server := newServer(t, mlserver.V930, func(c *devserver.Config) {
		c.Users = map[string]string{"rita": adminPassword, "carl": adminPassword}
		c.Roles = devserver.Roles{Contributor: []string{"carl"}}
	})
	admin, carl, rita := server.client(t), server.clientOf(t, "carl"), server.clientOf(t, "rita")
	service, err := admin.PublishRealtime(ctx, mlserver.RealtimeDefinition{Name: "m", Version: "1", Model: strings.NewReader("blob")})
	if err != nil {
		t.Fatal(err)
	}
	_, publishing := rita.PublishRealtime(ctx, mlserver.RealtimeDefinition{Name: "r", Model: strings.NewReader("blob")})
	for want, err := range map[string]error{
		"rita is a Reader":           publishing,
		"carl is a Contributor":      carl.SetComputeNodes(ctx),
		"was published by admin":     carl.Service("m", "1").UpdateRealtime(ctx, mlserver.RealtimeUpdate{Alias: "mine"}),
		"published by admin, who":    carl.Service("m", "1").SetPool(ctx, 0, 1),
		"needs the role Contributor": rita.Service("m", "1").DeletePool(ctx),
	} {
		if !errors.Is(err, mlserver.ErrForbidden) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want forbidden with %q", err, want)
		}
	}
	if info, err := carl.Service("m", "1").Describe(ctx); err != nil || info.Permission != "read only" {
		t.Errorf("carl's view is %+v, %v", info, err)
	}
	if info, err := service.Describe(ctx); err != nil || info.Permission != "read/write" {
		t.Errorf("admin's view is %+v, %v", info, err)
	}
}
