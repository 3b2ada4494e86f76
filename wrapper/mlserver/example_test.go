package mlserver_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"strings"

	"github.com/mlserver-go/mls/gen/v910"
	"github.com/mlserver-go/mls/gen/v910/sessions"
	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/devserver"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// startServer starts a development server for an example.
func startServer() (address string, stop func()) {
	s, err := devserver.New(devserver.Config{AdminPassword: adminPassword, Interpreters: interpreters(), Logger: printed.Logger()})
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, listener) }()
	return "http://" + listener.Addr().String(), func() {
		cancel()
		if err := <-served; err != nil {
			log.Fatal(err)
		}
	}
}

func Example() {
	address, stop := startServer()
	defer stop()
	ctx := context.Background()

	client, err := mlserver.New(mlserver.Config{
		Address: address, // such as https://mls.example.com
		Auth:    auth.Login{Username: "admin", Password: adminPassword},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Logout(ctx)

	status, err := client.Status(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(status.Code)
	// Output: pass
}

// The classifier of Microsoft's article on Python web services, trained in a session and asked about two plants.
func ExampleSession_Execute() {
	address, stop := startServer()
	defer stop()
	ctx := context.Background()
	client, err := mlserver.New(mlserver.Config{Address: address, Auth: auth.Login{Username: "admin", Password: adminPassword}})
	if err != nil {
		log.Fatal(err)
	}

	session, err := client.NewSession(ctx, mlserver.SessionOptions{Name: "Session 1", Runtime: mlserver.Python})
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close(ctx)
	_, err = session.Execute(ctx, `
from sklearn import svm, datasets
clf = svm.SVC(gamma="auto")  # the default of 2017
iris = datasets.load_iris()
model = clf.fit(iris.data, iris.target)`, mlserver.Execution{})
	if err != nil {
		log.Fatal(err)
	}
	result, err := session.Execute(ctx, "result = clf.predict([plant_1]); other_result = clf.predict([plant_2])", mlserver.Execution{
		Inputs:  mlserver.Values{"plant_1": []float64{7, 3.2, 4.7, 1.4}, "plant_2": []float64{3, 2.6, 3, 2.5}},
		Outputs: []string{"result", "other_result"},
	})
	if err != nil {
		log.Fatal(err)
	}
	var versicolor, virginica int
	if err := errors.Join(result.Outputs.Decode("result", &versicolor), result.Outputs.Decode("other_result", &virginica)); err != nil {
		log.Fatal(err)
	}
	fmt.Println(versicolor, virginica)
	// Output: 1 2
}

func ExampleSession_Execute_failing() {
	address, stop := startServer()
	defer stop()
	ctx := context.Background()
	client, err := mlserver.New(mlserver.Config{Address: address, Auth: auth.Login{Username: "admin", Password: adminPassword}})
	if err != nil {
		log.Fatal(err)
	}
	session, err := client.NewSession(ctx, mlserver.SessionOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close(ctx)

	result, err := session.Execute(ctx, `print("so far, so good"); stop("no further")`, mlserver.Execution{})
	var failed *mlserver.CodeError
	fmt.Println(errors.As(err, &failed), failed)
	fmt.Println(strings.Split(result.Console, "\n")[0])

	_, err = client.Session("gone").Console(ctx)
	fmt.Println(errors.Is(err, mlserver.ErrNotFound))
	// Output:
	// true Error: no further
	// [1] "so far, so good"
	// true
}

// A model fitted in a session, kept as a snapshot, published and called.
func ExampleClient_Publish() {
	address, stop := startServer()
	defer stop()
	ctx := context.Background()
	client, err := mlserver.New(mlserver.Config{Address: address, Auth: auth.Login{Username: "admin", Password: adminPassword}})
	if err != nil {
		log.Fatal(err)
	}

	session, err := client.NewSession(ctx, mlserver.SessionOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close(ctx)
	if _, err := session.Execute(ctx, `model <- glm(am ~ hp + wt, data = mtcars, family = binomial)`, mlserver.Execution{}); err != nil {
		log.Fatal(err)
	}
	snapshot, err := session.Snapshot(ctx, "cars")
	if err != nil {
		log.Fatal(err)
	}
	defer client.DeleteSnapshot(ctx, snapshot) // the service keeps a copy

	service, err := client.Publish(ctx, mlserver.Definition{
		Name: "transmission", Version: "1.0.0",
		Code:       `answer <- predict(model, data.frame(hp = hp, wt = wt), type = "response")`,
		SnapshotID: snapshot,
		Inputs:     []mlserver.Parameter{{Name: "hp", Type: mlserver.Numeric}, {Name: "wt", Type: mlserver.Numeric}},
		Outputs:    []mlserver.Parameter{{Name: "answer", Type: mlserver.Numeric}},
		Alias:      "manualTransmission",
	})
	if err != nil {
		log.Fatal(err)
	}
	result, err := service.Consume(ctx, mlserver.Values{"hp": 120, "wt": 2.8})
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

// A realtime service is a model and no code: one data frame in, one out.
func ExampleClient_PublishRealtime() {
	address, stop := startServer()
	defer stop()
	ctx := context.Background()
	client, err := mlserver.New(mlserver.Config{Address: address, Auth: auth.Login{Username: "admin", Password: adminPassword}})
	if err != nil {
		log.Fatal(err)
	}

	session, err := client.NewSession(ctx, mlserver.SessionOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close(ctx)
	train := `model <- lm(rating ~ complaints + learning, attitude); saveRDS(model, "model.rds")` // on a real server rxSerializeModel
	if _, err := session.Execute(ctx, train, mlserver.Execution{}); err != nil {
		log.Fatal(err)
	}
	var model bytes.Buffer // or the file that somebody saved the model to
	if err := session.File(ctx, "model.rds", &model); err != nil {
		log.Fatal(err)
	}

	service, err := client.PublishRealtime(ctx, mlserver.RealtimeDefinition{Name: "attitude", Version: "1.0", Model: &model})
	if err != nil {
		log.Fatal(err)
	}
	result, err := service.Consume(ctx, mlserver.Values{mlserver.RealtimeInput: map[string][]float64{
		"complaints": {51, 64},
		"learning":   {39, 54},
	}})
	if err != nil {
		log.Fatal(err)
	}
	var predictions struct {
		Rating []float64 `json:"rating_Pred"`
	}
	if err := result.Outputs.Decode(mlserver.RealtimeOutput, &predictions); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.4f\n", predictions.Rating)
	// Output: [50.9268 62.4604]
}

// A linear model is asked about all cars of mtcars at once; the rows come from a CSV file.
func ExampleService_StartBatch() {
	address, stop := startServer()
	defer stop()
	ctx := context.Background()
	client, err := mlserver.New(mlserver.Config{Address: address, Auth: auth.Login{Username: "admin", Password: adminPassword}})
	if err != nil {
		log.Fatal(err)
	}
	service, err := client.Publish(ctx, mlserver.Definition{
		Name: "TxService", Version: "1.0", InitCode: "fit <- lm(am ~ hp + wt, mtcars)",
		Code:    "am_Pred <- predict(fit, data.frame(hp = hp, wt = wt))",
		Inputs:  []mlserver.Parameter{{Name: "hp", Type: mlserver.Numeric}, {Name: "wt", Type: mlserver.Numeric}},
		Outputs: []mlserver.Parameter{{Name: "am_Pred", Type: mlserver.Numeric}},
	})
	if err != nil {
		log.Fatal(err)
	}

	info, err := service.Describe(ctx)
	if err != nil {
		log.Fatal(err)
	}
	file, err := os.Open("testdata/mtcars.csv")
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	batch, err := service.StartBatch(ctx, mlserver.CSVRows(file, info.Inputs), mlserver.BatchOptions{Parallel: 4})
	if err != nil {
		log.Fatal(err)
	}
	// batch.ID() is all that another process needs: client.Service("TxService", "1.0").Batch(id).
	status, err := batch.Wait(ctx, mlserver.WaitOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(status.State, status.Completed, "of", status.Total)
	for row, err := range batch.Results(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		var pred float64
		if err := errors.Join(row.Err, row.Outputs.Decode("am_Pred", &pred)); err != nil {
			fmt.Println("row", row.Row, "failed:", err)
		} else if row.Row < 3 {
			fmt.Printf("row %d: %.6f\n", row.Row, pred)
		}
	}
	// Output:
	// Complete 32 of 32
	// row 0: 0.592204
	// row 1: 0.469917
	// row 2: 0.689520
}

// The client generated for another server version, as it is, on the signed-in transport.
func ExampleClient_Transport() {
	address, stop := startServer()
	defer stop()
	client, err := mlserver.New(mlserver.Config{Address: address, Auth: auth.Login{Username: "admin", Password: adminPassword}})
	if err != nil {
		log.Fatal(err)
	}

	api := v910.New(client.Transport(), nil)
	open, err := api.Sessions.ListSessionsContext(context.Background(), &sessions.ListSessionsParams{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(open.Payload), "sessions")
	// Output: 0 sessions
}
