package mrsdeploy

import (
	"context"
	"io"
	"os"
	"path/filepath"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
	"github.com/mlserver-go/mls/wrapper/internal/temp"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// putFile stands behind mrsdeploy's putLocalFile.
func putFile(ctx context.Context, s *mlserver.Session, a args) (answer, error) {
	path, err := a.needed("path")
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return nil, s.PutFile(ctx, filepath.Base(path), f)
}

// getFile stands behind mrsdeploy's getRemoteFile.
func getFile(ctx context.Context, s *mlserver.Session, a args) (answer, error) {
	return nil, fetch(a, func(name string, w io.Writer) error { return s.File(ctx, name, w) })
}

// fetch writes what an argument names to a path: the whole of it, or nothing.
func fetch(a args, read func(name string, w io.Writer) error) error {
	name, err := a.needed("name")
	if err != nil {
		return err
	}
	path, err := a.needed("path")
	if err != nil {
		return err
	}
	return temp.WriteFile(path, func(w io.Writer) error { return read(name, w) })
}

// listFiles stands behind mrsdeploy's listRemoteFiles.
func listFiles(ctx context.Context, s *mlserver.Session, _ args) (answer, error) {
	names, err := s.Files(ctx)
	if err != nil {
		return nil, err
	}
	return answer{}.with("names", runtimes.AsTexts, append([]string{}, names...)), nil
}

// deleteFile stands behind mrsdeploy's deleteRemoteFile.
func deleteFile(ctx context.Context, s *mlserver.Session, a args) (answer, error) {
	name, err := a.needed("name")
	if err != nil {
		return nil, err
	}
	return nil, s.DeleteFile(ctx, name)
}
