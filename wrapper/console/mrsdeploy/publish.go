package mrsdeploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/mlserver-go/mls/wrapper/data"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// rawJSON is JSON as it is.
type rawJSON json.RawMessage

// MarshalJSON returns it, or null if it is none.
func (r rawJSON) MarshalJSON() ([]byte, error) {
	if !json.Valid(r) {
		return []byte("null"), nil
	}
	return r, nil
}

// parameters reads the types by name of inputs or outputs, in their order; nil if they are not given.
func (a args) parameters(name string) (list []mlserver.Parameter, err error) {
	raw := a[name]
	switch string(raw) {
	case "", "null":
		return nil, nil
	case "[]", "{}":
		return []mlserver.Parameter{}, nil
	}
	if raw[0] != '{' {
		return nil, fmt.Errorf("argument %q must be a named list of types, such as list(x = \"numeric\")", name)
	}
	_, err = data.Members(raw, func(parameter string, value []byte) error {
		var kind string
		if json.Unmarshal(value, &kind) != nil {
			return fmt.Errorf("argument %q: the type of %q must be a text, such as \"numeric\"", name, parameter)
		}
		list = append(list, mlserver.Parameter{Name: parameter, Type: mlserver.Type(kind)})
		return nil
	})
	return list, err
}

// objects opens the files that the local process has written objects to. They are to be closed.
func (a args) objects() (objects map[string]io.Reader, done func(), err error) {
	paths := map[string]string{}
	if raw := string(a["objects"]); raw != "[]" {
		if err := a.decode("objects", &paths); err != nil {
			return nil, nil, err
		}
	}
	var files []*os.File
	done = func() {
		for _, f := range files {
			_ = f.Close()
		}
	}
	for name, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			done()
			return nil, nil, err
		}
		if objects == nil {
			objects = map[string]io.Reader{}
		}
		objects[name], files = f, append(files, f)
	}
	return objects, done, nil
}

// service reads what publishService and updateService have in common.
func (a args) service() (d mlserver.Definition, err error) {
	d.Inputs, err = a.parameters("inputs")
	if err == nil {
		d.Outputs, err = a.parameters("outputs")
	}
	if err == nil {
		d.Artifacts, err = a.texts("artifacts")
	}
	err = errors.Join(err, a.decode("name", &d.Name), a.decode("v", &d.Version), a.decode("code", &d.Code), a.decode("initCode", &d.InitCode),
		a.decode("snapshot", &d.SnapshotID), a.decode("alias", &d.Alias), a.decode("descr", &d.Description))
	if err == nil && d.Name == "" {
		err = errors.New(`argument "name" must be a text that is not empty`)
	}
	return d, err
}

// publish stands behind mrsdeploy's publishService.
func (l *Local) publish(ctx context.Context, client *mlserver.Client, a args) (answer, error) {
	d, err := a.service()
	if err != nil {
		return nil, err
	}
	d.Runtime = mlserver.Runtime(l.o.Language)
	objects, done, err := a.objects()
	if err != nil {
		return nil, err
	}
	defer done()
	var s *mlserver.Service
	if a.given("realtime") {
		s, err = client.PublishRealtime(ctx, mlserver.RealtimeDefinition{
			Name: d.Name, Version: d.Version, Description: d.Description, Alias: d.Alias, Model: objects["model"],
		})
	} else {
		d.Objects = objects
		s, err = client.Publish(ctx, d)
	}
	return l.published(ctx, s, err)
}

// published describes a service that was published or updated. What was left behind is only told.
func (l *Local) published(ctx context.Context, s *mlserver.Service, err error) (answer, error) {
	var left *mlserver.LeftoverError
	if errors.As(err, &left) && s != nil {
		fmt.Fprintln(l.out, left)
		err = nil
	}
	if err != nil {
		return nil, err
	}
	return l.describe(ctx, s)
}

// update stands behind mrsdeploy's updateService: what is not given stays as it is.
func (l *Local) update(ctx context.Context, s *mlserver.Service, a args) (answer, error) {
	if _, err := a.needed("v"); err != nil {
		return nil, err
	}
	d, err := a.service()
	if err != nil {
		return nil, err
	}
	objects, done, err := a.objects()
	if err != nil {
		return nil, err
	}
	defer done()
	if a.given("realtime") {
		err = s.UpdateRealtime(ctx, mlserver.RealtimeUpdate{Description: d.Description, Alias: d.Alias, Model: objects["model"]})
	} else {
		text := func(name, value string) *string {
			if !a.given(name) {
				return nil
			}
			return &value
		}
		err = s.Update(ctx, mlserver.Change{
			Code: text("code", d.Code), InitCode: text("initCode", d.InitCode), Description: text("descr", d.Description),
			Alias: text("alias", d.Alias), SnapshotID: text("snapshot", d.SnapshotID),
			Inputs: d.Inputs, Outputs: d.Outputs, Artifacts: d.Artifacts, Objects: objects,
		})
	}
	return l.published(ctx, s, err)
}
