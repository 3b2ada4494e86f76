package devserver

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/google/uuid"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
)

// publishRequest is the body of publishing and patching. What is absent in a PATCH keeps its value, what is empty clears it.
type publishRequest struct {
	SnapshotID, Code, Description, OperationID, InitCode *string
	RuntimeType                                          *string
	InputParameterDefinitions                            *[]parameter
	OutputParameterDefinitions                           *[]parameter
	OutputFileNames                                      *[]string
}

func (s *Server) publishWebService(w http.ResponseWriter, r *request) error {
	return s.publish(w, r, uuid.NewString())
}

func (s *Server) publishWebServiceVersion(w http.ResponseWriter, r *request) error {
	return s.publish(w, r, r.PathValue("version"))
}

func (s *Server) publish(w http.ResponseWriter, r *request, version string) error {
	svc := &service{
		Name: r.PathValue("name"), Version: version, Owner: r.user, Created: s.cfg.Clock().UTC(), Language: runtimes.R,
	}
	if err := publishable(svc.Name, svc.Version); err != nil {
		return err
	}
	var body publishRequest
	if err := r.decode(&body); err != nil {
		return err
	}
	if err := s.apply(r, svc, &body); err != nil {
		return err
	}
	if err := s.put(r, nil, svc, &body); err != nil {
		return err
	}
	// How a client learns a generated version is not on record: it is in the text, and at the end of Location.
	w.Header().Set("Location", "/services/"+url.PathEscape(svc.Name)+"/"+url.PathEscape(svc.Version))
	writeJSON(w, http.StatusCreated, "Service "+svc.Name+" version "+svc.Version+" published.")
	return nil
}

func (s *Server) patchWebServiceVersion(w http.ResponseWriter, r *request) error {
	old, err := s.own(r)
	if err != nil {
		return err
	}
	if old.Realtime {
		return fail(http.StatusBadRequest, "service %s version %s is a realtime service: update it at /realtime-services", old.Name, old.Version)
	}
	var body publishRequest
	if err := r.decode(&body); err != nil {
		return err
	}
	svc := *old.service
	if err := s.apply(r, &svc, &body); err != nil {
		return err
	}
	if err := s.put(r, old, &svc, &body); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, "Service "+svc.Name+" version "+svc.Version+" updated.")
	return nil
}

// publishable refuses names that would break paths, and the path templates of the service's own document.
func publishable(name, version string) error {
	for what, value := range map[string]string{"name": name, "version": version} {
		if value != strings.TrimSpace(value) || len(value) > 200 || strings.ContainsAny(value, `/\{}?#%<>"`) ||
			strings.ContainsFunc(value, unicode.IsControl) {
			return fail(http.StatusBadRequest, "service %s %q: use up to 200 letters, digits, dots, dashes or underscores", what, value)
		}
	}
	return nil
}

// apply brings what the body says into svc.
func (s *Server) apply(r *request, svc *service, body *publishRequest) error {
	name := r.op.body.name
	if body.Code != nil {
		svc.Code = *body.Code
	}
	if strings.TrimSpace(svc.Code) == "" {
		return fail(http.StatusBadRequest, "%s.code is missing: a service needs code to run", name)
	}
	update(&svc.Description, body.Description)
	update(&svc.OperationID, body.OperationID)
	if body.InputParameterDefinitions != nil {
		svc.Inputs = *body.InputParameterDefinitions
	}
	if body.OutputParameterDefinitions != nil {
		svc.Outputs = *body.OutputParameterDefinitions
	}
	for field, ps := range map[string][]parameter{"inputParameterDefinitions": svc.Inputs, "outputParameterDefinitions": svc.Outputs} {
		seen := map[string]bool{}
		for _, p := range ps {
			if p.Name == "" || seen[p.Name] {
				return fail(http.StatusBadRequest, "%s.%s: name %q is empty or not the only one", name, field, p.Name)
			}
			if seen[p.Name] = true; apiType(p.Type) == "" {
				return fail(http.StatusBadRequest, "%s.%s: %s has the unknown type %q: use one of %s",
					name, field, p.Name, p.Type, strings.Join(apiTypes(), ", "))
			}
		}
	}
	if !s.since("9.1.0") {
		return nil // the fields below came with it, an older server does not see them
	}
	if body.RuntimeType != nil {
		svc.Language = s.language(*body.RuntimeType)
	}
	update(&svc.InitCode, body.InitCode)
	if body.OutputFileNames != nil {
		svc.Files = *body.OutputFileNames
	}
	for _, file := range svc.Files {
		if !filepath.IsLocal(file) {
			return fail(http.StatusBadRequest, "%s.outputFileNames: %q is no path within the working directory", name, file)
		}
	}
	return nil
}

// update sets what was given; "" clears.
func update(field **string, given *string) {
	if given == nil {
		return
	}
	if *field = given; *given == "" {
		*field = nil
	}
}

// put checks the code of svc, takes its snapshot and makes it the published version in place of old, nil for a new one.
func (s *Server) put(r *request, old *published, svc *service, body *publishRequest) (err error) {
	kept := "" // the blob that old and svc share
	if old == nil {
		if err := s.vacant(svc); err != nil {
			return err
		}
	} else if kept = old.Blob; body.SnapshotID == nil && kept != "" && old.Language != svc.Language {
		return fail(http.StatusBadRequest, "%s.runtimeType: the service's snapshot is of %s; give one of %s, or clear it",
			r.op.body.name, old.Language, svc.Language)
	}
	if body.SnapshotID != nil {
		if err := s.adopt(r, svc, *body.SnapshotID); err != nil {
			return err
		}
	}
	p := &published{svc, newServicePool(s, svc)}
	defer func() {
		if err == nil {
			return
		}
		p.workers.close()
		if svc.Blob != "" && svc.Blob != kept {
			s.store.drop(svc.Blob)
		}
	}()
	ctx, cancel := s.bound(r.Context())
	defer cancel()
	first, err := p.workers.spawn(ctx)
	if err != nil {
		return err
	}
	if err = first.parse(ctx, svc, r.op.body.name); err == nil {
		err = s.replace(old, p)
	}
	if err != nil {
		first.end()
		return err
	}
	p.workers.warm(first)
	p.workers.fill()
	return nil
}

// adopt gives svc a copy of a snapshot, or none for "".
func (s *Server) adopt(r *request, svc *service, id string) error {
	if svc.SnapshotID, svc.Blob = nil, ""; id == "" {
		return nil
	}
	snap, err := s.snapshots.owned(id, r.user)
	if err != nil {
		return fail(http.StatusBadRequest, "%s.snapshotId: %v", r.op.body.name, err)
	}
	if snap.Language != svc.Language {
		return fail(http.StatusBadRequest, "%s.snapshotId: snapshot %s is of %s, the service of %s", r.op.body.name, id, snap.Language, svc.Language)
	}
	svc.SnapshotID = &snap.ID
	if svc.Blob, err = s.store.copyBlob(id); errors.Is(err, fs.ErrNotExist) {
		return fail(http.StatusBadRequest, "%s.snapshotId: snapshot %s was deleted by another request", r.op.body.name, id)
	}
	return err
}

// replace makes p the published version, if old still is, or nothing is where old is nil. Old is retired.
func (s *Server) replace(old, p *published) error {
	err := s.swap(old, p)
	if err == nil && old != nil {
		s.retire(old, p.Blob)
	}
	return err
}

func (s *Server) swap(old, p *published) error {
	s.services.mu.Lock()
	defer s.services.mu.Unlock()
	switch now := s.services.byKey[p.key()]; {
	case old == nil && now != nil:
		return s.duplicate(p.service)
	case old != now:
		return fail(http.StatusConflict, "service %s version %s was changed or deleted by another request", p.Name, p.Version)
	}
	if err := s.inheritPool(old, p); err != nil {
		return err
	}
	if err := s.store.put(bucketServices, p.key(), p.service); err != nil { // the last that can fail: what is kept is what is served
		return err
	}
	s.services.byKey[p.key()] = p
	return nil
}

// inheritPool gives p the dedicated pool of what it replaces, unless there is nothing that could run in it. Calls under way come
// to their end in workers of the old version, beside it.
func (s *Server) inheritPool(old, p *published) error {
	if old == nil || old.workers.dedicated() == nil {
		return nil
	}
	if p.scorable() != nil {
		return s.store.delete(p.key(), bucketPools)
	}
	p.workers.resize(old.workers.dedicated())
	return nil
}

// vacant refuses a version that exists. The document's own text for this is ambiguous: 409 unless told to send 403.
func (s *Server) vacant(svc *service) error {
	s.services.mu.Lock()
	defer s.services.mu.Unlock()
	if s.services.byKey[svc.key()] == nil {
		return nil
	}
	return s.duplicate(svc)
}

func (s *Server) duplicate(svc *service) error {
	status := http.StatusConflict
	if d := s.faults().Duplicate; d != 0 && !svc.Realtime { // for these the document is clear
		status = d
	}
	return fail(status, "service %s version %s exists: update it, or publish another version", svc.Name, svc.Version)
}

// parse asks the language whether the code of svc can be parsed.
func (sw *serviceWorker) parse(ctx context.Context, svc *service, name string) error {
	checker := `invisible(parse(text = mls_code, keep.source = FALSE))`
	if svc.Language == runtimes.Python {
		checker = "try:\n  compile(mls_code, 'service', 'exec')\nexcept SyntaxError as e:\n  raise SyntaxError(f'line {e.lineno}: {e.msg}') from None\n"
	}
	codes := []parameter{{"code", svc.Code}}
	if svc.InitCode != nil {
		codes = append(codes, parameter{"initCode", *svc.InitCode})
	}
	for _, c := range codes {
		text, err := json.Marshal(c.Type)
		if err != nil {
			return err
		}
		res, err := sw.Call(ctx, runtimes.Request{Code: checker, Inputs: []runtimes.Input{{Name: "mls_code", Type: "character", Value: text}}})
		if err != nil {
			return err
		}
		if !res.Success {
			_, message, found := strings.Cut(res.Error, "<text>:") // R names the checker first
			if !found {
				message = res.Error
			}
			return fail(http.StatusBadRequest, "%s.%s does not parse as %s: %s", name, c.Name, svc.Language, strings.TrimSpace(message))
		}
	}
	return nil
}

// apiTypes are the types that inputs and outputs can be declared with.
func apiTypes() []string {
	return []string{"logical", "numeric", "integer", "character", "vector", "matrix", "data.frame"}
}

// apiType is the API's word for a declared type, "" when there is none. Articles publish a "string" and a "dataframe", too.
func apiType(declared string) string {
	switch {
	case slices.Contains(apiTypes(), declared):
		return declared
	case declared == "string":
		return "character"
	case declared == "dataframe":
		return "data.frame"
	}
	return ""
}
