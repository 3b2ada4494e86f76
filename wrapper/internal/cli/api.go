package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-openapi/runtime"
	"github.com/go-openapi/strfmt"
	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/mlserver"
)

type apiOptions struct {
	app          *app
	method, path string
	data         string
}

func (a *app) apiCmd() *cobra.Command {
	o := &apiOptions{app: a}
	c := &cobra.Command{
		Use:   "api METHOD PATH",
		Short: "Send a request of your own, signed in, and print the answer's body",
		Long:  `Send a request of your own, signed in, and print the answer's body as it is. For what has no command here.`,
		Example: `  mls api GET /sessions
  mls api POST /api/transmission/1.0.0 --data '{"hp": 120, "wt": 2.8}'
  mls api GET /services/transmission/1.0.0`,
		Args: args(2, 2, "method and path, such as GET /sessions"),
		RunE: func(c *cobra.Command, args []string) error {
			o.method, o.path = strings.ToUpper(args[0]), args[1]
			known := []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
			if !slices.Contains(known, o.method) {
				return usageError(c, "%q is none of %s", args[0], strings.Join(known, ", "))
			}
			return o.run(c)
		},
	}
	c.Flags().StringVar(&o.data, "data", "", "JSON body: the text itself, @FILE, or - for the standard input")
	return c
}

func (o *apiOptions) run(c *cobra.Command) error {
	u, err := url.Parse(o.path)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(u.Path, "/") {
		return usageError(c, "the path must begin with a slash, without the server's address")
	}
	request := rawRequest{query: u.Query()}
	for segment := range strings.SplitSeq(strings.Trim(u.EscapedPath(), "/"), "/") {
		if segment, err = url.PathUnescape(segment); err != nil {
			return usageError(c, "%v", err)
		}
		request.segments = append(request.segments, segment)
	}
	if o.data != "" {
		text, err := o.app.textOf(o.data)
		if err != nil {
			return err
		}
		if request.body = json.RawMessage(text); !json.Valid(request.body) {
			return errors.New("--data is no JSON")
		}
	}
	return o.app.connected(c.Context(), func(ctx context.Context, client *mlserver.Client) error {
		_, err := client.Transport().SubmitContext(ctx, &runtime.ClientOperation{
			ID: o.method + " " + u.Path, Method: o.method, PathPattern: request.pattern(),
			ConsumesMediaTypes: []string{runtime.JSONMime}, ProducesMediaTypes: []string{"*/*"}, Schemes: []string{"http", "https"},
			Params: request,
			Reader: runtime.ClientResponseReaderFunc(func(answer runtime.ClientResponse, _ runtime.Consumer) (any, error) {
				_, err := io.Copy(o.app.out, answer.Body())
				return nil, err
			}),
		})
		return err
	})
}

// textOf is a flag's text itself, or the content of @FILE, or of the standard input for -.
func (a *app) textOf(flag string) (string, error) {
	if file, ok := strings.CutPrefix(flag, "@"); ok || flag == "-" {
		return a.readText(file)
	}
	return flag, nil
}

// rawRequest is a request whose path has only variable parts: the transport checks and escapes each.
type rawRequest struct {
	segments []string
	query    url.Values
	body     json.RawMessage
}

func (r rawRequest) pattern() string {
	var b strings.Builder
	for i := range r.segments {
		fmt.Fprintf(&b, "/{%d}", i)
	}
	return b.String()
}

func (r rawRequest) WriteToRequest(request runtime.ClientRequest, _ strfmt.Registry) error {
	var errs []error
	for i, segment := range r.segments {
		errs = append(errs, request.SetPathParam(fmt.Sprint(i), segment))
	}
	for name, values := range r.query {
		errs = append(errs, request.SetQueryParam(name, values...))
	}
	if r.body != nil {
		errs = append(errs, request.SetBodyParam(r.body))
	}
	return errors.Join(errs...)
}
