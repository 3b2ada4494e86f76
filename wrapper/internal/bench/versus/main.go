// Command versus runs the benchmark of package bench, with the client that oapi-codegen makes of the same document besides.
package main

import (
	"context"
	"errors"
	"net/http"
	"os"

	"github.com/mlserver-go/mls/wrapper/internal/bench"
	"github.com/mlserver-go/mls/wrapper/internal/bench/versus/oapi"
)

func main() { os.Exit(bench.Main(bench.Client{Name: "oapi-codegen, defaults", New: newOAPI})) }

func newOAPI(t bench.Target) (func(context.Context) error, error) {
	signed := func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+bench.Token)
		return nil
	}
	client, err := oapi.NewClientWithResponses(t.URL, oapi.WithHTTPClient(&http.Client{Transport: t.Defaults()}), oapi.WithRequestEditorFn(signed))
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		res, err := client.ConsumeWebServiceWithResponse(ctx, "TxService", "1.0", oapi.ServiceInputs{"hp": 120.0, "wt": 2.8})
		if err != nil {
			return err
		}
		if res.JSON200 == nil || res.JSON200.OutputParameters == nil {
			return errors.New(res.Status())
		}
		got, _ := (*res.JSON200.OutputParameters)["answer"].(float64)
		return bench.Check(got)
	}, nil
}
