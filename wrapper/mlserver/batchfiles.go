package mlserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"

	"github.com/mlserver-go/mls/gen/v930/consumption"
	"github.com/mlserver-go/mls/wrapper/internal/temp"
)

// Files lists the files that a row, counted from 0, has written. It stands for listArtifacts of mrsdeploy's batch object.
func (b *Batch) Files(ctx context.Context, row int) ([]string, error) {
	api, err := b.service.batches()
	if err != nil {
		return nil, err
	}
	ok, err := api.GetBatchExecutionFilesContext(ctx, &consumption.GetBatchExecutionFilesParams{
		Name: b.service.name, Version: b.service.version, ExecutionID: b.id, Index: int64(row),
	})
	if err != nil {
		return nil, err
	}
	return ok.Payload, nil
}

// File streams a file of a row, counted from 0, byte for byte to dst. After an error dst may hold a part of it. It stands for
// artifact of mrsdeploy's batch object.
func (b *Batch) File(ctx context.Context, row int, name string, dst io.Writer) error {
	api, err := b.service.batches()
	if err != nil {
		return err
	}
	_, err = api.GetBatchExecutionFileContext(ctx, &consumption.GetBatchExecutionFileParams{
		Name: b.service.name, Version: b.service.version, ExecutionID: b.id, Index: int64(row), FileName: name,
	}, dst)
	return err
}

// DownloadRow saves all files of a row, counted from 0, in the folder dir, which is made if need be, and returns their paths.
// Files of the same names are replaced. Names are the server's: one that is more than the name of a file, such as ../../x, is
// refused, and the others are saved. It stands for download of mrsdeploy's batch object.
func (b *Batch) DownloadRow(ctx context.Context, row int, dir string) (paths []string, err error) {
	names, err := b.Files(ctx, row)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	temp.Sweep(root, ".")
	var errs []error
	for _, name := range names {
		if !isFileName(name) {
			errs = append(errs, b.failure(fmt.Errorf("row %d: %q is no safe name for a file, File reads it", row, name)))
		} else if err := b.save(ctx, row, name, root); err != nil {
			errs = append(errs, fmt.Errorf("row %d, file %s: %w", row, name, err))
		} else {
			paths = append(paths, filepath.Join(dir, name))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return paths, errors.Join(errs...)
}

// Download saves the files of all rows, each row's in a folder of dir that is named by its number, from 0: dir/0/answer.csv. The
// batch must be over. It is DownloadRow for every row.
func (b *Batch) Download(ctx context.Context, dir string) (paths []string, err error) {
	status, err := b.Status(ctx)
	if err != nil {
		return nil, err
	}
	if !status.State.Over() {
		return nil, b.failure(fmt.Errorf("it is not over, but %s: wait for it first", status.State))
	}
	var errs []error
	for row := range status.Total {
		saved, err := b.DownloadRow(ctx, row, filepath.Join(dir, strconv.Itoa(row)))
		paths = append(paths, saved...)
		if status.State == BatchFailed && errors.Is(err, ErrNotFound) {
			continue // one of those that were not run
		}
		if err != nil {
			errs = append(errs, err)
		}
		if ctx.Err() != nil || err != nil && len(saved) == 0 {
			break // the next row would fare alike
		}
	}
	return paths, errors.Join(errs...)
}

// save lets a file appear under its name only when all of it is there.
func (b *Batch) save(ctx context.Context, row int, name string, root *os.Root) error {
	return temp.WriteIn(root, name, 0o666, func(w io.Writer) error { return b.File(ctx, row, name, w) })
}

// isFileName tells whether a name of the server's choosing is that of a file, on any system.
func isFileName(name string) bool {
	return filepath.IsLocal(name) && name != "." && !strings.ContainsAny(name, `/\`) && !strings.ContainsFunc(name, unicode.IsControl)
}
