package console

import (
	"bufio"
	"context"
	"io"
	"strings"

	"github.com/mlserver-go/mls/wrapper/internal/lazyregexp"
)

// Piped reads lines from something that is no terminal, and shows them with their prompts, so that what is printed reads as if
// somebody had typed them.
type Piped struct {
	in   *bufio.Reader
	out  *Screen
	echo bool
	next chan typedLine // of the read that is under way; nil: none is
}

type typedLine struct {
	text string
	err  error
}

// NewPiped reads from in. With echo the lines are shown as well as the prompts; a terminal shows them itself.
func NewPiped(in io.Reader, out *Screen, echo bool) *Piped {
	return &Piped{in: bufio.NewReader(in), out: out, echo: echo}
}

// given matches passwords that code gives.
var given = lazyregexp.New(`(?i)\b(password["']?\s*(?:=|<-|:)\s*)(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')`)

// Line shows the prompt and reads a line.
func (p *Piped) Line(ctx context.Context, prompt string) (string, error) {
	_, _ = io.WriteString(p.out, prompt)
	line, err := p.read(ctx)
	switch {
	case err != nil:
		p.out.freshLine()
	case p.echo:
		_, _ = io.WriteString(p.out, given().ReplaceAllString(line, `$1"********"`)+"\n")
	default:
		p.out.typed()
	}
	return line, err
}

// Secret is Line that shows no answer.
func (p *Piped) Secret(ctx context.Context, prompt string) (string, error) {
	_, _ = io.WriteString(p.out, prompt)
	line, err := p.read(ctx)
	p.out.freshLine()
	return line, err
}

// read reads a line, as long as ctx lasts. The next call gets what came too late for this one.
func (p *Piped) read(ctx context.Context) (string, error) {
	if p.next == nil {
		next := make(chan typedLine, 1)
		p.next = next
		go func() {
			text, err := p.in.ReadString('\n')
			if err != nil && text != "" { // the last line need not end
				err = nil
			}
			next <- typedLine{strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r"), err}
		}()
	}
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case l := <-p.next:
		p.next = nil
		return l.text, l.err
	}
}

// Remember does nothing: what is piped in is in a file already.
func (p *Piped) Remember(string) {}
