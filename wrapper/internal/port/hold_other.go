//go:build !linux

package port

import "net"

// Hold finds a port that is free. Somebody else may take it.
func Hold() (address string, release func(), err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	return ln.Addr().String(), func() {}, ln.Close()
}
