package devserver

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/mlserver-go/mls/wrapper/internal/lazyregexp"
)

// computeNodes are the addresses of compute nodes, since 9.2.1. They are kept, and that is all: code runs in this process, which is
// the only node there is.
type computeNodes struct {
	mu      sync.Mutex
	entries []string
}

const nodesKey = "entries"

func (s *Server) getComputeNodes(w http.ResponseWriter, r *request) error {
	writeJSON(w, http.StatusOK, map[string][]string{"computeNodes": s.nodes.list()})
	return nil
}

func (n *computeNodes) list() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string{}, n.entries...)
}

func (s *Server) setComputeNodes(w http.ResponseWriter, r *request) error {
	return s.changeNodes(w, r, func(_, given []string) ([]string, error) { return given, nil })
}

func (s *Server) addComputeNode(w http.ResponseWriter, r *request) error {
	return s.changeNodes(w, r, func(have, given []string) ([]string, error) { return append(have, given...), nil })
}

// removeComputeNode takes addresses as they were given: a range is removed as a range.
func (s *Server) removeComputeNode(w http.ResponseWriter, r *request) error {
	return s.changeNodes(w, r, func(have, given []string) ([]string, error) {
		for _, g := range given {
			if !slices.Contains(have, g) {
				return nil, fail(http.StatusBadRequest, "%s is not among the compute nodes, nothing was removed: name them as they are listed", g)
			}
		}
		return slices.DeleteFunc(have, func(h string) bool { return slices.Contains(given, h) }), nil
	})
}

// changeNodes makes of the addresses that are there and those given what is to be kept, each once and in their order.
func (s *Server) changeNodes(w http.ResponseWriter, r *request, change func(have, given []string) ([]string, error)) error {
	var body struct{ Entries *[]string }
	if err := r.decode(&body); err != nil {
		return err
	}
	if body.Entries == nil {
		return fail(http.StatusBadRequest, "%s: entries is missing: list the addresses", r.op.body.name)
	}
	var given []string
	for _, entry := range *body.Entries {
		address, err := nodeAddress(entry)
		if err != nil {
			return fail(http.StatusBadRequest, "%s: %v", r.op.body.name, err)
		}
		given = append(given, address)
	}
	s.nodes.mu.Lock()
	defer s.nodes.mu.Unlock()
	entries, err := change(slices.Clone(s.nodes.entries), given)
	if err != nil {
		return err
	}
	var kept []string
	for _, e := range entries {
		if !slices.Contains(kept, e) {
			kept = append(kept, e)
		}
	}
	if err := s.store.put(bucketNodes, nodesKey, kept); err != nil {
		return err
	}
	s.nodes.entries = kept
	w.WriteHeader(http.StatusOK)
	return nil
}

var (
	nodeURL  = lazyregexp.New(`^(https?)://(\[[0-9a-fA-F:.]+\]|[^:/?#@\[\]]+)(?::([0-9-]+))?/?$`)
	hostName = lazyregexp.New(`^([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)*[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.?$`)
	digits   = lazyregexp.New(`^[0-9]+(-[0-9]+)?$`)
)

// nodeAddress checks the address of a compute node, or of several: http://1.0.1-3.1-2:12805 are six, for the parts of an IPv4
// address and the port can be ranges. A slash at the end is dropped.
func nodeAddress(entry string) (string, error) {
	wrong := func(reason string, args ...any) (string, error) {
		return "", fmt.Errorf("%q is no address of compute nodes, such as http://10.0.0.5:12805 or http://10.0.0.5-9:12805: %s", entry, fmt.Sprintf(reason, args...))
	}
	m := nodeURL().FindStringSubmatch(entry)
	if m == nil {
		if u, err := url.Parse(entry); err == nil && u.Host != "" && (u.Path != "" || u.RawQuery != "" || u.User != nil) {
			return wrong("only scheme, host and port belong to it")
		}
		return wrong("it must begin with http:// or https:// and a host")
	}
	host, port := m[2], m[3]
	labels := strings.Split(host, ".")
	switch {
	case host[0] == '[':
		if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err != nil || !a.Is6() {
			return wrong("%s is no IPv6 address", host)
		}
	case digits().MatchString(labels[len(labels)-1]): // no name ends like that
		if len(labels) != 4 {
			return wrong("an IPv4 address has four parts")
		}
		for _, part := range labels {
			if reason := badRange(part, 0, 255); reason != "" {
				return wrong("%s", reason)
			}
		}
	case !hostName().MatchString(host) || len(host) > 253:
		return wrong("%s is no host name", host)
	}
	if port != "" {
		if reason := badRange(port, 1, 65535); reason != "" {
			return wrong("port: %s", reason)
		}
	}
	return strings.TrimSuffix(entry, "/"), nil
}

// badRange says what is wrong with N or N-M between least and most, "" for nothing.
func badRange(text string, least, most int) string {
	if !digits().MatchString(text) {
		return fmt.Sprintf("%q is neither a number nor a range", text)
	}
	low, high, isRange := strings.Cut(text, "-")
	if !isRange {
		high = low
	}
	l, err1 := strconv.Atoi(low)
	h, err2 := strconv.Atoi(high)
	switch {
	case err1 != nil || err2 != nil || l < least || h > most:
		return fmt.Sprintf("%s is not within %d and %d", text, least, most)
	case l > h:
		return fmt.Sprintf("%s goes backwards", text)
	}
	return ""
}
