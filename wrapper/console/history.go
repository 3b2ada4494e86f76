package console

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/mlserver-go/mls/wrapper/internal/lazyregexp"
	"github.com/mlserver-go/mls/wrapper/internal/temp"
)

// historyLines is how many lines are kept.
const historyLines = 1000

// history is what was typed, in this and earlier runs.
type history struct {
	lines []string
	last  string
	file  *os.File // nil: it is not kept
}

// openHistory reads the history in a file that only its owner can read; one that has become long is shortened.
func openHistory(file string) (*history, error) {
	if file == "" {
		return &history{}, nil
	}
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	h := &history{}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimRight(line, "\r\n"); line != "" && utf8.ValidString(line) {
			h.lines = append(h.lines, line)
		}
	}
	if len(h.lines) > 2*historyLines {
		h.lines = h.lines[len(h.lines)-historyLines:]
		if err := temp.WriteFile(file, func(w io.Writer) error {
			_, err := io.WriteString(w, strings.Join(h.lines, "\n")+"\n")
			return err
		}); err != nil {
			return nil, err
		}
	}
	if len(h.lines) > 0 {
		h.last = h.lines[len(h.lines)-1]
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, err
	}
	h.file, err = os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return h, err
}

// secret matches lines that may have a password, or another secret, in them.
var secret = lazyregexp.New(`(?i)(password|passwd|pwd|secret|token|api_?key)\w*["']?\s*(=|<-|:)`)

// add keeps a line, and tells whether it did: one that may hold a secret is not kept, nor is the line before once more.
func (h *history) add(line string) bool {
	if line == h.last || secret().MatchString(line) || strings.ContainsAny(line, "\r\n") {
		return false
	}
	h.last = line
	if h.file != nil {
		_, _ = h.file.WriteString(line + "\n") // the line was typed all the same
	}
	return true
}

func (h *history) close() error {
	if h.file == nil {
		return nil
	}
	return h.file.Close()
}
