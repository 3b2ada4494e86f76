package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/internal/temp"
)

func checkProfileName(name string) error {
	if !profileName().MatchString(name) {
		return wrongUsage{fmt.Errorf("%q is no name for a profile: use letters, digits, `.`, `-` and `_`", name)}
	}
	return nil
}

// current is the profile that "mls profile use" has chosen; empty: none.
func (s *store) current() (string, error) {
	text, err := os.ReadFile(filepath.Join(s.dir, "current"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(text)), err
}

func (s *store) use(name string) error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	return temp.WriteFile(filepath.Join(s.dir, "current"), func(w io.Writer) error {
		_, err := io.WriteString(w, name+"\n")
		return err
	})
}

// names of all profiles, in alphabetical order.
func (s *store) names() ([]string, error) {
	files, err := filepath.Glob(filepath.Join(s.dir, "profiles", "*.json"))
	var names []string
	for _, file := range files {
		if name := strings.TrimSuffix(filepath.Base(file), ".json"); profileName().MatchString(name) {
			names = append(names, name)
		}
	}
	return names, err
}

func (a *app) profileCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "profile",
		Short: "List, choose, show and delete stored sign-ins",
		Long: `List, choose, show and delete stored sign-ins. A profile is what "mls login --profile NAME" stores: the server's address, the
user's name, how to reach the server, and what is needed to stay signed in.`,
		Example: `  mls login http://localhost:12800 --username admin --profile work
  mls profile list`,
	}
	a.group(c, a.profileListCmd(), a.profileUseCmd(), a.profileShowCmd(), a.profileDeleteCmd())
	return c
}

// profileInfo is the JSON form of a profile in the list.
type profileInfo struct {
	Name     string     `json:"name"`
	Current  bool       `json:"current"`
	Endpoint string     `json:"endpoint,omitempty"`
	Username string     `json:"username,omitempty"`
	Store    string     `json:"store,omitempty"`
	SignIn   *time.Time `json:"signInEnds"` // null: signed out, or not known
	Problem  string     `json:"problem,omitempty"`
}

func (a *app) profileListCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the profiles; a star marks the one that is used",
		Example: `  mls profile list`,
		Args:    args(0, 0, ""),
		RunE: func(*cobra.Command, []string) error {
			s, err := a.settings("")
			if err != nil {
				return err
			}
			names, err := s.store.names()
			if err != nil {
				return err
			}
			list := []profileInfo{}
			t := table{header: []string{"", "NAME", "SERVER", "USER", "STORED IN", "SIGN-IN UNTIL"}, none: "no profiles: `mls login` makes one"}
			for _, name := range names {
				info := s.store.info(name)
				star, until := "", "not known"
				if info.Current = name == s.profile; info.Current {
					star = "*"
				}
				switch {
				case info.Problem != "":
					until = info.Problem
				case info.Store == "":
					until = "signed out"
				case info.SignIn != nil:
					until = timeText(*info.SignIn)
				}
				list = append(list, info)
				t.rows = append(t.rows, []string{star, name, info.Endpoint, info.Username, info.Store, until})
			}
			return a.print(list, t)
		},
	}
}

func (s *store) info(name string) profileInfo {
	p, err := s.load(name)
	if err != nil {
		return profileInfo{Name: name, Problem: err.Error()}
	}
	info := profileInfo{Name: name, Endpoint: p.Endpoint, Username: p.Username}
	if p.Tokens != nil {
		info.SignIn, info.Store = p.signInEnds(), p.where()
	}
	return info
}

func (a *app) profileUseCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "use NAME",
		Short: "Choose the profile for all commands that name none",
		Example: `  mls login http://localhost:12800 --username admin --profile work
  mls profile use work`,
		Args: args(1, 1, "the profile's name"),
		RunE: func(_ *cobra.Command, args []string) error {
			st, name, err := a.existing(args[0])
			if err != nil {
				return err
			}
			if err := st.use(name); err != nil {
				return err
			}
			if env := a.getenv("MLS_PROFILE"); env != "" && env != name {
				a.say("mls: warning: MLS_PROFILE is set and goes before it: %s", env)
			}
			return nil
		},
	}
}

// existing checks that there is a profile.
func (a *app) existing(name string) (*store, string, error) {
	if err := checkProfileName(name); err != nil {
		return nil, "", err
	}
	st, err := a.store()
	if err != nil {
		return nil, "", err
	}
	if _, err := os.Lstat(st.path(name)); errors.Is(err, fs.ErrNotExist) {
		return nil, "", hint(&notFound{"there is no profile " + name}, "`mls profile list` shows them; `mls login --profile %s` makes it", name)
	} else if err != nil {
		return nil, "", err
	}
	return st, name, nil
}

func (a *app) profileShowCmd() *cobra.Command {
	origin := false
	c := &cobra.Command{
		Use:   "show [NAME]",
		Short: "Show what holds for commands with a profile",
		Long: `Show what holds for commands with a profile, by default the one in use: what flags and environment say goes before what is
stored. --origin tells where each value comes from.`,
		Example: `  mls profile show
  mls profile show --origin`,
		Args: args(0, 1, "one profile"),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				if _, _, err := a.existing(args[0]); err != nil {
					return err
				}
				a.profile = args[0]
			}
			s, err := a.settings("")
			if err != nil {
				return err
			}
			if s.storeErr != nil {
				a.say("mls: warning: %v", s.storeErr)
			}
			t := table{}
			for i, v := range s.origins {
				row := []string{v.Name, v.Value}
				if v.Value == "" {
					row[1] = "-"
				}
				if origin {
					row = append(row, v.Origin)
				} else {
					s.origins[i].Origin = ""
				}
				t.rows = append(t.rows, row)
			}
			if origin {
				t.header = []string{"SETTING", "VALUE", "FROM"}
			}
			return a.print(s.origins, t)
		},
	}
	c.Flags().BoolVar(&origin, "origin", false, "tell where each value comes from")
	return c
}

func (a *app) profileDeleteCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "delete NAME",
		Short: "Sign a profile out and delete it",
		Long:  `Sign a profile out and delete it, even if the server cannot be reached.`,
		Example: `  mls login http://localhost:12800 --username admin --profile work
  mls profile delete work`,
		Args: args(1, 1, "the profile's name"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.deleteProfile(c.Context(), args[0])
		},
	}
}

func (a *app) deleteProfile(ctx context.Context, name string) error {
	st, name, err := a.existing(name)
	if err != nil {
		return err
	}
	if _, err := a.forget(ctx, st, name, func(*profile) error { return os.Remove(st.path(name)) }); err != nil {
		return err
	}
	if current, err := st.current(); err != nil || current != name {
		return err
	}
	return os.Remove(filepath.Join(st.dir, "current"))
}
