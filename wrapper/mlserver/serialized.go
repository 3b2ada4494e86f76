package mlserver

import (
	"bufio"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/mlserver-go/mls/wrapper/internal/lazyregexp"
)

// PutObject streams a serialized object into the session under the given name: what R's serialize, saveRDS or save, or Python's
// dill, wrote. The R of servers is older than 3.5: write with version = 2.
//
// Servers are documented to take what R's serialize gives. What saveRDS wrote is that, compressed, and is sent without the
// compression. What save wrote, which is also what Object gives, goes through a file and a line of code.
//
// It stands for mrsdeploy's putLocalObject.
func (s *Session) PutObject(ctx context.Context, name string, serialized io.Reader) error {
	o, err := openObject(serialized)
	if err != nil {
		return err
	}
	put := s.setObject
	if o.image {
		put = s.putImage
	}
	err = put(ctx, name, o.Reader)
	if err != nil && o.version == 3 && ctx.Err() == nil {
		err = fmt.Errorf("%w\nit is in R's serialization format 3, which R before 3.5 cannot read: write it with version = 2", err)
	}
	return err
}

// serialized is an object without R's compression.
type serialized struct {
	io.Reader
	image   bool // whether save wrote it
	version int  // of R's format; 0: not R's, or not known
}

var savedImage = lazyregexp.New(`^RD[AX][23]\n`)

// openObject looks at how an object was written.
func openObject(content io.Reader) (*serialized, error) {
	head, r, err := peek(content)
	switch {
	case err != nil:
		return nil, err
	case head == "":
		return nil, errors.New("the serialized object is empty")
	case strings.HasPrefix(head, "\x1f\x8b"):
		if r, err = gzip.NewReader(r); err == nil {
			head, r, err = peek(r)
		}
	case strings.HasPrefix(head, "BZh"):
		head, r, err = peek(bzip2.NewReader(r))
	case strings.HasPrefix(head, "\xfd7zXZ"):
		err = errors.New(`the serialized object is compressed with xz: save it again in R with compress = "gzip"`)
	}
	if err != nil {
		return nil, err
	}
	o := &serialized{Reader: r}
	switch {
	case savedImage().MatchString(head):
		o.image, o.version = true, int(head[3]-'0')
	case strings.HasPrefix(head, "X\n\x00\x00\x00") && len(head) == 6:
		o.version = int(head[5])
	case strings.HasPrefix(head, "A\n3\n"):
		o.version = 3
	}
	return o, nil
}

// peek returns the first bytes and a reader of all. What can go back stays what it is: its length is known then, and the
// operating system can send it by itself.
func peek(r io.Reader) (head string, all io.Reader, err error) {
	var first [6]byte
	if s, ok := r.(io.Seeker); ok {
		if at, err := s.Seek(0, io.SeekCurrent); err == nil {
			n, err := io.ReadFull(r, first[:])
			if err == nil || err == io.EOF || err == io.ErrUnexpectedEOF {
				_, err = s.Seek(at, io.SeekStart)
			}
			return string(first[:n]), r, err
		}
	}
	b := bufio.NewReader(r)
	magic, err := b.Peek(len(first))
	if err == io.EOF {
		err = nil
	}
	return string(magic), b, err
}

// putImage gets an object out of what R's save wrote.
func (s *Session) putImage(ctx context.Context, name string, image io.Reader) (err error) {
	file := "mls-" + rand.Text() + ".RData"
	defer func() { // whatever has become of it: a snapshot must not have it
		lingering, cancel := linger(ctx)
		defer cancel()
		if failed := s.DeleteFile(lingering, file); !errors.Is(failed, ErrNotFound) {
			err = errors.Join(err, failed)
		}
	}()
	if err := s.PutFile(ctx, file, image); err != nil {
		return err
	}
	code := fmt.Sprintf(`local({
  e <- new.env()
  found <- load(%[1]s, envir = e)
  from <- if (%[2]s %%in%% found) %[2]s else if (length(found) == 1L) found else
    stop("the file has no object ", %[2]s, " but ", paste(found, collapse = ", "))
  assign(%[2]s, get(from, envir = e), envir = globalenv())
})`, strconv.Quote(file), strconv.Quote(name))
	_, err = s.Execute(ctx, code, Execution{})
	var failed *CodeError
	if errors.As(err, &failed) { // not the user's code, and R begins with where in it
		message := failed.Error()
		if _, after, ok := strings.Cut(message, " : "); ok && strings.HasPrefix(message, "Error in ") {
			message = after
		}
		return errors.New(strings.TrimSpace(message))
	}
	return err
}
