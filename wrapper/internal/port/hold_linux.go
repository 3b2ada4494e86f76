package port

import (
	"fmt"
	"os"
	"syscall"
)

// Hold is Own for those who have no test. A socket that is bound, and does not listen, keeps the port: the system gives it to nobody
// who wants any, and lets those listen who name it and allow others the same address, as Go's listeners do, and slapd's.
func Hold() (address string, release func(), err error) {
	syscall.ForkLock.RLock() // SOCK_CLOEXEC ends it in processes that are started
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	syscall.ForkLock.RUnlock()
	if err != nil {
		return "", nil, os.NewSyscallError("socket", err)
	}
	release = func() { _ = syscall.Close(fd) }
	if err = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err == nil {
		err = syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	}
	var bound syscall.Sockaddr
	if err == nil {
		bound, err = syscall.Getsockname(fd)
	}
	if err != nil {
		release()
		return "", nil, os.NewSyscallError("bind", err)
	}
	return fmt.Sprintf("127.0.0.1:%d", bound.(*syscall.SockaddrInet4).Port), release, nil
}
