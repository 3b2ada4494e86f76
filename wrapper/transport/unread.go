package transport

import (
	"errors"
	"io"
)

var errWebPage = errors.New("the server answered with a web page: the address must be the API's, not that of a sign-in page or another site")

// unread looks at the body of an answer that says all by its status. It is nothing of interest if the server has sent it, but a
// proxy that wants the user to sign in may have: then its page is there. An answer that breaks off is no answer.
func unread(body io.Reader) error {
	const enough = 256 << 10
	data, err := io.ReadAll(io.LimitReader(body, enough))
	if isHTML(trim(data)) {
		return errWebPage
	}
	return err
}
