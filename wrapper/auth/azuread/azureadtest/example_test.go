package azureadtest_test

import (
	"context"
	"fmt"
	"log"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/auth/azuread"
	"github.com/mlserver-go/mls/wrapper/auth/azuread/azureadtest"
)

// A test of a program that signs in: all requests go to the provider, which does what Azure AD does, trouble included.
func Example() {
	idp := azureadtest.New("contoso.test")
	defer idp.Close()
	idp.AddApp(azureadtest.App{ID: "server", URI: "api://server"})
	idp.AddApp(azureadtest.App{ID: "program", Secret: "its secret"})

	app := azuread.App{TenantID: "contoso.test", ClientID: "program", Resource: "api://server", Options: idp.ClientOptions()}
	source, err := app.ClientSecret("its secret").Source(auth.Server{})
	if err != nil {
		log.Fatal(err)
	}
	token, err := source.Token(context.Background())
	fmt.Println(token != nil, err)

	defer idp.Break(azureadtest.Fault{Endpoint: azureadtest.Token, Status: 400, Body: azureadtest.Refusal("invalid_client", 7000222, "It has expired.")})()
	source, err = app.ClientSecret("its secret").Source(auth.Server{})
	if err != nil {
		log.Fatal(err)
	}
	_, err = source.Token(context.Background())
	fmt.Println(err.(*azuread.Error).Code)
	// Output:
	// true <nil>
	// 7000222
}
