package devserver

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// uploadSessionFile streams the form's file part to disk. Only the base name of its filename counts: some clients send the full
// path they read from, of whatever system. A file of that name is replaced, and only by a whole one.
func (s *Server) uploadSessionFile(w http.ResponseWriter, r *request) error {
	sess, err := s.session(r)
	if err != nil {
		return err
	}
	r.Body = r.bounded(s.cfg.MaxUpload)
	form, err := r.MultipartReader()
	if err != nil {
		return fail(http.StatusBadRequest, "send multipart/form-data with one part named file: %v", err)
	}
	for {
		part, err := form.NextPart()
		if err == io.EOF {
			return fail(http.StatusBadRequest, "the form has no part named file")
		} else if err != nil {
			return badUpload(err)
		}
		if part.FormName() != "file" {
			continue
		}
		_, params, _ := mime.ParseMediaType(part.Header.Get("Content-Disposition")) // parsed before, for FormName
		name := params["filename"]
		name = name[strings.LastIndexAny(name, `/\`)+1:]
		const longest = 255 // of file systems, in bytes
		if name == "" || name == "." || name == ".." || len(name) > longest || strings.ContainsRune(name, 0) {
			return fail(http.StatusBadRequest, "part file: %.300q is no file name", params["filename"])
		}
		if err := s.receive(part, filepath.Join(sess.dir, name)); err != nil {
			return err
		}
		w.WriteHeader(http.StatusCreated)
		return nil
	}
}

func (s *Server) receive(src io.Reader, name string) error {
	tmp, err := s.store.temp()
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone already when all went well
	_, err = io.Copy(tmp, src)
	if err := errors.Join(err, tmp.Close()); err != nil {
		return badUpload(err)
	}
	if fi, err := os.Lstat(name); err == nil && fi.IsDir() {
		return fail(http.StatusBadRequest, "part file: %s is a directory of the session", filepath.Base(name))
	}
	return os.Rename(tmp.Name(), name)
}

// badUpload tells a form that ends early, or is none, from what is wrong here.
func badUpload(err error) error {
	var tooLarge *http.MaxBytesError
	var disk *fs.PathError
	if errors.As(err, &tooLarge) || errors.As(err, &disk) {
		return err
	}
	return fail(http.StatusBadRequest, "the form is broken: %v", err)
}

// listSessionFiles lists the files of the working directory; those in folders below it with their path, as changedFiles
// names them.
func (s *Server) listSessionFiles(w http.ResponseWriter, r *request) error {
	sess, err := s.session(r)
	if err != nil {
		return err
	}
	names, err := filesBelow(sess.dir)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, names)
	return nil
}

// filesBelow lists the regular files below dir, sorted, with slashes.
func filesBelow(dir string) ([]string, error) {
	names := []string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // code that runs may remove what it wrote
		}
		if err == nil && e.Type().IsRegular() {
			names = append(names, name)
		}
		return err
	})
	return names, err
}

func (s *Server) getSessionFile(w http.ResponseWriter, r *request) error {
	sess, err := s.session(r)
	if err != nil {
		return err
	}
	name := r.PathValue("fileName")
	f, err := os.OpenInRoot(sess.dir, filepath.FromSlash(name))
	if err != nil {
		return noFile(sess, name)
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil || !fi.Mode().IsRegular() {
		return noFile(sess, name)
	}
	serveFile(w, r.Request, name, f, fi)
	return nil
}

func serveFile(w http.ResponseWriter, r *http.Request, name string, f io.ReadSeeker, fi fs.FileInfo) {
	h := w.Header()
	h.Set("Content-Type", cmp.Or(mime.TypeByExtension(path.Ext(name)), "application/octet-stream"))
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": path.Base(name)}))
	h.Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, "", fi.ModTime(), f)
}

func (s *Server) deleteSessionFile(w http.ResponseWriter, r *request) error {
	sess, err := s.session(r)
	if err != nil {
		return err
	}
	name := r.PathValue("fileName")
	root, err := os.OpenRoot(sess.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if fi, err := root.Lstat(filepath.FromSlash(name)); err != nil || fi.IsDir() {
		return noFile(sess, name)
	}
	if err := root.Remove(filepath.FromSlash(name)); err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

func noFile(sess *session, name string) error {
	return fail(http.StatusNotFound, "session %s has no file %s", sess.id, name)
}
