package mlserver_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// In 37 points servers were seen to do something else than their published documents say, or the documents contradict
// themselves. Each has a test of its own, TestFacts/NN, of what this client makes of it.
const factCount = 37

// fact is one of them.
type fact struct {
	number    int
	published string // what the documents say
	real      string // what there is
	test      func(*testing.T)
}

func TestFacts(t *testing.T) {
	facts := slices.Concat(signInFacts, serviceFacts, callFacts, sessionFacts, generatedFacts)
	seen := map[int]bool{}
	for _, f := range facts {
		if f.number < 1 || f.number > factCount || seen[f.number] || f.published == "" || f.real == "" {
			t.Errorf("fact %d is there twice, unknown or not told", f.number)
		}
		seen[f.number] = true
		t.Run(fmt.Sprintf("%02d", f.number), f.test)
	}
	for n := 1; n <= factCount; n++ {
		if !seen[n] {
			t.Errorf("fact %d has no test", n)
		}
	}
}

// request is one that a stub got.
type request struct {
	method, path, query, body string // path as it was sent, escapes included
	header                    http.Header
}

func (r request) String() string { return r.method + " " + r.path }

// reply is what a stub answers: JSON with status 200 unless it says otherwise.
type reply struct {
	status            int
	contentType, body string
}

// talk is a client of a server that answers requests, "METHOD path", as told, and notes them. Others get 404.
func talk(t *testing.T, answers map[string]reply) (*mlserver.Client, *[]request) {
	t.Helper()
	var got []request
	client := answering(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		q := request{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, string(body), r.Header}
		got = append(got, q)
		a, ok := answers[q.String()]
		if !ok {
			a = reply{status: 404}
		}
		if a.status == 0 {
			a.status = 200
		}
		if a.contentType == "" {
			a.contentType = jsonType
		}
		w.Header().Set("Content-Type", a.contentType)
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, a.body)
	})
	return client, &got
}

// always is a client of a server that gives one answer, whatever it is asked.
func always(t *testing.T, body string) *mlserver.Client {
	t.Helper()
	return says(t, 200, jsonType, body)
}

// hasTest fails unless a file of this project has a test function of that name: of facts that are not the client's.
func hasTest(t *testing.T, file, name string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "\nfunc "+name+"(t *testing.T) {") {
		t.Errorf("%s has no %s", file, name)
	}
}
