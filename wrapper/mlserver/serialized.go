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
	"regexp"
	"strconv"
	"strings"
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
	err = put(ctx, name, o)
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

var savedImage = regexp.MustCompile(`^RD[AX][23]\n`)

// openObject looks at how an object was written.
func openObject(content io.Reader) (*serialized, error) {
	b := bufio.NewReader(content)
	switch magic, err := b.Peek(6); {
	case err != nil && err != io.EOF:
		return nil, err
	case len(magic) == 0:
		return nil, errors.New("the serialized object is empty")
	case strings.HasPrefix(string(magic), "\x1f\x8b"):
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, err
		}
		b = bufio.NewReader(z)
	case strings.HasPrefix(string(magic), "BZh"):
		b = bufio.NewReader(bzip2.NewReader(b))
	case strings.HasPrefix(string(magic), "\xfd7zXZ"):
		return nil, errors.New(`the serialized object is compressed with xz: save it again in R with compress = "gzip"`)
	}
	head, err := b.Peek(6)
	if err != nil && err != io.EOF {
		return nil, err
	}
	o := &serialized{Reader: b}
	switch text := string(head); {
	case savedImage.MatchString(text):
		o.image, o.version = true, int(text[3]-'0')
	case strings.HasPrefix(text, "X\n\x00\x00\x00") && len(text) == 6:
		o.version = int(text[5])
	case strings.HasPrefix(text, "A\n3\n"):
		o.version = 3
	}
	return o, nil
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
