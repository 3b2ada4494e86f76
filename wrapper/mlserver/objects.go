package mlserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// LeftoverError says what is left on the server of a publish or update that was done itself.
type LeftoverError struct {
	Session, Snapshot string // ids, or the name that both would have when an id is not known; empty: it is gone
	Err               error
}

func (e *LeftoverError) Error() string {
	text := "temporary"
	if e.Session != "" {
		text += " session " + e.Session
	}
	if e.Session != "" && e.Snapshot != "" {
		text += " and"
	}
	if e.Snapshot != "" {
		text += " snapshot " + e.Snapshot
	}
	return fmt.Sprintf("%s could not be deleted: %v", text, e.Err)
}

// Unwrap returns why it could not be deleted.
func (e *LeftoverError) Unwrap() error { return e.Err }

// ObjectError says which object of a Definition or Change could not be read, sent, or understood by the server. Nothing was
// published or changed.
type ObjectError struct {
	Name string
	Err  error
}

func (e *ObjectError) Error() string { return fmt.Sprintf("object %q: %v", e.Name, e.Err) }

// Unwrap gives what is wrong with it.
func (e *ObjectError) Unwrap() error { return e.Err }

// cleanupTime is how long the server gets, once ctx has ended, to say what it has made and to undo it.
const cleanupTime = 10 * time.Second

// staging is the session and the snapshot through which objects get into a service. Both bear a name of their own, by which
// they are found when the answer that would have told the id was lost.
type staging struct {
	client   *Client
	name     string
	session  string // id; empty: none, or not known
	snapshot string
	lost     bool // whether an answer was lost
}

// staged uploads objects into a temporary session, that of a snapshot if base names one, and gives use a snapshot of it.
func (c *Client) staged(ctx context.Context, runtime Runtime, base string, objects map[string]io.Reader, use func(snapshot string) error) error {
	if len(objects) == 0 {
		return use(base)
	}
	t := &staging{client: c, name: "publishing-" + rand.Text()}
	err := t.run(ctx, runtime, base, objects, use)
	return errors.Join(err, t.remove(ctx))
}

func (t *staging) run(ctx context.Context, runtime Runtime, base string, objects map[string]io.Reader, use func(string) error) error {
	lingering, cancel := linger(ctx)
	defer cancel()
	session, err := t.client.NewSession(lingering, SessionOptions{Name: t.name, Runtime: runtime, SnapshotID: base})
	if err != nil {
		return t.failed(ctx, err)
	}
	t.session = session.id
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		if err := session.PutObject(ctx, name, objects[name]); err != nil {
			return &ObjectError{name, err}
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if t.snapshot, err = session.Snapshot(lingering, t.name); err != nil {
		return t.failed(ctx, err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return use(t.snapshot)
}

// failed notes an answer that was lost: the server may have done what it was asked.
func (t *staging) failed(ctx context.Context, err error) error {
	var answered *Error
	t.lost = !errors.As(err, &answered)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// remove deletes session and snapshot, whether or not ctx has ended.
func (t *staging) remove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	left := &LeftoverError{}
	if t.lost {
		if err := t.find(ctx); err != nil {
			left.Session, left.Err = t.name, err
		}
	}
	if t.session != "" {
		if err := t.client.Session(t.session).ForceClose(ctx); err != nil && !isGone(err) {
			left.Session, left.Err = t.session, err
		}
	}
	if t.snapshot != "" {
		if err := t.client.DeleteSnapshot(ctx, t.snapshot); err != nil && !isGone(err) {
			left.Snapshot, left.Err = t.snapshot, err
		}
	}
	if left.Err != nil {
		return left
	}
	return nil
}

// find looks for what bears our name.
func (t *staging) find(ctx context.Context) error {
	open, err := t.client.Sessions(ctx)
	if err != nil {
		return err
	}
	for _, s := range open {
		if s.Name == t.name {
			t.session = s.ID
		}
	}
	kept, err := t.client.Snapshots(ctx)
	if err != nil {
		return err
	}
	for _, s := range kept {
		if s.Name == t.name {
			t.snapshot = s.ID
		}
	}
	return nil
}

func isGone(err error) bool { return errors.Is(err, ErrNotFound) || errors.Is(err, ErrGone) }

// linger is a context that ends a while after ctx: time to learn what the server has made.
func linger(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(cleanupTime, cancel)
		context.AfterFunc(longer, func() { timer.Stop() })
	})
	return longer, func() { stop(); cancel() }
}
