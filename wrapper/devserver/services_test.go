package devserver

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
)

// keysOf lists the members of the first object in a JSON text, in their order.
func keysOf(body string) []string {
	var keys []string
	depth := 0
	for _, m := range regexp.MustCompile(`[{}\[\]]|"(?:[^"\\]|\\.)*"(:?)`).FindAllStringSubmatch(body, -1) {
		switch {
		case m[0] == "{" || m[0] == "[":
			depth++
		case m[0] == "}" || m[0] == "]":
			depth--
		case m[1] == ":" && (depth == 1 && body[0] == '{' || depth == 2 && body[0] == '['):
			keys = append(keys, strings.Trim(m[0], `":`))
		}
	}
	return keys
}

// plus is a service that adds one.
func plus(lang runtimes.Language) map[string]any {
	return map[string]any{
		"code": "y = x + 1", "runtimeType": lang,
		"inputParameterDefinitions":  []parameter{{"x", "numeric"}},
		"outputParameterDefinitions": []parameter{{"y", "numeric"}},
	}
}

func with(m map[string]any, name string, value any) map[string]any {
	m = maps.Clone(m)
	m[name] = value
	return m
}

func TestServiceLife(t *testing.T) {
	both(t, func(t *testing.T, c *client, lang runtimes.Language) {
		r := c.want("POST", "/services/addOne/v1.0.0", plus(lang), 201)
		if r.header.Get("Location") != "/services/addOne/v1.0.0" || r.body != `"Service addOne version v1.0.0 published."` {
			t.Errorf("published: %s, Location %s", r.body, r.header.Get("Location"))
		}
		c.want("POST", "/services/addOne/v1.0.0", plus(lang), 409).says("addOne", "v1.0.0", "exists")
		r = c.want("POST", "/services/addOne", plus(lang), 201)
		guid := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`).FindString(r.body)
		if guid == "" || r.header.Get("Location") != "/services/addOne/"+guid {
			t.Errorf("published without version: %s, Location %s", r.body, r.header.Get("Location"))
		}
		for _, version := range []string{"v1.0.0", guid} {
			if got, want := c.want("POST", "/api/addOne/"+version, `{"x":100}`, 200).body, `"outputParameters":{"y":101`; !strings.Contains(got, want) {
				t.Errorf("call answered %s, want %s", got, want)
			}
		}

		var all []struct{ Name, Version string }
		c.want("GET", "/services/addOne", nil, 200).into(&all)
		if len(all) != 2 || all[1].Version != guid {
			t.Errorf("versions %+v, want the newest last", all)
		}
		if got := c.want("GET", "/services/nope", nil, 200).body; got != "[]" {
			t.Errorf("versions of no service: %s", got)
		}
		c.want("GET", "/services/nope/1", nil, 404).says("nope", "not found")
		c.want("DELETE", "/services/nope/1", nil, 404)
		c.want("PATCH", "/services/nope/1", `{}`, 404)
		c.want("POST", "/api/nope/1", `{}`, 404)

		bob := c.as("bob")
		bob.want("POST", "/services/addOne/v2", plus(lang), 201) // a new version of somebody else's service is fine
		bob.want("DELETE", "/services/addOne/v1.0.0", nil, 403).says("admin")
		bob.want("PATCH", "/services/addOne/v1.0.0", `{"description":"mine"}`, 403).says("admin")
		bob.want("POST", "/api/addOne/v1.0.0", `{"x":1}`, 200)

		c.want("DELETE", "/services/addOne/v1.0.0", nil, 200)
		c.want("POST", "/api/addOne/v1.0.0", `{"x":1}`, 404)
		c.want("POST", "/services/addOne/v1.0.0", plus(lang), 201)
	})
}

func TestServiceMetadata(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.R)
	full := map[string]any{
		"code": "y <- x", "initCode": "z <- 1", "description": "d", "operationId": "op", "runtimeType": "R",
		"inputParameterDefinitions": []parameter{{"x", "numeric"}}, "outputFileNames": []string{"a.csv"},
	}
	clk := newClock()
	for version, want := range map[string]string{
		"9.0.1": `[{"creationTime":"2016-11-24T15:06:40","name":"s","version":"1","description":"d","code":"y <- x","snapshotId":null,"owner":"admin",` +
			`"inputParameterDefinitions":[{"name":"x","type":"numeric"}],"outputParameterDefinitions":[],"operationId":"op"}]`,
		"9.1.0": `[{"name":"s","version":"1","versionPublishedBy":"admin","creationTime":"2016-11-24T15:06:40","snapshotId":null,"runtimeType":"R",` +
			`"initCode":"z <- 1","code":"y <- x","description":"d","operationId":"op","inputParameterDefinitions":[{"name":"x","type":"numeric"}],` +
			`"outputParameterDefinitions":[],"outputFileNames":["a.csv"],"myPermissionOnService":"read/write"}]`,
	} {
		cfg := only(runtimes.R)
		cfg.APIVersion, cfg.Clock = version, clk.now
		c := start(t, cfg)
		c.want("POST", "/services/s/1", full, 201)
		for _, path := range []string{"/services", "/services/s", "/services/s/1"} {
			if got := c.want("GET", path, nil, 200).body; got != want {
				t.Errorf("%s GET %s:\n%s\nwant\n%s", version, path, got, want)
			}
		}
		r := c.as("bob").want("GET", "/services/s/1", nil, 200)
		if keys := keysOf(r.body); slices.Contains(keys, "code") || slices.Contains(keys, "initCode") {
			t.Errorf("%s: bob sees %s", version, r.body)
		}
		if version == "9.1.0" && !strings.Contains(r.body, `"myPermissionOnService":"read only"`) {
			t.Errorf("bob's permission: %s", r.body)
		}
		c.srv.SetFaults(Faults{ServiceObject: true, Duplicate: 403})
		if got := c.want("GET", "/services/s/1", nil, 200).body; "["+got+"]" != want {
			t.Errorf("as an object: %s", got)
		}
		c.want("POST", "/services/s/1", full, 403).says("exists")
	}
}

func TestPatch(t *testing.T) {
	both(t, func(t *testing.T, c *client, lang runtimes.Language) {
		c.want("POST", "/services/s/1", with(with(plus(lang), "description", "before"), "operationId", "add"), 201)
		c.want("POST", "/api/s/1", `{"x":1}`, 200)
		before := c.want("GET", "/services/s/1", nil, 200).body
		c.want("PATCH", "/services/s/1", `{}`, 200)
		if got := c.want("GET", "/services/s/1", nil, 200).body; got != before {
			t.Errorf("an empty patch changed\n%s\nto\n%s", before, got)
		}
		c.want("PATCH", "/services/s/1", `{"code":"y = x + 2","description":"","inputParameterDefinitions":[{"name":"x","type":"integer"}]}`, 200)
		got := c.want("GET", "/services/s/1", nil, 200).body
		for _, want := range []string{`"code":"y = x + 2"`, `"description":null`, `{"name":"x","type":"integer"}`, `"operationId":"add"`, `"runtimeType":"` + string(lang) + `"`} {
			if !strings.Contains(got, want) {
				t.Errorf("after the patch %s, want %s", got, want)
			}
		}
		if got := c.want("POST", "/api/s/1", `{"x":1}`, 200).body; !strings.Contains(got, `{"y":3`) {
			t.Errorf("after the patch: %s", got)
		}
		c.want("PATCH", "/services/s/1", `{"outputParameterDefinitions":[]}`, 200)
		if got := c.want("POST", "/api/s/1", `{"x":1}`, 200).body; !strings.Contains(got, `"outputParameters":{}`) {
			t.Errorf("without outputs: %s", got)
		}
		c.want("PATCH", "/services/s/1", `{"code":"y = ("}`, 400).says("code does not parse")
		c.want("PATCH", "/services/s/1", `{"code":""}`, 400).says("code")
		c.want("PATCH", "/services/s/1", `{"snapshotId":"nope"}`, 400).says("nope")
	})
}

func TestPublishRefusesCode(t *testing.T) {
	both(t, func(t *testing.T, c *client, lang runtimes.Language) {
		c.want("POST", "/services/s/1", with(plus(lang), "code", "ok = 1\ny = (1 + "), 400).says("publishRequest.code", string(lang), "2")
		c.want("POST", "/services/s/1", with(plus(lang), "initCode", "a b"), 400).says("publishRequest.initCode")
		c.want("GET", "/services/s/1", nil, 404)
		var id struct{ SnapshotID string }
		p := c.session(lang)
		c.want("POST", p+"/snapshot", `{}`, 201).into(&id)
		c.want("DELETE", p, nil, 200)
		c.want("POST", "/services/s/1", with(with(plus(lang), "code", "("), "snapshotId", id.SnapshotID), 400).says("publishRequest.code")
		if left, err := os.ReadDir(c.srv.store.blobs()); err != nil || len(left) != 1 {
			t.Errorf("blobs %v, %v, want only the snapshot's own", left, err)
		}
		if left, err := os.ReadDir(c.srv.store.workers()); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	})
}

// A service has its own copy of the snapshot: clients delete theirs right after publishing.
func TestServiceOutlivesSnapshot(t *testing.T) {
	both(t, func(t *testing.T, c *client, lang runtimes.Language) {
		p := c.session(lang)
		c.upload(p, "offset.txt", "40", 201)
		c.run(p, map[runtimes.Language]string{
			runtimes.R: "base <- 1; offset <- function() as.numeric(readLines('offset.txt', warn = FALSE))", runtimes.Python: "base = 1\ndef offset(): return float(open('offset.txt').read())",
		}[lang])
		var id struct{ SnapshotID string }
		c.want("POST", p+"/snapshot", `{}`, 201).into(&id)
		body := with(with(plus(lang), "code", "y = x + base + offset()"), "snapshotId", id.SnapshotID)
		c.want("POST", "/services/s/1", body, 201)
		c.want("DELETE", p, nil, 200)
		c.want("DELETE", "/snapshots/"+id.SnapshotID, nil, 200)
		for range 3 {
			if got := c.want("POST", "/api/s/1", `{"x":1}`, 200).body; !strings.Contains(got, `"y":42`) {
				t.Errorf("call: %s", got)
			}
		}
		// A call that spoils the snapshot's files, or the process, spoils nothing for the next.
		c.want("PATCH", "/services/s/1", map[string]any{"code": map[runtimes.Language]string{
			runtimes.R:      `y <- x + base + offset(); writeLines("5", "offset.txt"); if (x == 13) base::quit(status = 3)`,
			runtimes.Python: "y = x + base + offset()\nopen('offset.txt', 'w').write('5')\nif x == 13:\n  import os\n  os._exit(3)",
		}[lang]}, 200)
		for _, x := range []int{1, 13, 1} {
			got := c.want("POST", "/api/s/1", fmt.Sprintf(`{"x":%d}`, x), 200).body
			if want := map[int]string{1: `"y":42`, 13: "exit status 3"}[x]; !strings.Contains(got, want) {
				t.Errorf("call with %d: %s, want %s", x, got, want)
			}
		}
		c.want("DELETE", "/services/s/1", nil, 200)
		await(t, "the blob of the deleted service goes, in the background", func() bool {
			left, err := os.ReadDir(c.srv.store.blobs())
			return err == nil && len(left) == 0
		})
	})
}
