package mlserver_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/devserver"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

func TestServices(t *testing.T) {
	ctx := t.Context()
	client := newServer(t, mlserver.V930).client(t)
	add := mlserver.Definition{
		Name: "add", Version: "v1.0.0", Description: "adds", Code: "sum <- x + y; cat('adding\\n')", Alias: "add",
		Inputs:  []mlserver.Parameter{{Name: "x", Type: mlserver.Numeric}, {Name: "y", Type: mlserver.Numeric}},
		Outputs: []mlserver.Parameter{{Name: "sum", Type: mlserver.Numeric}},
	}
	service, err := client.Publish(ctx, add)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Publish(ctx, add); !errors.Is(err, mlserver.ErrConflict) {
		t.Errorf("publishing it again gave %v, want a conflict", err)
	}
	info, err := service.Describe(ctx)
	if err != nil || info.Publisher != "admin" || info.Code != add.Code || info.Alias != "add" || len(info.Inputs) != 2 || info.Created.IsZero() || info.Permission != "read/write" {
		t.Errorf("described as %+v, %v", info, err)
	}
	result, err := service.Consume(ctx, mlserver.Values{"x": 0, "y": 30})
	if err != nil {
		t.Fatal(err)
	}
	var sum float64
	if err := result.Outputs.Decode("sum", &sum); err != nil || sum != 30 || result.Console != "adding\n" {
		t.Errorf("0 + 30 is %v, %v, console %q", sum, err, result.Console)
	}

	unversioned := add
	unversioned.Version = ""
	first, err := client.Publish(ctx, unversioned)
	if err != nil {
		t.Fatal(err)
	}
	second, err := client.Publish(ctx, unversioned)
	if err != nil || first.Version() == second.Version() || len(first.Version()) != 36 {
		t.Errorf("without a version: %q, then %q, %v", first.Version(), second.Version(), err)
	}
	if info, err := first.Describe(ctx); err != nil || info.Version != first.Version() {
		t.Errorf("the version the server made is described as %+v, %v", info, err)
	}
	if versions, err := client.ServiceVersions(ctx, "add"); err != nil || len(versions) != 3 {
		t.Errorf("versions %v, %v, want 3", versions, err)
	}
	if all, err := client.Services(ctx); err != nil || len(all) != 3 {
		t.Errorf("services %v, %v, want 3", all, err)
	}

	doc, err := service.Swagger(ctx)
	var head struct {
		Swagger string
		Paths   map[string]map[string]struct{ OperationID string }
	}
	if err != nil || json.Unmarshal(doc, &head) != nil || head.Paths["/api/add/v1.0.0"]["post"].OperationID != "add" {
		t.Errorf("its document is %.200s, %v", doc, err)
	}
	if err := service.Delete(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := service.Describe(ctx); !errors.Is(err, mlserver.ErrNotFound) || !strings.Contains(err.Error(), "add") {
		t.Errorf("a deleted service gave %v, want not found by its name", err)
	}
	if _, err := service.Consume(ctx, nil); !errors.Is(err, mlserver.ErrNotFound) {
		t.Errorf("calling it gave %v", err)
	}
}

func TestReturnedFilesAndFrames(t *testing.T) {
	ctx := t.Context()
	client := newServer(t, mlserver.V930).client(t)
	service, err := client.Publish(ctx, mlserver.Definition{
		Name: "report", Version: "1", Runtime: mlserver.Python, InitCode: "factor = 2",
		Code:      "out = frame * factor\nopen('answer.csv', 'w', newline='').write('a\\r\\n1\\r\\n')\nopen('empty.txt', 'w').close()",
		Inputs:    []mlserver.Parameter{{Name: "frame", Type: mlserver.DataFrame}},
		Outputs:   []mlserver.Parameter{{Name: "out", Type: mlserver.DataFrame}},
		Artifacts: []string{"answer.csv", "empty.txt", "image.png"},
	})
	if err != nil {
		t.Fatal(err)
	}
	type frame struct {
		A []float64 `json:"a"`
		B []int     `json:"b"`
	}
	result, err := service.Consume(ctx, mlserver.Values{"frame": frame{[]float64{0.1, 1e300}, []int{3, 4}}})
	if err != nil {
		t.Fatal(err)
	}
	var out frame
	if err := result.Outputs.Decode("out", &out); err != nil || out.A[0] != 0.2 || out.A[1] != 2e300 || out.B[1] != 8 {
		t.Errorf("the frame came back as %+v, %v", out, err)
	}
	if got := string(result.Files["answer.csv"]); got != "a\r\n1\r\n" {
		t.Errorf("answer.csv is %q", got)
	}
	if empty, ok := result.Files["empty.txt"]; !ok || empty == nil || len(empty) != 0 {
		t.Errorf("an empty file is %v, %v", empty, ok)
	}
	if missing, ok := result.Files["image.png"]; !ok || missing != nil {
		t.Errorf("a file that was not written is %v, %v", missing, ok)
	}
}

func TestServiceErrors(t *testing.T) {
	ctx := t.Context()
	server := newServer(t, mlserver.V930)
	client := server.client(t)
	publish := func(name string, runtime mlserver.Runtime, code string) *mlserver.Service {
		t.Helper()
		s, err := client.Publish(ctx, mlserver.Definition{
			Name: name, Version: "1", Runtime: runtime, Code: code,
			Inputs:  []mlserver.Parameter{{Name: "x", Type: mlserver.Numeric}},
			Outputs: []mlserver.Parameter{{Name: "y", Type: mlserver.Numeric}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	service := publish("root", mlserver.R, "if (x < 0) stop('negative: ', x); y <- sqrt(x)")
	for want, inputs := range map[string]mlserver.Values{
		"x": {"x": "four"},
		"z": {"x": 4, "z": 1},
	} {
		if _, err := service.Consume(ctx, inputs); !errors.Is(err, mlserver.ErrBadRequest) || !strings.Contains(err.Error(), want) {
			t.Errorf("inputs %v gave %v, want a bad request that names %s", inputs, err, want)
		}
	}
	if _, err := service.Consume(ctx, nil); !errors.Is(err, mlserver.ErrBadRequest) || !strings.Contains(err.Error(), "x") {
		t.Errorf("no inputs gave %v, want a bad request that names x", err)
	}
	var failed *mlserver.CodeError
	if result, err := service.Consume(ctx, mlserver.Values{"x": -4}); !errors.As(err, &failed) || !strings.Contains(failed.Message, "negative: -4") || result == nil {
		t.Errorf("failing code gave %v, want its message", err)
	}
	for _, status := range []int{http.StatusBadRequest, http.StatusInternalServerError} { // as some servers may answer it
		server.SetFaults(devserver.Faults{CodeFailure: status})
		var refused *mlserver.Error
		if _, err := service.Consume(ctx, mlserver.Values{"x": -4}); !errors.As(err, &refused) || refused.Status != status || !strings.Contains(refused.Message, "negative: -4") {
			t.Errorf("failing code as status %d gave %v", status, err)
		}
	}
	server.SetFaults(devserver.Faults{Duplicate: http.StatusForbidden, ServiceObject: true})
	if _, err := client.Publish(ctx, mlserver.Definition{Name: "root", Version: "1", Code: "1"}); !errors.Is(err, mlserver.ErrForbidden) {
		t.Errorf("a duplicate on a server that forbids it gave %v", err)
	}
	if info, err := service.Describe(ctx); err != nil || info.Name != "root" {
		t.Errorf("a description that is no list gave %+v, %v", info, err)
	}
	server.SetFaults(devserver.Faults{})

	dying := publish("dying", mlserver.Python, "import os\nif x > 0: os._exit(3)\ny = x")
	if _, err := dying.Consume(ctx, mlserver.Values{"x": 1}); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("code that ends the interpreter gave %v, want its exit status", err)
	}
	if _, err := dying.Consume(ctx, mlserver.Values{"x": 0}); err != nil {
		t.Errorf("the call after that gave %v", err)
	}
	if _, err := client.Publish(ctx, mlserver.Definition{Name: "bad", Version: "1", Code: "y <- ("}); err == nil || !strings.Contains(err.Error(), "unexpected end of input") {
		t.Errorf("code that does not parse was published: %v", err)
	}
}

func TestSigningIn(t *testing.T) {
	ctx := t.Context()
	server := newServer(t, mlserver.V930)
	wrong, err := mlserver.New(mlserver.Config{Address: server.address, Auth: auth.Login{Username: "admin", Password: "Wrong-pass-1"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wrong.Status(ctx); !errors.Is(err, mlserver.ErrUnauthorized) || strings.Contains(err.Error(), "Wrong-pass-1") {
		t.Errorf("a wrong password gave %v", err)
	}
	unsigned, err := mlserver.New(mlserver.Config{Address: server.address})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unsigned.Status(ctx); !errors.Is(err, mlserver.ErrUnauthorized) {
		t.Errorf("no token gave %v", err)
	}
	for _, form := range []string{"number", "string", "missing"} {
		server.SetFaults(devserver.Faults{ExpiresOn: form})
		if _, err := server.client(t).Status(ctx); err != nil {
			t.Errorf("expires_on as %s: %v", form, err)
		}
	}
	client := server.client(t)
	if _, err := client.Status(ctx); err != nil {
		t.Fatal(err)
	}
	if err := client.Logout(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Status(ctx); err != nil {
		t.Errorf("signing in again after signing out: %v", err)
	}
	if _, err := mlserver.New(mlserver.Config{Address: "http://mls.example.com", Auth: auth.Login{Username: "u", Password: "p"}}); !errors.Is(err, auth.ErrPlainHTTP) {
		t.Errorf("a password over plain http to another host: %v", err)
	}
}
