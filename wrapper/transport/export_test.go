package transport

import (
	"net/http"
	"net/url"
)

// NewStock is New, but leaves everything to the stock runtime.
func NewStock(base *url.URL, hc *http.Client) *Transport {
	t := New(base, hc)
	t.direct = nil
	return t
}
