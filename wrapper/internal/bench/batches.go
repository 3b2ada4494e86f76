package bench

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/mlserver-go/mls/gen/v930"
	"github.com/mlserver-go/mls/gen/v930/consumption"
	"github.com/mlserver-go/mls/gen/v930/models"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// task is something that two ways of doing it are compared for: ours, and that of the generated client with the runtime's
// defaults.
type task struct {
	name         string
	ours, theirs func(context.Context) error
}

// batchTasks post and read a batch of 100,000 rows. Those are made before: each client gets them as it takes them.
func batchTasks(s *Stub) ([]task, error) {
	target := Target{URL: s.Plain}
	client, err := newClient(target)
	if err != nil {
		return nil, err
	}
	rt, err := stock(target)
	if err != nil {
		return nil, err
	}
	service, api := client.Service("TxService", "1.0"), v930.New(rt, nil)

	post := func(ctx context.Context) error {
		inputs := mlserver.Values{"hp": 0.0, "wt": 2.8}
		_, err := service.StartBatch(ctx, func(yield func(mlserver.Values, error) bool) {
			for i := range batchRows {
				if inputs["hp"] = float64(i); !yield(inputs, nil) {
					return
				}
			}
		}, mlserver.BatchOptions{})
		return err
	}
	theirRows := make([]models.ServiceInputs, batchRows)
	for i := range theirRows {
		theirRows[i] = models.ServiceInputs{"hp": json.RawMessage(fmt.Sprint(i)), "wt": json.RawMessage("2.8")}
	}
	theirPost := func(ctx context.Context) error {
		params := consumption.NewStartBatchExecutionParams()
		params.Name, params.Version, params.Rows = "TxService", "1.0", theirRows
		_, err := api.Consumption.StartBatchExecutionContext(ctx, params)
		return err
	}

	read := func(ctx context.Context) error {
		n, got := 0, 0.0
		for row, err := range service.Batch("b").Results(ctx) {
			if err != nil {
				return err
			}
			if err := row.Outputs.Decode("answer", &got); err != nil {
				return err
			}
			if got != float64(n)+0.5 {
				return fmt.Errorf("row %d is %v", n, got)
			}
			n++
		}
		return rowsRead(n)
	}
	theirRead := func(ctx context.Context) error {
		params := consumption.NewGetBatchExecutionStatusParams()
		params.Name, params.Version, params.ExecutionID = "TxService", "1.0", "b"
		ok, err := api.Consumption.GetBatchExecutionStatusContext(ctx, params)
		if err != nil {
			return err
		}
		var got float64
		for i, row := range ok.Payload.BatchExecutionResults {
			if err := json.Unmarshal(row.OutputParameters["answer"], &got); err != nil || got != float64(i)+0.5 {
				return fmt.Errorf("row %d is %v, %w", i, got, err)
			}
		}
		return rowsRead(len(ok.Payload.BatchExecutionResults))
	}
	return []task{{"batch of 100,000, posting", post, theirPost}, {"batch of 100,000, reading", read, theirRead}}, nil
}

func rowsRead(n int) error {
	if n != batchRows {
		return fmt.Errorf("%d rows, want %d", n, batchRows)
	}
	return nil
}
