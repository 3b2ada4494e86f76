package devserver

import (
	"fmt"
	"net/http"
	"slices"
)

// Roles assigns roles to accounts, since 9.1.0; that of Reader since 9.2.0. Who has several has the highest. Who has none, and is
// not admin, has that of Contributor while neither Contributor nor Reader is assigned to anybody, that of Reader while only Reader
// is not, and else may do nothing at all.
//
// Readers list and call services, and use sessions and snapshots. Contributors publish as well, and change, delete and give pools
// to what they have published. Owners do that with every service, see everybody's code, and set the compute nodes.
type Roles struct {
	Owner       []string `json:"owner"`
	Contributor []string `json:"contributor"`
	Reader      []string `json:"reader"`
}

// role is what a user may do; a higher one may all that a lower one may.
type role int

const (
	noRole role = iota
	reader
	contributor
	owner
)

func (r role) String() string { return [...]string{"no role", "Reader", "Contributor", "Owner"}[r] }

// check refuses roles that the version does not know, and those of nobody.
func (rs Roles) check(cfg Config, a accounts, since func(string) bool) error {
	if len(rs.Owner)+len(rs.Contributor)+len(rs.Reader) > 0 && !since("9.1.0") {
		return fmt.Errorf("server version %s has no roles, they came with 9.1.0", cfg.APIVersion)
	}
	if len(rs.Reader) > 0 && !since("9.2.0") {
		return fmt.Errorf("server version %s cannot assign the role Reader, that came with 9.2.0: who is neither Owner nor Contributor has it", cfg.APIVersion)
	}
	for _, user := range slices.Concat(rs.Owner, rs.Contributor, rs.Reader) {
		if _, ok := a[user]; !ok && a != nil { // whom a directory knows is not known here
			return fmt.Errorf("roles: there is no account %q", user)
		}
	}
	return nil
}

// roleOf is the role of an account. Early texts make admin a Contributor, all later ones an Owner.
func (s *Server) roleOf(user string) role {
	rs := s.cfg.Roles
	switch {
	case user == "admin" && s.cfg.LDAP == nil && s.cfg.AzureAD == nil, slices.Contains(rs.Owner, user):
		return owner
	case slices.Contains(rs.Contributor, user):
		return contributor
	case slices.Contains(rs.Reader, user):
		return reader
	case len(rs.Reader) > 0:
		return noRole
	case len(rs.Contributor) > 0:
		return reader
	}
	return contributor
}

// needed is the least role for an operation. Those that change a service also look at whose it is, see Server.own.
func needed(id string) role {
	switch id {
	case "publishWebService", "publishWebServiceVersion", "publishRealtimeWebServiceByName", "publishRealtimeWebServiceByNameVersion",
		"patchWebServiceVersion", "patchRealtimeWebServiceByNameVersion", "deleteWebServiceVersion",
		"createOrUpdateServicePool", "deleteServicePool":
		return contributor
	case "setComputeNodes", "addComputeNode", "removeComputeNode":
		return owner
	}
	return reader
}

// authorize refuses what the user's role does not allow.
func (s *Server) authorize(user string, op *operation) error {
	has, needs := s.roleOf(user), needed(op.id)
	if !s.since("9.1.0") || has >= needs {
		return nil
	}
	if has == noRole {
		return fail(http.StatusForbidden, "%s has no role on this server: an administrator must assign one", user)
	}
	return fail(http.StatusForbidden, "%s (%s %s) needs the role %s, %s is a %s", op.id, op.method, op.path, needs, user, has)
}

// mayChange says whether a user may update and delete a service, and manage its pool.
func (s *Server) mayChange(svc *service, user string) bool {
	if !s.since("9.1.0") {
		return svc.Owner == user
	}
	has := s.roleOf(user)
	return has == owner || has == contributor && svc.Owner == user
}

// maySee says whether a user sees the code of a service.
func (s *Server) maySee(svc *service, user string) bool {
	return svc.Owner == user || s.since("9.1.0") && s.roleOf(user) == owner
}
