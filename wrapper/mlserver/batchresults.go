package mlserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/go-openapi/runtime"

	"github.com/mlserver-go/mls/gen/v930/consumption"
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
	return func(yield func(RowResult, error) bool) {
		stopped := false
		r := &batchReader{each: func(row int, answer []byte) error {
			result, err := decodeResult(answer)
			if stopped = !yield(RowResult{Row: row, Result: result, Err: err}, nil); stopped {
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
	each func(row int, answer []byte) error // nil: results are of no interest; errEnough ends the reading

	status BatchStatus
	read   bool
	err    error
}

var errEnough = errors.New("enough was read")

// ReadResponse reads the body the first time, and tells the same when it is asked again.
func (r *batchReader) ReadResponse(answer runtime.ClientResponse, _ runtime.Consumer) (any, error) {
	if !r.read {
		r.read = true
		if r.err = r.object(json.NewDecoder(withoutBOM(answer.Body()))); errors.Is(r.err, errEnough) {
			r.err = nil
		}
		switch {
		case errors.Is(r.err, io.EOF): // in the middle: a decoder means that by it
			r.err = io.ErrUnexpectedEOF
		case r.err == nil && r.status.State == "":
			r.err = errors.New("the server's answer tells no state of the batch")
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	return &consumption.GetBatchExecutionStatusOK{}, nil
}

func (r *batchReader) object(d *json.Decoder) error {
	start, err := d.Token()
	if err != nil || start != json.Delim('{') {
		return notExpected(err, "an object")
	}
	counts := 0
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return notExpected(err, "a name")
		}
		text, _ := name.(string)
		switch strings.ToLower(text) {
		case "state":
			var state string
			err = d.Decode(&state)
			r.status.State = batchState(state)
			counts++
		case "completeditemcount":
			err = d.Decode(&r.status.Completed)
			counts++
		case "totalitemcount":
			err = d.Decode(&r.status.Total)
			counts++
		case "parallelcount":
			err = d.Decode(&r.status.Parallel)
		case "batchexecutionresults":
			if r.each == nil && counts == 3 {
				return errEnough // of a batch that is over all results come here, whether asked for or not
			}
			err = r.results(d)
		default:
			var other json.RawMessage
			err = d.Decode(&other)
		}
		if err != nil {
			return notExpected(err, text)
		}
	}
	if _, err := d.Token(); err != nil {
		return notExpected(err, "the end")
	}
	return nil
}

func (r *batchReader) results(d *json.Decoder) error {
	switch start, err := d.Token(); {
	case err != nil:
		return err
	case start == nil:
		return nil
	case start != json.Delim('['):
		return errors.New("batchExecutionResults is no list")
	}
	for row := 0; d.More(); row++ {
		var answer json.RawMessage
		if err := d.Decode(&answer); err != nil {
			return notExpected(err, fmt.Sprintf("row %d", row))
		}
		if r.each == nil || string(answer) == "null" { // a row that is not done
			continue
		}
		if answer[0] != '{' {
			return notExpected(nil, fmt.Sprintf("row %d", row))
		}
		if err := r.each(row, answer); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

// notExpected says where the answer is not what it should be. What the network says stays as it is.
func notExpected(err error, where string) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	if err == nil || errors.As(err, &syntax) || errors.As(err, &kind) {
		if err == nil {
			err = errors.New("it is something else")
		}
		return fmt.Errorf("the server answered something else than the JSON of a batch, at %s: %w", where, err)
	}
	return err
}
