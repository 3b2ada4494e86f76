package mrsdeploy

import (
	"context"
	"errors"
	"io"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// environmentCode gives the local process the code that finds out what is installed there.
func (l *Local) environmentCode(context.Context, args) (answer, error) {
	code, outputs := mlserver.EnvironmentCode(mlserver.Runtime(l.o.Language))
	return answer{}.with("code", "character", code).with("outputs", runtimes.AsTexts, outputs), nil
}

// Differences prints what code that runs here may miss in the session, if anything: what remoteLogin does with diff = TRUE.
func (l *Local) Differences(ctx context.Context) error {
	code, names := mlserver.EnvironmentCode(mlserver.Runtime(l.o.Language))
	request := runtimes.Request{Code: code}
	for _, name := range names {
		request.Outputs = append(request.Outputs, runtimes.Output{Name: name})
	}
	r, err := l.worker.Call(ctx, request)
	switch {
	case err != nil:
		return err
	case r.Kind == runtimes.KindInterrupt:
		return ErrInterrupted
	case !r.Success:
		return errors.New(r.Error)
	}
	found := mlserver.Outputs{}
	for _, o := range r.Outputs {
		found = append(found, mlserver.Output{Name: o.Name, JSON: o.Value})
	}
	s, err := l.session()
	if err != nil {
		return err
	}
	d, err := l.compare(ctx, s, found)
	if err == nil && !d.Empty() {
		_, err = io.WriteString(l.out, d.String())
	}
	return err
}

// compare compares what is installed here with the session.
func (l *Local) compare(ctx context.Context, s *mlserver.Session, found mlserver.Outputs) (d mlserver.EnvironmentDiff, err error) {
	here, err := mlserver.EnvironmentOf(mlserver.Runtime(l.o.Language), found)
	if err != nil {
		return d, err
	}
	there, err := s.Environment(ctx)
	if err != nil {
		return d, err
	}
	return here.Diff(there), nil
}

// diff stands behind mrsdeploy's diffLocalRemote.
func (l *Local) diff(ctx context.Context, s *mlserver.Session, a args) (answer, error) {
	var found mlserver.Outputs
	if err := a.decode("found", &found); err != nil {
		return nil, err
	}
	d, err := l.compare(ctx, s, found)
	if err != nil {
		return nil, err
	}
	return answer{}.with("report", "character", d.String()).with("differs", "logical", !d.Empty()), nil
}
