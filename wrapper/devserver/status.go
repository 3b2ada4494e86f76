package devserver

import (
	"net/http"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
)

// health is the answer of GET /status, for the server and for each of its parts.
type health struct {
	StatusCode string             `json:"statusCode"`
	Components map[string]*health `json:"components"`
	Details    map[string]any     `json:"details"`
}

// status tells the state in the shape of a one-box server with this process as its only compute node. What real servers don't
// have are the details named r… and python… that say which interpreter was found and what it lacks.
func (s *Server) status(w http.ResponseWriter, r *request) error {
	node := &health{StatusCode: "pass", Details: map[string]any{"apiVersion": "1.0"}}
	found, languages := 0, []runtimes.Language{runtimes.R, runtimes.Python}
	if !s.since("9.1.0") {
		languages = languages[:1] // Python came with 9.1.0
	}
	for _, lang := range languages {
		prefix := map[runtimes.Language]string{runtimes.R: "r", runtimes.Python: "python"}[lang]
		i, err := s.engines[lang].find(r.Context())
		if err != nil {
			node.Details[prefix+"CanOpenShell"] = "False"
			node.Details[prefix+"Error"] = err.Error()
			continue
		}
		found++
		missing := i.Missing
		if missing == nil {
			missing = []string{}
		}
		node.Details[prefix+"CanOpenShell"] = "True" // text, as real servers have it
		node.Details[prefix+"Path"] = i.Path
		node.Details[prefix+"Version"] = i.Version
		node.Details[prefix+"MissingPackages"] = missing
	}
	switch {
	case found == 0:
		node.StatusCode = "fail"
	case found < len(languages):
		node.StatusCode = "warn"
	}
	if !s.since("9.1.0") {
		writeJSON(w, http.StatusOK, s.status901(node, r))
		return nil
	}
	for prefix, n := range map[string]int{"r": s.shells(runtimes.R), "python": s.shells(runtimes.Python)} {
		node.Details[prefix+"MaxPoolSize"] = s.cfg.MaxSessions
		node.Details[prefix+"ActiveShellCount"] = n
		node.Details[prefix+"CurrentPoolSize"] = n
	}
	backends := map[string]any{}
	if s.since("9.2.1") {
		backends["configuredComputeNodes"] = s.nodes.list()
		backends["note"] = "all code runs in the development server itself, configured compute nodes are only kept"
	}
	authentication := &health{StatusCode: "pass", Details: map[string]any{}, Components: map[string]*health{
		"localAccounts": {StatusCode: "pass", Details: map[string]any{"accounts": len(s.accounts)}},
	}}
	top := node.StatusCode
	if s.ldap != nil {
		h := s.ldap.health(r.Context())
		authentication.StatusCode, authentication.Components = h.StatusCode, map[string]*health{"ldap": h}
		if h.StatusCode == "fail" {
			top = h.StatusCode
		}
	}
	if s.azure != nil {
		authentication.Components = map[string]*health{"azureActiveDirectory": s.azure.health()}
	}
	writeJSON(w, http.StatusOK, &health{
		StatusCode: top,
		Components: map[string]*health{
			"backends": {
				StatusCode: node.StatusCode,
				Components: map[string]*health{"http://" + r.Host + "/": node},
				Details:    backends,
			},
			"authentication": authentication,
			"database":       {StatusCode: "pass", Details: map[string]any{"type": "bbolt", "name": "main", "state": "Open"}},
		},
		Details: map[string]any{"logPath": ""},
	})
	return nil
}

// status901 is the older form: other words, and names with blanks. Only "green" is on record; the words for worse are guessed.
func (s *Server) status901(node *health, r *request) *health {
	words := map[string]string{"pass": "green", "warn": "yellow", "fail": "red"}
	code := words[node.StatusCode]
	node.StatusCode = code
	node.Details["can Open Shell"] = code != "red"
	for _, can := range []string{"can Write", "can Read", "can Zip"} {
		node.Details[can] = true
	}
	n := s.shells(runtimes.R)
	node.Details["max Pool Size"] = s.cfg.MaxSessions
	node.Details["active Shell Count"] = n
	node.Details["current Pool Size"] = n
	for _, later := range []string{"apiVersion", "rCanOpenShell"} {
		delete(node.Details, later)
	}
	h := &health{
		StatusCode: code,
		Components: map[string]*health{
			"backends": {
				StatusCode: code,
				Components: map[string]*health{"http://" + r.Host + "/": node},
				Details:    map[string]any{},
			},
			"database": {StatusCode: "green", Details: map[string]any{"type": "bbolt", "name": "main", "state": "Open"}},
		},
		Details: map[string]any{},
	}
	if s.ldap != nil {
		l := s.ldap.health(r.Context())
		if l.StatusCode = words[l.StatusCode]; l.StatusCode == "red" {
			h.StatusCode = "red"
		}
		h.Components["ldap"] = l
	}
	return h
}
