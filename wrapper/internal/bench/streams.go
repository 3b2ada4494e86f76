package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
)

// streamTasks send and fetch a file, which the operating system has in memory. What they are compared with is io.Copy
// between the file and a bare connection.
func streamTasks(s *Stub) ([]task, error) {
	client, err := newClient(Target{URL: s.Plain})
	if err != nil {
		return nil, err
	}
	session := client.Session("s")
	up := func(send func(context.Context, *os.File) error) func(context.Context) error {
		return func(ctx context.Context) error {
			f, err := os.Open(s.File)
			if err != nil {
				return err
			}
			defer f.Close()
			return send(ctx, f)
		}
	}
	copyUp := up(func(_ context.Context, f *os.File) error {
		return dial(s.Up, func(c *net.TCPConn) error {
			if _, err := io.Copy(c, f); err != nil {
				return err
			}
			if err := c.CloseWrite(); err != nil {
				return err
			}
			_, err := io.ReadFull(c, make([]byte, 1))
			return err
		})
	})
	object := up(func(ctx context.Context, f *os.File) error { return session.PutObject(ctx, "object", f) })
	form := up(func(ctx context.Context, f *os.File) error { return session.PutFile(ctx, "file", f) })
	down := func(ctx context.Context) error {
		w := &counter{}
		if err := session.File(ctx, "file", w); err != nil {
			return err
		}
		return w.check(s.FileSize)
	}
	copyDown := func(context.Context) error {
		w := &counter{}
		if err := dial(s.Down, func(c *net.TCPConn) error { _, err := io.Copy(w, c); return err }); err != nil {
			return err
		}
		return w.check(s.FileSize)
	}
	size := fmt.Sprintf("%d MiB", s.FileSize>>20)
	return []task{
		{size + " up, octet stream", object, copyUp},
		{size + " up, multipart", form, copyUp},
		{size + " down", down, copyDown},
	}, nil
}

func dial(address string, use func(*net.TCPConn) error) error {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return errors.New("not TCP")
	}
	return errors.Join(use(tcp), tcp.Close())
}

// counter is a destination that keeps nothing.
type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

func (c *counter) check(want int64) error {
	if c.n != want {
		return fmt.Errorf("got %d bytes, want %d", c.n, want)
	}
	return nil
}

// makeFile makes the file to send, of a size in MiB.
func makeFile(mib int) (string, error) {
	f, err := os.CreateTemp("", "mls-bench-")
	if err != nil {
		return "", err
	}
	block := make([]byte, 1<<20)
	for i := range block {
		block[i] = byte(i * 7)
	}
	for range mib {
		if _, err = f.Write(block); err != nil {
			break
		}
	}
	if err := errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}
