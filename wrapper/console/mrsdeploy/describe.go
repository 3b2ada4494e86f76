package mrsdeploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// timeText is a time as servers write it.
func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("2006-01-02T15:04:05.9999999")
}

// serviceJSON is a service with the server's own names of the fields, in the order that servers have them.
type serviceJSON struct {
	CreationTime string               `json:"creationTime"`
	Name         string               `json:"name"`
	Version      string               `json:"version"`
	PublishedBy  string               `json:"versionPublishedBy"`
	Runtime      string               `json:"runtimeType"`
	InitCode     *string              `json:"initCode,omitempty"`
	Description  *string              `json:"description"`
	Code         string               `json:"code,omitempty"`
	SnapshotID   *string              `json:"snapshotId"`
	Inputs       []mlserver.Parameter `json:"inputParameterDefinitions"`
	Outputs      []mlserver.Parameter `json:"outputParameterDefinitions"`
	Files        []string             `json:"outputFileNames"`
	OperationID  string               `json:"operationId"`
	Permission   string               `json:"myPermissionOnService,omitempty"`
}

func serviceOf(s mlserver.ServiceInfo) serviceJSON {
	text := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	return serviceJSON{
		CreationTime: timeText(s.Created), Name: s.Name, Version: s.Version, PublishedBy: s.Publisher, Runtime: string(s.Runtime),
		InitCode: text(s.InitCode), Description: text(s.Description), Code: s.Code, SnapshotID: text(s.SnapshotID),
		Inputs: append([]mlserver.Parameter{}, s.Inputs...), Outputs: append([]mlserver.Parameter{}, s.Outputs...),
		Files: append([]string{}, s.Artifacts...), OperationID: s.Alias, Permission: s.Permission,
	}
}

// listServices stands behind mrsdeploy's listServices.
func listServices(ctx context.Context, client *mlserver.Client, a args) (answer, error) {
	name, err := a.text("name")
	if err != nil {
		return nil, err
	}
	v, err := a.text("v")
	if err != nil {
		return nil, err
	}
	var list []mlserver.ServiceInfo
	switch {
	case name == "":
		list, err = client.Services(ctx)
	case v == "":
		list, err = client.ServiceVersions(ctx, name)
	default:
		var info *mlserver.ServiceInfo
		if info, err = client.Service(name, v).Describe(ctx); err == nil {
			list = []mlserver.ServiceInfo{*info}
		}
	}
	if errors.Is(err, mlserver.ErrNotFound) {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	services := []serviceJSON{}
	for _, s := range list {
		services = append(services, serviceOf(s))
	}
	return answer{}.with("services", runtimes.AsList, services), nil
}

// named is the service of the arguments name and v: without v the newest version.
func (l *Local) named(ctx context.Context, a args) (*mlserver.Service, error) {
	client, err := l.client()
	if err != nil {
		return nil, err
	}
	name, err := a.needed("name")
	if err != nil {
		return nil, err
	}
	v, err := a.text("v")
	if err != nil {
		return nil, fmt.Errorf("the version of service %q must be a text, such as \"v1.0.0\"", name)
	}
	if v != "" {
		return client.Service(name, v), nil
	}
	versions, err := client.ServiceVersions(ctx, name)
	if errors.Is(err, mlserver.ErrNotFound) || err == nil && len(versions) == 0 {
		return nil, fmt.Errorf("No service found for %q", name) //lint:ignore ST1005 mrsdeploy's words
	}
	if err != nil {
		return nil, err
	}
	newest := slices.MaxFunc(versions, func(a, b mlserver.ServiceInfo) int { return a.Created.Compare(b.Created) })
	return client.Service(name, newest.Version), nil
}

// getService stands behind mrsdeploy's getService, and describes a service for the API object.
func (l *Local) getService(ctx context.Context, s *mlserver.Service, _ args) (answer, error) {
	return l.describe(ctx, s)
}

func (l *Local) describe(ctx context.Context, s *mlserver.Service) (answer, error) {
	checked, err := s.Checked(ctx)
	if errors.Is(err, mlserver.ErrNotFound) {
		return nil, fmt.Errorf("No service found for %q version %q", s.Name(), s.Version()) //lint:ignore ST1005 mrsdeploy's words
	}
	if err != nil {
		return nil, err
	}
	l.known(checked)
	return answer{}.with("service", runtimes.AsList, serviceOf(checked.Info)).
		with("address", "character", l.connection.Client.Address()), nil
}

// known remembers the definition of a service, for calls.
func (l *Local) known(s *mlserver.Checked) {
	if l.services == nil {
		l.services = map[[2]string]*mlserver.Checked{}
	}
	l.services[[2]string{s.Name(), s.Version()}] = s
}

// swagger stands behind the swagger function of mrsdeploy's API object.
func swagger(ctx context.Context, s *mlserver.Service, _ args) (answer, error) {
	doc, err := s.Swagger(ctx)
	if err != nil {
		return nil, err
	}
	return answer{}.with("text", "character", string(doc)).with("parsed", runtimes.AsList, rawJSON(doc)), nil
}

// deleteService stands behind mrsdeploy's deleteService.
func deleteService(ctx context.Context, s *mlserver.Service, a args) (answer, error) {
	if _, err := a.needed("v"); err != nil { // not the newest one by chance
		return nil, err
	}
	return nil, s.Delete(ctx)
}
