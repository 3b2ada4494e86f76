package devserver

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
)

// service is the record of one published version. Records don't change: a PATCH makes a new one.
type service struct {
	Name, Version, Owner string
	Created              time.Time
	Language             runtimes.Language // "" for a model that cannot be scored here
	Realtime             bool              // a model, the blob, and no code
	Code                 string
	InitCode             *string
	Description          *string
	OperationID          *string
	SnapshotID           *string // as given at publishing; may not exist any more
	Blob                 string  // our own copy of that snapshot, "" for none
	Inputs, Outputs      []parameter
	Files                []string // artifacts returned with every call
}

type parameter struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

func (svc *service) key() string { return svc.Name + "\x00" + svc.Version }

func (svc *service) runtimeType() string {
	if svc.Realtime {
		return "Realtime"
	}
	return string(svc.Language)
}

// published is a record with what it takes to run it.
type published struct {
	*service
	workers *servicePool
}

type services struct {
	mu    sync.Mutex
	byKey map[string]*published
}

// list is every version for which keep holds, by name, oldest first.
func (ss *services) list(keep func(*published) bool) []*published {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	var list []*published
	for _, p := range ss.byKey {
		if keep(p) {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b *published) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), a.Created.Compare(b.Created), strings.Compare(a.Version, b.Version))
	})
	return list
}

// find is the version with that key, nil if there is none.
func (ss *services) find(key string) *published {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	return ss.byKey[key]
}

// published is the version that the path names.
func (s *Server) published(r *request) (*published, error) {
	if p := s.services.find(keyOf(r)); p != nil {
		return p, nil
	}
	return nil, noService(r)
}

func keyOf(r *request) string {
	return (&service{Name: r.PathValue("name"), Version: r.PathValue("version")}).key()
}

func noService(r *request) error {
	return fail(http.StatusNotFound, "service %s version %s not found", r.PathValue("name"), r.PathValue("version"))
}

// own is the version that the path names, if who asks may change and delete it.
func (s *Server) own(r *request) (*published, error) {
	p, err := s.published(r)
	if err == nil && !s.mayChange(p.service, r.user) {
		who := "who alone may change or delete it"
		if s.since("9.1.0") {
			who = "who may change and delete it, as Owners may"
		}
		return nil, fail(http.StatusForbidden, "service %s version %s was published by %s, %s", p.Name, p.Version, p.Owner, who)
	}
	return p, err
}

func (s *Server) getAllWebServices(w http.ResponseWriter, r *request) error {
	s.describe(w, r, func(*published) bool { return true })
	return nil
}

// getAllWebServiceVersionsByName answers an empty list for a name that has none: the document knows no 404 here.
func (s *Server) getAllWebServiceVersionsByName(w http.ResponseWriter, r *request) error {
	s.describe(w, r, func(p *published) bool { return p.Name == r.PathValue("name") })
	return nil
}

func (s *Server) describe(w http.ResponseWriter, r *request, keep func(*published) bool) {
	all := []object{}
	for _, p := range s.services.list(keep) {
		all = append(all, s.metadata(p.service, r.user))
	}
	writeJSON(w, http.StatusOK, all)
}

// getWebServiceVersion answers an array with the one service, as real servers do.
func (s *Server) getWebServiceVersion(w http.ResponseWriter, r *request) error {
	p, err := s.published(r)
	if err != nil {
		return err
	}
	m := s.metadata(p.service, r.user)
	if s.faults().ServiceObject {
		writeJSON(w, http.StatusOK, m)
	} else {
		writeJSON(w, http.StatusOK, []object{m})
	}
	return nil
}

// metadata describes a service to a user. Who published it and Owners see the code, the code run at the start included.
func (s *Server) metadata(svc *service, user string) object {
	seen := s.maySee(svc, user)
	inputs, outputs := append([]parameter{}, svc.Inputs...), append([]parameter{}, svc.Outputs...)
	if !s.since("9.1.0") {
		m := object{{"creationTime", stamp(svc.Created)}, {"name", svc.Name}, {"version", svc.Version}, {"description", svc.Description}}
		if seen {
			m = append(m, member{"code", svc.Code})
		}
		return append(m, object{
			{"snapshotId", svc.SnapshotID}, {"owner", svc.Owner},
			{"inputParameterDefinitions", inputs}, {"outputParameterDefinitions", outputs}, {"operationId", svc.OperationID},
		}...)
	}
	m := object{
		{"name", svc.Name}, {"version", svc.Version}, {"versionPublishedBy", svc.Owner}, {"creationTime", stamp(svc.Created)},
		{"snapshotId", svc.SnapshotID}, {"runtimeType", svc.runtimeType()},
	}
	if seen && !svc.Realtime {
		m = append(m, member{"initCode", svc.InitCode}, member{"code", svc.Code})
	}
	permission := "read only"
	if s.mayChange(svc, user) {
		permission = "read/write"
	}
	return append(m, object{
		{"description", svc.Description}, {"operationId", svc.OperationID},
		{"inputParameterDefinitions", inputs}, {"outputParameterDefinitions", outputs},
		{"outputFileNames", append([]string{}, svc.Files...)}, {"myPermissionOnService", permission},
	}...)
}

func (s *Server) deleteWebServiceVersion(w http.ResponseWriter, r *request) error {
	p, err := s.own(r)
	if err != nil {
		return err
	}
	s.services.mu.Lock()
	if s.services.byKey[p.key()] != p { // changed or deleted meanwhile
		s.services.mu.Unlock()
		return s.deleteWebServiceVersion(w, r)
	}
	if err = s.store.delete(p.key(), bucketServices, bucketPools); err == nil {
		delete(s.services.byKey, p.key())
	}
	s.services.mu.Unlock()
	if err != nil {
		return err
	}
	s.retire(p, "")
	s.forgetBatches(func(rec batchRecord) bool { return rec.service() == p.key() })
	writeJSON(w, http.StatusOK, "Service "+p.Name+" version "+p.Version+" deleted.")
	return nil
}

// retire ends the workers of a version that was replaced or deleted; calls under way come to their end first. Its copy of the
// snapshot goes unless it is kept by the successor.
func (s *Server) retire(p *published, keep string) {
	p.workers.close()
	if p.Blob == "" || p.Blob == keep || !s.gate.enter() { // what is left over goes at the next start
		return
	}
	go func() {
		defer s.gate.leave()
		p.workers.wait(s.ctx)
		s.store.drop(p.Blob)
	}()
}
