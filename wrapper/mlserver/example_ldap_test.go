package mlserver_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/devserver"
	"github.com/mlserver-go/mls/wrapper/internal/slapd"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// The service client of Microsoft's article, in Go: sign in with an account of the LDAP directory or Active Directory, and
// call version 1.0.0 of the service transmission.
func Example_ldap() {
	address, username, password, stop := startContoso()
	defer stop()
	ctx := context.Background()

	client, err := mlserver.New(mlserver.Config{
		Address: address, // such as https://rserver.contoso.com:12800
		Auth:    auth.Login{Username: username, Password: password},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Logout(ctx)

	result, err := client.Service("transmission", "1.0.0").Consume(ctx, mlserver.Values{"hp": 120, "wt": 2.8})
	if err != nil {
		log.Fatal(err)
	}
	var answer float64
	if err := result.Outputs.Decode("answer", &answer); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.7f\n", answer)
	// Output: 0.6418125
}

// startContoso starts a server with the service transmission. Its users are in an LDAP directory, or local where no slapd is
// installed and none is asked for.
func startContoso() (address, username, password string, stop func()) {
	username, password = slapd.Alice, slapd.AlicePassword
	dir, err := os.MkdirTemp("", "contoso")
	if err != nil {
		log.Fatal(err)
	}
	cfg := devserver.Config{Logger: printed.Logger(), LDAP: &devserver.LDAP{
		SearchBase: slapd.Base, SearchFilter: "uid={0}", QueryUserDN: slapd.QueryUser, QueryUserPassword: slapd.QueryPassword,
	}}
	directory, err := slapd.StartIn(dir)
	switch {
	case err == nil:
		cfg.LDAP.URL = directory.URL
	case errors.Is(err, exec.ErrNotFound) && os.Getenv("CI") == "":
		cfg.LDAP, cfg.Users = nil, map[string]string{username: password}
	default:
		log.Fatal(err)
	}
	s, err := devserver.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	ts := httptest.NewServer(s)
	client, err := mlserver.New(mlserver.Config{Address: ts.URL, Auth: auth.Login{Username: username, Password: password}})
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Publish(context.Background(), mlserver.Definition{
		Name: "transmission", Version: "1.0.0",
		InitCode: `model <- glm(am ~ hp + wt, data = mtcars, family = binomial)`,
		Code:     `answer <- predict(model, data.frame(hp = hp, wt = wt), type = "response")`,
		Inputs:   []mlserver.Parameter{{Name: "hp", Type: mlserver.Numeric}, {Name: "wt", Type: mlserver.Numeric}},
		Outputs:  []mlserver.Parameter{{Name: "answer", Type: mlserver.Numeric}},
		Alias:    "manualTransmission",
	})
	if err != nil {
		log.Fatal(err)
	}
	return ts.URL, username, password, func() {
		ts.Close()
		if err := s.Close(); err != nil {
			log.Fatal(err)
		}
		if directory != nil {
			directory.Stop()
		}
		_ = os.RemoveAll(dir)
	}
}
