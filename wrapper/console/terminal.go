package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/peterh/liner"
	"golang.org/x/term"
)

// Terminal reads lines at the terminal of this process, with the keys that shells have: arrows, Ctrl-R, Tab, Ctrl-C.
type Terminal struct {
	// Complete gives what the word before a position of the line, in bytes, can become.
	Complete func(line string, pos int) []string

	state   *liner.State
	out     *Screen
	history *history
	reading chan struct{} // held while somebody reads
}

// NewTerminal takes the terminal over; Close gives it back. The history is read from a file and kept there, unless it is empty.
func NewTerminal(out *Screen, historyFile string) (*Terminal, error) {
	if !term.IsTerminal(int(os.Stdin.Fd())) || !term.IsTerminal(int(os.Stdout.Fd())) {
		return nil, errors.New("this is no terminal")
	}
	h, err := openHistory(historyFile)
	if err != nil {
		return nil, fmt.Errorf("the history cannot be read: %w", err)
	}
	t := &Terminal{state: liner.NewLiner(), out: out, history: h, reading: make(chan struct{}, 1)}
	t.state.SetCtrlCAborts(true)
	t.state.SetMultiLineMode(true)
	t.state.SetTabCompletionStyle(liner.TabPrints)
	t.state.SetWordCompleter(t.complete)
	for _, line := range h.lines {
		t.state.AppendHistory(line)
	}
	return t, nil
}

// Line shows the prompt and reads a line.
func (t *Terminal) Line(ctx context.Context, prompt string) (string, error) {
	return t.read(ctx, prompt, t.state.Prompt)
}

// Secret is Line that shows no answer.
func (t *Terminal) Secret(ctx context.Context, prompt string) (string, error) {
	return t.read(ctx, prompt, t.state.PasswordPrompt)
}

func (t *Terminal) read(ctx context.Context, prompt string, read func(string) (string, error)) (string, error) {
	select {
	case t.reading <- struct{}{}:
	default:
		return "", errors.New("somebody is being asked already")
	}
	t.out.freshLine() // or the line editor would write over the last line of the code's output
	typed := make(chan typedLine, 1)
	go func() {
		text, err := read(printable(prompt))
		<-t.reading
		typed <- typedLine{text, err}
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case l := <-typed:
		t.out.typed()
		if errors.Is(l.err, liner.ErrPromptAborted) {
			return "", ErrDropped
		}
		if errors.Is(l.err, io.EOF) {
			fmt.Println()
		}
		return l.text, l.err
	}
}

// printable leaves out what the line editor refuses in a prompt.
func printable(prompt string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.C, r) {
			return -1
		}
		return r
	}, prompt)
}

// Remember puts a line into the history.
func (t *Terminal) Remember(line string) {
	if t.history.add(line) {
		t.state.AppendHistory(line)
	}
}

// Close gives the terminal back as it was.
func (t *Terminal) Close() error { return errors.Join(t.state.Close(), t.history.close()) }

// complete answers the Tab key. At the beginning of a line it indents.
func (t *Terminal) complete(line string, pos int) (head string, words []string, tail string) {
	runes := []rune(line)
	head, tail = string(runes[:pos]), string(runes[pos:])
	if strings.TrimSpace(head) == "" {
		return head, []string{"    "}, tail
	}
	if t.Complete == nil {
		return head, nil, tail
	}
	words = t.Complete(line, len(head))
	if len(words) == 0 {
		return head, nil, tail
	}
	return head[:len(head)-overlap(head, words[0])], words, tail
}

// overlap is how many bytes at the end of the line the word begins with.
func overlap(line, word string) int {
	for n := min(len(line), len(word)); n > 0; n-- {
		if strings.HasSuffix(line, word[:n]) && utf8.RuneStart(line[len(line)-n]) {
			return n
		}
	}
	return 0
}
