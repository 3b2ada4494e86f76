package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/mlserver"
)

func (a *app) statusCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Ask the server for its health and that of its parts",
		Long: `Ask the server for its health and that of its parts. A development server also tells which R and Python it found, and which
packages they lack. The exit code is 7 when the server says that it fails.`,
		Example: `  mls status
  mls status -o json`,
		Args: args(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.connected(c.Context(), func(ctx context.Context, client *mlserver.Client) error {
				s, err := client.Status(ctx)
				if err != nil {
					return err
				}
				t := table{header: []string{"PART", "STATUS"}}
				t.addStatus("server", "", s)
				if err := a.print(s, t); err != nil {
					return err
				}
				if strings.EqualFold(s.Code, "fail") || strings.EqualFold(s.Code, "red") {
					return hint(&unwell{s.Code}, "the parts above that fail tell why")
				}
				return nil
			})
		},
	}
}

// addStatus adds a part of the server, what it tells about itself, and its own parts.
func (t *table) addStatus(name, indent string, s *mlserver.Status) {
	t.rows = append(t.rows, []string{indent + name, s.Code})
	indent += "  "
	for _, key := range slices.Sorted(maps.Keys(s.Details)) {
		t.rows = append(t.rows, []string{indent + key, detailText(s.Details[key])})
	}
	for _, part := range slices.Sorted(maps.Keys(s.Components)) {
		t.addStatus(part, indent, s.Components[part])
	}
}

func detailText(v any) string {
	list, ok := v.([]any)
	if !ok {
		return fmt.Sprint(v)
	}
	if len(list) == 0 {
		return "none"
	}
	var texts []string
	for _, v := range list {
		texts = append(texts, fmt.Sprint(v))
	}
	return strings.Join(texts, ", ")
}

// unwell is a server that answers, but fails.
type unwell struct{ code string }

func (e *unwell) Error() string        { return "the server says of itself: " + e.code }
func (e *unwell) Is(target error) bool { return target == mlserver.ErrUnavailable }
