package codegen

import (
	"slices"
	"testing"
)

func TestGoName(t *testing.T) {
	for name, want := range map[string]string{
		"hp": "HP", "wt": "Wt", "answer": "Answer", "manualTransmission": "ManualTransmission", "userId": "UserID", "user_id": "UserID",
		"Sepal.Length": "SepalLength", "HTTPServer": "HTTPServer", "idle": "Idle", "1st": "X1st", "größe": "Größe", "価格": "X価格",
		"": "X", "...": "X", "x y": "XY", "a.1": "A1", "do-it now!": "DoItNow", "éa": "Éa", "RelativeHumidityOrigin": "RelativeHumidityOrigin",
	} {
		if got := goName(name); got != want {
			t.Errorf("%q: got %s, want %s", name, got, want)
		}
	}
}

func TestFieldNames(t *testing.T) {
	var list []parameter
	for _, name := range []string{"x", "x2", "X", "x.2", "_x", "validate"} {
		list = append(list, parameter{Name: name})
	}
	got := fieldNames(list, "Validate")
	if want := []string{"X", "X2", "X3", "X22", "X4", "Validate2"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestPackageName(t *testing.T) {
	for service, want := range map[string]string{
		"transmission": "transmission", "TxService": "txservice", "Flight Delay": "flightdelay", "größe": "grosse", "Ångström": "angstrom",
		"価格": "service", "": "service", "1st": "service1st", "v1": "v1", "User": "user", "models": "models", "internal": "internalservice",
		"func": "funcservice", "Error": "errorservice", "svc_linux": "svclinux", "my_test": "mytest", "../../etc": "etc", "mlserver": "mlserverservice",
	} {
		if got := packageName(service); got != want {
			t.Errorf("%q: got %s, want %s", service, got, want)
		}
	}
}

func TestMethodName(t *testing.T) {
	for alias, want := range map[string]string{
		"": "Consume", "ConsumeWebService": "Consume", "manualTransmission": "ManualTransmission", "StartBatchExecution": "StartBatchExecution",
		"startBatch": "CallStartBatch", "batches": "CallBatches", "a.b c": "ABC", "new": "New", "123": "X123",
	} {
		if got := methodName(alias); got != want {
			t.Errorf("%q: got %s, want %s", alias, got, want)
		}
	}
}

// TestDefaultAlias: a service without an alias has the operationId ConsumeWebService in its document, while clients call it by
// consume.
func TestDefaultAlias(t *testing.T) {
	for alias, want := range map[string]string{
		"": "Consume", "ConsumeWebService": "Consume", "consume": "Consume", "Consume": "Consume", "manualTransmission": "ManualTransmission",
	} {
		p := published{name: "s", alias: alias}
		s, err := parse(p.document(t))
		if err != nil {
			t.Fatal(err)
		}
		if f := newFacade(s, "s", "example.com/s"); f.Method != want || f.Call() != "c."+want+"(ctx)" {
			t.Errorf("operationId %q gives the method %s, called as %s; want %s", alias, f.Method, f.Call(), want)
		}
	}
}
