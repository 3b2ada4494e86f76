package mrsdeploy

import (
	"context"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// setPool stands behind mrsdeploy's configureServicePool.
func setPool(ctx context.Context, s *mlserver.Service, a args) (answer, error) {
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
func poolStatus(ctx context.Context, s *mlserver.Service, _ args) (answer, error) {
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
func deletePool(ctx context.Context, s *mlserver.Service, _ args) (answer, error) {
	return nil, s.DeletePool(ctx)
}
