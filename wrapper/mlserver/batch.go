package mlserver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mlserver-go/mls/gen/v930/consumption"
)

// Batch is a handle on calls of a service for many rows, which the server makes in the background. Its id finds it again from
// another process: see Service.Batch. Batches need 9.1.0.
//
// A server may run a row more than once: known is that one which still runs after ten minutes is given to another worker (a
// setting of the server's administrator). What a row does besides its answer must bear that.
type Batch struct {
	service *Service
	id      string
}

// ID is the server's id for the batch. It stands for id() of mrsdeploy's batch object.
func (b *Batch) ID() string { return b.id }

// BatchState is the state of a batch. Servers spell the known ones in several ways, which all become the constants below; others
// are kept as they come.
type BatchState string

// The states on record.
const (
	BatchPending    BatchState = "Pending"    // not scheduled yet
	BatchReady      BatchState = "Ready"      // about to be run
	BatchInProgress BatchState = "InProgress" // rows are run
	BatchComplete   BatchState = "Complete"   // all rows were run; each of them may have failed
	BatchFailed     BatchState = "Failed"     // the batch as a whole failed
)

func batchState(text string) BatchState {
	for _, s := range []BatchState{BatchPending, BatchReady, BatchInProgress, BatchComplete, BatchFailed} {
		if strings.EqualFold(text, string(s)) {
			return s
		}
	}
	return BatchState(text)
}

// Over tells whether nothing more will be run: the batch is complete or failed.
func (s BatchState) Over() bool { return s == BatchComplete || s == BatchFailed }

// BatchStatus tells how far a batch is.
type BatchStatus struct {
	State     BatchState `json:"state"`
	Completed int        `json:"completed"`          // rows done, those that failed included
	Total     int        `json:"total"`              // rows
	Parallel  int        `json:"parallel,omitempty"` // rows run at a time, since 9.3.0
}

// ErrBatchFailed is found by errors.Is when a batch failed as a whole: rows are left that nobody will run.
var ErrBatchFailed = errors.New("the batch failed as a whole")

// batches is the part of the API that batches use. Nothing is sent if the server is too old for them.
func (s *Service) batches() (consumption.ClientService, error) {
	if err := s.client.need("batches", V910); err != nil {
		return nil, err
	}
	return s.client.api.Consumption, nil
}

// Batches lists the caller's batches of this service on the server, those that are over as well as long as the server keeps
// them. It stands for mrsdeploy's getBatchExecutions.
func (s *Service) Batches(ctx context.Context) ([]*Batch, error) {
	api, err := s.batches()
	if err != nil {
		return nil, err
	}
	ok, err := api.GetBatchExecutionsContext(ctx, &consumption.GetBatchExecutionsParams{Name: s.name, Version: s.version})
	if err != nil {
		return nil, err
	}
	list := make([]*Batch, 0, len(ok.Payload))
	for _, id := range ok.Payload {
		list = append(list, s.Batch(id))
	}
	return list, nil
}

// Batch is a handle on the batch with that id. Nothing is sent: whether it exists shows with the first use. It stands for
// mrsdeploy's getBatch.
func (s *Service) Batch(id string) *Batch { return &Batch{service: s, id: id} }

// Status asks how far the batch is, without fetching any result, as often as it is called. For the results so far see Results.
func (b *Batch) Status(ctx context.Context) (*BatchStatus, error) {
	r := &batchReader{}
	if err := b.read(ctx, false, r); err != nil {
		return nil, err
	}
	return &r.status, nil
}

// WaitOptions say how to wait.
type WaitOptions struct {
	Progress    func(BatchStatus)                    // told after every question; may be nil
	Interval    time.Duration                        // pause after the first question, 250 ms if 0; each is half as long again
	MaxInterval time.Duration                        // the longest pause, 5 s if 0
	After       func(time.Duration) <-chan time.Time // the clock, time.After if nil
}

// Wait asks how far the batch is until it is over or ctx is done; the batch goes on when waiting ends early. It fetches no
// results. A batch that failed as a whole gives ErrBatchFailed; rows that failed are found among the results.
func (b *Batch) Wait(ctx context.Context, o WaitOptions) (*BatchStatus, error) {
	pause, longest, after := o.Interval, o.MaxInterval, o.After
	if pause <= 0 {
		pause = 250 * time.Millisecond
	}
	if longest <= 0 {
		longest = 5 * time.Second
	}
	if after == nil {
		after = time.After
	}
	for {
		status, err := b.Status(ctx)
		if err != nil {
			return nil, err
		}
		if o.Progress != nil {
			o.Progress(*status)
		}
		if status.State == BatchFailed {
			return status, b.failure(fmt.Errorf("%w, %d of %d rows are done", ErrBatchFailed, status.Completed, status.Total))
		}
		if status.State.Over() {
			return status, nil
		}
		pause = min(pause, longest)
		select {
		case <-ctx.Done():
			return status, ctx.Err()
		case <-after(pause):
		}
		pause += pause / 2
	}
}

// Cancel stops the batch and makes the server forget it: its results are gone, too. It stands for cancel() of mrsdeploy's batch
// object.
func (b *Batch) Cancel(ctx context.Context) error {
	api, err := b.service.batches()
	if err != nil {
		return err
	}
	_, err = api.CancelAndDeleteBatchExecutionContext(ctx, &consumption.CancelAndDeleteBatchExecutionParams{
		Name: b.service.name, Version: b.service.version, ExecutionID: b.id,
	})
	return err
}

// failure names the batch in an error that the server did not word.
func (b *Batch) failure(err error) error {
	return fmt.Errorf("batch %s of service %s/%s: %w", b.id, b.service.name, b.service.version, err)
}
