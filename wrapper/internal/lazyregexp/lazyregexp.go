// Package lazyregexp compiles regular expressions when they are first used: the many of the command would else take a fifth of its
// start, whatever it does then.
package lazyregexp

import (
	"regexp"
	"sync"
)

// New is regexp.MustCompile at the first call of what it returns.
func New(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}
