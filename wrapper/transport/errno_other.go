//go:build !windows

package transport

import "syscall"

func refusedCodes() []error { return []error{syscall.ECONNREFUSED} }

func disconnectedCodes() []error {
	return []error{syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED}
}
