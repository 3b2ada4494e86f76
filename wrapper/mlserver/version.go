package mlserver

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Version is a server version. The empty Version means unknown: nothing is gated, the server decides.
type Version string

// The server versions that were released. 9.0.1 to 9.2.0 are Microsoft R Server, the others Machine Learning Server.
const (
	V901 Version = "9.0.1" // December 2016
	V910 Version = "9.1.0" // adds Python, realtime services, batches, returned files
	V920 Version = "9.2.0" // the API of 9.1.0
	V921 Version = "9.2.1" // adds compute nodes
	V930 Version = "9.3.0" // adds service pools
)

var versions = []Version{V901, V910, V920, V921, V930}

// ParseVersion accepts the server versions that were released, and "".
func ParseVersion(s string) (Version, error) {
	v := Version(s)
	if v != "" && !slices.Contains(versions, v) {
		return "", fmt.Errorf("%q is no server version: 9.0.1, 9.1.0, 9.2.0, 9.2.1 or 9.3.0", s)
	}
	return v, nil
}

// Compare is -1, 0 or 1 when v is older than, equal to or newer than w. Both must be known versions.
func (v Version) Compare(w Version) int {
	return slices.CompareFunc(strings.Split(string(v), "."), strings.Split(string(w), "."), func(a, b string) int {
		x, _ := strconv.Atoi(a)
		y, _ := strconv.Atoi(b)
		return cmp.Compare(x, y)
	})
}

// need refuses, before anything is sent, what the server is too old for.
func (c *Client) need(feature string, since Version) error {
	if c.version == "" || c.version.Compare(since) >= 0 {
		return nil
	}
	return &UnsupportedError{Feature: feature, Needs: since, Server: c.version}
}
