package mlserver

import (
	"context"
	"strings"

	"github.com/mlserver-go/mls/gen/v930/models"
	"github.com/mlserver-go/mls/gen/v930/status"
)

// Status is the health of the server, or of one of its parts.
type Status struct {
	Code       string             `json:"statusCode"` // pass, warn or fail; 9.0.1 says green
	Details    map[string]any     `json:"details,omitempty"`
	Components map[string]*Status `json:"components,omitempty"` // backends, authentication, database, ...
}

// Healthy reports whether the server says that all is well.
func (s *Status) Healthy() bool {
	return strings.EqualFold(s.Code, "pass") || strings.EqualFold(s.Code, "green")
}

// Status asks the server for its health.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	ok, err := c.api.Status.StatusContext(ctx, &status.StatusParams{})
	if err != nil {
		return nil, err
	}
	return statusOf(ok.Payload), nil
}

func statusOf(m *models.StatusResponse) *Status {
	s := &Status{Code: m.StatusCode, Details: map[string]any{}}
	for name, detail := range m.Details {
		s.Details[name] = detail
	}
	for name := range m.Components {
		if s.Components == nil {
			s.Components = map[string]*Status{}
		}
		component := m.Components[name]
		s.Components[name] = statusOf(&component)
	}
	return s
}
