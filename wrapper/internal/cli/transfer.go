package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/mlserver-go/mls/wrapper/transport"
)

// transfer shows at a terminal how far something is on its way, once it takes longer than a moment.
type transfer struct {
	to   io.Writer
	bar  bool // whether that is a terminal
	now  func() time.Time
	what string

	size  int64 // 0: not known
	done  int64
	began time.Time
	shown time.Time // zero: not yet
}

// A transfer is shown after a while, and then now and again.
const (
	transferPatience = 500 * time.Millisecond
	transferPause    = 100 * time.Millisecond
)

var _ transport.Sized = writing{}

// writing counts what is written, reading what is read.
type (
	writing struct {
		*transfer
		io.Writer
	}
	reading struct {
		*transfer
		io.Reader
	}
)

func (a *app) transfer(what string, size int64) *transfer {
	return &transfer{to: a.err, bar: isTerminal(a.err), now: a.now, what: what, size: size, began: a.now()}
}

func (a *app) download(what string, to io.Writer) (io.Writer, *transfer) {
	t := a.transfer(what, 0)
	return writing{t, to}, t
}

func (a *app) upload(what string, from io.Reader, size int64) (io.Reader, *transfer) {
	t := a.transfer(what, size)
	return reading{t, from}, t
}

// Expect is told how many bytes there will be.
func (t *transfer) Expect(size int64) { t.size = size }

func (w writing) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	w.add(n)
	return n, err
}

func (r reading) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.add(n)
	return n, err
}

func (t *transfer) add(n int) {
	t.done += int64(n)
	now := t.now()
	since, pause := t.shown, transferPause
	if since.IsZero() {
		since, pause = t.began, transferPatience
	}
	if t.bar && now.Sub(since) >= pause {
		t.shown = now
		fmt.Fprintf(t.to, "\r%-78s", t.line(now))
	}
}

func (t *transfer) line(now time.Time) string {
	const width, mega = 30, 1 << 20
	line := printable(t.what) + ": "
	if t.size > 0 {
		part := min(float64(t.done)/float64(t.size), 1)
		filled := int(part * width)
		line += fmt.Sprintf("[%s%s] %3.0f %% of %.1f MiB", strings.Repeat("#", filled), strings.Repeat(".", width-filled), 100*part, float64(t.size)/mega)
	} else {
		line += fmt.Sprintf("%.1f MiB", float64(t.done)/mega)
	}
	return line + fmt.Sprintf(", %.1f MiB/s", float64(t.done)/mega/max(now.Sub(t.began).Seconds(), 0.001))
}

// end takes the line away.
func (t *transfer) end() {
	if !t.shown.IsZero() {
		fmt.Fprintf(t.to, "\r%78s\r", "")
	}
}
