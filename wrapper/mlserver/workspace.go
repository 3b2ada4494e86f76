package mlserver

import (
	"context"
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

// PutObject streams a serialized object into the session under the given name: what R's serialize or saveRDS, or Python's
// dill, wrote. It stands for mrsdeploy's putLocalObject.
func (s *Session) PutObject(ctx context.Context, name string, serialized io.Reader) error {
	_, err := s.client.api.Sessions.SetWorkspaceObjectContext(ctx, &sessions.SetWorkspaceObjectParams{
		ID: s.id, ObjectName: name, SerializedObject: io.NopCloser(serialized),
	})
	return err
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
