package mlserver

import (
	"context"

	"github.com/mlserver-go/mls/gen/v930/models"
	"github.com/mlserver-go/mls/gen/v930/nodes"
)

// ComputeNodes lists the addresses of the compute nodes that the server is configured with, as they were given: an address such
// as http://10.0.0.5:12805, or several at once with ranges in the numbers of an IPv4 address or the port, as in
// http://10.0.0.5-9:12805. mrsdeploy has no such function, the server's own administration tool does. Since 9.2.1.
func (c *Client) ComputeNodes(ctx context.Context) ([]string, error) {
	if err := c.need(computeNodes, V921); err != nil {
		return nil, err
	}
	ok, err := c.api.Nodes.GetComputeNodesContext(ctx, &nodes.GetComputeNodesParams{})
	if err != nil {
		return nil, err
	}
	return ok.Payload.ComputeNodes, nil
}

const computeNodes = "central configuration of compute nodes"

// SetComputeNodes replaces all addresses; without one the server has none. Only owners may: others get ErrForbidden. It stands
// for POST /computenodes. Since 9.2.1.
func (c *Client) SetComputeNodes(ctx context.Context, addresses ...string) error {
	if err := c.need(computeNodes, V921); err != nil {
		return err
	}
	_, err := c.api.Nodes.SetComputeNodesContext(ctx, &nodes.SetComputeNodesParams{Entries: entries(addresses)})
	return err
}

// AddComputeNode adds addresses. Only owners may: others get ErrForbidden. It stands for PUT /computenodes. Since 9.2.1.
func (c *Client) AddComputeNode(ctx context.Context, addresses ...string) error {
	if err := c.need(computeNodes, V921); err != nil {
		return err
	}
	_, err := c.api.Nodes.AddComputeNodeContext(ctx, &nodes.AddComputeNodeParams{Entries: entries(addresses)})
	return err
}

// RemoveComputeNode removes addresses, a range only as the range that was given. Only owners may: others get ErrForbidden. It
// stands for DELETE /computenodes, whose list is in the body: proxies that drop it make the server answer ErrBadRequest.
// Since 9.2.1.
func (c *Client) RemoveComputeNode(ctx context.Context, addresses ...string) error {
	if err := c.need(computeNodes, V921); err != nil {
		return err
	}
	_, err := c.api.Nodes.RemoveComputeNodeContext(ctx, &nodes.RemoveComputeNodeParams{Entries: entries(addresses)})
	return err
}

// entries is never null on the wire.
func entries(addresses []string) *models.UpdateComputeNodesRequest {
	return &models.UpdateComputeNodesRequest{Entries: append([]string{}, addresses...)}
}
