package azuread_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/mlserver-go/mls/gen/v910"
	"github.com/mlserver-go/mls/gen/v910/models"
	"github.com/mlserver-go/mls/gen/v910/sessions"
	"github.com/mlserver-go/mls/wrapper/auth/azuread"
	"github.com/mlserver-go/mls/wrapper/auth/azuread/azureadtest"
	"github.com/mlserver-go/mls/wrapper/devserver"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// startServers starts a development server that takes the tokens of a test provider.
func startServers(version string, apps []azureadtest.App, users ...azureadtest.User) (idp *azureadtest.Provider, address string, stop func()) {
	idp = azureadtest.New("contoso.test")
	for _, a := range apps {
		idp.AddApp(a)
	}
	for _, u := range users {
		idp.AddUser(u)
	}
	server, err := devserver.New(devserver.Config{APIVersion: version, Logger: printed.Logger(), AzureAD: &devserver.AzureAD{
		Authority: azuread.DefaultAuthURI + "/contoso.test",
		Audience:  apps[0].ID,
		HTTP:      &http.Client{Transport: idp.Transport()},
	}})
	if err != nil {
		log.Fatal(err)
	}
	ts := httptest.NewServer(server)
	return idp, ts.URL, func() {
		ts.Close()
		if err := server.Close(); err != nil {
			log.Fatal(err)
		}
		idp.Close()
	}
}

// The program of Microsoft's article on client libraries in C#: a client for the core API of 9.1.0 signs in to Azure AD with
// the ID and secret of an application, and creates an R session. What the article builds with AutoRest is package v910 here.
func ExampleApp_ClientSecret() {
	const clientID, clientKey = "00000000-0000-0000-0000-000000000000", "the value of the secret"
	idp, address, stop := startServers("9.1.0", []azureadtest.App{{ID: clientID, Secret: clientKey}})
	defer stop()

	// Authenticate with AAD. The token is for the client itself, as in the article.
	client, err := mlserver.New(mlserver.Config{
		Address: address, // such as https://rserver.contoso.com:12800
		Auth: azuread.App{
			AuthURI:  "https://login.windows.net/contoso.test",
			ClientID: clientID,
			Options:  idp.ClientOptions(), // for this test only: all requests go to the provider of the test
		}.ClientSecret(clientKey),
	})
	if err != nil {
		log.Fatal(err)
	}

	// Invoke the API. The bearer token is on every request.
	api := v910.New(client.Transport(), nil)
	ctx := context.Background()
	created, err := api.Sessions.CreateSessionContext(ctx, &sessions.CreateSessionParams{
		CreateSessionRequest: &models.CreateSessionRequest{Name: "Session One"},
	})
	if err != nil {
		log.Fatal(err)
	}
	open, err := api.Sessions.ListSessionsContext(ctx, &sessions.ListSessionsParams{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("Session ID has", len(created.Payload.SessionID), "characters")
	fmt.Println(open.Payload[0].ID == created.Payload.SessionID, open.Payload[0].Name, "of", open.Payload[0].Owner)
	// Output:
	// Session ID has 36 characters
	// true Session One of 00000000-0000-0000-0000-000000000000
}

// What remoteLoginAAD of the R package mrsdeploy does, by the same names.
func ExampleApp_Password() {
	const nativeApp, webApp = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"
	idp, address, stop := startServers("9.3.0",
		[]azureadtest.App{{ID: webApp}, {ID: nativeApp, PublicClient: true}},
		azureadtest.User{Name: "ann@contoso.test", Password: "her password"})
	defer stop()
	ctx := context.Background()

	app := azuread.App{
		AuthURI:  "https://login.windows.net", // the default
		TenantID: "contoso.test",
		ClientID: nativeApp, // of the "native" application
		Resource: webApp,    // of the "web" application
		Options:  idp.ClientOptions(),
	}
	client, err := mlserver.New(mlserver.Config{Address: address, Auth: app.Password("ann@contoso.test", "her password")})
	if err != nil {
		log.Fatal(err)
	}
	session, err := client.NewSession(ctx, mlserver.SessionOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close(ctx)
	result, err := session.Execute(ctx, "x <- 6 * 7", mlserver.Execution{Outputs: []string{"x"}})
	if err != nil {
		log.Fatal(err)
	}
	var x float64
	if err := result.Outputs.Decode("x", &x); err != nil {
		log.Fatal(err)
	}
	fmt.Println(x)
	// Output: 42
}

// A device code is what people with a second factor sign in with, and those whose terminal has no browser.
func ExampleApp_DeviceCode() {
	const nativeApp, webApp = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"
	idp, address, stop := startServers("9.3.0",
		[]azureadtest.App{{ID: webApp}, {ID: nativeApp, PublicClient: true}},
		azureadtest.User{Name: "ann@contoso.test", Password: "her password", MFA: true})
	defer stop()

	app := azuread.App{TenantID: "contoso.test", ClientID: nativeApp, Resource: webApp, Options: idp.ClientOptions()}
	client, err := mlserver.New(mlserver.Config{
		Address: address,
		Auth: app.DeviceCode(func(_ context.Context, p azuread.Prompt) error {
			fmt.Println("Open", p.URL, "and enter the code.")
			return idp.EnterCode(p.Code, "ann@contoso.test", "her password") // which a user does in a browser
		}),
	})
	if err != nil {
		log.Fatal(err)
	}
	status, err := client.Status(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(status.Components["authentication"].Components["azureActiveDirectory"].Details["audience"] == webApp)
	// Output:
	// Open https://login.windows.net/device and enter the code.
	// true
}
