package port

import (
	"errors"
	"net"
	"runtime"
	"syscall"
	"testing"
)

// TestOwn listens twice at a port that is held, while others get thousands of ports, and none of them that one.
func TestOwn(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("elsewhere nothing holds it")
	}
	address := Own(t)
	for range 2 {
		if _, err := net.Dial("tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("while nobody listens: %v, want it refused", err)
		}
		for range 2000 {
			other, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			if other.Addr().String() == address {
				t.Fatal("somebody else got it")
			}
			_ = other.Close()
		}
		ln, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(conn.Close(), ln.Close()); err != nil {
			t.Error(err)
		}
	}
}
