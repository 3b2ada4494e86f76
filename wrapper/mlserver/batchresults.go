package mlserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/go-openapi/runtime"

	"github.com/mlserver-go/mls/gen/v930/consumption"
	"github.com/mlserver-go/mls/wrapper/data"
)

// RowResult is what one row of a batch came to, as from Consume: a row whose code failed has a *CodeError, and what it printed.
type RowResult struct {
	Row int // from 0, in the order in which rows were given
	*Result
	Err error
}

// Results reads what the rows came to, in their order, one at a time as the answer arrives: however many there are, little of
// them is in memory. Each use asks the server anew. Rows that are not done are left out: Wait first to have all.
//
// The error is one of reading; it ends the results. That of a row is in the RowResult, and does not. It stands for results() and
// execution() of mrsdeploy's batch object, where rows are counted from 1.
func (b *Batch) Results(ctx context.Context) iter.Seq2[RowResult, error] {
	return b.ResultsExcept(ctx, nil)
}

// ResultsExcept is Results of the rows that seen does not tell of, as of those that were read when fewer were done. What the rest
// came to passes unread: servers send all of it each time.
func (b *Batch) ResultsExcept(ctx context.Context, seen func(row int) bool) iter.Seq2[RowResult, error] {
	return func(yield func(RowResult, error) bool) {
		stopped := false
		r := &batchReader{decoder: resultDecoder{blocks: &blocks{}}, seen: seen, each: func(result RowResult) error {
			if stopped = !yield(result, nil); stopped {
				return errEnough
			}
			return nil
		}}
		if err := b.read(ctx, true, r); err != nil && !stopped {
			yield(RowResult{}, err)
		}
	}
}

// read asks for the batch, and lets r read the answer in place of the generated reader, which would make all of it at once.
func (b *Batch) read(ctx context.Context, partial bool, r *batchReader) error {
	api, err := b.service.batches()
	if err != nil {
		return err
	}
	_, err = api.GetBatchExecutionStatusContext(ctx, &consumption.GetBatchExecutionStatusParams{
		Name: b.service.name, Version: b.service.version, ExecutionID: b.id, ShowPartialResults: &partial,
	}, func(op *runtime.ClientOperation) { op.Reader = r })
	return err
}

// batchReader reads the answer to the question for a batch from front to back.
type batchReader struct {
	each    func(RowResult) error // nil: results are of no interest; errEnough ends the reading
	seen    func(row int) bool    // rows to pass over; nil: none
	decoder resultDecoder

	row data.Reader // of one that is in the window as a whole

	status BatchStatus
	done   bool
	err    error
}

var errEnough = errors.New("enough was read")

// ReadResponse reads the body the first time, and tells the same when it is asked again.
func (r *batchReader) ReadResponse(answer runtime.ClientResponse, _ runtime.Consumer) (any, error) {
	if !r.done {
		r.done = true
		if r.err = r.read(data.NewReader(answer.Body())); errors.Is(r.err, errEnough) {
			r.err = nil
		}
		if r.err == nil && r.status.State == "" {
			r.err = errors.New("the server's answer tells no state of the batch")
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	return &consumption.GetBatchExecutionStatusOK{}, nil
}

// read reads all of the answer, and says where it is not what it should be. What the network says stays as it is.
func (r *batchReader) read(s *data.Reader) error {
	at := "its start"
	err := r.object(s, &at)
	if err == nil {
		at = "its end"
		err = s.End()
	}
	if err == nil || errors.Is(err, errEnough) || errors.Is(err, io.ErrUnexpectedEOF) || s.Failed() != nil {
		return err
	}
	return fmt.Errorf("the server answered something else than the JSON of a batch, at %s: %w", at, err)
}

// object reads the members, and notes at which it is.
func (r *batchReader) object(s *data.Reader, at *string) error {
	counts := 0
	return s.Object(func(name []byte) error {
		*at = string(name)
		switch strings.ToLower(*at) {
		case "state":
			var state string
			err := readJSON(s, &state)
			r.status.State = batchState(state)
			counts++
			return err
		case "completeditemcount":
			counts++
			return readJSON(s, &r.status.Completed)
		case "totalitemcount":
			counts++
			return readJSON(s, &r.status.Total)
		case "parallelcount":
			return readJSON(s, &r.status.Parallel)
		case "batchexecutionresults":
			if r.each == nil && counts == 3 {
				return errEnough // of a batch that is over all results come here, whether asked for or not
			}
			if c, err := s.Peek(); err == nil && c == 'n' {
				break // null has none
			}
			return s.List(func(row int) error { return r.rowOf(s, row) })
		}
		_, err := s.Value()
		return err
	})
}

// rowOf reads what one row came to, or null for one that is not done.
func (r *batchReader) rowOf(s *data.Reader, row int) error {
	if _, err := s.Peek(); err != nil {
		return err
	}
	wanted := r.each != nil && (r.seen == nil || !r.seen(row))
	if wanted { // as a rule all of it is there
		window := s.Window()
		r.row.Reset(window)
		if result, err := r.decoder.decode(&r.row); result != nil {
			s.Discard(len(window) - len(r.row.Window()))
			return r.each(RowResult{row, result, err})
		}
	}
	answer, err := s.Value()
	if err != nil || !wanted || string(answer) == "null" {
		return err
	}
	if answer[0] != '{' {
		return fmt.Errorf("row %d is %.20q", row, answer)
	}
	r.row.Reset(answer)
	result, err := r.decoder.decode(&r.row)
	return r.each(RowResult{row, result, err})
}
