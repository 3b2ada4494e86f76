package mlserver

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/mlserver-go/mls/gen/v930/consumption"
	"github.com/mlserver-go/mls/gen/v930/models"
	"github.com/mlserver-go/mls/gen/v930/services"
)

// Type is the type of a service's input or output.
type Type string

// The types of the API.
const (
	Logical   Type = "logical"    // true or false
	Numeric   Type = "numeric"    // a double
	Integer   Type = "integer"    // a whole number
	Character Type = "character"  // a text
	Vector    Type = "vector"     // a list of values of one kind
	Matrix    Type = "matrix"     // a list of rows
	DataFrame Type = "data.frame" // columns by name, each a list
)

// Parameter is one input or output of a service.
type Parameter struct {
	Name string `json:"name"`
	Type Type   `json:"type"`
}

// ServiceInfo describes one published version of a service.
type ServiceInfo struct {
	Name        string      `json:"name"`
	Version     string      `json:"version"`
	Runtime     Runtime     `json:"runtime"`
	Description string      `json:"description,omitempty"`
	Publisher   string      `json:"publisher"`
	Created     time.Time   `json:"created"`        // zero when the server's text is no time
	Code        string      `json:"code,omitempty"` // only its publisher and owners see it
	InitCode    string      `json:"initCode,omitempty"`
	SnapshotID  string      `json:"snapshotId,omitempty"`
	Inputs      []Parameter `json:"inputs"`
	Outputs     []Parameter `json:"outputs"`
	Artifacts   []string    `json:"artifacts,omitempty"`
	Alias       string      `json:"alias,omitempty"`
	Permission  string      `json:"permission,omitempty"` // "read/write" or "read only", since 9.1.0
}

// Service is a handle on one version of a published web service.
type Service struct {
	client        *Client
	name, version string
}

// Name is the service's name.
func (s *Service) Name() string { return s.name }

// Version is the service's version.
func (s *Service) Version() string { return s.version }

// Service is a handle on a service that exists. Nothing is sent.
func (c *Client) Service(name, version string) *Service {
	return &Service{client: c, name: name, version: version}
}

// Services lists all versions of all services that the caller may see. It stands for mrsdeploy's listServices().
func (c *Client) Services(ctx context.Context) ([]ServiceInfo, error) {
	ok, err := c.api.Services.GetAllWebServicesContext(ctx, &services.GetAllWebServicesParams{})
	if err != nil {
		return nil, err
	}
	return serviceInfos(ok.Payload), nil
}

// ServiceVersions lists the versions of one service. It stands for mrsdeploy's listServices(name).
func (c *Client) ServiceVersions(ctx context.Context, name string) ([]ServiceInfo, error) {
	ok, err := c.api.Services.GetAllWebServiceVersionsByNameContext(ctx, &services.GetAllWebServiceVersionsByNameParams{Name: name})
	if err != nil {
		return nil, err
	}
	return serviceInfos(ok.Payload), nil
}

// Describe reads the service's definition. It stands for mrsdeploy's getService and its capabilities().
func (s *Service) Describe(ctx context.Context) (*ServiceInfo, error) {
	ok, err := s.client.api.Services.GetWebServiceVersionContext(ctx, &services.GetWebServiceVersionParams{Name: s.name, Version: s.version})
	if err != nil {
		return nil, err
	}
	infos := serviceInfos(ok.Payload)
	if len(infos) == 0 {
		return nil, fmt.Errorf("the server does not describe service %s version %s", s.name, s.version)
	}
	return &infos[0], nil
}

// Delete deletes this version of the service. It stands for mrsdeploy's deleteService.
func (s *Service) Delete(ctx context.Context) error {
	_, err := s.client.api.Services.DeleteWebServiceVersionContext(ctx, &services.DeleteWebServiceVersionParams{Name: s.name, Version: s.version})
	return err
}

// Swagger reads the service's own API document, byte for byte as the server wrote it. It stands for mrsdeploy's swagger().
func (s *Service) Swagger(ctx context.Context) ([]byte, error) {
	var doc bytes.Buffer
	_, err := s.client.api.Consumption.GetWebServiceSwaggerContext(ctx, &consumption.GetWebServiceSwaggerParams{Name: s.name, Version: s.version}, &doc)
	if err != nil {
		return nil, err
	}
	// 9.0.1 is documented to wrap the document into an object with one text.
	var wrapped struct{ SwaggerJSON string }
	if json.Unmarshal(doc.Bytes(), &wrapped) == nil && wrapped.SwaggerJSON != "" {
		return []byte(wrapped.SwaggerJSON), nil
	}
	return doc.Bytes(), nil
}

func serviceInfos(list []*models.WebService) []ServiceInfo {
	infos := make([]ServiceInfo, 0, len(list))
	for _, m := range list {
		if m == nil {
			continue
		}
		info := ServiceInfo{
			Name: m.Name, Version: m.Version, Runtime: runtimeOf(m.RuntimeType), Description: m.Description,
			Publisher: m.VersionPublishedBy, Created: parseTime(m.CreationTime), Code: m.Code, InitCode: m.InitCode,
			SnapshotID: m.SnapshotID, Artifacts: m.OutputFileNames, Alias: m.OperationID, Permission: cmp.Or(m.MyPermissionOnService, m.MyPermissionsOnService),
			Inputs: parametersOf(m.InputParameterDefinitions), Outputs: parametersOf(m.OutputParameterDefinitions),
		}
		if info.Publisher == "" {
			info.Publisher = m.Owner
		}
		infos = append(infos, info)
	}
	return infos
}

func parametersOf(list []*models.ParameterDefinition) []Parameter {
	parameters := make([]Parameter, 0, len(list))
	for _, p := range list {
		if p != nil {
			parameters = append(parameters, Parameter{Name: p.Name, Type: Type(p.Type)})
		}
	}
	return parameters
}
