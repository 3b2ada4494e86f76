package mrsdeploy

import (
	"context"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
)

// setPool stands behind mrsdeploy's configureServicePool.
func (l *Local) setPool(ctx context.Context, a args) (answer, error) {
	s, err := l.named(ctx, a)
	if err != nil {
		return nil, err
	}
	initial, err := a.number("initial")
	if err != nil {
		return nil, err
	}
	most, err := a.number("most")
	if err != nil {
		return nil, err
	}
	return nil, s.SetPool(ctx, initial, most)
}

// poolStatus stands behind mrsdeploy's getPoolStatus.
func (l *Local) poolStatus(ctx context.Context, a args) (answer, error) {
	s, err := l.named(ctx, a)
	if err != nil {
		return nil, err
	}
	nodes, err := s.Pool(ctx)
	if err != nil {
		return nil, err
	}
	list := []map[string]string{}
	for _, n := range nodes {
		list = append(list, map[string]string{"computeNodeEndpoint": n.Endpoint, "status": string(n.State)})
	}
	return answer{}.with("nodes", runtimes.AsList, list), nil
}

// deletePool stands behind mrsdeploy's deleteServicePool.
func (l *Local) deletePool(ctx context.Context, a args) (answer, error) {
	s, err := l.named(ctx, a)
	if err != nil {
		return nil, err
	}
	return nil, s.DeletePool(ctx)
}
