package devserver

import (
	"archive/zip"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
)

// workspaceFile is the name of the workspace within a snapshot.
func workspaceFile(lang runtimes.Language) string {
	if lang == runtimes.Python {
		return ".dill"
	}
	return ".RData"
}

// pack writes the zip of a snapshot: the workspace, and the files of a session by their paths. A file of the session that is
// called like the workspace is left out.
func pack(dst io.Writer, workspace, workspaceName, dir string) error {
	z := zip.NewWriter(dst)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	names, err := filesBelow(dir)
	if err != nil {
		return err
	}
	ws, err := os.Open(workspace)
	if err != nil {
		return err
	}
	// R has compressed it already.
	if err := packFile(z, workspaceName, ws, zip.Store); err != nil {
		return err
	}
	for _, name := range names {
		if name == workspaceName {
			continue
		}
		f, err := root.Open(filepath.FromSlash(name))
		if err != nil {
			return err
		}
		if err := packFile(z, name, f, zip.Deflate); err != nil {
			return err
		}
	}
	return z.Close()
}

func packFile(z *zip.Writer, name string, f *os.File, method uint16) error {
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method, Modified: fi.ModTime()})
	if err != nil {
		return err
	}
	_, err = io.Copy(w, f)
	return err
}

// unpack puts the workspace of a snapshot's zip at workspace and its files into dir, over what is there. Nothing is written
// outside of dir, whatever the zip says and whatever links dir has.
func unpack(archive, workspace, workspaceName, dir string) error {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer z.Close()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, entry := range z.File {
		if entry.FileInfo().IsDir() {
			continue
		}
		if entry.Name == workspaceName {
			f, err := os.OpenFile(workspace, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
			if err != nil {
				return err
			}
			if err := unpackFile(f, entry); err != nil {
				return err
			}
			continue
		}
		name := filepath.FromSlash(entry.Name)
		if !filepath.IsLocal(name) {
			return fmt.Errorf("snapshot: %q leads out of the session's directory", entry.Name)
		}
		if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return err
		}
		f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return err
		}
		if err := unpackFile(f, entry); err != nil {
			return err
		}
	}
	return nil
}

func unpackFile(dst *os.File, entry *zip.File) error {
	src, err := entry.Open()
	if err != nil {
		return errors.Join(err, dst.Close())
	}
	defer src.Close()
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Close())
}
