package transport

import (
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/go-openapi/runtime"
	httptransport "github.com/go-openapi/runtime/client"
	"github.com/go-openapi/strfmt"
)

// params writes the parameters of an operation, after a look at them.
type params struct{ runtime.ClientRequestWriter }

func (p params) WriteToRequest(req runtime.ClientRequest, formats strfmt.Registry) error {
	if err := req.SetTimeout(0); err != nil { // the runtime has set 30 s
		return err
	}
	if err := req.SetHeaderParam("User-Agent", userAgent); err != nil {
		return err
	}
	if p.ClientRequestWriter == nil {
		return nil
	}
	return (&request{ClientRequest: req}).write(p.ClientRequestWriter, formats)
}

// request looks at parameters on their way into a request.
type request struct {
	runtime.ClientRequest
	fields url.Values
	files  map[string][]runtime.NamedReadCloser
	bad    error // of a path parameter; told at the end, so that a body that is set after it gets closed
}

// write lets the operation write its parameters.
func (r *request) write(w runtime.ClientRequestWriter, formats strfmt.Registry) error {
	err := w.WriteToRequest(r, formats)
	if err == nil {
		err = r.bad
	}
	if err == nil {
		err = r.setForm()
	}
	if err != nil {
		r.close()
	}
	return err
}

// SetFormParam keeps the field until the files are known.
func (r *request) SetFormParam(name string, values ...string) error {
	if r.fields == nil {
		r.fields = url.Values{}
	}
	r.fields[name] = values
	return nil
}

// SetFileParam keeps the files until all fields are known.
func (r *request) SetFileParam(name string, files ...runtime.NamedReadCloser) error {
	if r.files == nil {
		r.files = map[string][]runtime.NamedReadCloser{}
	}
	r.files[name] = files
	return nil
}

// GetFileParam returns the files of SetFileParam.
func (r *request) GetFileParam() map[string][]runtime.NamedReadCloser { return r.files }

func (r *request) setForm() error {
	if len(r.files) == 0 {
		for name, values := range r.fields {
			if err := r.ClientRequest.SetFormParam(name, values...); err != nil {
				return err
			}
		}
		return nil
	}
	body, contentType, err := newUpload(r.fields, r.files)
	if err != nil {
		return err
	}
	if err := r.SetHeaderParam("Content-Type", contentType); err != nil {
		return err
	}
	return r.SetBodyParam(body)
}

// close closes what would have been sent, as the HTTP client does with what it sends.
func (r *request) close() {
	for _, list := range r.files {
		for _, f := range list {
			_ = f.Close()
		}
	}
	if body, ok := r.GetBodyParam().(io.Closer); ok {
		_ = body.Close()
	}
}

// SetTimeout leaves out the 30 s that generated constructors set without being asked.
func (r *request) SetTimeout(d time.Duration) error {
	if d == httptransport.DefaultTimeout {
		d = 0
	}
	return r.ClientRequest.SetTimeout(d)
}

// SetPathParam refuses values that would make the request address something else: they are not escaped on the way, or
// servers and proxies clean them out of the path.
func (r *request) SetPathParam(name, value string) error {
	if reason := badPathValue(value); reason != "" {
		if r.bad == nil {
			r.bad = &PathError{Param: name, Value: value, Reason: reason}
		}
		return nil
	}
	return r.ClientRequest.SetPathParam(name, value)
}

func badPathValue(value string) string {
	if value == "" {
		return "must not be empty"
	}
	if strings.ContainsFunc(value, unicode.IsControl) {
		return "must not contain control characters"
	}
	for step := range strings.FieldsFuncSeq(value, func(c rune) bool { return c == '/' || c == '\\' }) {
		if step == "." || step == ".." {
			return fmt.Sprintf("must not be or contain the path step %q", step)
		}
	}
	return ""
}

// PathError is a value that cannot be part of a URL's path. Nothing was sent.
type PathError struct {
	Op, Param, Value string
	Reason           string
}

func (e *PathError) Error() string {
	text := fmt.Sprintf("%s %q %s", e.Param, e.Value, e.Reason)
	if e.Op == "" {
		return text
	}
	return e.Op + ": " + text
}
