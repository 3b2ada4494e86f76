package transport

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/textproto"
	"net/url"
	"path/filepath"

	"github.com/go-openapi/runtime"
)

// upload is a multipart form, read from its files while it is sent. The runtime has one as well, which writes to the standard
// logger when a server refuses the form before it has read it all.
type upload struct {
	io.Reader
	files []io.Closer
}

func (u *upload) Close() error {
	var err error
	for _, f := range u.files {
		if e := f.Close(); err == nil {
			err = e
		}
	}
	return err
}

func newUpload(fields url.Values, files map[string][]runtime.NamedReadCloser) (u *upload, contentType string, err error) {
	u = &upload{}
	var text bytes.Buffer // what comes before the next file
	var parts []io.Reader
	form := multipart.NewWriter(&text)
	for name, values := range fields {
		for _, v := range values {
			if err := form.WriteField(name, v); err != nil {
				return nil, "", err
			}
		}
	}
	for name, list := range files {
		for _, f := range list {
			header := textproto.MIMEHeader{}
			header.Set("Content-Disposition", multipart.FileContentDisposition(name, filepath.Base(f.Name())))
			header.Set("Content-Type", runtime.DefaultMime)
			if t, ok := f.(runtime.ContentTyper); ok {
				header.Set("Content-Type", t.ContentType())
			}
			if _, err := form.CreatePart(header); err != nil {
				return nil, "", err
			}
			parts = append(parts, bytes.NewReader(bytes.Clone(text.Bytes())), f)
			u.files = append(u.files, f)
			text.Reset()
		}
	}
	if err := form.Close(); err != nil {
		return nil, "", err
	}
	u.Reader = io.MultiReader(append(parts, &text)...)
	return u, form.FormDataContentType(), nil
}
