package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/go-openapi/runtime"
	"github.com/go-openapi/strfmt"

	"github.com/mlserver-go/mls/wrapper/data"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

const (
	frameColumns = 10
	frameCells   = 1_000_000
)

// frame is a data frame of random numbers from 0 to 100, in both forms. decimals: 0 leaves them as they are.
func frame(decimals int) (data.Frame, map[string]any) {
	r := rand.New(rand.NewPCG(1, 2))
	f, generic := data.Frame{}, map[string]any{}
	for c := range frameColumns {
		list := make([]float64, frameCells/frameColumns)
		for i := range list {
			if list[i] = r.Float64() * 100; decimals > 0 {
				list[i] = math.Round(list[i]*math.Pow10(decimals)) / math.Pow10(decimals)
			}
		}
		name := fmt.Sprintf("column %d", c)
		f, generic[name] = append(f, data.Column{Name: name, Values: data.Floats(list...)}), list
	}
	return f, generic
}

// frameTasks write and read a frame of 1,000,000 doubles, and send it to a service that answers it as it came. Clients that are
// generated of a service's document have a data frame as an any: it is written from a map of columns, and read into one whose
// numbers are json.Number, which a program would still have to parse. That is not counted.
func frameTasks(s *Stub) ([]task, error) {
	target := Target{URL: s.Plain}
	client, err := newClient(target)
	if err != nil {
		return nil, err
	}
	rt, err := stock(target)
	if err != nil {
		return nil, err
	}
	service := client.Service("Echo", "1.0")
	var tasks []task
	for _, of := range []struct {
		name     string
		decimals int
	}{{"17 digits", 0}, {"4 decimals", 4}} {
		f, generic := frame(of.decimals)
		text, err := f.AppendJSON(nil)
		if err != nil {
			return nil, err
		}
		last, _ := f[frameColumns-1].Values.Floats()
		check := func(got data.Frame) error {
			v, _ := got.Column(f[frameColumns-1].Name)
			if list, err := v.Floats(); err != nil || len(list) != len(last) || list[len(list)-1] != last[len(last)-1] {
				return fmt.Errorf("the frame came back as %v, %w", got, err)
			}
			return nil
		}
		there := func(ctx context.Context) error {
			var got data.Frame
			if _, err := service.ConsumeInto(ctx, mlserver.Values{"frame": f}, mlserver.Targets{"frame": &got}); err != nil {
				return err
			}
			return check(got)
		}
		tasks = append(tasks,
			task{"frame of 1,000,000 doubles, " + of.name + ", there and back", there, func(ctx context.Context) error { return echo(ctx, rt, generic) }},
			task{"frame of 1,000,000 doubles, " + of.name + ", encoding", func(context.Context) error {
				_, err := f.AppendJSON(nil)
				return err
			}, func(context.Context) error {
				var b bytes.Buffer
				return runtime.JSONProducer().Produce(&b, generic)
			}},
			task{"frame of 1,000,000 doubles, " + of.name + ", decoding", func(context.Context) error {
				var got data.Frame
				if err := got.UnmarshalJSON(text); err != nil {
					return err
				}
				return check(got)
			}, func(context.Context) error {
				var got any
				return runtime.JSONConsumer().Consume(bytes.NewReader(text), &got)
			}})
	}
	return tasks, nil
}

// echo is what a generated method does.
func echo(ctx context.Context, rt runtime.ContextualTransport, frame map[string]any) error {
	var result struct {
		Success          bool           `json:"success"`
		OutputParameters map[string]any `json:"outputParameters"`
	}
	_, err := rt.SubmitContext(ctx, &runtime.ClientOperation{
		ID: "echo", Method: "POST", PathPattern: "/api/Echo/1.0",
		ProducesMediaTypes: []string{runtime.JSONMime}, ConsumesMediaTypes: []string{runtime.JSONMime}, Schemes: []string{"http"},
		Params: runtime.ClientRequestWriterFunc(func(r runtime.ClientRequest, _ strfmt.Registry) error {
			return r.SetBodyParam(map[string]any{"frame": frame})
		}),
		Reader: runtime.ClientResponseReaderFunc(func(resp runtime.ClientResponse, c runtime.Consumer) (any, error) {
			return nil, c.Consume(resp.Body(), &result)
		}),
	})
	if err != nil {
		return err
	}
	if got, _ := result.OutputParameters["frame"].(map[string]any); len(got) != frameColumns {
		return errors.New("the frame did not come back")
	}
	return nil
}
