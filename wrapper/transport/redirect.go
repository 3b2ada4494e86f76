package transport

import (
	"errors"
	"net/http"
	"net/url"
)

func redirects(res *http.Response) bool {
	switch res.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return res.Header.Get("Location") != ""
	}
	return false
}

// redirected leaves a redirect to an http.Client, to which the answer is told anew.
func (d *direct) redirected(req *http.Request, res *http.Response, signed bool) (*http.Response, error) {
	again := req.Clone(req.Context()) // req may still be on its way
	if !signed {
		again.Header.Del("Authorization") // the next one is signed for where it goes
	}
	client := *d.client
	client.Transport = &answered{res: res, next: d.client.Transport}
	next, err := client.Do(again)
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return next, err
}

// answered is a RoundTripper that has the first answer already.
type answered struct {
	res  *http.Response
	next http.RoundTripper
}

func (a *answered) RoundTrip(req *http.Request) (*http.Response, error) {
	res := a.res
	if res == nil {
		return a.next.RoundTrip(req)
	}
	a.res = nil
	return res, nil
}
