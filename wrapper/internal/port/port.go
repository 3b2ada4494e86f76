// Package port keeps ports for tests that must know one before somebody listens there, or while nobody does.
package port

import "testing"

// Own is a loopback address that is the test's own until its end: nobody else gets the port. The test, or a process of it, may
// listen there, stop and listen again; while it does not, connections are refused.
func Own(t testing.TB) (address string) {
	t.Helper()
	address, release, err := Hold()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return address
}
