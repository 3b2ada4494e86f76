package auth_test

import (
	"context"
	"fmt"
	"log"
	"net/http/httptest"
	"net/url"
	"os"

	v910 "github.com/mlserver-go/mls/gen/v910"
	"github.com/mlserver-go/mls/gen/v910/status"
	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/devserver"
	"github.com/mlserver-go/mls/wrapper/transport"
)

// The sign-in of Microsoft's article on Python web services, which calls POST /login of a generated client, and gives the
// headers with the token to every further call. Here the transport does both, and renews the token.
func ExampleLogin() {
	const password = "1@2@3@4@5@6@7"
	address, stop := startServer("rserver-user", password)
	defer stop()

	server := auth.Server{URL: address} // such as http://localhost:12800
	source, err := auth.Login{Username: "rserver-user", Password: password}.Source(server)
	if err != nil {
		log.Fatal(err)
	}
	client := v910.New(transport.New(server.URL, server.Client(source)), nil)

	// Is the server running?
	response, err := client.Status.StatusContext(context.Background(), &status.StatusParams{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(response.Code())
	// Output: 200
}

// startServer starts a development server with one account, which runs nothing.
func startServer(username, password string) (address *url.URL, stop func()) {
	s, err := devserver.New(devserver.Config{
		APIVersion: "9.1.0", Users: map[string]string{username: password}, SpareWorkers: -1, R: os.DevNull, Python: os.DevNull,
		Logger: printed.Logger(),
	})
	if err != nil {
		log.Fatal(err)
	}
	ts := httptest.NewServer(s)
	if address, err = url.Parse(ts.URL); err != nil {
		log.Fatal(err)
	}
	return address, func() {
		ts.Close()
		if err := s.Close(); err != nil {
			log.Fatal(err)
		}
	}
}
