package mlserver

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/mlserver-go/mls/gen/v930/sessions"
)

// Objects lists the names of the objects in the session's workspace.
func (s *Session) Objects(ctx context.Context) ([]string, error) {
	ok, err := s.client.api.Sessions.ListWorkspaceObjectsContext(ctx, &sessions.ListWorkspaceObjectsParams{ID: s.id})
	if err != nil {
		return nil, err
	}
	return ok.Payload, nil
}

func (s *Session) setObject(ctx context.Context, name string, o io.Reader) error {
	_, err := s.client.api.Sessions.SetWorkspaceObjectContext(ctx, &sessions.SetWorkspaceObjectParams{
		ID: s.id, ObjectName: name, SerializedObject: io.NopCloser(o),
	})
	return err
}

// PutWorkspace sends the named objects, each as open gives it, as PutObject does. One that cannot be sent does not keep back the
// others; the error names it. It stands for mrsdeploy's putLocalWorkspace.
func (s *Session) PutWorkspace(ctx context.Context, names []string, open func(name string) (io.ReadCloser, error)) error {
	return each(ctx, names, func(name string) error {
		r, err := open(name)
		if err != nil {
			return err
		}
		defer r.Close()
		return s.PutObject(ctx, name, r)
	})
}

// Workspace fetches all objects, each into what create returns for its name, as Object does. One that has no serialized form, or
// that create has an error for, does not keep back the others; the error names it. It stands for mrsdeploy's getRemoteWorkspace.
func (s *Session) Workspace(ctx context.Context, create func(name string) (io.WriteCloser, error)) error {
	names, err := s.Objects(ctx)
	if err != nil {
		return err
	}
	return each(ctx, names, func(name string) error {
		w, err := create(name)
		if err != nil {
			return err
		}
		return errors.Join(s.Object(ctx, name, w), w.Close())
	})
}

// each does something with all objects, and returns what went wrong.
func each(ctx context.Context, names []string, do func(name string) error) error {
	var errs []error
	for _, name := range names {
		if ctx.Err() != nil {
			return errors.Join(append(errs, ctx.Err())...)
		}
		if err := do(name); err != nil {
			errs = append(errs, fmt.Errorf("object %q: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// Object streams an object of the session to dst: an .RData stream from R, a dill stream from Python. Outputs of Execute are
// the better way for values that have a JSON form. It stands for mrsdeploy's getRemoteObject.
func (s *Session) Object(ctx context.Context, name string, dst io.Writer) error {
	_, err := s.client.api.Sessions.GetWorkspaceObjectContext(ctx, &sessions.GetWorkspaceObjectParams{ID: s.id, ObjectName: name}, dst)
	return err
}

// DeleteObject removes an object from the session.
func (s *Session) DeleteObject(ctx context.Context, name string) error {
	_, err := s.client.api.Sessions.DeleteWorkspaceObjectContext(ctx, &sessions.DeleteWorkspaceObjectParams{ID: s.id, ObjectName: name})
	return err
}
