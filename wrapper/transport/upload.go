package transport

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"mime/multipart"
	"net/textproto"
	"net/url"
	"path/filepath"
	"slices"

	"github.com/go-openapi/runtime"
)

// upload is a multipart form, read from its files while it is sent: its size is known if theirs are. The runtime has one as
// well, which goes through a pipe, and writes to the standard logger when a server refuses the form before it has read it all.
type upload struct {
	content
	files []io.Closer
}

func (u *upload) Close() error {
	var errs []error
	for _, f := range u.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

func newUpload(fields url.Values, files map[string][]runtime.NamedReadCloser) (u *upload, contentType string, err error) {
	u = &upload{}
	var text bytes.Buffer // what comes before the next file
	var parts []content
	form := multipart.NewWriter(&text)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		for _, v := range fields[name] {
			if err := form.WriteField(name, v); err != nil {
				return nil, "", err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for _, f := range files[name] {
			header := textproto.MIMEHeader{}
			header.Set("Content-Disposition", multipart.FileContentDisposition(name, filepath.Base(f.Name())))
			header.Set("Content-Type", runtime.DefaultMime)
			if t, ok := f.(runtime.ContentTyper); ok {
				header.Set("Content-Type", t.ContentType())
			}
			if _, err := form.CreatePart(header); err != nil {
				return nil, "", err
			}
			parts = append(parts, contentOf(bytes.NewReader(bytes.Clone(text.Bytes()))), contentOf(f))
			u.files = append(u.files, f)
			text.Reset()
		}
	}
	if err := form.Close(); err != nil {
		return nil, "", err
	}
	u.content = joined(append(parts, contentOf(bytes.NewReader(text.Bytes()))))
	return u, form.FormDataContentType(), nil
}

// joined is one content of several.
func joined(parts []content) content {
	c, all := content{}, &sequence{}
	known, repeatable := true, true
	for _, p := range parts {
		if r := p.Reader; p.size < 0 {
			all.left = append(all.left, r)
		} else {
			all.left = append(all.left, io.LimitReader(r, p.size)) // what is told, should a file have grown
		}
		known, repeatable = known && p.size >= 0, repeatable && p.anew != nil
		c.size += p.size
	}
	c.Reader = all
	if !known {
		c.size = -1
	}
	if repeatable {
		c.anew = func() (io.ReadCloser, error) {
			again := make([]io.Reader, len(parts))
			for i, p := range parts {
				var err error
				if again[i], err = p.anew(); err != nil {
					return nil, err
				}
			}
			return io.NopCloser(io.MultiReader(again...)), nil
		}
	}
	return c
}
