package runtimes

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
)

// consoleLimit is how much text of one execution is kept: the first and the last half of it.
const consoleLimit = 1 << 20

// console collects what a worker and its children print. It always reads, so that a flood never blocks the worker.
// Text belongs to the execution that is running: begin opens it, the execution's mark in the text ends it. What comes
// between, from children left in the background, is dropped.
type console struct {
	mu         sync.Mutex
	mark       []byte
	ended      chan struct{} // closed when the mark was seen; nil outside an execution
	head, tail []byte
	dropped    int64
	held       []byte    // the beginning of what may be the mark
	out        io.Writer // gets all text as it comes; may be nil
}

// resume goes on with an execution's text after its mark was seen: there will be another one.
func (c *console) resume() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended == nil {
		c.ended = make(chan struct{})
	}
	return c.ended
}

// begin starts an execution's text; the channel is closed when its mark has been read.
func (c *console) begin(mark string) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mark, c.ended = []byte(mark), make(chan struct{})
	c.head, c.tail, c.dropped, c.held = nil, nil, 0, nil
	return c.ended
}

// end stops collecting, for when no mark will come.
func (c *console) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended != nil {
		c.keep(c.held)
		c.finish()
	}
}

func (c *console) finish() {
	close(c.ended)
	c.ended, c.held = nil, nil
}

// drain reads until the pipe ends or its deadline passes.
func (c *console) drain(f *os.File) {
	buf := make([]byte, 64<<10)
	for {
		n, err := f.Read(buf)
		c.add(buf[:n])
		if err != nil {
			return
		}
	}
}

func (c *console) add(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended == nil {
		c.show(p) // of a child in the background
		return
	}
	if len(c.held) > 0 {
		p = append(c.held, p...)
		c.held = nil
	}
	if i := bytes.Index(p, c.mark); i >= 0 {
		c.keep(p[:i])
		c.finish()
		c.show(p[i+len(c.mark):])
		return
	}
	// A mark that arrives in two pieces must not get into the text.
	for n := min(len(c.mark)-1, len(p)); n > 0; n-- {
		if bytes.HasSuffix(p, c.mark[:n]) {
			c.held = bytes.Clone(p[len(p)-n:])
			p = p[:len(p)-n]
			break
		}
	}
	c.keep(p)
}

// setOut makes w get all text from now on.
func (c *console) setOut(w io.Writer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = w
}

func (c *console) show(p []byte) {
	if c.out != nil && len(p) > 0 {
		_, _ = c.out.Write(p) // the worker goes on even if nobody reads
	}
}

func (c *console) keep(p []byte) {
	c.show(p)
	n := min(len(p), consoleLimit/2-len(c.head))
	c.head = append(c.head, p[:n]...)
	c.tail = append(c.tail, p[n:]...)
	if len(c.tail) > consoleLimit { // in large steps: each one copies
		c.trim()
	}
}

func (c *console) trim() {
	if n := len(c.tail) - consoleLimit/2; n > 0 {
		c.dropped += int64(n)
		c.tail = append(c.tail[:0], c.tail[n:]...)
	}
}

// text returns the text of the running or else the last execution.
func (c *console) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trim()
	s := string(c.head)
	if c.dropped > 0 {
		s += fmt.Sprintf("\n[%d bytes of output left out]\n", c.dropped)
	}
	return strings.ToValidUTF8(s+string(c.tail), "\uFFFD")
}
