package devserver_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/mlserver-go/mls/wrapper/devserver"
)

// A test starts a server of the version its users have, and points its client there.
func ExampleNew() {
	server, err := devserver.New(devserver.Config{APIVersion: "9.1.0", AdminPassword: "Pa55word!"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	ts := httptest.NewServer(server)
	defer ts.Close()

	resp, err := http.Post(ts.URL+"/login", "application/json", strings.NewReader(`{"username":"admin","password":"Pa55word!"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)
	// Output: 200 OK
}
