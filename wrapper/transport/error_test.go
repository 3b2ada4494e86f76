package transport_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mlserver-go/mls/gen/v930/sessions"
	"github.com/mlserver-go/mls/gen/v930/status"
	"github.com/mlserver-go/mls/wrapper/transport"
)

const json = "application/json"

func TestEveryErrorHasItsStatusAndWords(t *testing.T) {
	const bom = "\xef\xbb\xbf"
	for _, test := range []struct {
		name      string
		reply     reply
		want      string // the message
		wantType  string
		wantMatch error
	}{
		{"core", reply{401, json, `{"message":"nope","link":null,"exceptionType":"AuthException"}`}, "nope", "AuthException", transport.ErrUnauthorized},
		{"service", reply{400, json, `{"code":7,"message":"bad input","fields":"hp"}`}, "bad input (hp)", "", transport.ErrBadRequest},
		{"service without fields", reply{400, json, `{"code":7,"message":"bad input","fields":null}`}, "bad input", "", transport.ErrBadRequest},
		{"oauth", reply{403, json, `{"error":"access_denied","error_description":"no consent"}`}, "no consent", "access_denied", transport.ErrForbidden},
		{"oauth, short", reply{403, json, `{"error":"access_denied"}`}, "access_denied", "", transport.ErrForbidden},
		{"nested", reply{409, json, `{"error":{"code":"X","message":"exists"}}`}, "exists", "", transport.ErrConflict},
		{"failed code", reply{500, json, `{"success":false,"errorMessage":"object 'x' not found","consoleOutput":""}`}, "object 'x' not found", "", nil},
		{"RFC 9457", reply{410, "application/problem+json", `{"title":"Gone","detail":"session ended","status":410}`}, "session ended", "", transport.ErrGone},
		{"RFC 9457, short", reply{404, "application/problem+json", `{"title":"No such thing"}`}, "No such thing", "", transport.ErrNotFound},
		{"wrong types", reply{404, json, `{"message":{"a":1},"link":5}`}, `{"message":{"a":1},"link":5}`, "", transport.ErrNotFound},
		{"another document", reply{503, json, `{"statusCode":"fail"}`}, `{"statusCode":"fail"}`, "", transport.ErrUnavailable},
		{"BOM", reply{404, json, bom + `{"message":"no session"}`}, "no session", "", transport.ErrNotFound},
		{"string", reply{404, json, `"no session"`}, "no session", "", transport.ErrNotFound},
		{"array", reply{404, json, `["a"]`}, `["a"]`, "", transport.ErrNotFound},
		{"null", reply{404, json, `null`}, "", "", transport.ErrNotFound},
		{"broken JSON", reply{404, json, `{"message":"no se`}, `{"message":"no se`, "", transport.ErrNotFound},
		{"empty", reply{404, json, ""}, "", "", transport.ErrNotFound},
		{"empty, no type", reply{503, "-", ""}, "", "", transport.ErrUnavailable},
		{"no type", reply{404, "-", "plain words"}, "plain words", "", transport.ErrNotFound},
		{"text", reply{404, "text/plain; charset=utf-8", "plain\n words\n"}, "plain words", "", transport.ErrNotFound},
		{"octets", reply{404, "application/octet-stream", `{"message":"m"}`}, "m", "", transport.ErrNotFound},
		{"malformed type", reply{404, "application/json; charset", `{"message":"m"}`}, "m", "", transport.ErrNotFound},
		{"senseless type", reply{404, "/;=,", `{"message":"m"}`}, "m", "", transport.ErrNotFound},
		{"HTML", reply{502, "text/html", "<html><head><title>502 Bad\nGateway</title></head><body><h1>x</h1></body></html>"}, "502 Bad Gateway", "", nil},
		{"HTML without title", reply{502, "text/html", "<!DOCTYPE html><html><head><style>p{}</style></head><p>Try &amp; wait</p>"}, "Try & wait", "", nil},
		{"XML", reply{500, "application/xml", "<?xml version='1.0'?><Error>out of order</Error>"}, "out of order", "", nil},
		{"image", reply{404, "image/png", "\x89PNG\x00\x01"}, "(no text, but image/png)", "", transport.ErrNotFound},
		{"invalid UTF-8", reply{404, "text/plain", "gr\xfc\xdfe"}, "gr\uFFFDe", "", transport.ErrNotFound},
		{"terminal", reply{404, json, `{"message":"a\u001b[31mb\nc"}`}, "a [31mb\nc", "", transport.ErrNotFound},
		{"unprocessable", reply{422, json, `{"message":"m"}`}, "m", "", transport.ErrBadRequest},
		{"status without name", reply{599, json, `{"message":"m"}`}, "m", "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			api := serve(t, test.reply.ServeHTTP)
			_, err := api.Sessions.ListSessionsContext(background, &sessions.ListSessionsParams{})
			var got *transport.Error
			if !errors.As(err, &got) {
				t.Fatalf("error is %T %v, want *transport.Error", err, err)
			}
			want := transport.Error{Op: "listSessions", Status: test.reply.status, Message: test.want, Type: test.wantType}
			if *got != want {
				t.Errorf("got  %+v\nwant %+v", *got, want)
			}
			for _, sentinel := range []error{
				transport.ErrBadRequest, transport.ErrUnauthorized, transport.ErrForbidden, transport.ErrNotFound,
				transport.ErrConflict, transport.ErrGone, transport.ErrUnavailable,
			} {
				if is := errors.Is(err, sentinel); is != (sentinel == test.wantMatch) {
					t.Errorf("errors.Is(err, %v) = %t", sentinel, is)
				}
			}
		})
	}
}

func TestErrorText(t *testing.T) {
	for _, test := range []struct {
		err  transport.Error
		want string
	}{
		{transport.Error{Op: "login", Status: 401, Message: "no"}, "login: 401 Unauthorized: no"},
		{transport.Error{Op: "login", Status: 401}, "login: 401 Unauthorized"},
		{transport.Error{Op: "login", Status: 599, Message: "no", Hint: "Try again."}, "login: 599: no\nTry again."},
		{transport.Error{Op: "login", Status: 599, Message: "no", Hint: "Try again.", RequestID: "0HL"}, "login: 599: no (request 0HL)\nTry again."},
		{transport.Error{Op: "login", Status: 500, Message: "error 0HL", RequestID: "0HL"}, "login: 500 Internal Server Error: error 0HL"},
	} {
		if got := test.err.Error(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

// TestErrorsTellTheRequest looks for the id that a server or gateway has given a request.
func TestErrorsTellTheRequest(t *testing.T) {
	for _, test := range []struct {
		header map[string]string
		want   string
	}{
		{nil, ""},
		{map[string]string{"X-Request-Id": "4bf92f35"}, "4bf92f35"},
		{map[string]string{"x-ms-request-id": "a b"}, "a b"},
		{map[string]string{"Request-Id": "|7e0.1."}, "|7e0.1."},
		{map[string]string{"X-Correlation-ID": "c"}, "c"},
		{map[string]string{"X-Azure-Ref": "0ABC="}, "0ABC="},
		{map[string]string{"X-Correlation-ID": "c", "X-Ms-Request-Id": "r"}, "r"},
		{map[string]string{"X-Request-Id": "\t", "Request-Id": "second"}, "second"},
		{map[string]string{"X-Request-Id": strings.Repeat("x", 5000)}, strings.Repeat("x", 200) + "…"},
		{map[string]string{"X-Request-Id": "Bearer CANARY-of-a-token"}, "[redacted]"},
	} {
		api := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			for name, value := range test.header {
				w.Header().Set(name, value)
			}
			w.WriteHeader(http.StatusBadGateway)
		})
		_, err := api.Sessions.ListSessionsContext(background, &sessions.ListSessionsParams{})
		var got *transport.Error
		if !errors.As(err, &got) || got.RequestID != test.want {
			t.Errorf("%v: error is %#v, want the id %q", test.header, err, test.want)
		} else if test.want != "" {
			contains(t, "error", err.Error(), "502 Bad Gateway (request "+test.want+")")
		}
	}
}

func TestErrorsAreBounded(t *testing.T) {
	for _, body := range []string{
		strings.Repeat("ä", 5<<20),
		`{"message":"` + strings.Repeat("ä", 5<<20) + `"}`,
		`{"message":"` + strings.Repeat("ä", 20<<10) + `"}`,
		"<html>" + strings.Repeat("<p>ä", 2<<20),
	} {
		api := serve(t, reply{500, json, body}.ServeHTTP)
		_, err := api.Status.StatusContext(background, &status.StatusParams{})
		var got *transport.Error
		if !errors.As(err, &got) || got.Status != 500 {
			t.Fatalf("error is %T, want *transport.Error with status 500", err)
		}
		if n := utf8.RuneCountInString(got.Message); n == 0 || n > 1001 {
			t.Errorf("message has %d characters, want 1 to 1001", n)
		}
	}
}

func TestEndlessErrorIsNotReadToItsEnd(t *testing.T) {
	api := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(500)
		for {
			if _, err := w.Write(make([]byte, 32<<10)); err != nil {
				return
			}
		}
	})
	_, err := api.Status.StatusContext(background, &status.StatusParams{})
	var got *transport.Error
	if !errors.As(err, &got) || got.Status != 500 {
		t.Errorf("got %v, want status 500", err)
	}
}

func TestErrorsRepeatNoSecret(t *testing.T) {
	const token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJDQU5BUlkifQ.CANARYsignature"
	for _, body := range []string{
		`{"message":"bad header Authorization: Bearer ` + token + `"}`,
		`{"message":"bad header Authorization: Bearer CANARY/opaque+token=="}`,
		`{"message":"token ` + token + ` has expired"}`,
		`{"message":"no","exceptionType":"` + token + `"}`,
		`{"refreshToken":"CANARY/opaque"}`,
		`cannot DELETE /login/refreshToken?refreshToken=CANARY%2F&x=1`,
		`<html><body>access_token: "CANARY"`,
	} {
		api := serve(t, reply{400, json, body}.ServeHTTP)
		_, err := api.Status.StatusContext(background, &status.StatusParams{})
		if text := fmt.Sprintf("%v %#v", err, err); strings.Contains(text, "CANARY") || !strings.Contains(text, "[redacted]") {
			t.Errorf("%s gave %s, want it redacted", body, text)
		}
	}
}

func TestErrorHints(t *testing.T) {
	for message, want := range map[string]string{
		"b55088c4-e563-459a-8c41-dd2c625e891d":                     "log of the compute node",
		"Client sent an HTTP request to an HTTPS server.":          "https://",
		"The plain HTTP request was sent to HTTPS port":            "https://",
		"a b55088c4-e563-459a-8c41-dd2c625e891d that is not alone": "",
	} {
		api := serve(t, reply{400, "text/plain", message}.ServeHTTP)
		_, err := api.Status.StatusContext(background, &status.StatusParams{})
		var got *transport.Error
		if !errors.As(err, &got) || want == "" && got.Hint != "" || !strings.Contains(got.Hint, want) {
			t.Errorf("%s gave %+v, want the hint %q", message, got, want)
		}
	}
}

func TestChallengeStandsInForAnEmptyBody(t *testing.T) {
	api := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token", error_description="The token expired"`)
		w.WriteHeader(401)
	})
	_, err := api.Status.StatusContext(background, &status.StatusParams{})
	if !errors.Is(err, transport.ErrUnauthorized) {
		t.Fatalf("got %v, want ErrUnauthorized", err)
	}
	contains(t, "error", err.Error(), "The token expired")
}
