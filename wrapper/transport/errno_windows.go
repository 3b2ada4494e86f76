package transport

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// Windows has codes of its own for sockets; those of package syscall that have the usual names are inventions that no system call
// returns, but other code may.

func refusedCodes() []error { return []error{windows.WSAECONNREFUSED, syscall.ECONNREFUSED} }

func disconnectedCodes() []error {
	return []error{
		windows.WSAECONNRESET, windows.WSAECONNABORTED, windows.WSAESHUTDOWN, windows.WSAENETRESET, windows.ERROR_NETNAME_DELETED,
		windows.ERROR_BROKEN_PIPE, syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED,
	}
}
