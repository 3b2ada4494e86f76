package transport

import (
	"errors"
	"io"
)

var errWebPage = errors.New("the server answered with a web page: the address must be the API's, not that of a sign-in page or another site")

// unread looks at what is left of an answer that says all by its status, which is nothing of interest if the server has sent it. A
// proxy that wants the user to sign in may have: then its page is there. An answer that breaks off is no answer.
func unread(rest io.Reader) error {
	const enough = 256 << 10
	data, err := io.ReadAll(io.LimitReader(rest, enough))
	if isHTML(trim(data)) {
		return errWebPage
	}
	return err
}
