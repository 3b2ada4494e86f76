package mlserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-openapi/runtime"

	"github.com/mlserver-go/mls/gen/v901"
	"github.com/mlserver-go/mls/gen/v910"
	"github.com/mlserver-go/mls/gen/v920"
	"github.com/mlserver-go/mls/gen/v921"
	"github.com/mlserver-go/mls/gen/v930"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// TestGeneratedClients drives every operation of each of the five generated clients, as they are, on Client.Transport,
// against the development server playing that version.
func TestGeneratedClients(t *testing.T) {
	for _, test := range []struct {
		version mlserver.Version
		client  func(runtime.ContextualTransport) any
	}{
		{mlserver.V901, func(rt runtime.ContextualTransport) any { return v901.New(rt, nil) }},
		{mlserver.V910, func(rt runtime.ContextualTransport) any { return v910.New(rt, nil) }},
		{mlserver.V920, func(rt runtime.ContextualTransport) any { return v920.New(rt, nil) }},
		{mlserver.V921, func(rt runtime.ContextualTransport) any { return v921.New(rt, nil) }},
		{mlserver.V930, func(rt runtime.ContextualTransport) any { return v930.New(rt, nil) }},
	} {
		t.Run(string(test.version), func(t *testing.T) {
			t.Parallel()
			client := newServer(t, test.version).client(t)
			d := newDriver(test.client(client.Transport()))
			for _, s := range steps {
				if s.since == "" || test.version.Compare(s.since) >= 0 {
					d.run(t, s)
				}
			}
			if len(d.operations) < 34 {
				t.Errorf("only %d operations found", len(d.operations))
			}
			for name := range d.operations {
				if !d.called[name] {
					t.Errorf("operation %s was not called", name)
				}
			}
		})
	}
}

// step is one call. Its arguments are the fields of the generated params: text, or JSON for a body, in which {key} stands
// for what an earlier step kept.
type step struct {
	operation string
	args      map[string]string
	want      string // regular expression for the payload as JSON, or for the bytes of a download
	keep      string // the first group of want is kept under this key
	status    int    // of the error that is wanted instead
	since     mlserver.Version
	await     bool // repeat it until the payload is as wanted
}

type args = map[string]string

const transmissionRequest = `{"code":"answer <- x + 1","snapshotId":"{snapshot}","operationId":"addOne",
	"inputParameterDefinitions":[{"name":"x","type":"numeric"}],"outputParameterDefinitions":[{"name":"answer","type":"numeric"}]}`

const batchRequest = `{"code":"if (x < 0) stop('negative'); cat('x is', x, file = 'f.txt'); answer <- x + 1","outputFileNames":["f.txt"],
	"inputParameterDefinitions":[{"name":"x","type":"numeric"}],"outputParameterDefinitions":[{"name":"answer","type":"numeric"}]}`

var steps = []step{
	{operation: "Status", want: `"statusCode":"(pass|green)"`},
	{operation: "Login", args: args{"LoginRequest": `{"username":"admin","password":"{password}"}`}, want: `"refresh_token":"([^"]+)"`, keep: "refresh"},
	{operation: "RenewToken", args: args{"RenewTokenRequest": `{"refreshToken":"{refresh}"}`}, want: `"refresh_token":"([^"]+)"`, keep: "refresh"},
	{operation: "RevokeRefreshToken", args: args{"RefreshToken": "{refresh}"}, want: ``},
	{operation: "RenewToken", args: args{"RenewTokenRequest": `{"refreshToken":"{refresh}"}`}, status: 401},

	{operation: "CreateSession", args: args{"CreateSessionRequest": `{"name":"one"}`}, want: `"sessionId":"([^"]+)"`, keep: "session"},
	{operation: "ListSessions", want: `"id":"{session}","name":"one"`},
	{operation: "ExecuteCode", args: args{"ID": "{session}", "ExecuteRequest": `{"code":"y <- x * 2; y","inputParameters":[{"name":"x","value":21}],"outputParameters":["y"]}`},
		want: `"consoleOutput":"\[1\] 42\\n".*"name":"y","value":\[42\].*"success":true`},
	{operation: "ExecuteCode", args: args{"ID": "{session}", "ExecuteRequest": `{"code":"stop('boom')"}`}, want: `"errorMessage":"Error: boom"`},
	{operation: "ExecuteCode", args: args{"ID": "none", "ExecuteRequest": `{"code":"1"}`}, status: 404},
	{operation: "GetSessionConsoleOutput", args: args{"ID": "{session}"}, want: `boom`},
	{operation: "ListSessionHistory", args: args{"ID": "{session}"}, want: `y .{1,6}- x \* 2; y.*boom`},
	{operation: "CancelSession", args: args{"ID": "{session}"}},
	{operation: "UploadSessionFile", args: args{"ID": "{session}", "File": "a,b\r\n1,\"2\"\r\n"}},
	{operation: "ListSessionFiles", args: args{"ID": "{session}"}, want: `"upload.csv"`},
	{operation: "GetSessionFile", args: args{"ID": "{session}", "FileName": "upload.csv"}, want: "^a,b\r\n1,\"2\"\r\n$"},
	{operation: "DeleteSessionFile", args: args{"ID": "{session}", "FileName": "upload.csv"}},
	{operation: "GetSessionFile", args: args{"ID": "{session}", "FileName": "upload.csv"}, status: 404},
	{operation: "ListWorkspaceObjects", args: args{"ID": "{session}"}, want: `"x","y"`},
	{operation: "GetWorkspaceObject", args: args{"ID": "{session}", "ObjectName": "y"}, want: `(?s)^(.+)$`, keep: "object"},
	{operation: "DeleteWorkspaceObject", args: args{"ID": "{session}", "ObjectName": "y"}},
	{operation: "GetWorkspaceObject", args: args{"ID": "{session}", "ObjectName": "y"}, status: 404},
	{operation: "SetWorkspaceObject", args: args{"ID": "{session}", "ObjectName": "y", "SerializedObject": "{object}"}},
	{operation: "CreateSnapshot", args: args{"ID": "{session}", "CreateSnapshotRequest": `{"name":"shot"}`}, want: `"snapshotId":"([^"]+)"`, keep: "snapshot"},
	{operation: "ListSnapshots", want: `"name":"shot"`},
	{operation: "GetSnapshotContent", args: args{"ID": "{snapshot}"}, want: "^PK\x03\x04"},
	{operation: "LoadSnapshot", args: args{"ID": "{session}", "SnapshotID": "{snapshot}"}},

	{operation: "PublishWebServiceVersion", args: args{"Name": "add", "Version": "1.0", "PublishRequest": transmissionRequest}},
	{operation: "PublishWebServiceVersion", args: args{"Name": "add", "Version": "1.0", "PublishRequest": transmissionRequest}, status: 409},
	{operation: "PublishWebService", args: args{"Name": "add", "PublishRequest": transmissionRequest}},
	{operation: "DeleteSnapshot", args: args{"ID": "{snapshot}"}},
	{operation: "GetAllWebServices", want: `"name":"add"`},
	{operation: "GetAllWebServiceVersionsByName", args: args{"Name": "add"}, want: `"version":"1.0"`},
	{operation: "GetWebServiceVersion", args: args{"Name": "add", "Version": "1.0"}, want: `^\[\{.*"operationId":"addOne"`},
	{operation: "GetWebServiceVersion", args: args{"Name": "add", "Version": "2.0"}, status: 404},
	{operation: "GetWebServiceSwagger", args: args{"Name": "add", "Version": "1.0"}, want: `(?s)"operationId": "addOne"`},
	{operation: "ConsumeWebService", args: args{"Name": "add", "Version": "1.0", "Inputs": `{"x":0}`}, want: `"outputParameters":\{"answer":1\},"success":true`},
	{operation: "ConsumeWebService", args: args{"Name": "add", "Version": "1.0", "Inputs": `{"x":"one"}`}, status: 400},
	{operation: "PatchWebServiceVersion", args: args{"Name": "add", "Version": "1.0", "PatchRequest": `{"description":"adds one"}`}},
	{operation: "GetWebServiceVersion", args: args{"Name": "add", "Version": "1.0"}, want: `"description":"adds one".*"operationId":"addOne"`},

	{operation: "PublishWebServiceVersion", args: args{"Name": "add", "Version": "9.1", "PublishRequest": batchRequest}, since: mlserver.V910},
	{operation: "StartBatchExecution", args: args{"Name": "add", "Version": "9.1", "Rows": `[{"x":1},{"x":"two"}]`}, status: 400, since: mlserver.V910},
	{operation: "StartBatchExecution", args: args{"Name": "add", "Version": "9.1", "Rows": `[{"x":0},{"x":-1},{"x":2}]`, "ParallelCount": "2"},
		want: `"batchExecutionId":"([^"]+)"`, keep: "batch", since: mlserver.V910},
	{operation: "GetBatchExecutions", args: args{"Name": "add", "Version": "9.1"}, want: `^\["{batch}"\]$`, since: mlserver.V910},
	{operation: "GetBatchExecutionStatus", args: args{"Name": "add", "Version": "9.1", "ExecutionID": "{batch}", "ShowPartialResults": "true"}, await: true,
		want:  `"batchExecutionResults":\[{.*"answer":1}.*},{.*negative.*"success":false},{.*"answer":3}.*}\],"completedItemCount":3,.*"state":"Complete","totalItemCount":3`,
		since: mlserver.V910},
	{operation: "GetBatchExecutionFiles", args: args{"Name": "add", "Version": "9.1", "ExecutionID": "{batch}", "Index": "2"}, want: `^\["f.txt"\]$`, since: mlserver.V910},
	{operation: "GetBatchExecutionFiles", args: args{"Name": "add", "Version": "9.1", "ExecutionID": "{batch}", "Index": "3"}, status: 404, since: mlserver.V910},
	{operation: "GetBatchExecutionFile", args: args{"Name": "add", "Version": "9.1", "ExecutionID": "{batch}", "Index": "2", "FileName": "f.txt"}, want: "^x is 2$", since: mlserver.V910},
	{operation: "GetBatchExecutionFile", args: args{"Name": "add", "Version": "9.1", "ExecutionID": "{batch}", "Index": "1", "FileName": "f.txt"}, status: 404, since: mlserver.V910},
	{operation: "CancelAndDeleteBatchExecution", args: args{"Name": "add", "Version": "9.1", "ExecutionID": "{batch}"}, want: `{batch}`, since: mlserver.V910},
	{operation: "CancelAndDeleteBatchExecution", args: args{"Name": "add", "Version": "9.1", "ExecutionID": "{batch}"}, status: 404, since: mlserver.V910},

	{operation: "DeleteWebServiceVersion", args: args{"Name": "add", "Version": "1.0"}},
	{operation: "DeleteWebServiceVersion", args: args{"Name": "add", "Version": "1.0"}, status: 404},

	{operation: "CloseSession", args: args{"ID": "{session}"}},
	{operation: "CreateSession", args: args{"CreateSessionRequest": `{"name":"two","runtimeType":"Python"}`}, want: `"sessionId":"([^"]+)"`, keep: "session", since: mlserver.V910},
	{operation: "ExecuteCode", args: args{"ID": "{session}", "ExecuteRequest": `{"code":"y = x * 2\ny","inputParameters":[{"name":"x","value":21}],"outputParameters":["y"]}`},
		want: `"consoleOutput":"42\\n".*"name":"y","value":42.*"success":true`, since: mlserver.V910},
	{operation: "CloseSessionByForce", args: args{"ID": "{session}"}, since: mlserver.V910},
	{operation: "CloseSessionByForce", args: args{"ID": "{session}"}, status: 404},

	{operation: "CreateSession", args: args{"CreateSessionRequest": `{"name":"model"}`}, want: `"sessionId":"([^"]+)"`, keep: "session", since: mlserver.V910},
	{operation: "ExecuteCode", args: args{"ID": "{session}", "ExecuteRequest": `{"code":"model <- lm(dist ~ speed, cars)"}`}, since: mlserver.V910},
	{operation: "GetWorkspaceObject", args: args{"ID": "{session}", "ObjectName": "model"}, want: `(?s)^(.+)$`, keep: "model", since: mlserver.V910},
	{operation: "CloseSession", args: args{"ID": "{session}"}, since: mlserver.V910},
	{operation: "PublishRealtimeWebServiceByName", args: args{"Name": "stop", "Model": "{model}"}, since: mlserver.V910},
	{operation: "PublishRealtimeWebServiceByNameVersion", args: args{"Name": "stop", "Version": "1", "Model": "{model}", "Description": `"how far"`, "OperationID": `"stop"`}, since: mlserver.V910},
	{operation: "PublishRealtimeWebServiceByNameVersion", args: args{"Name": "stop", "Version": "1", "Model": "{model}"}, status: 409, since: mlserver.V910},
	{operation: "PublishRealtimeWebServiceByNameVersion", args: args{"Name": "stop", "Version": "2", "Model": "no model"}, status: 400, since: mlserver.V910},
	{operation: "ConsumeWebService", args: args{"Name": "stop", "Version": "1", "Inputs": `{"inputData":{"speed":[10]}}`}, want: `"outputData":\{"dist_Pred":\[21\.74`, since: mlserver.V910},
	{operation: "PatchRealtimeWebServiceByNameVersion", args: args{"Name": "stop", "Version": "1", "Model": "blob"}, since: mlserver.V910},
	{operation: "PatchRealtimeWebServiceByNameVersion", args: args{"Name": "stop", "Version": "1", "Description": `"none"`}, since: mlserver.V910},
	{operation: "GetWebServiceVersion", args: args{"Name": "stop", "Version": "1"}, want: `"description":"none".*"operationId":"stop".*"runtimeType":"Realtime"`, since: mlserver.V910},
	{operation: "ConsumeWebService", args: args{"Name": "stop", "Version": "1", "Inputs": `{"inputData":{"speed":[10]}}`}, status: 501, since: mlserver.V910},
	{operation: "PatchRealtimeWebServiceByNameVersion", args: args{"Name": "stop", "Version": "2", "Description": `"none"`}, status: 404, since: mlserver.V910},

	{operation: "GetComputeNodes", want: `^\{"computeNodes":\[\]\}$`, since: mlserver.V921},
	{operation: "SetComputeNodes", args: args{"Entries": `{"entries":["http://1.1.1.1","http://1.1.1.1:10-12"]}`}, since: mlserver.V921},
	{operation: "AddComputeNode", args: args{"Entries": `{"entries":["http://1.0.1-3.1-2:12805"]}`}, since: mlserver.V921},
	{operation: "RemoveComputeNode", args: args{"Entries": `{"entries":["http://1.1.1.1"]}`}, since: mlserver.V921},
	{operation: "RemoveComputeNode", args: args{"Entries": `{"entries":["http://1.1.1.1"]}`}, status: 400, since: mlserver.V921},
	{operation: "GetComputeNodes", want: `\["http://1.1.1.1:10-12","http://1.0.1-3.1-2:12805"\]`, since: mlserver.V921},

	{operation: "PublishWebServiceVersion", args: args{"Name": "pooled", "Version": "1", "PublishRequest": `{"code":"1"}`}, since: mlserver.V930},
	{operation: "GetServicePoolStatus", args: args{"Name": "pooled", "Version": "1"}, want: `"Status":"NotFound"`, since: mlserver.V930},
	{operation: "CreateOrUpdateServicePool", args: args{"Name": "pooled", "Version": "1", "CreateOrUpdateServicePoolRequest": `{"InitialPoolSize":0,"MaxPoolSize":1}`}, since: mlserver.V930},
	{operation: "CreateOrUpdateServicePool", args: args{"Name": "pooled", "Version": "1", "CreateOrUpdateServicePoolRequest": `{"InitialPoolSize":2,"MaxPoolSize":1}`}, status: 400, since: mlserver.V930},
	{operation: "GetServicePoolStatus", args: args{"Name": "pooled", "Version": "1"}, want: `"ComputeNodeEndpoint":"http://127.0.0.1:[0-9]+/","Status":"Success"`, since: mlserver.V930},
	{operation: "DeleteServicePool", args: args{"Name": "pooled", "Version": "1"}, since: mlserver.V930},
	{operation: "GetServicePoolStatus", args: args{"Name": "pooled", "Version": "1"}, want: `"Status":"NotFound"`, since: mlserver.V930},
}

// driver calls operations of a generated client by name. The five clients have the same shape but share no types.
type driver struct {
	operations map[string]reflect.Value // Login -> auth's LoginContext
	called     map[string]bool
	kept       map[string]string
}

func newDriver(client any) *driver {
	d := &driver{operations: map[string]reflect.Value{}, called: map[string]bool{}, kept: map[string]string{"password": adminPassword}}
	v := reflect.ValueOf(client).Elem()
	for i := range v.NumField() {
		service := v.Field(i)
		if v.Type().Field(i).Name == "Transport" {
			continue
		}
		for j := range service.Elem().NumMethod() {
			if name, ok := strings.CutSuffix(service.Elem().Type().Method(j).Name, "Context"); ok {
				d.operations[name] = service.Elem().Method(j)
			}
		}
	}
	return d
}

func (d *driver) run(t *testing.T, s step) {
	t.Helper()
	payload, err := d.call(s)
	if s.status != 0 {
		var refused *mlserver.Error
		if !errors.As(err, &refused) || refused.Status != s.status {
			t.Errorf("%s: got %s, %v, want status %d %s", s.operation, payload, err, s.status, http.StatusText(s.status))
		}
		return
	}
	if err != nil {
		t.Errorf("%s: %v", s.operation, err)
		return
	}
	wanted := regexp.MustCompile(d.fill(s.want))
	for end := time.Now().Add(patience); s.await && err == nil && !wanted.MatchString(payload) && time.Now().Before(end); {
		<-time.After(10 * time.Millisecond)
		payload, err = d.call(s)
	}
	match := wanted.FindStringSubmatch(payload)
	if match == nil {
		t.Errorf("%s: got %s, want %s", s.operation, payload, s.want)
		return
	}
	if s.keep != "" {
		d.kept[s.keep] = match[1]
	}
}

func (d *driver) fill(text string) string {
	for key, value := range d.kept {
		text = strings.ReplaceAll(text, "{"+key+"}", value)
	}
	return text
}

// call gives the answer's payload as JSON, or the bytes that were downloaded.
func (d *driver) call(s step) (string, error) {
	method, ok := d.operations[s.operation]
	if !ok {
		return "", fmt.Errorf("no such operation")
	}
	d.called[s.operation] = true
	params := reflect.New(method.Type().In(1).Elem())
	for field, text := range s.args {
		f := params.Elem().FieldByName(field)
		if !f.IsValid() {
			return "", fmt.Errorf("no parameter %s", field)
		}
		if err := set(f, d.fill(text)); err != nil {
			return "", fmt.Errorf("parameter %s: %w", field, err)
		}
	}
	in := []reflect.Value{reflect.ValueOf(context.Background()), params}
	var download bytes.Buffer
	downloads := slices.ContainsFunc([]int{2}, func(i int) bool {
		return i < method.Type().NumIn() && method.Type().In(i) == reflect.TypeFor[io.Writer]()
	})
	if downloads {
		in = append(in, reflect.ValueOf(&download))
	}
	out := method.Call(in)
	if err, _ := out[len(out)-1].Interface().(error); err != nil {
		return "", err
	}
	if downloads {
		return download.String(), nil
	}
	payload := out[0].Elem().FieldByName("Payload")
	if !payload.IsValid() {
		return "", nil
	}
	text, err := json.Marshal(payload.Interface())
	return string(text), err
}

func set(field reflect.Value, text string) error {
	switch field.Type() {
	case reflect.TypeFor[string]():
		field.SetString(text)
	case reflect.TypeFor[runtime.NamedReadCloser]():
		field.Set(reflect.ValueOf(runtime.NamedReader("upload.csv", strings.NewReader(text))))
	case reflect.TypeFor[io.ReadCloser]():
		field.Set(reflect.ValueOf(io.NopCloser(strings.NewReader(text))))
	default:
		return json.Unmarshal([]byte(text), field.Addr().Interface())
	}
	return nil
}
