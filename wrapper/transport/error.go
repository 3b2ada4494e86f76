package transport

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/go-openapi/runtime"

	"github.com/mlserver-go/mls/wrapper/internal/lazyregexp"
)

// What errors.Is finds in an *Error, by its status.
var (
	ErrBadRequest   = errors.New("bad request")         // 400, 422
	ErrUnauthorized = errors.New("unauthorized")        // 401
	ErrForbidden    = errors.New("forbidden")           // 403
	ErrNotFound     = errors.New("not found")           // 404
	ErrConflict     = errors.New("conflict")            // 409
	ErrGone         = errors.New("gone")                // 410
	ErrUnavailable  = errors.New("service unavailable") // 503
)

// Error is an answer that is not 2xx.
type Error struct {
	Op      string // the operation's id in the API document, such as createSession
	Status  int    // the HTTP status
	Message string // the server's own words, cleaned and bounded; empty if it had none
	Type    string // the type of the server's exception, if it told
	Hint    string // what to do about it, in our words; often empty
	// RequestID is under what the server, or a proxy or gateway in front of it, has the request in its log: of X-Request-Id,
	// X-Ms-Request-Id, Request-Id, X-Correlation-Id and X-Azure-Ref the first that the answer has. Empty: none was told. (The API's
	// documents name no such header; what an ML Server itself tells is the id that is its message when its own code fails.)
	RequestID string
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d", e.Op, e.Status)
	if text := http.StatusText(e.Status); text != "" {
		b.WriteString(" " + text)
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if e.RequestID != "" && !strings.Contains(e.Message, e.RequestID) {
		b.WriteString(" (request " + e.RequestID + ")")
	}
	if e.Hint != "" {
		b.WriteString("\n" + e.Hint)
	}
	return b.String()
}

// Is compares with the sentinels of this package.
func (e *Error) Is(target error) bool {
	switch e.Status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return target == ErrBadRequest
	case http.StatusUnauthorized:
		return target == ErrUnauthorized
	case http.StatusForbidden:
		return target == ErrForbidden
	case http.StatusNotFound:
		return target == ErrNotFound
	case http.StatusConflict:
		return target == ErrConflict
	case http.StatusGone:
		return target == ErrGone
	case http.StatusServiceUnavailable:
		return target == ErrUnavailable
	}
	return false
}

// Bounds of what is read of an error's body, in bytes, and kept of it, in characters.
const (
	maxErrorBody = 64 << 10
	maxMessage   = 1000
	maxType      = 200
	maxID        = 200
)

func newError(op string, resp runtime.ClientResponse) *Error {
	e := &Error{Op: op, Status: resp.Code()}
	data, _ := io.ReadAll(io.LimitReader(resp.Body(), maxErrorBody)) // the status counts more than a body that breaks off
	e.Message, e.Type = describe(trim(data), resp.GetHeader("Content-Type"))
	if e.Message == "" && e.Status == http.StatusUnauthorized {
		e.Message = resp.GetHeader("Www-Authenticate")
	}
	if location := resp.GetHeader("Location"); location != "" && e.Status/100 == 3 {
		e.Message = redirection(location)
	}
	e.Message, e.Type = clean(e.Message, maxMessage), clean(e.Type, maxType)
	e.RequestID = requestID(resp)
	e.Hint = hint(e)
	if after := resp.GetHeader("Retry-After"); e.Hint == "" && after != "" && (e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable) {
		e.Hint = later(after)
	}
	if known := hintOf(resp.Body()); known != "" {
		e.Hint = known
	}
	return e
}

func requestID(resp runtime.ClientResponse) string {
	for _, name := range []string{"X-Request-Id", "X-Ms-Request-Id", "Request-Id", "X-Correlation-Id", "X-Azure-Ref"} {
		if id := strings.Join(strings.Fields(clean(resp.GetHeader(name), maxID)), " "); id != "" {
			return id
		}
	}
	return ""
}

// hintOf is the advice of a RoundTripper that knows more than the answer says.
func hintOf(body io.Reader) string {
	if known, ok := body.(interface{ Hint() string }); ok {
		return known.Hint()
	}
	return ""
}

func redirection(location string) string {
	u, err := url.Parse(location)
	switch {
	case err != nil:
		return "the server redirects to what is no address"
	case u.Host != "":
		return "the server redirects to " + u.Scheme + "://" + u.Host + ": use that address if it is right"
	}
	return "the server redirects to " + u.EscapedPath() + ", which is another request"
}

var opaque = lazyregexp.New(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

func hint(e *Error) string {
	switch {
	case opaque().MatchString(e.Message):
		return "The administrator finds what happened under this id in the log of the compute node."
	case e.Status == http.StatusBadRequest && tlsExpected().MatchString(e.Message):
		return "The server wants https: use an address that starts with https://."
	}
	return ""
}

// later says when the server wants to be asked again.
func later(retryAfter string) string {
	if date, err := http.ParseTime(retryAfter); err == nil {
		return "Try again after " + date.UTC().Format(http.TimeFormat) + ", the server says."
	}
	if d, told := waitAsked(retryAfter, time.Time{}); told {
		return "Try again in " + d.String() + ", the server says."
	}
	return ""
}

// tlsExpected matches what Go and nginx servers answer to plain http on their https port.
var tlsExpected = lazyregexp.New(`(?i)http request (was sent )?to (an )?https (server|port)`)

// describe finds the words of an error in its body, and the type of the exception.
func describe(data []byte, contentType string) (message, kind string) {
	if len(data) == 0 {
		return "", ""
	}
	var v any
	if json.Unmarshal(data, &v) == nil {
		switch v := v.(type) {
		case string:
			return v, ""
		case map[string]any:
			if message, kind = describeObject(v); message != "" {
				return message, kind
			}
		case nil:
			return "", ""
		}
		return string(data), kind
	}
	text := strings.ToValidUTF8(string(data), "\uFFFD")
	if isBinary(contentType) {
		return fmt.Sprintf("(no text, but %s)", contentType), ""
	}
	if text[0] == '<' {
		text = textOf(text)
	}
	return strings.Join(strings.Fields(text), " "), ""
}

// describeObject knows {message, exceptionType} of the servers' own API, {code, message, fields} of their services,
// {success, errorMessage} of failed code, {error, error_description} of OAuth, and {title, detail} of RFC 9457.
func describeObject(object map[string]any) (message, kind string) {
	o := make(map[string]any, len(object))
	for k, v := range object {
		o[strings.ToLower(k)] = v
	}
	text := func(key string) string { s, _ := o[key].(string); return strings.TrimSpace(s) }
	kind = text("exceptiontype")
	for _, key := range []string{"message", "errormessage", "exceptionmessage", "error_description", "detail"} {
		if message = text(key); message != "" {
			break
		}
	}
	if inner, ok := o["error"].(map[string]any); ok && message == "" {
		return describeObject(inner)
	}
	switch title, code := text("title"), text("error"); {
	case message == "":
		message = title + code
	case kind == "":
		kind = code
	}
	if fields := text("fields"); fields != "" && message != "" {
		message += " (" + fields + ")"
	}
	return message, kind
}

func isBinary(contentType string) bool {
	major, _, _ := strings.Cut(contentType, "/")
	switch strings.ToLower(major) {
	case "image", "audio", "video", "font":
		return true
	}
	return false
}

var (
	title   = lazyregexp.New(`(?is)<title[^>]*>(.*?)</title>`)
	hidden  = lazyregexp.New(`(?is)<(script|style|head)\b.*?</(script|style|head)>`)
	element = lazyregexp.New(`(?s)<[^>]*>`)
)

// textOf is the title of a web page, else its text.
func textOf(page string) string {
	if m := title().FindStringSubmatch(page); m != nil && strings.TrimSpace(m[1]) != "" {
		return html.UnescapeString(m[1])
	}
	return html.UnescapeString(element().ReplaceAllString(hidden().ReplaceAllString(page, " "), " "))
}

// secret matches what servers and proxies repeat of a request's credentials.
var secret = lazyregexp.New(`(?i)\bbearer\s+[^\s"',;=]{8,}=*|\beyJ[\w-]+\.[\w-]+(\.[\w-]*)?|((refresh|access)_?token["']?\s*[=:]\s*["']?)[^\s"'&,;]+`)

// clean makes a text of the server fit for an error: bounded, without tokens, and without what would steer a terminal.
func clean(text string, limit int) string {
	text = secret().ReplaceAllString(text, "$2[redacted]")
	text = strings.Map(func(c rune) rune {
		if c != '\n' && c != '\t' && unicode.IsControl(c) {
			return ' '
		}
		return c
	}, strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")))
	if r := []rune(text); len(r) > limit {
		text = string(r[:limit]) + "…"
	}
	return text
}
