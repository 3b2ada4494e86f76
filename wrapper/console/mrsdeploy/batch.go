package mrsdeploy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/mlserver-go/mls/wrapper/data"
	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// startBatch stands behind the start function of mrsdeploy's batch object.
func (l *Local) startBatch(ctx context.Context, a args) (answer, error) {
	s, err := l.checked(ctx, a)
	if err != nil {
		return nil, err
	}
	parallel, err := a.number("parallelCount")
	if err != nil {
		return nil, err
	}
	rows, err := rowsOf(a["records"])
	if err != nil {
		return nil, err
	}
	for i, row := range rows {
		if err := s.Check(row); err != nil {
			return nil, fmt.Errorf("row %d: %w", i+1, err)
		}
	}
	longer, cancel := lingering(ctx) // nobody would know the batch otherwise
	defer cancel()
	b, err := s.StartBatch(longer, mlserver.RowsOf(rows), mlserver.BatchOptions{Parallel: parallel})
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil { // and nobody will
		return nil, errors.Join(ctx.Err(), b.Cancel(longer))
	}
	return answer{}.with("id", "character", b.ID()), nil
}

// rowsOf reads records: a data frame, which comes by columns, or a list of rows.
func rowsOf(raw json.RawMessage) (rows []mlserver.Values, err error) {
	bad := errors.New("the records must be a data frame, or a list of named lists")
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0:
		return nil, bad
	case raw[0] == '[':
		_, err = data.Elements(raw, func(row []byte) error {
			var values map[string]json.RawMessage
			if json.Unmarshal(row, &values) != nil {
				return bad
			}
			v := mlserver.Values{}
			for name, value := range values {
				v[name] = value
			}
			rows = append(rows, v)
			return nil
		})
		return rows, err
	case raw[0] != '{':
		return nil, bad
	}
	first := true
	_, err = data.Members(raw, func(column string, values []byte) error {
		if values[0] != '[' {
			return bad
		}
		i := 0
		_, err := data.Elements(values, func(value []byte) error {
			if first {
				rows = append(rows, mlserver.Values{})
			}
			if i >= len(rows) {
				return bad
			}
			rows[i][column] = json.RawMessage(bytes.Clone(value))
			i++
			return nil
		})
		if err == nil && i != len(rows) {
			err = bad
		}
		first = false
		return err
	})
	return rows, err
}

// batchResults stands behind the results function of mrsdeploy's batch object.
func batchResults(ctx context.Context, s *mlserver.Checked, b *mlserver.Batch, a args) (answer, error) {
	partial, err := a.flag("partial")
	if err != nil {
		return nil, err
	}
	status, err := b.Status(ctx)
	if err != nil {
		return nil, err
	}
	executions := make([]answer, status.Total)
	if partial || status.State.Over() {
		for row, err := range b.Results(ctx) {
			if err != nil {
				return nil, err
			}
			if row.Row >= len(executions) {
				continue
			}
			if executions[row.Row], err = responseOf(s.Info.Outputs, row.Result, row.Err); err != nil {
				return nil, err
			}
		}
	}
	list := answer{}
	for i, e := range executions {
		list = list.with(fmt.Sprint(i+1), runtimes.AsAnswer, append(answer{}, e...))
	}
	return answer{}.with("state", "character", status.State).with("completedItemCount", "integer", status.Completed).
		with("totalItemCount", "integer", status.Total).with("executions", runtimes.AsAnswer, list), nil
}

// cancelBatch stands behind the cancel function of mrsdeploy's batch object.
func cancelBatch(ctx context.Context, s *mlserver.Checked, b *mlserver.Batch, _ args) (answer, error) {
	return nil, b.Cancel(ctx)
}

// listBatches stands behind getBatchExecutions of mrsdeploy's API object.
func listBatches(ctx context.Context, s *mlserver.Service, _ args) (answer, error) {
	list, err := s.Batches(ctx)
	if err != nil {
		return nil, err
	}
	ids := []string{}
	for _, b := range list {
		ids = append(ids, b.ID())
	}
	return answer{}.with("ids", runtimes.AsTexts, ids), nil
}

// batchFiles stands behind the listArtifacts function of mrsdeploy's batch object.
func batchFiles(ctx context.Context, s *mlserver.Checked, b *mlserver.Batch, a args) (answer, error) {
	row, err := a.number("row")
	if err != nil {
		return nil, err
	}
	names, err := b.Files(ctx, row)
	if err != nil {
		return nil, err
	}
	return answer{}.with("names", runtimes.AsTexts, append([]string{}, names...)), nil
}

// batchFile stands behind the artifact function of mrsdeploy's batch object.
func batchFile(ctx context.Context, s *mlserver.Checked, b *mlserver.Batch, a args) (answer, error) {
	row, err := a.number("row")
	if err != nil {
		return nil, err
	}
	name, err := a.needed("file")
	if err != nil {
		return nil, err
	}
	var content bytes.Buffer
	if err := b.File(ctx, row, name, &content); err != nil {
		return nil, err
	}
	return answer{}.with("content", runtimes.AsBytes, content.Bytes()), nil
}

// downloadBatch stands behind the download function of mrsdeploy's batch object.
func downloadBatch(ctx context.Context, s *mlserver.Checked, b *mlserver.Batch, a args) (answer, error) {
	row, err := a.number("row")
	if err != nil {
		return nil, err
	}
	dir, err := a.needed("dir")
	if err != nil {
		return nil, err
	}
	paths, err := b.DownloadRow(ctx, row, dir)
	if err != nil {
		return nil, err
	}
	return answer{}.with("paths", runtimes.AsTexts, append([]string{}, paths...)), nil
}
