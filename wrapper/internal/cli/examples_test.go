package cli

import (
	"bytes"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/mlserver-go/mls/wrapper/devserver"
	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// unrun are the commands whose examples TestExamples leaves to other tests.
var unrun = map[string]string{
	"mls devserver":        "it runs until it is interrupted: testdata/devserver.txtar",
	"mls token":            "it needs curl: testdata/login.txtar",
	"mls service generate": "it needs a Go module: TestGenerate",
	"mls batch list":       "testdata/batch.txtar runs it",
	"mls batch status":     "testdata/batch.txtar runs it",
	"mls batch wait":       "the example of mls batch has it",
	"mls batch cancel":     "the example of mls batch has it",
}

// TestExamples runs the examples of every command's help in a shell, as a new user each.
func TestExamples(t *testing.T) {
	t.Parallel()
	endpoint := startServer(t, func(c *devserver.Config) { c.Roles.Owner = []string{"alice"} })
	model := linearModel(t)
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		for _, child := range c.Commands() {
			walk(child)
		}
		path := c.CommandPath()
		if c.Example == "" {
			t.Errorf("%s has no example", path)
		} else if unrun[path] == "" {
			t.Run(strings.ReplaceAll(path, " ", "-"), func(t *testing.T) { runExample(t, endpoint, model, c) })
		}
	}
	a := &app{in: strings.NewReader(""), out: io.Discard, err: io.Discard}
	walk(a.root())
	walk(a.devserverRoot())
}

// linearModel is lm(dist ~ speed, cars) as saveRDS writes it.
func linearModel(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "model.rds")
	if out, err := exec.Command(interpreter(t, runtimes.R).Path, "--vanilla", "--no-echo", "-e", "saveRDS(lm(dist ~ speed, cars), '"+file+"')").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return read(t, filepath.Dir(file), "model.rds")
}

func runExample(t *testing.T, endpoint, model string, c *cobra.Command) {
	u := newUser(t, endpoint)
	for name, content := range map[string]string{
		"train.R":     "model <- lm(dist ~ speed, cars)\n",
		"predict.py":  "species = [len(p) for p in plants]\n",
		"plants.json": "[[7, 3.2, 4.7, 1.4], [3, 2.6, 3, 2.5]]\n",
		"publish.R": `remoteLogin("` + endpoint + `", session = FALSE)
publishService("add-one", function(x) x + 1, inputs = list(x = "numeric"), outputs = list(y = "numeric"), v = commandArgs(TRUE)[1])`,
		"consume.py": "remoteLogin('http://mls.example.com', session=False)\n" +
			"import sys\nprint(getService('add-one', 'v1.0.1').consume(float(sys.argv[1])).output('y'))\n",
		"cars.csv":         "speed,dist\n4,2\n7,4\n",
		"plot.R":           `cat(n, file = "plot.png")`,
		"plots.jsonl":      "{\"n\": 1}\n{\"n\": 2}\n",
		"mtcars.csv":       "hp,wt\n110,2.62\n110,2.875\n",
		"model.rds":        model,
		"predict.R":        `answer <- predict(model, data.frame(speed = hp), type = "response") / wt`,
		"requirements.txt": "numpy==1.24.2\n",
		"service.yaml": "name: transmission\nversion: 1.0.0\ncodeFile: predict.R\nobjects: {model: model.rds}\n" +
			"inputs: {hp: numeric, wt: numeric}\noutputs: {answer: numeric}\n",
	} {
		u.write(name, content)
	}
	script := "set -e\nexport MLS_PASSWORD_FILE=password.txt\n" + preparation(c) + c.Example
	sh := u.command("sh", "-c", strings.ReplaceAll(script, "http://localhost:12800", endpoint))
	var said bytes.Buffer
	sh.Stdout, sh.Stderr = &said, &said
	if err := sh.Run(); err != nil {
		t.Errorf("%v\n%s\n%s", err, script, said.String())
	}
	cleanUp(t, clientOf(t, endpoint, "alice"))
}

// preparation makes what a command's examples expect to be there.
func preparation(c *cobra.Command) string {
	const publish = `mls service publish transmission --version 1.0.0 --input hp=numeric --input wt=numeric --output answer=numeric --code 'answer <- hp / wt'`
	const plot = `mls service publish plot --version 1 --code-file plot.R --input n=integer --artifact plot.png`
	var lines strings.Builder
	for _, p := range []struct{ uses, makes, line string }{
		{"$ID", "ID=$(", `ID=$(mls session create); mls session exec $ID -e 'model <- 1'; mls session file put $ID cars.csv`},
		{"$SNAPSHOT", "SNAPSHOT=$(", `SNAPSHOT=$(mls snapshot create ${ID:-$(mls session create)})`},
		{"transmission", "transmission --version", publish},
		{"stopping.rds", "file get $ID stopping.rds", `ID=$(mls session create); mls session exec $ID -e 'saveRDS(lm(dist ~ speed, cars), "stopping.rds")'; mls session file get $ID stopping.rds`},
		{"realtime update", "realtime publish", `mls realtime publish stopping --version 1.0.0 --model stopping.rds`},
		{"call plot", "publish plot", plot},
		{"$PLOTS", "publish plot", plot},
		{"$PLOTS", "PLOTS=$(", `PLOTS=$(mls batch start plot/1 --json-lines plots.jsonl); mls batch wait plot/1 $PLOTS`},
		{"$BATCH", "BATCH=$(", `BATCH=$(mls batch start transmission/1.0.0 --csv mtcars.csv); mls batch wait transmission/1.0.0 $BATCH`},
		{"call stops", "publish stops", `mls service publish stops --version 1 --object model=model.rds --input cars=data.frame --output dist=vector --code 'dist <- predict(model, cars)'`},
	} {
		if strings.Contains(c.Example, p.uses) && !strings.Contains(c.Example, p.makes) {
			lines.WriteString(p.line + "\n")
		}
	}
	return lines.String()
}

// cleanUp makes room for the next example.
func cleanUp(t *testing.T, client *mlserver.Client) {
	t.Helper()
	sessions, err := client.Sessions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sessions {
		if err := client.Session(s.ID).ForceClose(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	services, err := client.Services(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range services {
		if err := client.Service(s.Name, s.Version).Delete(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
