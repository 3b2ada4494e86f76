package devserver

import (
	"bytes"
	"context"
	_ "embed" // the programs that score
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/google/uuid"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
)

// A realtime service is a serialized model that is given a data frame and gives one: inputData and outputData.
//
// Real servers score models in RevoScaleR's own format alone, which nothing outside that product reads. Here the model is an R
// object with a predict method, as serialize, saveRDS or save wrote it, or a Python object with a method predict, as pickle or
// dill wrote it. The predictions are in a column RESPONSE_Pred, as RevoScaleR names it, for an R model with a formula and for
// one of statsmodels; a model that does not know its response has Pred. Predictions that have columns of their own keep them.

//go:embed scoring/score.R
var scoreR string

//go:embed scoring/score.py
var scorePython string

// modelName is the model's name in the worker's workspace.
const modelName = "model"

// program is the code that prepares a worker, nil for none, and the code of each call.
func (svc *service) program() (start *string, call string) {
	switch {
	case !svc.Realtime:
		return svc.InitCode, svc.Code
	case svc.Language == runtimes.Python:
		return &scorePython, "outputData = _mls_score(inputData)"
	}
	return &scoreR, "outputData <- .mls_score(inputData)"
}

// scorable refuses a model in RevoScaleR's format.
func (svc *service) scorable() error {
	if svc.Realtime && svc.Language == "" {
		return fail(http.StatusNotImplemented, "service %s version %s cannot be scored here: its model is in RevoScaleR's own format, "+
			"which only Microsoft's server reads; publish one that saveRDS, pickle or dill wrote", svc.Name, svc.Version)
	}
	return nil
}

func (s *Server) publishRealtime(w http.ResponseWriter, r *request) error {
	return s.publishModel(w, r, uuid.NewString())
}

func (s *Server) publishRealtimeVersion(w http.ResponseWriter, r *request) error {
	return s.publishModel(w, r, r.PathValue("version"))
}

func (s *Server) publishModel(w http.ResponseWriter, r *request, version string) error {
	svc := &service{
		Name: r.PathValue("name"), Version: version, Owner: r.user, Created: s.cfg.Clock().UTC(), Realtime: true,
		Inputs: []parameter{{"inputData", "data.frame"}}, Outputs: []parameter{{"outputData", "data.frame"}},
	}
	if err := publishable(svc.Name, svc.Version); err != nil {
		return err
	}
	if err := s.vacant(svc); err != nil { // before a large model is sent in vain
		return err
	}
	if err := s.putModel(r, nil, svc); err != nil {
		return err
	}
	w.Header().Set("Location", "/services/"+url.PathEscape(svc.Name)+"/"+url.PathEscape(svc.Version))
	writeJSON(w, http.StatusCreated, "Service "+svc.Name+" version "+svc.Version+" published.")
	return nil
}

func (s *Server) patchRealtimeVersion(w http.ResponseWriter, r *request) error {
	old, err := s.own(r)
	if err != nil {
		return err
	}
	if !old.Realtime {
		return fail(http.StatusBadRequest, "service %s version %s is no realtime service: update it at /services", old.Name, old.Version)
	}
	svc := *old.service
	if err := s.putModel(r, old, &svc); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, "Service "+svc.Name+" version "+svc.Version+" updated.")
	return nil
}

// putModel brings the form into svc, and makes it the published version in place of old, nil for a new one. A worker must be
// able to make predictions with the model first.
func (s *Server) putModel(r *request, old *published, svc *service) (err error) {
	model, err := s.readForm(r, svc)
	if err != nil {
		return err
	}
	if model != "" {
		defer os.Remove(model) // gone already when all went well
		if svc.Language, err = languageOf(model); err != nil {
			return err
		}
		id := uuid.NewString()
		svc.Blob, svc.SnapshotID = id+modelSuffix, &id // recorded services have a snapshot id
		if err := os.Rename(model, s.store.blob(svc.Blob)); err != nil {
			return err
		}
		defer func() {
			if err != nil {
				s.store.drop(svc.Blob)
			}
		}()
	} else if old == nil {
		return fail(http.StatusBadRequest, "the form has no part named model: send the serialized model as a file")
	}
	p := &published{svc, newServicePool(s, svc)}
	defer func() {
		if err != nil {
			p.workers.close()
		}
	}()
	if svc.Language == "" {
		close(p.workers.ready)
		return s.replace(old, p)
	}
	ctx, cancel := s.bound(r.Context())
	defer cancel()
	first, err := p.workers.spawn(ctx)
	if err != nil {
		return err
	}
	if err := p.workers.prepare(ctx, first); err != nil {
		return badModel(ctx, svc, err)
	}
	if err := s.replace(old, p); err != nil {
		first.end()
		return err
	}
	if !p.workers.keep(first) {
		first.end()
	}
	close(p.workers.ready)
	p.workers.fill()
	return nil
}

// badModel is what the language says about a model that it can't use.
func badModel(ctx context.Context, svc *service, err error) error {
	var initial *initError
	switch {
	case ctx.Err() != nil:
		return err
	case errors.As(err, &initial):
		text := strings.TrimPrefix(initial.res.Error, "Error: ")
		return fail(http.StatusBadRequest, "model: it cannot be scored: %s", text)
	}
	return fail(http.StatusBadRequest, "model: %s cannot read it: %v", svc.Language, err)
}

// readForm reads the texts of the form into svc and streams the model to a file, whose name it returns; "" without one.
func (s *Server) readForm(r *request, svc *service) (model string, err error) {
	r.Body = r.bounded(s.cfg.MaxUpload)
	form, err := r.MultipartReader()
	if err != nil {
		return "", fail(http.StatusBadRequest, "send multipart/form-data with the serialized model as the file model: %v", err)
	}
	defer func() {
		if err != nil && model != "" {
			_ = os.Remove(model)
		}
	}()
	texts := map[string]**string{"description": &svc.Description, "operationId": &svc.OperationID}
	for {
		part, err := form.NextPart()
		if err == io.EOF {
			return model, nil
		} else if err != nil {
			return model, badUpload(err)
		}
		name := part.FormName()
		if field := texts[name]; field != nil {
			const most = 64 << 10
			text, err := io.ReadAll(io.LimitReader(part, most+1))
			if err != nil {
				return model, badUpload(err)
			}
			if len(text) > most {
				return model, fail(http.StatusBadRequest, "part %s: it has more than %d bytes", name, most)
			}
			value := string(text)
			update(field, &value)
		} else if name == "model" && model == "" {
			if model, err = s.receiveModel(part); err != nil {
				return model, err
			}
		}
	}
}

// receiveModel streams a model to a file of the store.
func (s *Server) receiveModel(src io.Reader) (name string, err error) {
	tmp, err := s.store.temp()
	if err != nil {
		return "", err
	}
	n, err := io.Copy(tmp, src)
	if err := errors.Join(err, tmp.Close()); err != nil {
		return tmp.Name(), badUpload(err)
	}
	if n == 0 {
		return tmp.Name(), fail(http.StatusBadRequest, "part model: it is empty, send the serialized model")
	}
	return tmp.Name(), nil
}

// languageOf tells by its first bytes what can read a serialized model: "" for RevoScaleR's format.
func languageOf(model string) (runtimes.Language, error) {
	f, err := os.Open(model)
	if err != nil {
		return "", err
	}
	defer f.Close()
	head := make([]byte, 6)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", err
	}
	head = head[:n]
	begins := func(magics ...string) bool {
		for _, m := range magics {
			if bytes.HasPrefix(head, []byte(m)) {
				return true
			}
		}
		return false
	}
	switch {
	case begins("blob"):
		return "", nil
	case begins("\x80\x02", "\x80\x03", "\x80\x04", "\x80\x05"): // what pickle has written since Python 3.0
		return runtimes.Python, nil
	case begins("X\n", "A\n", "B\n", "RDX", "RDA", "RDB", "\x1f\x8b", "BZh", "\xfd7zXZ\x00"):
		return runtimes.R, nil
	}
	return "", fail(http.StatusBadRequest, "model: it is no serialized model: neither what R's saveRDS, serialize or save wrote, "+
		"nor Python's pickle or dill, nor RevoScaleR (which begins with blob)")
}
