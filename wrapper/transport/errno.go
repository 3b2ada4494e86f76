package transport

import (
	"errors"
	"io"
	"net"
	"slices"
)

// Refused tells whether nobody listens where a connection was to be made: nothing was sent.
func Refused(err error) bool { return isOneOf(err, refusedCodes()) }

// Disconnected tells whether a connection ended before the answer did: what was sent may have arrived.
func Disconnected(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || isOneOf(err, disconnectedCodes())
}

func isOneOf(err error, codes []error) bool {
	return slices.ContainsFunc(codes, func(code error) bool { return errors.Is(err, code) })
}
