package mlserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/mlserver-go/mls/gen/v930/models"
	"github.com/mlserver-go/mls/gen/v930/services"
	"github.com/mlserver-go/mls/wrapper/internal/lazyregexp"
)

// Definition is a service to publish.
type Definition struct {
	Name        string
	Version     string  // any text without slashes; empty: the server makes a GUID
	Runtime     Runtime // R when empty
	Description string
	Code        string // run for every call; it finds the inputs and leaves the outputs under their names
	InitCode    string // run before the first call, since 9.1.0
	SnapshotID  string // objects and files the code works on; the service keeps a copy

	// Objects are models and other objects that the code works on, by name: what R's serialize or saveRDS, or Python's
	// dill, wrote, or a file of R's save that has the object. They come on top of those of SnapshotID. Each is read once,
	// while it is sent.
	Objects map[string]io.Reader

	Inputs    []Parameter
	Outputs   []Parameter
	Artifacts []string // files that the code writes and every call returns, since 9.1.0
	Alias     string   // name of the function in generated clients
}

// Publish publishes a service. One of that name and version that exists already gives an *Error: ErrConflict, or ErrForbidden
// from servers that answer so. It stands for mrsdeploy's publishService.
//
// Objects go through a session and a snapshot that are deleted again whatever happens, even when ctx has ended. When the
// service was published but that could not be done, the error is a *LeftoverError and the service is returned as well.
func (c *Client) Publish(ctx context.Context, d Definition) (*Service, error) {
	if d.Name == "" {
		return nil, errors.New("a service needs a name")
	}
	request, err := c.publishRequest(d)
	if err != nil {
		return nil, err
	}
	var published *Service
	err = c.staged(ctx, d.Runtime, d.SnapshotID, d.Objects, func(snapshot string) (err error) {
		request.SnapshotID = snapshot
		published, err = c.publish(ctx, d.Name, d.Version, request)
		return err
	})
	return published, err
}

func (c *Client) publish(ctx context.Context, name, version string, request *models.PublishWebServiceRequest) (*Service, error) {
	if version == "" {
		return c.publishUnversioned(ctx, name, request)
	}
	_, err := c.api.Services.PublishWebServiceVersionContext(ctx, &services.PublishWebServiceVersionParams{
		Name: name, Version: version, PublishRequest: request,
	})
	if err != nil {
		return nil, err
	}
	return c.Service(name, version), nil
}

func (c *Client) publishRequest(d Definition) (*models.PublishWebServiceRequest, error) {
	if err := c.needFor(d.Runtime, d.InitCode != "", len(d.Artifacts) > 0); err != nil {
		return nil, err
	}
	if err := errors.Join(checkParameters("input", d.Inputs), checkParameters("output", d.Outputs)); err != nil {
		return nil, err
	}
	return &models.PublishWebServiceRequest{
		Code: d.Code, InitCode: d.InitCode, Description: d.Description, OperationID: d.Alias,
		RuntimeType:                d.Runtime.wire(),
		InputParameterDefinitions:  definitionsOf(d.Inputs),
		OutputParameterDefinitions: definitionsOf(d.Outputs),
		OutputFileNames:            d.Artifacts,
	}, nil
}

// needFor refuses what a server of 9.0.1 would silently ignore.
func (c *Client) needFor(r Runtime, initCode, artifacts bool) error {
	if err := c.needRuntime(r, "services"); err != nil {
		return err
	}
	if initCode {
		if err := c.need("initialization code", V910); err != nil {
			return err
		}
	}
	if artifacts {
		return c.need("returned files", V910)
	}
	return nil
}

// checkParameters refuses names that could not be told apart.
func checkParameters(what string, list []Parameter) error {
	seen := map[string]bool{}
	for _, p := range list {
		if p.Name == "" {
			return fmt.Errorf("an %s has no name", what)
		}
		if seen[p.Name] {
			return fmt.Errorf("%s %q is declared twice", what, p.Name)
		}
		seen[p.Name] = true
	}
	return nil
}

func definitionsOf(parameters []Parameter) []*models.ParameterDefinition {
	m := make([]*models.ParameterDefinition, 0, len(parameters))
	for _, p := range parameters {
		m = append(m, &models.ParameterDefinition{Name: p.Name, Type: string(p.Type)})
	}
	return m
}

var guid = lazyregexp.New(`[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}`)

func (c *Client) publishUnversioned(ctx context.Context, name string, request *models.PublishWebServiceRequest) (*Service, error) {
	created, err := c.api.Services.PublishWebServiceContext(ctx, &services.PublishWebServiceParams{Name: name, PublishRequest: request})
	if err != nil {
		return nil, err
	}
	return c.madeVersion(ctx, name, created.Payload)
}

// madeVersion finds out which version the server made: it is in its answer to publishing, or else it is the newest one.
func (c *Client) madeVersion(ctx context.Context, name, answer string) (*Service, error) {
	if version := guid().FindString(answer); version != "" {
		return c.Service(name, version), nil
	}
	published, err := c.ServiceVersions(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("%s was published, but its version is not known: %w", name, err)
	}
	published = slices.DeleteFunc(published, func(s ServiceInfo) bool { return !guid().MatchString(s.Version) })
	if len(published) == 0 {
		return nil, fmt.Errorf("%s was published, but the server lists no version that it made", name)
	}
	newest := slices.MaxFunc(published, func(a, b ServiceInfo) int { return a.Created.Compare(b.Created) })
	return c.Service(name, newest.Version), nil
}
