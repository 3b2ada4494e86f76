package mlserver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"

	"github.com/go-openapi/runtime"
	"github.com/go-openapi/strfmt"

	"github.com/mlserver-go/mls/gen/v930/consumption"
	"github.com/mlserver-go/mls/wrapper/data"
)

// Rows are the inputs of a batch, a row at a time. An error ends them. RowsOf, CSVRows and JSONRows make some.
type Rows = iter.Seq2[Values, error]

// RowsOf makes rows of a slice.
func RowsOf(rows []Values) Rows {
	return func(yield func(Values, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}

// RowError says what is wrong with the inputs of a row. No batch was started.
type RowError struct {
	Row int // from 0
	Err error
}

func (e *RowError) Error() string { return fmt.Sprintf("row %d, counted from 0: %v", e.Row, e.Err) }

// Unwrap gives what is wrong with it.
func (e *RowError) Unwrap() error { return e.Err }

// BatchOptions say how the server is to run a batch.
type BatchOptions struct {
	// Parallel is how many rows to run at a time. 0 leaves it to the server, which takes 10; more than 100 real servers don't.
	Parallel int
}

// StartBatch starts calling the service for all rows. They are sent as they come, however many there are: little of them is in
// memory at a time. Each is checked against the service's definition before it is sent: inputs that are missing, unknown, of
// another type or of the wrong shape give a *RowError with an *InputError that names them all. An error of rows itself is
// returned as it is.
//
// The rows are sent once. If that fails no batch was started, unless the connection broke after the last row: then Batches tells.
// It stands for batch() and start() of mrsdeploy.
func (s *Service) StartBatch(ctx context.Context, rows Rows, o BatchOptions) (*Batch, error) {
	if _, err := s.batches(); err != nil {
		return nil, err
	}
	if o.Parallel < 0 || o.Parallel > math.MaxInt32 {
		return nil, fmt.Errorf("%d rows cannot be run at a time", o.Parallel)
	}
	// Asked first, because it may be asked twice: an access token that has expired is renewed now, not in the middle of rows.
	info, err := s.Describe(ctx)
	if err != nil {
		return nil, err
	}
	checked := Checked{s, *info}
	encoder := rowEncoder{inputs: info.Inputs}
	var post *posting // begins with the first row
	defer func() {
		post.abandon() // after an error, or when the rows panic
	}()
	n := 0
	for row, err := range rows {
		if err != nil {
			return nil, err
		}
		if err := checked.checkRow(row); err != nil {
			return nil, &RowError{n, err}
		}
		text, err := encoder.encode(row)
		if err != nil {
			return nil, &RowError{n, err}
		}
		if post == nil {
			post = s.post(ctx, o)
		}
		if post.add(text) != nil {
			break // the server, or ctx, has ended it: the answer tells why
		}
		n++
	}
	if post == nil {
		return nil, fmt.Errorf("service %s/%s: there are no rows to start a batch with", s.name, s.version)
	}
	id, err := post.finish()
	if errors.Is(err, ErrUnauthorized) {
		return nil, fmt.Errorf("the server refused the sign-in while rows were sent, and they are not sent twice: start the batch again: %w", err)
	} else if err != nil {
		return nil, err
	}
	if id == "" {
		return nil, fmt.Errorf("service %s/%s: the server started a batch without telling its id: Batches lists it", s.name, s.version)
	}
	return s.Batch(id), nil
}

// posting is a request whose body is still being written.
type posting struct {
	body     *io.PipeWriter
	buffer   *bufio.Writer
	sep      byte
	answered chan struct{} // closed when the fields below are set
	id       string
	err      error
}

func (s *Service) post(ctx context.Context, o BatchOptions) *posting {
	body, w := io.Pipe()
	p := &posting{body: w, buffer: bufio.NewWriterSize(w, 64<<10), sep: '[', answered: make(chan struct{})}
	params := &consumption.StartBatchExecutionParams{Name: s.name, Version: s.version}
	if o.Parallel > 0 {
		n := int32(o.Parallel)
		params.ParallelCount = &n
	}
	go func() {
		defer close(p.answered)
		accepted, err := s.client.api.Consumption.StartBatchExecutionContext(ctx, params, func(op *runtime.ClientOperation) {
			op.Params = streamed{op.Params, body}
		})
		if p.err = err; err == nil {
			p.id = accepted.Payload.BatchExecutionID
		}
		_ = body.Close() // nobody reads it any more
	}()
	return p
}

// streamed puts a body of its own in the place of the generated one, which would be made in memory.
type streamed struct {
	runtime.ClientRequestWriter
	body io.ReadCloser
}

func (s streamed) WriteToRequest(r runtime.ClientRequest, formats strfmt.Registry) error {
	if err := s.ClientRequestWriter.WriteToRequest(r, formats); err != nil {
		return err
	}
	return r.SetBodyParam(s.body)
}

func (p *posting) add(row []byte) error {
	if err := p.buffer.WriteByte(p.sep); err != nil {
		return err
	}
	p.sep = ','
	_, err := p.buffer.Write(row)
	return err
}

// finish ends the body and waits for the answer.
func (p *posting) finish() (id string, err error) {
	if err := p.buffer.WriteByte(']'); err == nil && p.buffer.Flush() == nil {
		_ = p.body.Close()
	}
	<-p.answered
	return p.id, p.err
}

var errAbandoned = errors.New("the rows ended with an error")

// abandon breaks the request off, unless it has an answer: the server must not take the rows so far for all.
func (p *posting) abandon() {
	if p != nil {
		_ = p.body.CloseWithError(errAbandoned)
		<-p.answered
	}
}

// rowEncoder makes JSON of rows that were checked, with the inputs in the order of their definition.
type rowEncoder struct {
	inputs []Parameter
	keys   [][]byte // their names with a colon
	text   []byte
}

// encode returns a text that is good until the next call.
func (e *rowEncoder) encode(row Values) ([]byte, error) {
	if e.keys == nil {
		if err := e.prepare(); err != nil {
			return nil, err
		}
	}
	b := append(e.text[:0], '{')
	for i, p := range e.inputs {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, e.keys[i]...)
		var err error
		if b, err = appendValue(b, row[p.Name]); err != nil {
			return nil, fmt.Errorf("input %q has no JSON form: %w", p.Name, err)
		}
	}
	e.text = append(b, '}')
	return e.text, nil
}

func (e *rowEncoder) prepare() error {
	for _, p := range e.inputs {
		key, err := data.AppendString(nil, p.Name)
		if err != nil {
			return fmt.Errorf("the name of an input: %w", err)
		}
		e.keys = append(e.keys, append(key, ':'))
	}
	return nil
}
