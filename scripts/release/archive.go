package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"os"
	"slices"
	"time"
)

type file struct {
	name    string
	content []byte
	mode    os.FileMode
}

type archive struct {
	extension string
	bytes     []byte
}

// pack makes the kind of archive that the platform's users open without installing anything: all files in one folder, in the
// order of their names and with one time, so that the same files give the same bytes.
func pack(p platform, folder string, files []file, when time.Time) (*archive, error) {
	slices.SortFunc(files, func(a, b file) int { return cmp.Compare(a.name, b.name) })
	if p.os == "windows" {
		return packZip(folder, files, when)
	}
	return packTar(folder, files, when)
}

func packTar(folder string, files []file, when time.Time) (*archive, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	t := tar.NewWriter(z)
	for _, f := range files {
		h := &tar.Header{Name: folder + "/" + f.name, Size: int64(len(f.content)), Mode: int64(f.mode.Perm()), ModTime: when}
		if err := t.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := t.Write(f.content); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(t.Close(), z.Close()); err != nil {
		return nil, err
	}
	return &archive{".tar.gz", b.Bytes()}, nil
}

func packZip(folder string, files []file, when time.Time) (*archive, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		h := &zip.FileHeader{Name: folder + "/" + f.name, Method: zip.Deflate, Modified: when}
		h.SetMode(f.mode)
		w, err := z.CreateHeader(h)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return &archive{".zip", b.Bytes()}, nil
}
