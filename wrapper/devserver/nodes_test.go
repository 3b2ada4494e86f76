package devserver

import (
	"strings"
	"testing"
)

func TestNodeAddresses(t *testing.T) {
	for _, good := range []string{
		"http://1.1.1.1", "http://1.1.1.1:10-12", "http://1.0.1-3.1-2:12805", "https://10.0.0.0-255", "http://localhost:12805", "http://node-1.example.com:12805",
		"http://[fe80::1]:12805", "http://n1",
	} {
		for _, given := range []string{good, good + "/"} {
			if got, err := nodeAddress(given); err != nil || got != good {
				t.Errorf("%s: %q, %v", given, got, err)
			}
		}
	}
	for bad, says := range map[string]string{
		"": "must begin with http", "1.1.1.1:12805": "must begin with http", "ftp://1.1.1.1": "must begin with http", "http://": "must begin with http",
		"http://1.1.1.1/nodes": "only scheme, host and port", "http://1.1.1.1?x=1": "only scheme, host and port", "http://a:b@1.1.1.1": "only scheme, host and port",
		"http://1.1.1": "four parts", "http://1.1.1-2": "four parts", "http://1.1.1.256": "not within 0 and 255", "http://1.1.1.3-1": "goes backwards",
		"http://1.1.a.1": "neither a number nor a range", "http://1.1.1-2-3.1": "neither a number nor a range", "http://1.1.1.1:0": "not within 1 and 65535",
		"http://1.1.1.1:65536": "not within", "http://1.1.1.1:12-10": "goes backwards", "http://1.1.1.1:-5": "neither a number", "http://1.1.1.1:": "must begin",
		"http://a_b": "no host name", "http://-a": "no host name", "http://a b": "no host name", "http://[1.1.1.1]": "no IPv6", "http://[::g]": "must begin",
		"http://99999999999999999999.1.1.1": "not within",
	} {
		if _, err := nodeAddress(bad); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %s", bad, err, says)
		}
	}
}

// Compute nodes are listed, replaced, added and removed, kept over a restart, and change nothing else.
func TestComputeNodes(t *testing.T) {
	t.Parallel()
	cfg := noLanguages
	cfg.DataDir = t.TempDir()
	c := start(t, cfg)
	list := func(want string) {
		t.Helper()
		if got := c.want("GET", "/computenodes", nil, 200).body; got != `{"computeNodes":`+want+`}` {
			t.Errorf("nodes %s, want %s", got, want)
		}
	}
	list(`[]`)
	c.want("PUT", "/computenodes", `{"entries":["http://a:12805/","http://1.0.1-3.1-2:12805"]}`, 200)
	c.want("PUT", "/computenodes", `{"entries":["http://b:12805","http://a:12805"]}`, 200)
	list(`["http://a:12805","http://1.0.1-3.1-2:12805","http://b:12805"]`)
	c.want("DELETE", "/computenodes", `{"entries":["http://a:12805","http://1.0.1.1:12805"]}`, 400).says("http://1.0.1.1:12805 is not among", "nothing was removed")
	c.want("DELETE", "/computenodes", `{"entries":["http://a:12805","http://1.0.1-3.1-2:12805"]}`, 200)
	list(`["http://b:12805"]`)
	for _, method := range []string{"POST", "PUT", "DELETE"} {
		c.want(method, "/computenodes", `{}`, 400).says("entries is missing")
		c.want(method, "/computenodes", `{"entries":[1]}`, 400)
		c.want(method, "/computenodes", ``, 400)
		c.want(method, "/computenodes", `{"entries":["http://c","c"]}`, 400).says(`"c" is no address`)
	}
	list(`["http://b:12805"]`)
	c.want("POST", "/computenodes", `{"entries":["http://c:1-2","http://c:1-2/"]}`, 200)
	list(`["http://c:1-2"]`)
	if got := c.want("GET", "/status", nil, 200).body; !strings.Contains(got, `"configuredComputeNodes":["http://c:1-2"],"note":"all code runs in the development server itself`) {
		t.Errorf("status: %s", got)
	}
	if err := c.srv.Close(); err != nil {
		t.Fatal(err)
	}
	c = start(t, cfg)
	list(`["http://c:1-2"]`)
	c.want("POST", "/computenodes", `{"entries":[]}`, 200)
	list(`[]`)
}
