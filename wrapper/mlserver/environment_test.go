package mlserver_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/mlserver-go/mls/wrapper/mlserver"
)

func TestEnvironment(t *testing.T) {
	server := newServer(t, mlserver.V930)
	client := server.client(t)
	for runtime, pkg := range (languages{mlserver.R: "rpart", mlserver.Python: "numpy"}) {
		session := newSession(t, client, mlserver.SessionOptions{Runtime: runtime})
		e, err := server.client(t).Session(session.ID()).Environment(t.Context()) // it has to find out the language
		if err != nil {
			t.Fatal(err)
		}
		if e.Runtime != runtime || e.Packages[pkg] == "" || !strings.Contains(e.Version, ".") || e.Packages["base"] != "" {
			t.Errorf("%s: got %s %s, %s %q and %d packages", runtime, e.Runtime, e.Version, pkg, e.Packages[pkg], len(e.Packages))
		}
		left := languages{mlserver.R: `cat(ls(all.names = TRUE))`, mlserver.Python: `print(*[n for n in globals() if n.startswith("_mls")], end="")`}
		if r, err := session.Execute(t.Context(), left[runtime], mlserver.Execution{}); err != nil || r.Console != "" {
			t.Errorf("%s: left behind: %q, %v", runtime, r.Console, err)
		}
	}
}

func TestEnvironmentDiff(t *testing.T) {
	for _, test := range []struct {
		name          string
		local, remote mlserver.Environment
		want          string // as JSON
	}{
		{
			"the same, and more there",
			mlserver.Environment{Runtime: mlserver.R, Version: "3.4.3", Packages: map[string]string{"boot": "1.3-20"}},
			mlserver.Environment{Runtime: mlserver.R, Version: "3.4.3", Packages: map[string]string{"boot": "1.3.20", "more": "1"}},
			`{"runtime":"R","missing":[],"differs":[]}`,
		},
		{
			"all there is",
			mlserver.Environment{Runtime: mlserver.R, Version: "4.2.2", Packages: map[string]string{"b": "1", "A": "2", "C": "1", "c": "1"}},
			mlserver.Environment{Runtime: mlserver.R, Version: "3.4.3", Packages: map[string]string{"A": "1", "c": "2"}},
			`{"runtime":"R","version":{"local":"4.2.2","remote":"3.4.3"},"missing":[{"name":"b","version":"1"},{"name":"C","version":"1"}],` +
				`"differs":[{"name":"A","local":"2","remote":"1"},{"name":"c","local":"1","remote":"2"}]}`,
		},
		{
			"names of Python, a version that is not known",
			mlserver.Environment{Runtime: mlserver.Python, Packages: map[string]string{"Scikit_Learn": "1", "ruamel.yaml": "", "x": ""}},
			mlserver.Environment{Runtime: mlserver.Python, Version: "3.5.2", Packages: map[string]string{"scikit-learn": "1", "ruamel-yaml": "0.1"}},
			`{"runtime":"Python","missing":[{"name":"x","version":""}],"differs":[]}`,
		},
	} {
		diff := test.local.Diff(&test.remote)
		got, err := json.Marshal(diff)
		if err != nil || string(got) != test.want {
			t.Errorf("%s: got %s, %v, want %s", test.name, got, err, test.want)
		}
		if text := diff.String(); strings.Contains(text, "are the same") != diff.Empty() || !strings.HasSuffix(text, "\n") {
			t.Errorf("%s: the report is %q", test.name, text)
		}
	}
}
