package devserver

import (
	"strings"
	"testing"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
)

// roleTest is a server with four accounts, and a service of each that may publish.
func roleTest(t *testing.T, version string, roles Roles) map[string]*client {
	t.Helper()
	needs(t, runtimes.Python, runtimes.R)
	cfg := Config{APIVersion: version, Roles: roles, Users: map[string]string{}}
	users := []string{"olga", "carl", "rita", "nina"}
	for _, user := range users {
		cfg.Users[user] = password
	}
	admin := start(t, cfg)
	clients := map[string]*client{"admin": admin}
	for _, user := range users {
		clients[user] = admin.as(user)
	}
	return clients
}

// TestRoles goes through the table of what each role may do.
func TestRoles(t *testing.T) {
	t.Parallel()
	clients := roleTest(t, "9.3.0", Roles{Owner: []string{"olga"}, Contributor: []string{"carl", "olga"}, Reader: []string{"rita", "carl"}})
	admin := clients["admin"]
	const entries = `{"entries":["http://a:1"]}`
	service := plus(runtimes.Python)
	admin.want("POST", "/services/others/1", service, 201)
	admin.want("POST", "/services/others/doomed", service, 201)
	admin.sendForm("POST", "/realtime-services/others/model", 201, "model", "blob")
	for user, want := range map[string]struct{ publish, change, node, any int }{
		"admin": {publish: 201, change: 200, node: 200, any: 200},
		"olga":  {publish: 201, change: 200, node: 200, any: 200},
		"carl":  {publish: 201, change: 403, node: 403, any: 200}, // the highest of his roles counts
		"rita":  {publish: 403, change: 403, node: 403, any: 200},
		"nina":  {publish: 403, change: 403, node: 403, any: 403},
	} {
		t.Run(user, func(t *testing.T) {
			c := *clients[user]
			c.t = t
			created := want.any
			if created == 200 {
				created = 201
			}
			c.want("POST", "/services/"+user+"/1", service, want.publish)
			c.want("POST", "/services/"+user, service, want.publish)
			c.want("POST", "/services/others/"+user, service, want.publish) // a new version of somebody else's service
			c.sendForm("POST", "/realtime-services/"+user, want.publish, "model", "blob")
			c.sendForm("POST", "/realtime-services/"+user+"/model", want.publish, "model", "blob")

			own := want.publish
			if own == 201 {
				own = 200
				c.want("PATCH", "/services/"+user+"/1", `{"description":"mine"}`, own)
				c.sendForm("PATCH", "/realtime-services/"+user+"/model", own, "description", "mine")
				c.want("POST", "/services/"+user+"/1/pool", size(0, 1), own)
				c.want("DELETE", "/services/"+user+"/1/pool", nil, own)
				c.want("DELETE", "/services/"+user+"/1", nil, own)
			}
			c.want("PATCH", "/services/others/1", `{"description":"theirs"}`, want.change)
			c.sendForm("PATCH", "/realtime-services/others/model", want.change, "description", "theirs")
			c.want("POST", "/services/others/1/pool", size(0, 1), want.change)
			c.want("DELETE", "/services/others/1/pool", nil, want.change)
			if user != "admin" {
				c.want("DELETE", "/services/others/doomed", nil, want.change)
				if want.change == 200 {
					admin.want("POST", "/services/others/doomed", service, 201)
				}
			}
			for _, method := range []string{"POST", "PUT", "DELETE"} {
				c.want(method, "/computenodes", entries, want.node)
			}

			c.want("GET", "/computenodes", nil, want.any)
			c.want("GET", "/services/others/1/pool", nil, want.any)
			c.want("GET", "/services", nil, want.any)
			c.want("GET", "/services/others", nil, want.any)
			c.want("GET", "/api/others/1/swagger.json", nil, want.any)
			c.want("POST", "/api/others/1", `{"x":1}`, want.any)
			c.want("GET", "/status", nil, want.any)
			c.want("GET", "/snapshots", nil, want.any)
			c.want("POST", "/sessions", `{"runtimeType":"Python"}`, created)
			c.want("GET", "/sessions", nil, want.any)
			r := c.want("GET", "/services/others/1", nil, want.any)
			if want.any != 200 {
				r.says("nina has no role")
				return
			}
			seesCode, may := strings.Contains(r.body, `"code":"y = x + 1"`), strings.Contains(r.body, `"myPermissionOnService":"read/write"`)
			if seesCode != (want.change == 200) || may != (want.change == 200) {
				t.Errorf("%s gets %s", user, r.body)
			}
			if want.publish == 201 {
				r = c.want("GET", "/services/others/"+user, nil, 200)
				if !strings.Contains(r.body, `"code":`) || !strings.Contains(r.body, `"myPermissionOnService":"read/write"`) {
					t.Errorf("%s gets of the own service %s", user, r.body)
				}
			}
		})
	}
	clients["rita"].want("POST", "/services/x/1", service, 403).says("publishWebServiceVersion", "needs the role Contributor, rita is a Reader")
	clients["carl"].want("POST", "/computenodes", entries, 403).says("needs the role Owner, carl is a Contributor")
	clients["carl"].want("DELETE", "/services/others/1", nil, 403).says("published by admin")
	for _, open := range []string{"/login/refreshToken"} {
		var p pair
		clients["nina"].want("POST", "/login", map[string]string{"username": "nina", "password": password}, 200).into(&p)
		clients["nina"].want("POST", open, map[string]string{"refreshToken": p.RefreshToken}, 200)
	}
}

// Who has no role assigned has one that depends on which are assigned to others.
func TestImplicitRoles(t *testing.T) {
	for _, test := range []struct {
		version string
		roles   Roles
		want    string
	}{
		{"9.1.0", Roles{}, "Contributor"},
		{"9.3.0", Roles{}, "Contributor"},
		{"9.3.0", Roles{Owner: []string{"olga"}}, "Contributor"},
		{"9.1.0", Roles{Contributor: []string{"carl"}}, "Reader"},
		{"9.3.0", Roles{Owner: []string{"olga"}, Contributor: []string{"carl"}}, "Reader"},
		{"9.2.0", Roles{Reader: []string{"rita"}}, "no role"},
		{"9.3.0", Roles{Owner: []string{"olga"}, Contributor: []string{"carl"}, Reader: []string{"rita"}}, "no role"},
	} {
		s := &Server{cfg: Config{APIVersion: test.version, Roles: test.roles}}
		if got := s.roleOf("nina").String(); got != test.want {
			t.Errorf("%s with %+v: %s, want %s", test.version, test.roles, got, test.want)
		}
		if got := s.roleOf("admin"); got != owner {
			t.Errorf("%s with %+v: admin is %s", test.version, test.roles, got)
		}
	}
}

// Who is no longer allowed to publish can't change what was published before, but sees its code.
func TestRoleTakenAway(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.Python)
	cfg := only(runtimes.Python)
	cfg.DataDir, cfg.Users = t.TempDir(), map[string]string{"carl": password}
	c := start(t, cfg)
	c.as("carl").want("POST", "/services/s/1", plus(runtimes.Python), 201)
	if err := c.srv.Close(); err != nil {
		t.Fatal(err)
	}
	cfg.Roles.Reader = []string{"carl"}
	carl := start(t, cfg).as("carl")
	carl.want("PATCH", "/services/s/1", `{"description":"mine"}`, 403).says("carl is a Reader")
	carl.want("DELETE", "/services/s/1", nil, 403)
	r := carl.want("GET", "/services/s/1", nil, 200)
	if !strings.Contains(r.body, `"code":`) || !strings.Contains(r.body, `"myPermissionOnService":"read only"`) {
		t.Errorf("carl gets %s", r.body)
	}
}

// Before 9.1.0 there were no roles: everybody publishes, and changes only their own, admin as well.
func TestNoRolesIn901(t *testing.T) {
	t.Parallel()
	clients := roleTest(t, "9.0.1", Roles{})
	clients["rita"].want("POST", "/services/s/1", plus(runtimes.R), 201)
	r := clients["admin"].want("GET", "/services/s/1", nil, 200)
	if strings.Contains(r.body, `"code"`) {
		t.Errorf("admin gets %s", r.body)
	}
	clients["admin"].want("DELETE", "/services/s/1", nil, 403).says("rita, who alone may")
	clients["rita"].want("DELETE", "/services/s/1", nil, 200)
}

func TestBadRoles(t *testing.T) {
	for _, test := range []struct {
		version string
		roles   Roles
		says    string
	}{
		{"9.0.1", Roles{Owner: []string{"bob"}}, "9.0.1 has no roles"},
		{"9.1.0", Roles{Reader: []string{"bob"}}, "came with 9.2.0"},
		{"9.3.0", Roles{Contributor: []string{"bbo"}}, `no account "bbo"`},
	} {
		cfg := noLanguages
		cfg.APIVersion, cfg.Roles, cfg.Users = test.version, test.roles, map[string]string{"bob": password}
		if s, err := New(cfg); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%+v: %v, want %s", test, err, test.says)
			if err == nil {
				s.Close()
			}
		}
	}
}
