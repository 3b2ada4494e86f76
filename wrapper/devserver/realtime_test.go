package devserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime/multipart"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
)

// The training data of the product's own examples: kyphosis comes with a package that is not always installed.
const kyphosisR = `
age <- c(71,158,128,2,1,1,61,37,113,59,82,148,18,1,168,1,78,175,80,27,22,105,96,131,15,9,8,100,4,151,31,125,130,112,140,93,1,52,20,91,
  73,35,143,61,97,139,136,131,121,177,68,9,139,2,140,72,2,120,51,102,130,114,81,118,118,17,195,159,18,15,158,127,87,206,11,178,157,26,120,42,36)
present <- c(3,10,11,22,23,25,38,40,41,46,49,53,58,61,62,77,80)
kyphosis <- data.frame(Kyphosis = factor(ifelse(seq_along(age) %in% present, "present", "absent")), Age = age)
`

// models runs code in a language's own program and returns the files that it wrote: what users would send.
func models(t *testing.T, lang runtimes.Language, code string) map[string]string {
	t.Helper()
	needs(t, lang)
	args := []string{"--no-echo", "--no-save", "-e", code}
	if lang == runtimes.Python {
		args = []string{"-c", code}
	}
	cmd := exec.CommandContext(t.Context(), probe(lang).found.Path, args...)
	cmd.Dir = t.TempDir()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	entries, err := os.ReadDir(cmd.Dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(cmd.Dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(content)
	}
	return files
}

// multipartForm is a multipart form of names and values; the value of model is sent as a file.
func multipartForm(t *testing.T, pairs ...string) (body io.Reader, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		create := w.CreateFormField
		if pairs[i] == "model" {
			create = func(name string) (io.Writer, error) { return w.CreateFormFile(name, "model.rds") }
		}
		part, err := create(pairs[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(part, pairs[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &b, w.FormDataContentType()
}

// sendForm sends a form and wants a status.
func (c *client) sendForm(method, path string, status int, pairs ...string) *reply {
	c.t.Helper()
	body, kind := multipartForm(c.t, pairs...)
	return c.want(method, path, body, status, "Content-Type", kind)
}

// score calls a realtime service, which must succeed, and returns its data frame.
func (c *client) score(path, frame string) map[string][]any {
	c.t.Helper()
	var r struct {
		Success                     bool
		ErrorMessage, ConsoleOutput string
		OutputParameters            struct{ OutputData map[string][]any }
	}
	c.want("POST", path, `{"inputData":`+frame+`}`, 200).into(&r)
	if !r.Success {
		c.t.Fatalf("%s: %s\n%s", path, r.ErrorMessage, r.ConsoleOutput)
	}
	return r.OutputParameters.OutputData
}

// column checks the only column of a data frame.
func column(t *testing.T, frame map[string][]any, name string, want ...float64) {
	t.Helper()
	if len(frame) != 1 || len(frame[name]) != len(want) {
		t.Errorf("frame %v, want a column %s of %d", frame, name, len(want))
		return
	}
	for i, w := range want {
		if got, ok := frame[name][i].(float64); !ok || math.Abs(got-w) > 1e-6 {
			t.Errorf("%s[%d] = %v, want %v", name, i, frame[name][i], w)
		}
	}
}

// Models of R, saved in every way there is, predict what the product's own articles print.
func TestRealtimeR(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.R)
	c := start(t, only(runtimes.R))
	m := models(t, runtimes.R, kyphosisR+`
kyphosisModel <- model <- glm(Kyphosis ~ Age, data = kyphosis, family = binomial)
saveRDS(model, "saveRDS")
saveRDS(model, "uncompressed", compress = FALSE)
saveRDS(model, "xz", compress = "xz")
writeBin(serialize(model, NULL), "serialize")
save(kyphosisModel, file = "save")
saveRDS(lm(rating ~ complaints + privileges + learning + raises + critical + advance, attitude), "attitude")
saveRDS(lm(cbind(mpg, hp) ~ wt, mtcars), "poly")
saveRDS(ppr(mtcars["wt"], mtcars$mpg, nterms = 1), "ppr")
saveRDS(splines::interpSpline(women$height, women$weight), "spline")
saveRDS(structure(list(), class = "mine"), "mine")
if (requireNamespace("rpart", quietly = TRUE)) saveRDS(rpart::rpart(Kyphosis ~ Age + Number + Start, rpart::kyphosis), "tree")`)
	for _, how := range []string{"saveRDS", "uncompressed", "xz", "serialize", "save"} {
		c.sendForm("POST", "/realtime-services/kyphosis/"+how, 201, "model", m[how])
		column(t, c.score("/api/kyphosis/"+how, `{"Kyphosis":["absent","absent"],"Age":[71,55],"Number":[3,3],"Start":[5,5]}`),
			"Kyphosis_Pred", 0.194193825840233, 0.180930701969199)
	}
	// Description and alias may come before the model or after it, and rows for columns.
	c.sendForm("POST", "/realtime-services/attitude/1.0", 201, "description", "This is a realtime model.",
		"model", m["attitude"], "operationId", "rate")
	column(t, c.score("/api/attitude/1.0", `[{"rating":43,"complaints":51,"privileges":30,"learning":39,"raises":61,"critical":92,"advance":45},
		{"rating":63,"complaints":64,"privileges":51,"learning":54,"raises":63,"critical":73,"advance":47}]`), "rating_Pred", 51.110295255533131, 61.352766)
	if got := c.want("GET", "/services/attitude/1.0", nil, 200).body; !strings.Contains(got, `"operationId":"rate"`) || !strings.Contains(got, `"description":"This is a realtime model."`) {
		t.Errorf("described as %s", got)
	}
	// A batch: each of its rows is a data frame.
	b := c.startBatch("/api/attitude/1.0", `[{"inputData":{"complaints":[51],"privileges":[30],"learning":[39],"raises":[61],"critical":[92],"advance":[45]}},
		{"inputData":{"complaints":[51]}}]`)
	rows := c.until(b, batchComplete).BatchExecutionResults
	if got := fmt.Sprint(rows[0].OutputParameters["outputData"]); !strings.HasPrefix(got, "map[rating_Pred:[51.1102952") {
		t.Errorf("the first row gave %s", got)
	}
	if r := rows[1]; r.Success || !strings.Contains(r.ErrorMessage, "privileges") {
		t.Errorf("a row without the model's columns: %+v", r)
	}
	c.want("POST", "/api/attitude/1.0/batch", `[{"inputData":{"complaints":[51]}},{"inputData":5}]`, 400).says("row 1", "inputData")
	// Data without a row, and with a value missing.
	column(t, c.score("/api/attitude/1.0", `{"complaints":[],"privileges":[],"learning":[],"raises":[],"critical":[],"advance":[]}`), "rating_Pred")
	if got := c.score("/api/attitude/1.0", `{"complaints":[51,64],"privileges":[30,51],"learning":[39,null],"raises":[61,63],"critical":[92,73],"advance":[45,47]}`); got["rating_Pred"][1] != nil {
		t.Errorf("a missing value gave %v", got)
	}
	// Predictions with columns of their own, factors, and a model that knows no response.
	c.sendForm("POST", "/realtime-services/poly/1", 201, "model", m["poly"])
	if got := c.score("/api/poly/1", `{"wt":[3]}`); len(got) != 2 || math.Abs(got["mpg"][0].(float64)-21.25171) > 1e-5 {
		t.Errorf("two responses: %v", got)
	}
	c.sendForm("POST", "/realtime-services/smooth/1", 201, "model", m["ppr"])
	if got := c.score("/api/smooth/1", `{"wt":[3]}`); len(got["Pred"]) != 1 {
		t.Errorf("a model without formula: %v", got)
	}
	// The method is in a package that nobody has loaded.
	c.sendForm("POST", "/realtime-services/spline/1", 201, "model", m["spline"])
	c.sendForm("POST", "/realtime-services/mine/1", 400, "model", m["mine"]).says("mine", "no predict method")

	if m["tree"] != "" {
		c.sendForm("POST", "/realtime-services/tree/1", 201, "model", m["tree"])
		got := c.score("/api/tree/1", `{"Age":[71,2],"Number":[3,5],"Start":[5,1]}`)
		for i := range 2 {
			if a, p := got["absent"][i].(float64), got["present"][i].(float64); math.Abs(a+p-1) > 1e-9 || a == p {
				t.Errorf("probabilities of a tree: %v", got)
			}
		}
	} else if os.Getenv("CI") != "" {
		t.Error("R lacks rpart")
	}

	if got := c.want("POST", "/api/kyphosis/save", `{"inputData":{"Start":[1]}}`, 200).body; !strings.Contains(got, `"success":false`) || !strings.Contains(got, "Age") {
		t.Errorf("without the column the model needs: %s", got)
	}
	var e serviceError
	c.want("POST", "/api/kyphosis/save", `{"data":{"Age":[1]}}`, 400).into(&e)
	if e.Fields != "inputData, data" {
		t.Errorf("a wrong input: %+v", e)
	}
}

// Models of S4 classes: of a package with S4 methods or S3 methods, inherited ones, and of a class of the user's own that comes
// along with the model.
func TestRealtimeS4(t *testing.T) {
	needs(t, runtimes.R)
	library := t.TempDir()
	for name, text := range map[string]string{
		"DESCRIPTION": "Package: slopes\nVersion: 1.0\nTitle: Slopes\nDescription: S4 models.\nLicense: MIT\nAuthor: X\nMaintainer: X <x@example.com>\nImports: methods, stats\n",
		"NAMESPACE":   "import(methods)\nimportFrom(stats, predict)\nexportClasses(Slope, Line, Mixed)\nexportMethods(predict)\nS3method(predict, Mixed)\n",
		"R/slopes.R": `setClass("Slope", representation(k = "numeric"))
setClass("Line", contains = "Slope")
setMethod("predict", "Slope", function(object, newdata, ...) object@k * newdata$speed)
setClass("Mixed", representation(k = "numeric"))
predict.Mixed <- function(object, newdata, ...) data.frame(slow = object@k * newdata$speed)
`,
	} {
		path := filepath.Join(library, "source", "slopes", name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	install := exec.CommandContext(t.Context(), probe(runtimes.R).found.Path, "CMD", "INSTALL", "--no-docs", "--no-byte-compile", "--no-test-load",
		"-l", library, filepath.Join(library, "source", "slopes"))
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Setenv("R_LIBS", library)
	c := start(t, only(runtimes.R))
	m := models(t, runtimes.R, `library(slopes)
saveRDS(new("Line", k = 3), "line"); saveRDS(new("Mixed", k = 0.5), "mixed")
detach("package:slopes", unload = TRUE)
setClass("Own", representation(k = "numeric"))
setMethod("predict", "Own", function(object, newdata, ...) twice(object@k) * newdata$speed)
twice <- function(x) 2 * x
fit <- new("Own", k = 4)
saveRDS(fit, "bare")
save(list = ls(all.names = TRUE), file = "image")
saveRDS(stats4::mle(function(a = 1) (a - 2)^2), "mle")`)
	for name, want := range map[string]struct {
		column string
		values []float64
	}{"line": {"Pred", []float64{30, 60}}, "mixed": {"slow", []float64{5, 10}}, "image": {"Pred", []float64{80, 160}}} {
		c.sendForm("POST", "/realtime-services/s4/"+name, 201, "model", m[name])
		column(t, c.score("/api/s4/"+name, `{"speed":[10,20]}`), want.column, want.values...)
	}
	c.sendForm("POST", "/realtime-services/s4/bare", 400, "model", m["bare"]).says(`"Own" has no predict method`, "save it together with the model")
	c.sendForm("POST", "/realtime-services/s4/mle", 400, "model", m["mle"]).says(`"mle" has no predict method in this R`)
}

// Python objects with a method predict, pickled or dilled.
func TestRealtimePython(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.Python)
	c := start(t, only(runtimes.Python))
	m := models(t, runtimes.Python, `
import pickle, dill, pandas as pd
from sklearn.linear_model import *
d = pd.DataFrame({'hp': [110, 93, 175, 105, 245], 'wt': [2.62, 2.32, 3.44, 3.46, 3.57], 'kind': ['a', 'a', 'b', 'b', 'b']})
y = 2 * d.hp - 3 * d.wt
class Twice:
  def predict(self, data): return (2 * data.hp).rename('twice')
class Many:
  def predict(self, data): return data.values[:, [0, 0]]
class Fit:
  class model: endog_names = 'am'
  def predict(self, data): return data.hp.values[:, None]
class Bomb:
  def __reduce__(self): import os; return os._exit, (3,)
pickle.dump(LinearRegression().fit(d[['hp', 'wt']], y), open('pickle', 'wb'))
pickle.dump(LinearRegression().fit(d[['hp', 'wt']].values, y), open('array', 'wb'))
pickle.dump(LogisticRegression().fit(d[['wt']], d.kind), open('class', 'wb'))
dill.dump(Twice(), open('own', 'wb'), protocol=2)
dill.dump(Many(), open('many', 'wb'))
dill.dump(Fit(), open('named', 'wb'))
dill.dump(Bomb(), open('gone', 'wb'))
pickle.dump(d, open('none', 'wb'))`)
	for name, test := range map[string]struct {
		frame, column string
		want          []any
	}{
		"pickle": {`{"wt":[2.8],"y":[0],"hp":[120]}`, "Pred", []any{231.6}}, // other order, one column too many
		"array":  {`{"hp":[120],"wt":[2.8]}`, "Pred", []any{231.6}},
		"class":  {`{"wt":[2.1,3.6]}`, "Pred", []any{"a", "b"}},
		"own":    {`{"hp":[1,2]}`, "twice", []any{2.0, 4.0}},
		"many":   {`{"hp":[1]}`, "Pred.2", []any{1.0}},
		"named":  {`{"hp":[7]}`, "am_Pred", []any{7.0}},
	} {
		c.sendForm("POST", "/realtime-services/m/"+name, 201, "model", m[name])
		got := c.score("/api/m/"+name, test.frame)[test.column]
		if fmt.Sprintf("%.6v", got) != fmt.Sprintf("%.6v", test.want) {
			t.Errorf("%s: %s is %v, want %v", name, test.column, got, test.want)
		}
	}
	if got := c.want("POST", "/api/m/pickle", `{"inputData":{"hp":[1]}}`, 200).body; !strings.Contains(got, `"errorMessage":"ValueError: inputData lacks the columns wt"`) {
		t.Errorf("without a column: %s", got)
	}
	c.sendForm("POST", "/realtime-services/m/none", 400, "model", m["none"]).says("DataFrame", "no method predict")
	c.sendForm("POST", "/realtime-services/m/gone", 400, "model", m["gone"]).says("exit status 3")
}

// What is no model is refused, and nothing of it stays.
func TestRealtimeRefuses(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.R, runtimes.Python)
	c := start(t, Config{MaxUpload: 1 << 20})
	m := models(t, runtimes.R, `saveRDS(42, "number"); a <- b <- 1; save(a, b, file = "several")`)
	for name, test := range map[string]struct{ model, says string }{
		"text": {"hello, model", "no serialized model"}, "short": {"b", "no serialized model"}, "empty": {"", "is empty"}, "cut": {"\x80\x04\x95", "Python cannot read it"},
		"gzip": {"\x1f\x8b\x08\x00", "R cannot read it"}, "number": {m["number"], `class "numeric" has no predict method`},
		"several": {m["several"], "2 objects, none of them named model"},
	} {
		c.sendForm("POST", "/realtime-services/bad/"+name, 400, "model", test.model).says(test.says)
	}
	c.sendForm("POST", "/realtime-services/bad/1", 400, "description", "d").says("no part named model")
	c.sendForm("POST", "/realtime-services/bad/1", 400, "description", strings.Repeat("d", 70000)).says("description")
	c.sendForm("POST", "/realtime-services/bad/1", 413, "model", "blob"+strings.Repeat("b", 1<<20+100_000)) // see TestLargeFile
	c.want("POST", "/realtime-services/bad/1", `{}`, 400).says("multipart/form-data")
	c.want("POST", "/realtime-services/bad/1", strings.NewReader("--x\r\nnonsense"), 400, "Content-Type", "multipart/form-data; boundary=x").says("form is broken")
	c.sendForm("POST", "/realtime-services/a%23b/1", 400, "model", "blob").says("a#b")
	if got := c.want("GET", "/services", nil, 200).body; got != "[]" {
		t.Errorf("services: %s", got)
	}
	for _, dir := range []string{c.srv.store.workers(), c.srv.store.blobs()} {
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("left behind in %s: %v, %v", dir, left, err)
		}
	}
}

// A model of RevoScaleR's is stored, described, updated and deleted; only calling it is not possible.
func TestRealtimeRevoScaleR(t *testing.T) {
	t.Parallel()
	c := start(t, noLanguages)
	r := c.sendForm("POST", "/realtime-services/LinModService", 201, "model", "blob\x00\x01")
	path, ok := strings.CutPrefix(r.header.Get("Location"), "/services/LinModService/")
	if !ok || !strings.Contains(r.body, path) || len(path) != 36 {
		t.Errorf("published without version: %s, Location %s", r.body, r.header.Get("Location"))
	}
	c.sendForm("POST", "/realtime-services/LinModService/1.0", 201, "model", "blob\x00\x01", "description", "This is a realtime model.")
	c.srv.SetFaults(Faults{Duplicate: 403}) // for realtime services only 409 is documented
	c.sendForm("POST", "/realtime-services/LinModService/1.0", 409, "model", "blob\x00\x01").says("exists")
	c.srv.SetFaults(Faults{})
	got := c.want("GET", "/services/LinModService/1.0", nil, 200).body
	for _, want := range []string{`"runtimeType":"Realtime"`, `"snapshotId":"`, `"inputParameterDefinitions":[{"name":"inputData","type":"data.frame"}]`,
		`"outputParameterDefinitions":[{"name":"outputData","type":"data.frame"}]`, `"outputFileNames":[]`, `"myPermissionOnService":"read/write"`} {
		if !strings.Contains(got, want) {
			t.Errorf("described as %s, want %s", got, want)
		}
	}
	if keys := keysOf(got); slices.Contains(keys, "code") || slices.Contains(keys, "initCode") {
		t.Errorf("a model has code: %v", keys)
	}
	var e serviceError
	c.want("POST", "/api/LinModService/1.0", `{"inputData":{"x":[1]}}`, http.StatusNotImplemented).into(&e)
	if e.Code != 501 || !strings.Contains(e.Message, "RevoScaleR's own format") {
		t.Errorf("calling it: %+v", e)
	}
	c.want("POST", "/api/LinModService/1.0/batch", `[{"inputData":{"x":[1]}}]`, http.StatusNotImplemented).says("RevoScaleR's own format")
	var doc struct {
		Paths       map[string]any
		Definitions map[string]struct{ Properties map[string]any }
	}
	c.want("GET", "/api/LinModService/1.0/swagger.json", nil, 200).into(&doc)
	props := doc.Definitions
	in, out := fmt.Sprint(props["InputParameters"].Properties), fmt.Sprint(props["OutputParameters"].Properties)
	if in != "map[inputData:map[description:data.frame type:object]]" || out != "map[outputData:map[description:data.frame type:object]]" {
		t.Errorf("inputs %s, outputs %s", in, out)
	}
	if _, ok := props["WebServiceResult"].Properties["outputFiles"]; ok || doc.Paths["/api/LinModService/1.0/batch"] == nil {
		t.Errorf("results %v, paths %v", props["WebServiceResult"], doc.Paths)
	}
	if body := c.want("GET", "/api/LinModService/1.0/swagger.json", nil, 200).body; !strings.Contains(body, `"operationId": "ConsumeWebService"`) {
		t.Errorf("document without an alias: %s", body)
	}

	c.sendForm("PATCH", "/realtime-services/LinModService/1.0", 200, "operationId", "rate")
	c.sendForm("PATCH", "/realtime-services/LinModService/1.0", 200, "model", "blob2", "description", "")
	var info []struct {
		Description *string
		OperationID string
	}
	c.want("GET", "/services/LinModService/1.0", nil, 200).into(&info)
	if info[0].Description != nil || info[0].OperationID != "rate" {
		t.Errorf("after updates %+v", info[0])
	}
	c.sendForm("PATCH", "/realtime-services/LinModService/1.0", 400, "model", "nonsense")
	c.sendForm("PATCH", "/realtime-services/nope/1.0", 404, "operationId", "rate")
	c.want("PATCH", "/services/LinModService/1.0", `{"code":"1"}`, 400).says("/realtime-services")
	c.as("bob").sendForm("PATCH", "/realtime-services/LinModService/1.0", 403, "operationId", "mine")
	c.want("DELETE", "/services/LinModService/1.0", nil, 200)
	c.want("GET", "/services/LinModService/1.0", nil, 404)
}

// A model can be replaced by one of another language, and is there after a restart.
func TestRealtimeUpdate(t *testing.T) {
	t.Parallel()
	needs(t, runtimes.R, runtimes.Python)
	cfg := Config{DataDir: t.TempDir()}
	c := start(t, cfg)
	c.want("POST", "/services/script/1", plus(runtimes.R), 201)
	c.sendForm("PATCH", "/realtime-services/script/1", 400, "operationId", "x").says("no realtime service")
	c.sendForm("POST", "/realtime-services/m/1", 201, "model", models(t, runtimes.R, `saveRDS(lm(dist ~ speed, cars), "model")`)["model"])
	column(t, c.score("/api/m/1", `{"speed":[10]}`), "dist_Pred", 21.744993)
	c.sendForm("PATCH", "/realtime-services/m/1", 200, "model",
		models(t, runtimes.Python, "import dill\nclass M:\n  def predict(self, d): return d.speed * 2\ndill.dump(M(), open('model', 'wb'))")["model"])
	column(t, c.score("/api/m/1", `{"speed":[10]}`), "speed", 20)
	c.sendForm("PATCH", "/realtime-services/m/1", 200, "description", "twice") // keeps the model
	if err := c.srv.Close(); err != nil {
		t.Fatal(err)
	}
	if blobs, err := os.ReadDir(cfg.DataDir + "/blobs"); err != nil || len(blobs) != 1 {
		t.Errorf("models kept: %v, %v", blobs, err)
	}
	c = start(t, cfg)
	column(t, c.score("/api/m/1", `{"speed":[10]}`), "speed", 20)
	var info []struct{ Description, RuntimeType string }
	c.want("GET", "/services/m/1", nil, 200).into(&info)
	if got, _ := json.Marshal(info); string(got) != `[{"Description":"twice","RuntimeType":"Realtime"}]` {
		t.Errorf("described as %s", got)
	}
}
