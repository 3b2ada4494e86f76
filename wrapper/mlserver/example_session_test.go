package mlserver_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// exampleSession is a session on a development server of its own, and what ends both.
func exampleSession(o mlserver.SessionOptions) (*mlserver.Client, *mlserver.Session, func()) {
	address, stop := startServer()
	client, err := mlserver.New(mlserver.Config{Address: address, Auth: auth.Login{Username: "admin", Password: adminPassword}})
	if err != nil {
		log.Fatal(err)
	}
	session, err := client.NewSession(context.Background(), o)
	if err != nil {
		log.Fatal(err)
	}
	return client, session, func() {
		if err := session.ForceClose(context.Background()); err != nil {
			log.Fatal(err)
		}
		stop()
	}
}

// The text of long code appears while it runs.
func ExampleExecution_console() {
	_, session, done := exampleSession(mlserver.SessionOptions{})
	defer done()
	_, err := session.Execute(context.Background(), `for (i in 1:3) { writeLines(paste("step", i)); Sys.sleep(0.1) }`, mlserver.Execution{Console: os.Stdout})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// step 1
	// step 2
	// step 3
}

// A training that takes hours: one process starts it, another one, which knows no more than the session's id, gets the result.
func ExampleSession_Detach() {
	client, session, done := exampleSession(mlserver.SessionOptions{})
	defer done()
	ctx := context.Background()
	_, err := session.Detach(ctx, "model <- lm(dist ~ speed, cars); slope <- round(coef(model)[['speed']], 3)", mlserver.Execution{Outputs: []string{"slope"}})
	if err != nil {
		log.Fatal(err)
	}
	id := session.ID()

	result, err := client.Session(id).Detached().Wait(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	var slope float64
	if err := result.Outputs.Decode("slope", &slope); err != nil {
		log.Fatal(err)
	}
	fmt.Println(slope)
	// Output: 3.932
}

// The pictures that code has drawn.
func ExampleResult_Plots() {
	_, session, done := exampleSession(mlserver.SessionOptions{})
	defer done()
	ctx := context.Background()
	result, err := session.Execute(ctx, "plot(cars)", mlserver.Execution{})
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range result.Plots() {
		var picture bytes.Buffer
		if err := session.File(ctx, name, &picture); err != nil {
			log.Fatal(err)
		}
		fmt.Println(name, strings.HasPrefix(picture.String(), "\x89PNG"))
	}
	// Output: Rplot001.png true
}

// All objects of one session go into a folder, and from there into another session.
func ExampleSession_Workspace() {
	client, session, done := exampleSession(mlserver.SessionOptions{})
	defer done()
	ctx := context.Background()
	if _, err := session.Execute(ctx, "k <- 2; twice <- function(x) k * x", mlserver.Execution{}); err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "objects")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := func(name string) string { return filepath.Join(dir, name+".RData") }
	if err := session.Workspace(ctx, func(name string) (io.WriteCloser, error) { return os.Create(file(name)) }); err != nil {
		log.Fatal(err)
	}

	other, err := client.NewSession(ctx, mlserver.SessionOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer other.Close(ctx)
	if err := other.PutWorkspace(ctx, []string{"k", "twice"}, func(name string) (io.ReadCloser, error) { return os.Open(file(name)) }); err != nil {
		log.Fatal(err)
	}
	result, err := other.Execute(ctx, "twice(21)", mlserver.Execution{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(result.Console)
	// Output: [1] 42
}

// What code that runs here may miss on the server.
func ExampleEnvironment_Diff() {
	_, session, done := exampleSession(mlserver.SessionOptions{Runtime: mlserver.Python})
	defer done()
	remote, err := session.Environment(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	local := &mlserver.Environment{Runtime: mlserver.Python, Packages: map[string]string{"No.Such": "1.0", "NumPy": ""}}
	fmt.Print(local.Diff(remote))
	// Output:
	// Packages that are here and not on the server (1):
	//   No.Such  1.0
}
