package mlserver_test

import (
	"reflect"
	"testing"

	"github.com/go-openapi/runtime"

	"github.com/mlserver-go/mls/gen/v901"
	"github.com/mlserver-go/mls/gen/v910"
	"github.com/mlserver-go/mls/gen/v920"
	"github.com/mlserver-go/mls/gen/v921"
	"github.com/mlserver-go/mls/gen/v930"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// generatedClients are the five, on a transport that is not used.
func generatedClients(transport runtime.ContextualTransport) map[mlserver.Version]any {
	return map[mlserver.Version]any{
		mlserver.V901: v901.New(transport, nil), mlserver.V910: v910.New(transport, nil), mlserver.V920: v920.New(transport, nil),
		mlserver.V921: v921.New(transport, nil), mlserver.V930: v930.New(transport, nil),
	}
}

// hasMethods wants methods in one group, such as Snapshots, of all five generated clients.
func hasMethods(t *testing.T, group string, methods ...string) {
	t.Helper()
	for version, client := range generatedClients(always(t, "").Transport()) {
		g := reflect.ValueOf(client).Elem().FieldByName(group)
		if !g.IsValid() {
			t.Errorf("the client of %s has no %s", version, group)
			continue
		}
		for _, m := range methods {
			if !g.MethodByName(m).IsValid() {
				t.Errorf("the client of %s has no %s.%s", version, group, m)
			}
		}
	}
}

var generatedFacts = []fact{
	{31, "9.0.1 has CreateSnapshot and LoadSnapshot among the sessions' operations", "among the snapshots' from 9.1 on", func(t *testing.T) {
		hasMethods(t, "Snapshots", "CreateSnapshotContext", "LoadSnapshotContext", "ListSnapshotsContext", "GetSnapshotContentContext", "DeleteSnapshotContext")
	}},
	{33, "operationId in several kinds of casing", "the same in all versions", func(t *testing.T) {
		hasMethods(t, "Consumption", "GetWebServiceSwaggerContext", "ConsumeWebServiceContext")
		hasMethods(t, "Sessions", "CreateSessionContext", "ExecuteCodeContext")
		hasMethods(t, "Services", "GetAllWebServicesContext", "PublishWebServiceVersionContext")
	}},
	{37, "documents at <version>/swagger/", "older texts say /swagger/", func(t *testing.T) {
		hasTest(t, "../../scripts/apidoc/apidoc_test.go", "TestPublishedAddresses")
	}},
}
