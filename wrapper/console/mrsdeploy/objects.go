package mrsdeploy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// putObject stands behind mrsdeploy's putLocalObject and putLocalWorkspace: it sends an object that the local process has
// written to a file.
func (l *Local) putObject(ctx context.Context, s *mlserver.Session, a args) (answer, error) {
	name, err := a.needed("name")
	if err != nil {
		return nil, err
	}
	return nil, l.sendObject(ctx, s, name, a)
}

func (l *Local) sendObject(ctx context.Context, s *mlserver.Session, name string, a args) error {
	path, err := a.needed("path")
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := s.PutObject(ctx, name, f); err != nil {
		return fmt.Errorf("object %q: %w", name, err)
	}
	return nil
}

// putIntoList sends a named list, and adds its elements to the remote list of that name, which is made if need be.
func (l *Local) putIntoList(ctx context.Context, s *mlserver.Session, a args) (answer, error) {
	name, err := a.needed("name")
	if err != nil {
		return nil, err
	}
	const passing = ".mrsdeploy_passing"
	code := fmt.Sprintf(`local({
  l <- get0(%[1]s, globalenv(), inherits = FALSE, ifnotfound = list())
  if (!is.list(l)) stop("the remote object ", %[1]s, " is no list")
  l[names(%[2]s)] <- %[2]s
  assign(%[1]s, l, envir = globalenv())
}); rm(%[2]s)`, strconv.Quote(name), passing)
	sent := passing
	if l.o.Language == runtimes.Python {
		sent = "_mrsdeploy_passing"
		code = fmt.Sprintf("globals()[%[1]q] = {**globals().get(%[1]q, {}), **%[2]s}\ndel %[2]s", name, sent)
	}
	if err := l.sendObject(ctx, s, sent, a); err != nil {
		return nil, err
	}
	_, err = s.Execute(ctx, code, mlserver.Execution{})
	var failed *mlserver.CodeError
	if errors.As(err, &failed) {
		return nil, errors.New(withoutCall(failed.Error()))
	}
	return nil, err
}

// withoutCall takes from an R error where in our own code it was.
func withoutCall(message string) string {
	if _, after, ok := strings.Cut(message, " : "); ok && strings.HasPrefix(message, "Error in ") {
		message = after
	}
	return strings.TrimSpace(message)
}

// getObject stands behind mrsdeploy's getRemoteObject and getRemoteWorkspace: it writes an object of the session to a file,
// which the local process reads.
func getObject(ctx context.Context, s *mlserver.Session, a args) (answer, error) {
	name, err := a.needed("name")
	if err != nil {
		return nil, err
	}
	path, err := a.needed("path")
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	err = s.Object(ctx, name, f)
	return nil, errors.Join(err, f.Close())
}

// listObjects names the objects of the session.
func listObjects(ctx context.Context, s *mlserver.Session, _ args) (answer, error) {
	names, err := s.Objects(ctx)
	if err != nil {
		return nil, err
	}
	return answer{}.with("names", runtimes.AsTexts, append([]string{}, names...)), nil
}
