package mlserver

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/mlserver-go/mls/gen/v930/models"
	"github.com/mlserver-go/mls/gen/v930/services"
)

// PoolState is how far the pool of a service is on one compute node.
type PoolState string

// The states of the API.
const (
	PoolPending  PoolState = "Pending"  // its workers are being started
	PoolSuccess  PoolState = "Success"  // they are there
	PoolNotFound PoolState = "NotFound" // there is no pool: never was, or deleted
)

// PoolNode is the state of a pool on one compute node.
type PoolNode struct {
	Endpoint string    `json:"endpoint"` // address of the compute node
	State    PoolState `json:"state"`
}

// SetPool gives this version of the service workers of its own on every compute node, or changes how many: initial are started
// at once, and there are never more than most, 0 <= initial <= most. Calls that find them all busy wait; no other worker helps
// out. The server starts them in the background: Pool tells how far it is, and AwaitPool waits. Servers tell upper and lower
// case in the service's name apart here.
// It stands for mrsdeploy's configureServicePool. Since 9.3.0.
func (s *Service) SetPool(ctx context.Context, initial, most int) error {
	if err := s.client.need("service pools", V930); err != nil {
		return err
	}
	if initial < 0 || initial > most {
		return fmt.Errorf("a pool that starts with %d workers and has at most %d: need 0 <= initial <= most", initial, most)
	}
	_, err := s.client.api.Services.CreateOrUpdateServicePoolContext(ctx, &services.CreateOrUpdateServicePoolParams{
		Name: s.name, Version: s.version,
		CreateOrUpdateServicePoolRequest: &models.CreateOrUpdateServicePoolRequest{InitialPoolSize: int64(initial), MaxPoolSize: int64(most)},
	})
	return err
}

// Pool tells how far the service's pool is on each compute node. It stands for mrsdeploy's getPoolStatus. Since 9.3.0.
func (s *Service) Pool(ctx context.Context) ([]PoolNode, error) {
	if err := s.client.need("service pools", V930); err != nil {
		return nil, err
	}
	ok, err := s.client.api.Services.GetServicePoolStatusContext(ctx, &services.GetServicePoolStatusParams{Name: s.name, Version: s.version})
	if err != nil {
		return nil, err
	}
	nodes := make([]PoolNode, 0, len(ok.Payload))
	for _, m := range ok.Payload {
		if m != nil {
			nodes = append(nodes, PoolNode{Endpoint: m.ComputeNodeEndpoint, State: poolState(m.Status)})
		}
	}
	return nodes, nil
}

// poolState reads a state whatever its case.
func poolState(wire string) PoolState {
	for _, known := range []PoolState{PoolPending, PoolSuccess, PoolNotFound} {
		if strings.EqualFold(wire, string(known)) {
			return known
		}
	}
	return PoolState(wire)
}

// AwaitPool waits until every compute node says that the pool's workers are there, or ctx is done. A pool whose workers do not
// start, because the service's code fails, stays pending: give a context with a deadline.
func (s *Service) AwaitPool(ctx context.Context) error {
	return s.pollPool(ctx, PoolSuccess, nil)
}

// DeletePool asks the server to delete the service's pool; calls then share the workers of all services again. It stands for
// mrsdeploy's deleteServicePool. Since 9.3.0.
//
// Servers answer before they have done it, and are known not to do it at times: DeletePoolAndWait makes sure.
func (s *Service) DeletePool(ctx context.Context) error {
	if err := s.client.need("service pools", V930); err != nil {
		return err
	}
	_, err := s.client.api.Services.DeleteServicePoolContext(ctx, &services.DeleteServicePoolParams{Name: s.name, Version: s.version})
	return err
}

// DeletePoolAndWait deletes the service's pool, and asks again and again, until every compute node says NotFound or ctx is
// done. Since 9.3.0.
func (s *Service) DeletePoolAndWait(ctx context.Context) error {
	if err := s.DeletePool(ctx); err != nil {
		return err
	}
	return s.pollPool(ctx, PoolNotFound, s.DeletePool)
}

// pollPool waits until every node has the state, and calls again now and then.
func (s *Service) pollPool(ctx context.Context, want PoolState, again func(context.Context) error) error {
	const (
		first  = 50 * time.Millisecond
		last   = 5 * time.Second
		repeat = 5 // polls until the next call of again
	)
	for polls, pause := 1, first; ; polls, pause = polls+1, min(2*pause, last) {
		nodes, err := s.Pool(ctx)
		if err != nil {
			return err
		}
		other := otherThan(want, nodes)
		if other == nil && (len(nodes) > 0 || want == PoolNotFound) {
			return nil
		}
		if again != nil && polls%repeat == 0 {
			if err := again(ctx); err != nil {
				return err
			}
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			if other == nil {
				return fmt.Errorf("the server names no compute node for the pool of service %s/%s: %w", s.name, s.version, ctx.Err())
			}
			return fmt.Errorf("the pool of service %s/%s is %s at %s, not %s yet: %w", s.name, s.version, other.State, other.Endpoint, want, ctx.Err())
		}
	}
}

func otherThan(state PoolState, nodes []PoolNode) *PoolNode {
	for i := range nodes {
		if nodes[i].State != state {
			return &nodes[i]
		}
	}
	return nil
}
