package mlserver_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// Descriptions of services as a server of 9.0.1 and one of 9.2.1 wrote them.
const (
	service901 = `{"creationTime":"2016-10-26T16:18:26.9563885","name":"transmission","version":"v1.0.0","description":null,"code":"x",` +
		`"snapshotId":"3fd27552-c1c9-4fa3-8185-39061c1bf6cd","owner":"admin","inputParameterDefinitions":[{"name":"hp","type":"numeric"}],` +
		`"outputParameterDefinitions":[{"name":"answer","type":"numeric"}],"operationId":"manualTransmission"}`
	service921 = `{"code":"x","creationTime":"2017-10-18T21:55:46.085642","name":"TxService","version":"1.0","description":"","initCode":"i",` +
		`"inputParameterDefinitions":[],"myPermissionOnService":"read/write","operationId":"manualTransmission","outputFileNames":["answer.csv"],` +
		`"outputParameterDefinitions":[{"name":"answer","type":"data.frame"}],"runtimeType":"Python","snapshotId":"5e9b3c56-6b3a-4f0a-8a3e-1f4b7f1f9f10",` +
		`"versionPublishedBy":"admin"}`
)

// described is how a service with that description is read.
func described(t *testing.T, body string) mlserver.ServiceInfo {
	t.Helper()
	info, err := always(t, body).Service("s", "1").Describe(t.Context())
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return *info
}

func in921(change ...string) string { return strings.NewReplacer(change...).Replace(service921) }

var serviceFacts = []fact{
	{2, "GET /services/{name}/{version} gives an array, in the example an object", "an array; accept both", func(t *testing.T) {
		for _, body := range []string{"[" + service921 + "]", service921, "\xef\xbb\xbf[\r\n" + service921 + "\r\n]\r\n"} {
			if info := described(t, body); info.Name != "TxService" || !slices.Equal(info.Artifacts, []string{"answer.csv"}) {
				t.Errorf("%.20q: read as %+v", body, info)
			}
		}
	}},
	{3, "versionPublishedBy, and nothing in 9.0.1", "owner in 9.0.1", func(t *testing.T) {
		for _, body := range []string{service901, service921} {
			if info := described(t, body); info.Publisher != "admin" {
				t.Errorf("%s: published by %q", body, info.Publisher)
			}
		}
	}},
	{4, "myPermissionOnService", "myPermissionsOnService in a picture of 9.1", func(t *testing.T) {
		for _, body := range []string{service921, in921("myPermissionOnService", "myPermissionsOnService")} {
			if info := described(t, body); info.Permission != "read/write" {
				t.Errorf("%s: permission %q", body, info.Permission)
			}
		}
	}},
	{5, "a service's document is {swaggerJson: text}, or an object", "the document itself", func(t *testing.T) {
		const doc = "{\r\n  \"swagger\": \"2.0\"\r\n}"
		for _, contentType := range []string{jsonType, "text/plain", "application/octet-stream"} {
			for _, body := range []string{doc, `{"swaggerJson":"{\r\n  \"swagger\": \"2.0\"\r\n}"}`} {
				if got, err := says(t, 200, contentType, body).Service("s", "1").Swagger(t.Context()); err != nil || string(got) != doc {
					t.Errorf("%s %s: read as %q, %v", contentType, body, got, err)
				}
			}
		}
	}},
	{10, "PascalCase in pools", "camelCase, and a slash at the end of the address", func(t *testing.T) {
		for _, body := range []string{
			`[{"ComputeNodeEndpoint":"http://localhost:12805/","Status":"Success"}]`, `[{"computeNodeEndpoint":"http://localhost:12805/","status":"success"}]`,
		} {
			nodes, err := always(t, body).Service("s", "1").Pool(t.Context())
			if want := []mlserver.PoolNode{{Endpoint: "http://localhost:12805/", State: mlserver.PoolSuccess}}; err != nil || !slices.Equal(nodes, want) {
				t.Errorf("%s: read as %v, %v", body, nodes, err)
			}
		}
		client, got := talk(t, map[string]reply{"POST /services/s/1/pool": {}})
		if err := client.Service("s", "1").SetPool(t.Context(), 0, 2); err != nil || !strings.Contains((*got)[0].body, `"InitialPoolSize":0`) {
			t.Errorf("a pool was asked for by %+v, %v", *got, err)
		}
	}},
	{13, "403 for a version that exists, 409 elsewhere", "unknown which", func(t *testing.T) {
		for status, want := range map[int]error{403: mlserver.ErrForbidden, 409: mlserver.ErrConflict} {
			_, err := says(t, status, jsonType, `{"message":"use patch"}`).Publish(t.Context(), mlserver.Definition{Name: "s", Version: "1", Code: "1"})
			if !errors.Is(err, want) || !strings.Contains(err.Error(), "use patch") {
				t.Errorf("%d gave %v", status, err)
			}
		}
	}},
	{14, `GET of an unknown service: 404 "session not found"`, "a slip: it is the service", func(t *testing.T) {
		_, err := says(t, 404, jsonType, `{"message":"Session not found","link":null}`).Service("s", "1").Describe(t.Context())
		var refused *mlserver.Error
		if !errors.Is(err, mlserver.ErrNotFound) || !errors.As(err, &refused) || refused.Op != "getWebServiceVersion" {
			t.Errorf("got %v", err)
		}
	}},
	{16, "publishing, changing, deleting and pools answer a text", "a JSON text, nothing, or perhaps a bare text", func(t *testing.T) {
		for _, answer := range []reply{
			{body: `"Service s version 1 published."`}, {body: `Service s version 1 published.`}, {}, {body: "null"}, {body: `{"message":"done"}`},
		} {
			for _, contentType := range []string{jsonType, "text/plain", ""} {
				for _, status := range []int{200, 201, 202} {
					client := says(t, status, contentType, answer.body)
					service := client.Service("s", "1")
					published, err := client.Publish(t.Context(), mlserver.Definition{Name: "s", Version: "1", Code: "1"})
					for what, err := range map[string]error{
						"publish": err, "update": service.Update(t.Context(), mlserver.Change{Code: new("2"), Runtime: mlserver.R}),
						"delete": service.Delete(t.Context()), "pool": service.SetPool(t.Context(), 0, 1), "delete pool": service.DeletePool(t.Context()),
						"update realtime": service.UpdateRealtime(t.Context(), mlserver.RealtimeUpdate{Alias: "a"}),
						"close":           client.Session("x").Close(t.Context()), "cancel": client.Session("x").Cancel(t.Context()),
						"delete snapshot": client.DeleteSnapshot(t.Context(), "x"),
					} {
						if err != nil {
							t.Errorf("%s: %d %q %q: %v", what, status, contentType, answer.body, err)
						}
					}
					if published != nil && published.Version() != "1" {
						t.Errorf("published as version %q", published.Version())
					}
				}
			}
		}
		// The version that a server made is in its answer, or is its newest one.
		const guid = "3fd27552-c1c9-4fa3-8185-39061c1bf6cd"
		for _, said := range []string{`"Service s version ` + guid + ` published."`, ""} {
			client, _ := talk(t, map[string]reply{"POST /services/s": {status: 201, body: said}, "GET /services/s": {
				body: `[{"name":"s","version":"1","creationTime":"2030-01-01T00:00:00"},{"name":"s","version":"` + guid + `","creationTime":"2020-01-01T00:00:00"}]`,
			}})
			if s, err := client.Publish(t.Context(), mlserver.Definition{Name: "s", Code: "1"}); err != nil || s.Version() != guid {
				t.Errorf("%q: version %v, %v", said, s, err)
			}
		}
	}},
	{23, "seven types of parameters", "articles publish string and dataframe", func(t *testing.T) {
		info := described(t, in921(`"inputParameterDefinitions":[]`, `"inputParameterDefinitions":[{"name":"who","type":"string"},{"name":"d","type":"dataframe"}]`))
		if fmt.Sprint(info.Inputs) != "[{who string} {d dataframe}]" {
			t.Errorf("read as %v", info.Inputs)
		}
		checked := &mlserver.Checked{Service: always(t, "").Service("s", "1"), Info: info}
		if err := checked.Check(mlserver.Values{"who": "Ada", "d": map[string][]int{"a": {1}}}); err != nil {
			t.Errorf("values of these types are refused: %v", err)
		}
		if err := checked.Check(mlserver.Values{"who": 1, "d": 1}); err == nil || !strings.Contains(err.Error(), "a text, not 1") {
			t.Errorf("values of other types gave %v", err)
		}
	}},
	{25, "runtimeType is R or Python", "Realtime as well", func(t *testing.T) {
		for body, want := range map[string]mlserver.Runtime{
			in921("Python", "Realtime"): mlserver.Realtime, service921: mlserver.Python, in921("Python", "R"): mlserver.R, service901: mlserver.R,
		} {
			if info := described(t, body); info.Runtime != want {
				t.Errorf("%s: runtime %q, want %q", body, info.Runtime, want)
			}
		}
	}},
	{26, "nothing about runtimeType in a PATCH", "a Python service needs it repeated", func(t *testing.T) {
		for runtime, want := range map[string]string{"Python": `{"description":"d","runtimeType":"Python"}`, "R": `{"description":"d"}`} {
			client, got := talk(t, map[string]reply{"GET /services/s/1": {body: in921("Python", runtime)}, "PATCH /services/s/1": {}})
			if err := client.Service("s", "1").Update(t.Context(), mlserver.Change{Description: new("d")}); err != nil || (*got)[1].body != want+"\n" {
				t.Errorf("%s: sent %+v, %v, want %s", runtime, *got, err, want)
			}
		}
	}},
	{27, "an article publishes at /api/{service}/{version}", "at /services", func(t *testing.T) {
		client, got := talk(t, map[string]reply{"POST /services/s%201/1.0": {status: 201}})
		if _, err := client.Publish(t.Context(), mlserver.Definition{Name: "s 1", Version: "1.0", Code: "1"}); err != nil || len(*got) != 1 {
			t.Errorf("sent %v, %v", *got, err)
		}
	}},
	{28, "publishing without a version is GET /services/{name}", "POST", func(t *testing.T) {
		client, got := talk(t, map[string]reply{"POST /services/s": {status: 201, body: `"3fd27552-c1c9-4fa3-8185-39061c1bf6cd"`}})
		if _, err := client.Publish(t.Context(), mlserver.Definition{Name: "s", Code: "1"}); err != nil || fmt.Sprint(*got) != "[POST /services/s]" {
			t.Errorf("sent %v, %v", *got, err)
		}
	}},
	{30, "the default operationId is ConsumeWebService", "clients call it consume; a service without one may say null", func(t *testing.T) {
		for _, alias := range []string{`"consume"`, `"ConsumeWebService"`, `""`, `null`} {
			client := always(t, strings.Replace(service901, `"manualTransmission"`, alias, 1))
			diff, err := client.Diff(t.Context(), mlserver.Definition{
				Name: "transmission", Version: "v1.0.0", Code: "x", SnapshotID: "3fd27552-c1c9-4fa3-8185-39061c1bf6cd",
				Inputs: []mlserver.Parameter{{Name: "hp", Type: mlserver.Numeric}}, Outputs: []mlserver.Parameter{{Name: "answer", Type: mlserver.Numeric}},
			})
			if err != nil || !diff.Empty() {
				t.Errorf("operationId %s is taken for an alias: %v, %v", alias, diff, err)
			}
		}
		hasTest(t, "../codegen/names_test.go", "TestDefaultAlias")
	}},
	{34, "creationTime is any text", "a time without zone, of 0 to 7 digits after the second", func(t *testing.T) {
		for text, want := range map[string]time.Time{
			"2016-10-26T16:18:26": time.Date(2016, 10, 26, 16, 18, 26, 0, time.UTC), "2016-10-26T16:18:26.9": time.Date(2016, 10, 26, 16, 18, 26, 900000000, time.UTC),
			"2016-10-26T16:18:26.9563885": time.Date(2016, 10, 26, 16, 18, 26, 956388500, time.UTC), "2017-10-18T21:55:46.085642": time.Date(2017, 10, 18, 21, 55, 46, 85642000, time.UTC),
			"2017-10-18T21:55:46Z": time.Date(2017, 10, 18, 21, 55, 46, 0, time.UTC), "yesterday": {},
		} {
			if info := described(t, in921("2017-10-18T21:55:46.085642", text)); !info.Created.Equal(want) {
				t.Errorf("%s is read as %v", text, info.Created)
			}
		}
	}},
	{35, "the order of a service's members", "another one in 9.0.1, and null for no description", func(t *testing.T) {
		info := described(t, service901)
		if info.Name != "transmission" || info.Version != "v1.0.0" || info.Description != "" || info.Code != "x" || info.Alias != "manualTransmission" ||
			fmt.Sprint(info.Inputs, info.Outputs) != "[{hp numeric}] [{answer numeric}]" || info.SnapshotID != "3fd27552-c1c9-4fa3-8185-39061c1bf6cd" {
			t.Errorf("read as %+v", info)
		}
	}},
	{36, "the list has each service's code", "only for its publisher and owners", func(t *testing.T) {
		list, err := always(t, "["+service901+","+strings.Replace(service901, `"code":"x",`, "", 1)+"]").Services(t.Context())
		if err != nil || len(list) != 2 || list[0].Code != "x" || list[1].Code != "" || list[1].Alias != "manualTransmission" {
			t.Errorf("read as %+v, %v", list, err)
		}
	}},
	{12, "core errors {message, link}, those of services {code, message, fields}", "either anywhere, an empty body, or no JSON", func(t *testing.T) {
		for body, want := range map[string]string{
			`{"message":"no hp","link":null,"exceptionType":"X"}`: "no hp", `{"code":400,"message":"no hp","fields":"hp"}`: "no hp",
			`{"Code":400,"Message":"no hp"}`: "no hp", `"no hp"`: "no hp", "no hp": "no hp", "": "400 Bad Request", "<html><title>no hp</title>": "400 Bad Request",
		} {
			client := says(t, http.StatusBadRequest, jsonType, body)
			_, describing := client.Service("s", "1").Describe(t.Context())
			_, consuming := client.Service("s", "1").Consume(t.Context(), nil)
			for what, err := range map[string]error{"describing": describing, "consuming": consuming} {
				if !errors.Is(err, mlserver.ErrBadRequest) || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %q gave %v", what, body, err)
				}
			}
		}
		for _, status := range slices.Sorted(maps.Keys(map[int]bool{402: true, 410: true, 500: true, 503: true})) {
			var refused *mlserver.Error
			if _, err := says(t, status, jsonType, "").Service("s", "1").Describe(t.Context()); !errors.As(err, &refused) || refused.Status != status {
				t.Errorf("%d gave %v", status, err)
			}
		}
	}},
}
