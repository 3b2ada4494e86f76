package runtimes

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

// near allows for the last digits, which differ between processors and numerical libraries.
func near(t *testing.T, name string, value json.RawMessage, want ...float64) {
	t.Helper()
	var got []float64
	if json.Unmarshal(value, &got) != nil {
		got = make([]float64, 1)
		if err := json.Unmarshal(value, &got[0]); err != nil {
			t.Errorf("%s: %s: %v", name, value, err)
			return
		}
	}
	if len(got) < len(want) {
		t.Errorf("%s: %v, want %v", name, got, want)
		return
	}
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-11*math.Max(1, math.Abs(want[i])) {
			t.Errorf("%s: value %d is %v, want %v", name, i, got[i], want[i])
		}
	}
}

// The results that manuals and recordings of the real server give.
func TestReferenceR(t *testing.T) {
	w := worker(t, R)
	consoleOf(t, w, `carsModel <- glm(formula = am ~ hp + wt, data = mtcars, family = binomial)
manualTransmission <- function(hp, wt) predict(carsModel, data.frame(hp = hp, wt = wt), type = "response")
vsModel <- glm(vs ~ wt + disp, data = mtcars, family = binomial)
linear <- lm(am ~ hp + wt, mtcars)`)
	call := func(code string, in []Input, out Output) json.RawMessage {
		t.Helper()
		r, err := w.Call(bound(t), Request{Code: code, Inputs: in, Outputs: []Output{out}})
		if err != nil || !r.Success {
			t.Fatalf("%s: %+v, %v", code, r, err)
		}
		return r.Outputs[0].Value
	}
	hpwt := []Input{{"hp", "numeric", raw("120")}, {"wt", "numeric", raw("2.8")}}
	near(t, "transmission", call("answer <- manualTransmission(hp, wt)", hpwt, Output{"answer", "numeric"}), 0.6418125284093809)
	near(t, "transmission, updated", call("answer <- predict(vsModel, data.frame(wt = wt, disp = disp), type = 'response')",
		[]Input{{"wt", "numeric", raw("2.1")}, {"disp", "numeric", raw("180")}}, Output{"answer", "numeric"}), 0.236108125883552)
	near(t, "linear", call("answer <- unname(predict(linear))", nil, Output{"answer", "vector"}),
		0.592204117782237, 0.4699173826532841, 0.6895201278728671)
	near(t, "attitude", call("answer <- predict(lm(rating ~ ., attitude))[1]", nil, Output{"answer", "numeric"}), 51.110295255533)

	var frame map[string][]float64
	frameOut := call("answer <- data.frame(am_Pred = predict(linear, inputData))",
		[]Input{{"inputData", "data.frame", raw(`{"hp":[120],"wt":[2.8]}`)}}, Output{"answer", "data.frame"})
	if err := json.Unmarshal(frameOut, &frame); err != nil || len(frame["am_Pred"]) != 1 || math.Abs(frame["am_Pred"][0]-0.5332668559970368) > 1e-12 {
		t.Errorf("frame: %s, want am_Pred 0.5332668559970368", frameOut)
	}
	t.Run("kyphosis", func(t *testing.T) {
		if string(call("there <- requireNamespace('rpart', quietly = TRUE)", nil, Output{"there", "logical"})) != "true" {
			missing(t, "R lacks rpart, which has the data")
		}
		near(t, "kyphosis", call("answer <- predict(glm(Kyphosis ~ Age, binomial, rpart::kyphosis), data.frame(Age = 71), type = 'response')",
			nil, Output{"answer", "numeric"}), 0.1941938258402332)
	})
}

func TestReferenceIris(t *testing.T) {
	if i := interpreter(t, Python); len(i.Missing) > 0 {
		missing(t, "%s lacks %q", i.Path, i.Missing)
	}
	w := worker(t, Python)
	if got := consoleOf(t, w, "from sklearn import svm, datasets\niris = datasets.load_iris()\nclf = svm.SVC()\nclf.fit(iris.data, iris.target)\n"+
		"names = {0: 'I. setosa', 1: 'I. versicolor', 2: 'I. virginica'}"); got != "SVC()\n" {
		t.Errorf("fit shows %q", got)
	}
	in := []Input{{Name: "plant_1", Value: raw("[7,3.2,4.7,1.4]")}, {Name: "plant_2", Value: raw("[3,2.6,3,2.5]")}}
	r := request(t, w, Request{Code: "result_1 = clf.predict([plant_1]); result_2 = clf.predict([plant_2])", Inputs: in, Outputs: []Output{{Name: "result_1"}, {Name: "result_2"}}})
	if !r.Success || string(r.Outputs[0].Value) != "[1]" || string(r.Outputs[1].Value) != "[1]" {
		t.Errorf("predictions: %+v", r)
	}
	r = request(t, w, Request{Code: "clf.predict(plant_1)", Inputs: in})
	if r.Success || r.Kind != KindError || !strings.HasPrefix(r.Error, "ValueError: Expected 2D array, got 1D array instead:\n") {
		t.Errorf("one row instead of a table: %+v", r)
	}
	for plant, want := range map[string]string{"[[7,3.2,4.7,1.4]]": `["I. versicolor"]`, "[[5.1,3.5,1.4,0.2]]": `["I. setosa"]`} {
		r, err := w.Call(bound(t), Request{
			Code:    "iris_species = [names[x] for x in clf.predict(flower_data)]",
			Inputs:  []Input{{"flower_data", "vector", raw(plant)}},
			Outputs: []Output{{"iris_species", "vector"}},
		})
		if err != nil || !r.Success || string(r.Outputs[0].Value) != want {
			t.Errorf("%s: %+v, %v, want %s", plant, r, err, want)
		}
	}
}
