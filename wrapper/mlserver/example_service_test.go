package mlserver_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/data"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// modelFile is what saveRDS(glm(am ~ hp + wt, data = mtcars, family = binomial), "model.rds") wrote.
func modelFile() (path string, remove func()) {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	path = filepath.Join(dir, "model.rds")
	if out, err := exec.Command("Rscript", "-e", "saveRDS(glm(am ~ hp + wt, data = mtcars, family = binomial), '"+path+"')").CombinedOutput(); err != nil {
		log.Fatalf("%v: %s", err, out)
	}
	return path, func() { os.RemoveAll(dir) }
}

// A model from a file of R, published and called; inputs that do not fit are refused before anything is sent.
func ExampleService_Checked() {
	address, stop := startServer()
	defer stop()
	path, remove := modelFile()
	defer remove()
	ctx := context.Background()
	client, err := mlserver.New(mlserver.Config{Address: address, Auth: auth.Login{Username: "admin", Password: adminPassword}})
	if err != nil {
		log.Fatal(err)
	}

	model, err := os.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	service, err := client.Publish(ctx, mlserver.Definition{
		Name: "transmission", Version: "1.0.0", Alias: "manualTransmission",
		Code:    `answer <- predict(model, data.frame(hp = hp, wt = wt), type = "response")`,
		Objects: map[string]io.Reader{"model": model},
		Inputs:  []mlserver.Parameter{{Name: "hp", Type: mlserver.Numeric}, {Name: "wt", Type: mlserver.Numeric}},
		Outputs: []mlserver.Parameter{{Name: "answer", Type: mlserver.Numeric}},
	})
	if err != nil {
		log.Fatal(err)
	}

	transmission, err := service.Checked(ctx)
	if err != nil {
		log.Fatal(err)
	}
	result, err := transmission.Consume(ctx, mlserver.Values{"hp": 120, "wt": 2.8})
	if err != nil {
		log.Fatal(err)
	}
	var answer float64
	if err := result.Outputs.Decode("answer", &answer); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.7f\n", answer)

	_, err = transmission.Consume(ctx, mlserver.Values{"hp": "many", "weight": 2.8})
	fmt.Println(err)
	// Output:
	// 0.6418125
	// service transmission/1.0.0:
	//   input "hp" (numeric) must be a number, not "many"
	//   input "wt" (numeric) is missing
	//   input "weight" is unknown: the service takes hp, wt
}

// A Python service that takes a data frame and answers one, with a struct for each row.
func ExampleDecodeRows() {
	address, stop := startServer()
	defer stop()
	ctx := context.Background()
	client, err := mlserver.New(mlserver.Config{Address: address, Auth: auth.Login{Username: "admin", Password: adminPassword}})
	if err != nil {
		log.Fatal(err)
	}

	service, err := client.Publish(ctx, mlserver.Definition{
		Name: "power", Version: "1.0", Runtime: mlserver.Python,
		Code:    "ranked = cars.assign(ratio=cars.hp / cars.wt).sort_values('ratio', ascending=False)",
		Inputs:  []mlserver.Parameter{{Name: "cars", Type: mlserver.DataFrame}},
		Outputs: []mlserver.Parameter{{Name: "ranked", Type: mlserver.DataFrame}},
	})
	if err != nil {
		log.Fatal(err)
	}

	type car struct {
		Name  string  `json:"name"`
		HP    int     `json:"hp"`
		Wt    float64 `json:"wt"`
		Ratio float64 `json:"ratio"`
	}
	cars, err := data.FrameOf([]car{{Name: "Datsun 710", HP: 93, Wt: 2.32}, {Name: "Maserati Bora", HP: 335, Wt: 3.57}})
	if err != nil {
		log.Fatal(err)
	}
	result, err := service.Consume(ctx, mlserver.Values{"cars": cars[:3]}) // without the ratio
	if err != nil {
		log.Fatal(err)
	}
	ranked, err := mlserver.DecodeRows[car](result.Outputs, "ranked")
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range ranked {
		fmt.Printf("%s: %.1f\n", c.Name, c.Ratio)
	}
	// Output:
	// Maserati Bora: 93.8
	// Datsun 710: 40.1
}

// A service is brought to what a definition says; what would happen can be seen first.
func ExampleClient_Apply() {
	address, stop := startServer()
	defer stop()
	ctx := context.Background()
	client, err := mlserver.New(mlserver.Config{Address: address, Auth: auth.Login{Username: "admin", Password: adminPassword}})
	if err != nil {
		log.Fatal(err)
	}

	add := mlserver.Definition{
		Name: "add", Version: "1", Code: "sum <- x + y",
		Inputs:  []mlserver.Parameter{{Name: "x", Type: mlserver.Numeric}, {Name: "y", Type: mlserver.Numeric}},
		Outputs: []mlserver.Parameter{{Name: "sum", Type: mlserver.Numeric}},
	}
	if _, _, err := client.Apply(ctx, add); err != nil { // publishes it
		log.Fatal(err)
	}
	add.Description, add.Code = "adds", "sum <- x + y + 0"
	diff, err := client.Diff(ctx, add)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(diff)
	service, _, err := client.Apply(ctx, add) // updates it
	if err != nil {
		log.Fatal(err)
	}
	if err := service.Update(ctx, mlserver.Change{Description: new("")}); err != nil { // clears it again
		log.Fatal(err)
	}
	// Output:
	// add/1 changes
	//   code: sum <- x + y -> sum <- x + y + 0
	//   description: + adds
}
