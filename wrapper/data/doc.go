// Package data has the values that go into R and Python code on a server and come out of it: vectors, matrices and data frames,
// with types of their own and with NA. They are written to and read from JSON directly, many times faster than by way of
// encoding/json, which can have them too.
package data
