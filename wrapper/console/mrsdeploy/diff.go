package mrsdeploy

import (
	"context"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// environmentCode gives the local process the code that finds out what is installed there.
func (l *Local) environmentCode(context.Context, args) (answer, error) {
	code, outputs := mlserver.EnvironmentCode(mlserver.Runtime(l.o.Language))
	return answer{}.with("code", "character", code).with("outputs", runtimes.AsTexts, outputs), nil
}

// diff stands behind mrsdeploy's diffLocalRemote.
func (l *Local) diff(ctx context.Context, a args) (answer, error) {
	s, err := l.session()
	if err != nil {
		return nil, err
	}
	var found mlserver.Outputs
	if err := a.decode("found", &found); err != nil {
		return nil, err
	}
	here, err := mlserver.EnvironmentOf(mlserver.Runtime(l.o.Language), found)
	if err != nil {
		return nil, err
	}
	there, err := s.Environment(ctx)
	if err != nil {
		return nil, err
	}
	d := here.Diff(there)
	return answer{}.with("report", "character", d.String()).with("differs", "logical", !d.Empty()), nil
}
