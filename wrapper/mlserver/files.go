package mlserver

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/mlserver-go/mls/gen/v930/sessions"
	"github.com/mlserver-go/mls/wrapper/transport"
)

// Files lists the files in the session's working directory. It stands for mrsdeploy's listRemoteFiles.
func (s *Session) Files(ctx context.Context) ([]string, error) {
	ok, err := s.client.api.Sessions.ListSessionFilesContext(ctx, &sessions.ListSessionFilesParams{ID: s.id})
	if err != nil {
		return nil, err
	}
	return ok.Payload, nil
}

// PutFile streams a file into the session's working directory under the given name, replacing one of that name. A name with
// slashes is refused: servers would take its last part.
// It stands for mrsdeploy's putLocalFile.
func (s *Session) PutFile(ctx context.Context, name string, content io.Reader) error {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\\\x00") {
		return fmt.Errorf("%q is no name for a file in a session's working directory: it must have no slashes", name)
	}
	_, err := s.client.api.Sessions.UploadSessionFileContext(ctx, &sessions.UploadSessionFileParams{
		ID:   s.id,
		File: transport.File(name, content),
	})
	return err
}

// File streams a file of the session's working directory, byte for byte, to dst. After an error dst may hold a part of it: a
// file that is shorter than the server has said gives one. A dst that is a transport.Sized is told the length before.
// It stands for mrsdeploy's getRemoteFile.
func (s *Session) File(ctx context.Context, name string, dst io.Writer) error {
	_, err := s.client.api.Sessions.GetSessionFileContext(ctx, &sessions.GetSessionFileParams{ID: s.id, FileName: name}, dst)
	return err
}

// DeleteFile deletes a file of the session's working directory. It stands for mrsdeploy's deleteRemoteFile.
func (s *Session) DeleteFile(ctx context.Context, name string) error {
	_, err := s.client.api.Sessions.DeleteSessionFileContext(ctx, &sessions.DeleteSessionFileParams{ID: s.id, FileName: name})
	return err
}
