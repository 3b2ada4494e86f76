//go:build !unix

package cli

import "os"

// openPrivate opens a file of the user's own configuration folder, which the system keeps from other users.
func openPrivate(path string) (*os.File, error) { return os.Open(path) }
