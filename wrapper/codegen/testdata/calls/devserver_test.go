package calls

import (
	"bytes"
	"context"
	"errors"
	"math"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/devserver"
	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
	"github.com/mlserver-go/mls/wrapper/mlserver"

	"example.com/clients/transmission"
)

// The generated client's batches work on a server that runs real R.
func TestBatchOnServer(t *testing.T) {
	found, err := runtimes.Find(t.Context(), runtimes.R, "")
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal(err)
	} else if err != nil {
		t.Skip(err)
	}
	const password = "Batch-pass-1" // package codegen looks for it in what is printed
	server, err := devserver.New(devserver.Config{AdminPassword: password, Interpreters: []*runtimes.Interpreter{found}, Python: "none"})
	ok(t, err)
	defer server.Close()
	http := httptest.NewServer(server)
	defer http.Close()
	client, err := mlserver.New(mlserver.Config{Address: http.URL, Auth: auth.Login{Username: "admin", Password: password}})
	ok(t, err)
	numeric := func(names ...string) (list []mlserver.Parameter) {
		for _, name := range names {
			list = append(list, mlserver.Parameter{Name: name, Type: mlserver.Numeric})
		}
		return list
	}
	_, err = client.Publish(t.Context(), mlserver.Definition{
		Name: "transmission", Version: "1.0.0", Inputs: numeric("hp", "wt"), Outputs: numeric("answer"), Artifacts: []string{"hp.txt"},
		InitCode: "model <- glm(am ~ hp + wt, data = mtcars, family = binomial)",
		Code:     `if (hp <= 0) stop("no horses"); cat(hp, file = "hp.txt"); answer <- predict(model, data.frame(hp = hp, wt = wt), type = "response")`,
	})
	ok(t, err)

	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	c := transmission.New(client.Transport())
	b, err := c.StartBatch(ctx, []transmission.Inputs{{HP: 110, Wt: 2.62}, {HP: 0, Wt: 1}, {HP: 120, Wt: 2.8}}, 2)
	ok(t, err)
	status, err := b.Wait(ctx, 10*time.Millisecond)
	ok(t, err)
	check(t, "state", status.State, "Complete")
	check(t, "completed", status.Completed, 3)
	for i, want := range []float64{0.84233553651694, math.NaN(), 0.641812528409381} {
		row := status.Rows[i]
		var failure *mlserver.CodeError
		if math.IsNaN(want) {
			if !errors.As(row.Err, &failure) || !strings.Contains(failure.Message, "no horses") {
				t.Errorf("row %d: %v", i, row.Err)
			}
		} else if row.Err != nil || math.Abs(row.Answer-want) > 1e-9 {
			t.Errorf("row %d: %v, %v, want %v", i, row.Answer, row.Err, want)
		}
	}
	ids, err := c.Batches(ctx)
	ok(t, err)
	check(t, "batches", strings.Join(ids, " "), b.ID)
	files, err := c.Batch(b.ID).Files(ctx, 2)
	ok(t, err)
	check(t, "files", strings.Join(files, " "), "hp.txt")
	var content bytes.Buffer
	ok(t, b.File(ctx, 2, "hp.txt", &content))
	check(t, "content", content.String(), "120")
	ok(t, b.Cancel(ctx))
	if _, err := b.Status(ctx, true); !errors.Is(err, mlserver.ErrNotFound) {
		t.Errorf("a cancelled batch gives %v", err)
	}
}
