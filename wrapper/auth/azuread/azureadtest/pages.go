package azureadtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"html"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// The pages for browsers: one that asks, one that tells, and one that sends the answer of the sign-in where the client waits.
var pages = template.Must(template.New("").Parse(`
{{define "ask"}}<!DOCTYPE html><title>Sign in</title><form method="post">
{{if .Code}}<p>Code: <input name="code">{{end}}
<p>User name: <input name="username"><p>Password: <input name="password" type="password"><p><button>Sign in</button></form>{{end}}
{{define "tell"}}<!DOCTYPE html><title>Sign in</title><p>{{.}}{{end}}
{{define "send"}}<!DOCTYPE html><title>Working...</title><form method="post" action="{{.Action}}">
{{range $name, $value := .Fields}}<input type="hidden" name="{{$name}}" value="{{$value}}">
{{end}}<button>Continue</button></form><script>document.forms[0].submit()</script>{{end}}`))

func show(w http.ResponseWriter, status int, page string, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = pages.ExecuteTemplate(w, page, data) // a client that is gone needs no answer
}

// authorize asks who is there. What is wrong with the request itself is told to the user: the reply URL cannot be trusted.
func (p *Provider) authorize(w http.ResponseWriter, c *call) {
	tell := func(r *refusal) { show(w, http.StatusBadRequest, "tell", r.body()["error_description"]) }
	if r := p.known(c); r != nil {
		tell(r)
		return
	}
	q := c.URL.Query()
	p.mu.Lock()
	defer p.mu.Unlock()
	client, known := p.apps[q.Get("client_id")]
	if !known {
		tell(&refusal{"unauthorized_client", 700016, "Application with identifier '" + q.Get("client_id") + "' was not found."})
		return
	}
	if !client.replies(q.Get("redirect_uri")) {
		tell(&refusal{"invalid_request", 50011, "The redirect URI '" + q.Get("redirect_uri") + "' specified in the request does not match " +
			"the redirect URIs configured for the application '" + client.ID + "'."})
		return
	}
	if q.Get("response_mode") != "form_post" || q.Get("code_challenge_method") != "S256" {
		tell(&refusal{"invalid_request", 900144, "response_mode=form_post and code_challenge_method=S256 are what this provider knows."})
		return
	}
	if c.Method != http.MethodPost {
		show(w, http.StatusOK, "ask", struct{ Code bool }{})
		return
	}
	u, r := p.checked(c.PostForm.Get("username"), c.PostForm.Get("password"))
	if r != nil {
		tell(r)
		return
	}
	fields := map[string]string{"state": q.Get("state")}
	if client.NoConsent {
		r := refusal{"access_denied", 65004, "User declined to consent to access the app."}.body()
		fields["error"], fields["error_description"] = r["error"].(string), r["error_description"].(string)
	} else {
		code := rand.Text() + rand.Text()
		p.grants[code] = &grant{client: client.ID, user: u.Name, objectID: u.objectID, challenge: q.Get("code_challenge"), redirect: q.Get("redirect_uri")}
		fields["code"] = code
	}
	show(w, http.StatusOK, "send", struct {
		Action string
		Fields map[string]string
	}{q.Get("redirect_uri"), fields})
}

func (p *Provider) devicePage(w http.ResponseWriter, c *call) {
	if c.Method != http.MethodPost {
		show(w, http.StatusOK, "ask", struct{ Code bool }{true})
		return
	}
	if err := p.EnterCode(c.PostForm.Get("code"), c.PostForm.Get("username"), c.PostForm.Get("password")); err != nil {
		show(w, http.StatusBadRequest, "tell", err.Error())
		return
	}
	show(w, http.StatusOK, "tell", "You have signed in. Go back to the program.")
}

var (
	formAction = regexp.MustCompile(`<form method="post" action="([^"]*)"`)
	formField  = regexp.MustCompile(`name="([^"]*)" value="([^"]*)"`)
)

// Browse does what a user does with a browser: open the address, sign in there, and follow. The error has what the page tells.
func (p *Provider) Browse(ctx context.Context, address, username, password string) error {
	browser := &http.Client{Transport: p.Transport()}
	if _, err := submit(ctx, browser, http.MethodGet, address, nil); err != nil {
		return err
	}
	page, err := submit(ctx, browser, http.MethodPost, address, url.Values{"username": {username}, "password": {password}})
	if err != nil {
		return err
	}
	action := formAction.FindStringSubmatch(page)
	if action == nil {
		return fmt.Errorf("a page without a form: %s", page)
	}
	fields := url.Values{}
	for _, f := range formField.FindAllStringSubmatch(page, -1) {
		fields.Set(f[1], html.UnescapeString(f[2]))
	}
	_, err = submit(ctx, http.DefaultClient, http.MethodPost, html.UnescapeString(action[1]), fields)
	return err
}

// submit loads a page.
func submit(ctx context.Context, c *http.Client, method, address string, form url.Values) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	page, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", res.Status, page)
	}
	return string(page), err
}
