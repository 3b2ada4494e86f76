package runtimes

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/mlserver-go/mls/wrapper/internal/temp"
)

// Worker is a running R or Python process. Its methods may be called from several goroutines: one request runs at a
// time, the others wait for their turn as long as their contexts allow.
type Worker struct {
	interp   *Interpreter
	dir      string       // of the user's code
	tmp      string       // private: the harness, TMPDIR, files on their way
	folder   *temp.Folder // that
	cmd      *exec.Cmd
	requests *os.File
	replies  chan []byte
	console  *console
	local    *Local        // nil: a server's
	turn     chan struct{} // full while a request runs
	seq      uint64        // of the last request; belongs to whose turn it is
	grace    time.Duration

	done   chan struct{}
	status string // how the process ended; valid when done is closed

	mu     sync.Mutex
	cancel func() // of the running execution, or nil
}

// maxFrame bounds a reply, in bytes.
const maxFrame = 1 << 30

// readReplies passes frames on until the pipe ends. A frame that nobody asked for was written by the user's code; after
// that the worker cannot be trusted.
func (w *Worker) readReplies(f *os.File) {
	for {
		var head [4]byte
		if _, err := io.ReadFull(f, head[:]); err != nil {
			return
		}
		n := binary.BigEndian.Uint32(head[:])
		if n > maxFrame {
			w.Kill()
			return
		}
		b := make([]byte, n)
		if _, err := io.ReadFull(f, b); err != nil {
			return
		}
		select {
		case w.replies <- b:
		default:
			w.Kill()
		}
	}
}

// reap waits for the process to end. The pipes do not tell: children in the background keep them open.
func (w *Worker) reap(replies, console *os.File) {
	var readers sync.WaitGroup
	readers.Go(func() { w.readReplies(replies) })
	readers.Go(func() { w.console.drain(console) })
	_ = w.cmd.Wait() // ProcessState has it all
	killGroup(w.cmd.Process.Pid)
	// What was written before the end is still in the pipes.
	deadline := time.Now().Add(200 * time.Millisecond)
	_ = replies.SetReadDeadline(deadline)
	_ = console.SetReadDeadline(deadline)
	readers.Wait()
	replies.Close()
	console.Close()
	w.requests.Close()
	w.console.end()
	w.status = w.cmd.ProcessState.String()
	_ = w.folder.Remove()
	close(w.done)
}

func (w *Worker) gone() error {
	return &GoneError{Language: w.interp.Language, Status: w.status, Console: w.console.text()}
}

// outcome is what a request came to.
type outcome struct {
	reply *reply
	err   error
}

// do waits for its turn and sends a request. When ctx is done before the reply, an execution is cancelled and given a
// grace period; the worker stays busy until the reply comes.
func (w *Worker) do(ctx context.Context, m message, exec bool) (*reply, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case w.turn <- struct{}{}:
	case <-w.done:
		return nil, w.gone()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	cancelled := make(chan struct{})
	var once sync.Once
	cancel := func() { once.Do(func() { close(cancelled) }) }
	if exec {
		w.setCancel(cancel)
	}
	result := make(chan outcome, 1)
	go func() {
		r, err := w.exchange(m, exec, cancelled)
		w.setCancel(nil)
		<-w.turn
		result <- outcome{r, err}
	}()
	select {
	case o := <-result:
		return o.reply, o.err
	case <-ctx.Done():
	}
	if !exec {
		return nil, ctx.Err()
	}
	cancel()
	timer := time.NewTimer(w.grace)
	defer timer.Stop()
	select {
	case o := <-result:
		return o.reply, o.err
	case <-timer.C:
		return nil, ctx.Err()
	}
}

func (w *Worker) setCancel(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cancel = f
}

// exchange sends a request and waits for its reply, however long that takes. Interrupts are sent from here and nowhere
// else: one that came after the reply would hit the next execution.
func (w *Worker) exchange(m message, exec bool, cancelled <-chan struct{}) (*reply, error) {
	w.seq++
	m.id = strconv.FormatUint(w.seq, 10)
	var marked <-chan struct{}
	var before listing
	if exec {
		m.mark = newMark()
		m.flag = filepath.Join(w.tmp, "cancel")
		marked = w.console.begin(m.mark)
		if w.local == nil {
			before = list(w.dir)
		}
	}
	var interrupts <-chan time.Time
	if _, err := w.requests.Write(frame(m.encode(w.interp.Language))); err != nil {
		<-w.done // nothing else closes the pipe
		return nil, w.gone()
	}
	var call *calling // of the code, that is being answered
	var answer <-chan message
	defer func() {
		if call != nil {
			call.stop()
		}
	}()
	for {
		select {
		case <-cancelled:
			cancelled = nil
			if call != nil {
				call.stop()
			}
			// The interrupt may end no more than a child process, after which the code would go on; the harness
			// looks for this file between statements.
			if err := os.WriteFile(m.flag, nil, 0o600); err == nil {
				defer os.Remove(m.flag)
			}
			ticker := time.NewTicker(250 * time.Millisecond)
			defer ticker.Stop()
			interrupts = ticker.C
			interruptGroup(w.cmd.Process.Pid)
		case <-interrupts:
			interruptGroup(w.cmd.Process.Pid)
		case a := <-answer:
			call, answer = nil, nil
			if cancelled == nil {
				a = message{id: m.id, op: "interrupt"}
			}
			if _, err := w.requests.Write(frame(a.encode(w.interp.Language))); err != nil {
				<-w.done
				return nil, w.gone()
			}
		case b := <-w.replies:
			r, err := w.decode(b)
			if err != nil || r.id != m.id || r.call != "" && (w.local == nil || !exec || call != nil) {
				w.Kill() // something else writes to the reply pipe
				<-w.done
				return nil, w.gone()
			}
			if r.call == "" {
				return w.finish(r, marked, before), nil
			}
			w.await(marked)
			marked = w.console.resume()
			call = w.call(r)
			answer = call.done
			if cancelled == nil {
				call.stop()
			}
		case <-w.done:
			select {
			case b := <-w.replies: // its last words
				if r, err := w.decode(b); err == nil && r.id == m.id && r.call == "" {
					return w.finish(r, marked, before), nil
				}
			default:
			}
			return nil, w.gone()
		}
	}
}

func (w *Worker) finish(r *reply, marked <-chan struct{}, before listing) *reply {
	if marked == nil {
		return r
	}
	w.await(marked)
	r.console = w.console.text()
	if w.local == nil {
		r.changed = before.changed(list(w.dir), w.dir)
	}
	return r
}

// await waits until the text before a mark has been read.
func (w *Worker) await(marked <-chan struct{}) {
	patience := time.Second
	if w.local != nil {
		patience = time.Minute // who reads the text may be slow
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-marked:
	case <-w.done:
	case <-timer.C:
		w.console.end()
	}
}

// newMark returns what ends an execution's console text; nobody can guess it.
func newMark() string {
	var b [12]byte
	_, _ = rand.Read(b[:])
	return "\x02" + hex.EncodeToString(b[:]) + "\x03"
}

func frame(b []byte) []byte {
	return append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(b)), uint32(len(b))), b...)
}

// Console returns what the running execution has printed so far, or what the last one printed.
func (w *Worker) Console() string { return w.console.text() }

// Busy reports whether an execution is running.
func (w *Worker) Busy() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cancel != nil
}

// Cancel interrupts the running execution, if there is one, as Ctrl-C would, again and again until it ends. Code that
// ignores interrupts goes on; the session lives either way.
func (w *Worker) Cancel() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cancel != nil {
		w.cancel()
	}
}

// Done is closed when the process has ended.
func (w *Worker) Done() <-chan struct{} { return w.done }

// Kill ends the process and its children at once. [Worker.Done] tells when they have ended.
func (w *Worker) Kill() {
	select {
	case <-w.done: // the number may belong to another process by now
	default:
		killGroup(w.cmd.Process.Pid)
	}
}

// Close asks the process to end, kills it and its children when it does not within a few seconds, and waits. Its
// temporary files are gone afterwards.
func (w *Worker) Close() error {
	w.Cancel()
	w.requests.Close() // an idle worker ends at this
	timer := time.NewTimer(w.grace)
	defer timer.Stop()
	select {
	case <-w.done:
	case <-timer.C:
		w.Kill()
		<-w.done
	}
	return nil
}
