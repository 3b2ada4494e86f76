package mlserver

import (
	"context"
	"errors"
	"io"

	"github.com/go-openapi/runtime"
	"github.com/go-openapi/strfmt"

	"github.com/mlserver-go/mls/gen/v930/services"
)

// Change says what to change of a published service. What is nil stays as it is; what is empty is cleared.
//
//	mlserver.Change{Description: new("is it a manual one?"), Artifacts: []string{}}
type Change struct {
	Code        *string
	InitCode    *string // since 9.1.0
	Description *string
	Alias       *string
	SnapshotID  *string
	Inputs      []Parameter
	Outputs     []Parameter
	Artifacts   []string // since 9.1.0

	// Objects replace all objects and files that the service has; with SnapshotID they come on top of those of the snapshot.
	// See Definition.Objects.
	Objects map[string]io.Reader

	// Runtime is the service's language. Servers want to be told again which it is; empty: it is looked up first.
	Runtime Runtime
}

// Update changes a published service in place: calls from then on meet the changed one. Only what the change has is sent. Who
// did not publish the service, and is no owner, gets ErrForbidden. It stands for mrsdeploy's updateService.
//
// Objects go the way that Client.Publish describes, *LeftoverError included.
func (s *Service) Update(ctx context.Context, change Change) error {
	if err := errors.Join(checkParameters("input", change.Inputs), checkParameters("output", change.Outputs)); err != nil {
		return err
	}
	body := change.body()
	if len(body) == 0 && len(change.Objects) == 0 {
		return errors.New("there is nothing to change")
	}
	if err := s.client.needFor(change.Runtime, change.InitCode != nil, change.Artifacts != nil); err != nil {
		return err
	}
	if change.Runtime == "" {
		info, err := s.Describe(ctx)
		if err != nil {
			return err
		}
		change.Runtime = info.Runtime
	}
	if wire := change.Runtime.wire(); wire != "" {
		body["runtimeType"] = wire
	}
	base := ""
	if change.SnapshotID != nil {
		base = *change.SnapshotID
	}
	return s.client.staged(ctx, change.Runtime, base, change.Objects, func(snapshot string) error {
		if len(change.Objects) > 0 {
			body["snapshotId"] = snapshot
		}
		_, err := s.client.api.Services.PatchWebServiceVersionContext(ctx,
			&services.PatchWebServiceVersionParams{Name: s.name, Version: s.version}, sending(body))
		return err
	})
}

// body is what goes out: the generated model has no way to tell the server to clear something.
func (c Change) body() map[string]any {
	body := map[string]any{}
	for name, value := range map[string]*string{
		"code": c.Code, "initCode": c.InitCode, "description": c.Description, "operationId": c.Alias, "snapshotId": c.SnapshotID,
	} {
		if value != nil {
			body[name] = *value
		}
	}
	if c.Inputs != nil {
		body["inputParameterDefinitions"] = definitionsOf(c.Inputs)
	}
	if c.Outputs != nil {
		body["outputParameterDefinitions"] = definitionsOf(c.Outputs)
	}
	if c.Artifacts != nil {
		body["outputFileNames"] = c.Artifacts
	}
	return body
}

// sending gives an operation another body than its generated parameters have.
func sending(body any) func(*runtime.ClientOperation) {
	return func(op *runtime.ClientOperation) { op.Params = bodyOf{op.Params, body} }
}

type bodyOf struct {
	runtime.ClientRequestWriter
	body any
}

func (b bodyOf) WriteToRequest(r runtime.ClientRequest, formats strfmt.Registry) error {
	if err := b.ClientRequestWriter.WriteToRequest(r, formats); err != nil {
		return err
	}
	return r.SetBodyParam(b.body)
}
