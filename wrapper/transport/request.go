package transport

import (
	"fmt"
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
	return p.ClientRequestWriter.WriteToRequest(request{req}, formats)
}

type request struct{ runtime.ClientRequest }

// SetTimeout leaves out the 30 s that generated constructors set without being asked.
func (r request) SetTimeout(d time.Duration) error {
	if d == httptransport.DefaultTimeout {
		d = 0
	}
	return r.ClientRequest.SetTimeout(d)
}

// SetPathParam refuses values that would make the request address something else: they are not escaped on the way, or
// servers and proxies clean them out of the path.
func (r request) SetPathParam(name, value string) error {
	if reason := badPathValue(value); reason != "" {
		return &PathError{Param: name, Value: value, Reason: reason}
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
	segments := strings.FieldsFunc(value, func(c rune) bool { return c == '/' || c == '\\' })
	for _, s := range segments {
		if s == "." || s == ".." {
			return fmt.Sprintf("must not be or contain the path step %q", s)
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
