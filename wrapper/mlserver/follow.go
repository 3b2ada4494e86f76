package mlserver

import (
	"context"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// The server has no stream of a running execution's text: it is asked for the whole of it again and again. Soon at first, and
// less and less often while nothing comes. Until there is something to see the pause stays short, so that the first output is
// seen a quarter of a second after it was printed, at most; between later ones it may be longer. A server that answers slowly
// is asked less often: it is at rest for as long as it has worked, at least.
const (
	firstPause   = 20 * time.Millisecond
	silentPause  = 200 * time.Millisecond // the longest before the first output
	longestPause = time.Second            // and after it
)

// Follow copies the console's text to w, while and as it appears, until ctx ends: that of the execution that runs, or else the
// last one, and then of those that follow. Lines end with "\n", whatever the server has. The error is that of ctx, or of a
// server that does not answer.
func (s *Session) Follow(ctx context.Context, w io.Writer) error {
	f := &follower{w: w, began: true}
	return f.run(ctx, s.Console)
}

// follower copies a console text, of which it gets to see ever longer versions, to w.
type follower struct {
	w       io.Writer
	printed string // what w has, or what the server has since put in its place

	// Until the server has begun, it gives the text of the execution before.
	began bool                       // whether the text is known to be no longer that
	old   string                     // that text
	grows bool                       // whether that execution may still run
	begun func(context.Context) bool // asks otherwise; it may not know
}

// run asks for the text until ctx ends, or the server refuses, or has been away for too long.
func (f *follower) run(ctx context.Context, text func(context.Context) (string, error)) error {
	var p pace
	for pause := firstPause; ; {
		if err := p.rest(ctx, pause); err != nil {
			return err
		}
		t, err := text(ctx)
		if err := p.bear(ctx, err); err != nil {
			return err
		}
		if err == nil && f.waits(t) && f.begun(ctx) {
			f.began = true // between the two answers
			continue
		}
		switch most := longestPause; {
		case err == nil && f.show(t):
			pause = firstPause
		default:
			if f.printed == "" {
				most = silentPause
			}
			pause = min(most, pause*3/2)
		}
	}
}

// show copies what is new in a text that may go on, and tells whether there was something. What may be the first half of
// something stays back: of a character, of the end of a line.
func (f *follower) show(text string) bool {
	return f.copy(strings.TrimRight(text, "\uFFFD\r"))
}

// finish copies what is left of an execution's whole text.
func (f *follower) finish(text string) {
	f.began = true
	f.copy(text)
}

func (f *follower) copy(text string) bool {
	text = newlines(text)
	if f.waits(text) {
		return false
	}
	f.began = true
	news := unseen(f.printed, text)
	f.printed = text
	if news == "" {
		return false
	}
	_, _ = io.WriteString(f.w, news) // a reader that has gone needs no text
	return true
}

// waits tells whether a text seems to be that of the execution before, which may have grown.
func (f *follower) waits(text string) bool {
	if f.began {
		return false
	}
	text = trimmed(newlines(text))
	if f.grows && strings.HasPrefix(text, f.old) {
		f.old = text
	}
	return text == f.old
}

// unseen is the part of text that is not in printed, an earlier version of it. Servers keep only so much: of a long text the
// beginning and the end, with a word in between about what they left out, so that a later version is not always a longer
// one. Then what was printed last is looked for in what differs; when it is not there any more, all of that is news.
func unseen(printed, text string) string {
	if news, ok := strings.CutPrefix(text, printed); ok {
		return news
	}
	const enough = 4 << 10 // to recognize a place by
	same := 0
	for same < min(len(printed), len(text)) && printed[same] == text[same] {
		same++
	}
	for same > 0 && same < len(text) && !utf8.RuneStart(text[same]) {
		same--
	}
	last, rest := printed[min(same, len(printed)):], text[same:]
	if len(last) < enough {
		return rest
	}
	last = last[len(last)-enough:]
	if i := strings.LastIndex(rest, last); i >= 0 {
		return rest[i+len(last):]
	}
	return rest
}

// newlines makes lines end as they do here, not as on a server with Windows.
func newlines(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }

// trimmed is a text without what may be missing at its end.
func trimmed(text string) string { return strings.TrimRight(text, "\n\r\uFFFD") }

// lastText is the code of a session's last execution, and what the console showed at its end, as far as this process knows.
type lastText struct {
	mu         sync.Mutex
	known      bool
	code, text string
}

func (l *lastText) set(code, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known, l.code, l.text = true, code, trimmed(newlines(text))
}

// forget is for an execution that may have begun, and of which nothing is known.
func (l *lastText) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known = false
}

func (l *lastText) get() (code, text string, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.code, l.text, l.known
}

// follow starts copying the text of code that is about to be sent. It may print the same as the code before, or be the same: then
// the session's history tells that it has begun.
func (s *Session) follow(ctx context.Context, code string, w io.Writer) (finish func(*Result)) {
	before, old, known := s.last.get()
	if !known { // another process may have run something, or still run it
		if text, err := s.Console(ctx); err == nil { // else the execution meets the same trouble, and reports it
			old = trimmed(newlines(text))
		}
	}
	f := &follower{w: w, old: old, began: old == "", grows: !known}
	earlier := -1
	if !f.began && (!known || before == code) {
		if history, err := s.History(ctx); err == nil {
			earlier = len(history)
		}
	}
	f.begun = func(ctx context.Context) bool {
		history, err := s.History(ctx)
		if n := len(history); err == nil && n > 0 {
			return n > earlier && history[n-1] == code
		}
		return false
	}
	return s.copyConsole(ctx, f)
}

// copyConsole lets f copy until finish stops it. Of the text of a result what is not copied yet is copied then.
func (s *Session) copyConsole(ctx context.Context, f *follower) (finish func(*Result)) {
	ctx, stop := context.WithCancel(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = f.run(ctx, s.Console) // the execution is what matters, and it has all of the text at its end
	}()
	return func(r *Result) {
		stop()
		<-stopped
		if r != nil {
			f.finish(r.Console)
		}
	}
}
