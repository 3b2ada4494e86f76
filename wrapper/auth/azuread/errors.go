package azuread

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/internal/lazyregexp"
	"github.com/mlserver-go/mls/wrapper/transport"
)

// Error is a sign-in that did not come about. errors.Is finds auth.ErrLoginRequired in it if Azure AD refused, and
// transport.ErrUnavailable if it was out of order. It has no token, secret or password in it, whatever the answer was.
type Error struct {
	Authority     string // the host that was asked; empty for Credential
	Code          int    // of AADSTS, 0 if none was told
	Status        int    // of the HTTP answer, 0 if there was none
	Reason        string // in Azure AD's words, or ours
	Hint          string // who has to do what about it; may be empty
	CorrelationID string // by which an administrator finds the attempt in the tenant's sign-in logs; may be empty

	refused bool
	cause   error // of the network
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("Azure AD")
	if e.Authority != "" {
		b.WriteString(" at " + e.Authority)
	}
	b.WriteString(": " + e.Reason)
	if e.CorrelationID != "" {
		b.WriteString(" (correlation ID " + e.CorrelationID + ")")
	}
	if e.Hint != "" {
		b.WriteString("\n" + e.Hint)
	}
	return b.String()
}

// Unwrap returns the error of the network, nil if there was none.
func (e *Error) Unwrap() error { return e.cause }

// Is makes errors.Is find auth.ErrLoginRequired and transport.ErrUnavailable.
func (e *Error) Is(target error) bool {
	switch target {
	case auth.ErrLoginRequired:
		return e.refused
	case transport.ErrUnavailable:
		return e.Status >= 500 || e.Status == http.StatusTooManyRequests
	}
	return false
}

// explain makes an error of what was answered last. The text of err is used only if nothing was, or nothing is known: it may
// quote the answer.
func (s *source) explain(ctx context.Context, err error, seen *record) error {
	e := &Error{}
	if s.AuthURI != "" {
		e.Authority = s.host()
	}
	last := seen.exchange()
	switch {
	case last == nil:
		s.unasked(e, ctx, err)
	case seen.isFederated() && last.host != s.host():
		s.elsewhere(e, last)
	case last.err != nil:
		s.unreachable(e, last)
	case last.status/100 != 2 && last.refusal.Error != "authorization_pending" && last.refusal.Error != "slow_down":
		s.refused(e, last)
	case ctx.Err() != nil || strings.Contains(err.Error(), context.DeadlineExceeded.Error()):
		s.tooLate(e, ctx, last)
	case s.how == "browser" && !strings.HasPrefix(last.request, http.MethodPost) && codeOf(err.Error()) != 0:
		e.Code = codeOf(err.Error()) // the browser brought it
		e.Reason, e.refused = html.UnescapeString(firstLine(err.Error())), true
	case errors.As(err, new(*noBrowser)):
		e.Reason = err.Error()
		e.Hint = "Sign in with a device code instead."
	default:
		e.Status = last.status
		e.Reason = fmt.Sprintf("the answer to %s is not one of Azure AD's", last.request)
		if last.mediaType != "" && !strings.Contains(last.mediaType, "json") {
			e.Reason += " (it is " + last.mediaType + ")"
		}
		e.Hint = "Is {authority} the authority (AuthURI), and no proxy in between?"
		if strings.Contains(err.Error(), "does not match authority") {
			e.Reason = "the authority says that tokens come from somewhere else"
			e.Hint = "Give the authority's own address as AuthURI: {authority} is not it."
		}
	}
	if known, ok := advice[e.Code]; ok {
		e.Hint = known
	}
	e.Reason = scrub(e.Reason, s.secrets)
	e.Hint = strings.NewReplacer("{authority}", s.AuthURI, "{tenant}", s.TenantID, "{client}", s.ClientID, "{resource}", s.Resource).Replace(e.Hint)
	if s.password && (e.Code == 50126 || strings.HasPrefix(e.Reason, "MSIS9659:")) {
		s.mu.Lock()
		s.wrong = e
		s.mu.Unlock()
	}
	return e
}

// unasked is a credential that did not send anything through our transport: a foreign one, or one that cannot even begin.
func (s *source) unasked(e *Error, ctx context.Context, err error) {
	if ctx.Err() != nil {
		s.tooLate(e, ctx, nil)
		return
	}
	e.Reason, e.Code = strings.TrimSpace(err.Error()), codeOf(err.Error())
	e.refused = e.Authority == ""
}

func (s *source) unreachable(e *Error, last *exchange) {
	err := last.err
	var sent *url.Error
	if errors.As(err, &sent) { // its address is told already
		err = sent.Err
	}
	e.cause = err
	e.Reason, e.Hint = fmt.Sprintf("cannot be reached: %v", err), "Check AuthURI, the network, and HTTPS_PROXY."
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		e.Reason = fmt.Sprintf("no answer within %s", s.Timeout)
		e.Hint = "Try again; if that does not help, check AuthURI, the network, and HTTPS_PROXY."
	}
	if last.host != s.host() {
		e.Reason = last.host + ", which has to be asked first: " + e.Reason
		e.Hint = "If {authority} is yours and can be trusted, turn instance discovery off."
	}
}

// elsewhere is a federated user, whose password another server did not take or could not check.
func (s *source) elsewhere(e *Error, last *exchange) {
	e.Status = last.status
	what := fmt.Sprintf("answered %d %s", last.status, http.StatusText(last.status))
	switch err := last.err; {
	case err != nil:
		var sent *url.Error
		if errors.As(err, &sent) {
			err = sent.Err
		}
		e.cause, what = err, "cannot be reached: "+err.Error()
	case last.status/100 == 2:
		what = "gave an answer that is not one of WS-Trust"
	}
	e.Reason = fmt.Sprintf("the user is federated: the password is checked by %s, which %s", last.host, what)
	e.Hint = "Check user name and password. If they are right, sign in with a device code or the browser instead: whether that server\n" +
		"takes passwords from programs (WS-Trust, usernamemixed) is up to its administrator."
}

func (s *source) refused(e *Error, last *exchange) {
	r := last.refusal
	e.Status, e.CorrelationID = last.status, identifier(r.CorrelationID)
	if len(r.Codes) > 0 {
		e.Code = r.Codes[0]
	}
	if e.Code == 0 {
		e.Code = codeOf(r.Description)
	}
	switch {
	case microsofts().MatchString(r.Description):
		e.Reason = firstLine(r.Description)
	case oauthError().MatchString(r.Error):
		e.Reason = r.Error
	default:
		e.Reason = fmt.Sprintf("%d %s", last.status, http.StatusText(last.status))
	}
	switch {
	case e.Status >= 500 || e.Status == http.StatusTooManyRequests:
		e.Hint = "That is not your fault: try again later."
		return
	case !oauthError().MatchString(r.Error):
		e.Reason = fmt.Sprintf("answers %s to %s", e.Reason, last.request)
		e.Hint = "Is {authority} the authority (AuthURI), and no proxy in between?"
		return
	}
	e.refused = true
	e.Hint = oauthAdvice[r.Error]
}

// tooLate is a sign-in that the context has ended, or the time that a code is good.
func (s *source) tooLate(e *Error, ctx context.Context, last *exchange) {
	e.cause = context.DeadlineExceeded
	if errors.Is(ctx.Err(), context.Canceled) {
		e.cause = context.Canceled
	}
	e.Reason = "nothing came of it in time"
	switch {
	case s.how == "browser" && last != nil && !strings.HasPrefix(last.request, http.MethodPost):
		e.Reason = "nobody finished the sign-in in the browser"
		e.Hint = "If the browser showed AADSTS50011: " + advice[50011]
	case last != nil && last.refusal.Error != "":
		e.Reason, e.refused = "nobody entered the code in time", true
		e.Hint = "Sign in again, for a new code."
	}
}

// Which words of an answer are told: fixed texts of Azure AD and AD FS, and names of errors. Others may be anything.
var (
	microsofts = lazyregexp.New(`^(?:AADSTS|MSIS)\d{2,9}:`)
	oauthError = lazyregexp.New(`^[a-z_]{1,40}$`)
)

var aadsts = lazyregexp.New(`AADSTS(\d{4,8})\b`)

func codeOf(text string) int {
	if m := aadsts().FindStringSubmatch(text); m != nil {
		code, _ := strconv.Atoi(m[1])
		return code
	}
	return 0
}

// firstLine leaves out trace IDs and times.
func firstLine(text string) string {
	text = strings.TrimSpace(text)
	if i := strings.IndexAny(text, "\r\n"); i >= 0 {
		text = text[:i]
	}
	text, _, _ = strings.Cut(text, " Trace ID: ")
	return text
}

var guid = lazyregexp.New(`^[0-9a-fA-F-]{36}$`)

func identifier(text string) string {
	if guid().MatchString(text) {
		return text
	}
	return ""
}

// What may be a secret: the value of a field or parameter that is called like one, and what is too long for a word. GUIDs are
// shorter.
var (
	secretField = lazyregexp.New(`(?i)["']?\b([a-z_]*(?:token|secret|password|assertion|passwd|pwd|code_verifier|device_code))["']?\s*[:=]\s*("(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s,;&}]+)`)
	secretWord  = lazyregexp.New(`[A-Za-z0-9_.~+=-]{40,}|[A-Za-z0-9_.~+/=-]{80,}`)
)

const maxReason = 600

// scrub takes out secrets, those that are known and what looks like one, and bounds the text.
func scrub(text string, secrets []string) string {
	for _, s := range secrets {
		if len(s) < 4 { // it would be found in any text
			continue
		}
		for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s)} {
			text = strings.ReplaceAll(text, form, "[redacted]")
		}
	}
	text = secretField().ReplaceAllString(text, "$1 [redacted]")
	text = secretWord().ReplaceAllString(text, "[redacted]")
	if runes := []rune(text); len(runes) > maxReason {
		text = string(runes[:maxReason]) + "..."
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}
