package mrsdeploy

import (
	"context"
	"testing"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
)

const loginOnly = `remoteLogin(SERVER, username = "admin", password = PASSWORD, session = FALSE)`

// cleanUp deletes the services of a name when the test is done.
func cleanUp(t *testing.T, names ...string) {
	t.Cleanup(func() {
		ctx, client := context.Background(), admin(t)
		for _, name := range names {
			versions, err := client.ServiceVersions(ctx, name)
			if err != nil {
				t.Error(err)
			}
			for _, v := range versions {
				if err := client.Service(name, v.Version).Delete(ctx); err != nil {
					t.Error(err)
				}
			}
		}
	})
}

// TestAddOne is the third state of the article on logging in.
func TestAddOne(t *testing.T) {
	l := localSide(t, runtimes.R)
	l.answers = []string{"admin", password}
	l.prints(`remoteLogin(SERVER, session = FALSE)`, "")
	l.prints(`addOne <- function(x) x + 1`, "")
	l.prints(`api <- publishService(
            "add-one",
            code = addOne,
            inputs = list(x = "numeric"),
            outputs = list(answer = "numeric") 
         )`, "")
	l.prints(`res <- api$addOne(100)`, "")
	l.prints(`print(res$output("answer"))`, "[1] 101\n")
	l.prints(`class(api)[1]; res$success; api$consume(x = 1)$outputParameters`, "[1] \"AddOneApi\"\n[1] TRUE\n$answer\n[1] 2\n\n")
	l.run(`deleteService("add-one", api$capabilities()$version)`)
}

// TestTransmission is the example of the articles on services: published, found, called, updated, deleted.
func TestTransmission(t *testing.T) {
	l := localSide(t, runtimes.R)
	cleanUp(t, "transmission")
	l.run(loginOnly)
	l.run(`carsModel <- glm(formula = am ~ hp + wt, data = mtcars, family = binomial)
manualTransmission <- function(hp, wt) {
  newdata <- data.frame(hp = hp, wt = wt)
  predict(carsModel, newdata, type = "response")
}
api <- publishService("transmission", code = manualTransmission, model = carsModel,
  inputs = list(hp = "numeric", wt = "numeric"), outputs = list(answer = "numeric"), v = "v1.0.0")`)
	l.matches(`api`, `
<TransmissionApi>
name: transmission
description: 
version: v1.0.0
date: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?
snapshotId: [0-9a-f-]{36}
inputs:
  hp: numeric
  wt: numeric
outputs:
  answer: numeric
operationId: manualTransmission
swagger: http://127.0.0.1:\d+/api/transmission/v1.0.0/swagger.json
public-functions:
  consume: consume\(hp, wt\)
  manualTransmission: manualTransmission\(hp, wt\)
  capabilities: capabilities\(\)
  print: print\(\)
  swagger: swagger\(json = TRUE\)
  batch: batch\(inputs, parallelCount = 10\)
  getBatch: getBatch\(id\)
  getBatchExecutions: getBatchExecutions\(\)
`)
	l.prints(`result <- api$manualTransmission(120, 2.8); print(result$output("answer")); print(result$output("answer"), digits = 17)`,
		"[1] 0.6418125\n[1] 0.64181252840938374\n")
	// Bit for bit what the model gives here.
	l.prints(`identical(api$consume(wt = 2.8, hp = 120)$output("answer"), unname(manualTransmission(120, 2.8)))`, "[1] TRUE\n")
	l.prints(`cat(listServices("transmission", "v1.0.0")[[1]]$code)`,
		"answer <- (function (hp, wt) \n{\n    newdata <- data.frame(hp = hp, wt = wt)\n    predict(carsModel, newdata, type = \"response\")\n})(hp, wt)")

	l.prints(`api <- getService("transmission", "v1.0.0"); cap <- api$capabilities(); cap$name; cap$version; cap$inputs`,
		"[1] \"transmission\"\n[1] \"v1.0.0\"\n$hp\n[1] \"numeric\"\n\n$wt\n[1] \"numeric\"\n\n")
	l.prints(`swagger <- api$swagger(); is.character(swagger) && length(swagger) == 1; api$swagger(json = FALSE)$info$title`,
		"[1] TRUE\n[1] \"transmission\"\n")
	l.prints(`services <- listServices(); length(listServices("transmission")); services[[1]]$inputParameterDefinitions[[1]]$name; class(services)`,
		"[1] 1\n[1] \"hp\"\n[1] \"serviceDetails\"\n")
	l.prints(`names(summary(services)); invisible(capture.output(print(services, code = FALSE)))`,
		"[1] \"name\"         \"version\"      \"publishedBy\"  \"runtime\"      \"creationTime\"\n")

	// Another model, as the articles update it; the second input is called as it is there.
	l.run(`carsModel <- glm(vs ~ wt + disp, data = mtcars, family = binomial)
manualTransmission <- function(wt, dist) {
  newdata <- data.frame(wt = wt, disp = dist)
  predict(carsModel, newdata, type = "response")
}
api <- updateService("transmission", "v1.0.0", manualTransmission, model = carsModel,
  inputs = list(wt = "numeric", dist = "numeric"), descr = "updated")`)
	l.prints(`print(api$manualTransmission(2.1, 180)$output("answer")); api$capabilities()$description`, "[1] 0.2361081\n[1] \"updated\"\n")

	// Without a version the server makes one, and getService finds the newest.
	l.run(`api2 <- publishService("transmission", code = "answer <- hp", inputs = list(hp = "numeric"), outputs = list(answer = "numeric"), alias = "same")`)
	l.matches(`identical(getService("transmission")$capabilities()$version, api2$capabilities()$version); api2$same(3)$output("answer")`,
		`\[1\] TRUE\n\[1\] 3\n`)

	l.prints(`deleteService("transmission", "v1.0.0")`, "[1] \"Service transmission version v1.0.0 deleted.\"\n")
	l.fails(`getService("transmission", "v1.0.0")`, "Error: No service found for \"transmission\" version \"v1.0.0\"\n")
	l.prints(`length(listServices("transmission", "v1.0.0"))`, "[1] 0\n")
	l.fails(`getService("nosuch")`, "Error: No service found for \"nosuch\"\n")
	l.fails(`deleteService("nosuch", "1")`, "404 Not Found")
}

// TestModelsAndCode publishes code and models from where the articles take them.
func TestModelsAndCode(t *testing.T) {
	l := localSide(t, runtimes.R)
	cleanUp(t, "addition", "files", "kyphosis", "values", "snap")
	l.run(loginOnly)
	l.prints(`api <- publishService("addition", code = "result <- x + y", inputs = list(x = "numeric", y = "numeric"),
  outputs = list(result = "numeric"), v = "v1.0.0", alias = "add"); api$add(10, 20)$output("result")`, "[1] 30\n")
	l.prints(`deleteService("addition", "v1.0.0")`, "[1] \"Service addition version v1.0.0 deleted.\"\n")

	// Model and code in files, under a base directory; what the code uses beside the model is in the file of the model.
	l.run(`dir.create("src", FALSE)
carsModel <- glm(am ~ hp + wt, data = mtcars, family = binomial)
save(carsModel, file = "src/cars.RData")
cat("newdata <- data.frame(hp = hp, wt = wt)\nanswer <- predict(carsModel, newdata, type = 'response')\n", file = "src/code.R")
cat("carsModel <- glm(am ~ hp + wt, data = mtcars, family = binomial)\n", file = "src/model.R")
opts <- serviceOption(); opts$set("data-dir", "src")`)
	for v, model := range map[string]string{"v1.0.2": "cars.RData", "v1.0.3": "model.R"} {
		l.prints(`api <- publishService("files", code = "code.R", model = "`+model+`", v = "`+v+`", alias = "manualTransmission",
  inputs = list(hp = "numeric", wt = "numeric"), outputs = list(answer = "numeric")); api$manualTransmission(120, 2.8)$output("answer")`, "[1] 0.6418125\n")
	}
	l.fails(`publishService("files", code = "nosuch.R", v = "2")`, "Error: code file 'nosuch.R' not found\n")
	l.fails(`publishService("files", code = "1", model = "nosuch.RData", v = "2")`, "Error: model file 'nosuch.RData' not found\n")
	l.run(`opts$set("base_dir", NULL)`)

	// Values of all types, there and back, bit for bit.
	l.run(`all <- publishService("values", code = "n2 <- n; i2 <- i; l2 <- l; s2 <- s; v2 <- v; m2 <- m; d2 <- d",
  inputs = list(n = "numeric", i = "integer", l = "logical", s = "character", v = "vector", m = "matrix", d = "data.frame"),
  outputs = list(n2 = "numeric", i2 = "integer", l2 = "logical", s2 = "character", v2 = "vector", m2 = "matrix", d2 = "data.frame"), v = "1")
v <- c(pi, 1/3, 5e-324, 1.7976931348623157e308, NA); m <- matrix(c(0.1, 2, 1/3, 4), 2); d <- data.frame(x = c(1/7, NA), s = c("é", NA))
out <- all$consume(1/3, 7L, FALSE, "日本", v, m, d)$outputParameters`)
	l.prints(`identical(out$n2, 1/3); identical(out$i2, 7L); out$l2; out$s2; identical(out$v2, v); identical(out$m2, m); identical(out$d2, d)`,
		"[1] TRUE\n[1] TRUE\n[1] FALSE\n[1] \"日本\"\n[1] TRUE\n[1] TRUE\n[1] TRUE\n")
	l.prints(`out <- all$consume(1, 7, TRUE, "", 2, matrix(1), d[1, ])$outputParameters; out$v2; out$m2; out$d2`,
		"[1] 2\n     [,1]\n[1,]    1\n          x s\n1 0.1428571 é\n")
	// A function's numbers too.
	l.prints(`f <- function(x) x * 0.12345678901234567; api <- publishService("values", f, inputs = list(x = "numeric"), outputs = list(y = "numeric"), v = "2")
identical(api$f(1)$output("y"), f(1))`, "[1] TRUE\n")

	// Realtime: a model and nothing else.
	l.prints(`kyphosisModel <- glm(Kyphosis ~ Age, data = rpart::kyphosis, family = binomial)
api <- publishService("kyphosis", model = kyphosisModel, serviceType = "Realtime", v = "v1.0.0")
testData <- data.frame(Kyphosis = "absent", Age = 71, Number = 3, Start = 5)
op1 <- api$consume(testData)
print(op1$outputParameters$outputData)`, "  Kyphosis_Pred\n1     0.1941938\n")
	l.run(`updateService("kyphosis", "v1.0.0", model = kyphosisModel, serviceType = "Realtime", descr = "again")`)
	l.fails(`publishService("kyphosis", code = "1", model = kyphosisModel, serviceType = "Realtime")`, "a realtime service has a 'model' and no 'code'")

	// From a snapshot.
	l.run(login + "\n" + `base <- 40; putLocalObject("base"); id <- createSnapshot("base")`)
	l.prints(`api <- publishService("snap", code = "answer <- base + more", snapshot = id, inputs = list(more = "numeric"), outputs = list(answer = "numeric"), v = "1")
deleteSnapshot(id); api$consume(2)$output("answer")`, "[1] TRUE\n[1] 42\n")
}

// TestArtifacts: files that calls and rows of a batch write.
func TestArtifacts(t *testing.T) {
	l := localSide(t, runtimes.R)
	cleanUp(t, "hist")
	l.run(loginOnly)
	l.run(`api <- publishService("hist", code = "png('Histogram.png'); hist(rnorm(10)); dev.off(); writeLines('n', 'n.txt'); cat('done\n'); answer <- n + 1",
  inputs = list(n = "numeric"), outputs = list(answer = "numeric"), artifacts = c("Histogram.png", "n.txt", "never.txt"), v = "1")`)
	l.prints(`r <- api$consume(1); rawToChar(r$artifact("n.txt")); is.null(r$artifact("never.txt")); r$artifact("Histogram.png")[2:4]; grepl("done", r$consoleOutput)`,
		"[1] \"n\\n\"\n[1] TRUE\n[1] 50 4e 47\n[1] TRUE\n")
	l.matches(`r`, `<Response>\nsuccess: TRUE\nerrorMessage: \nconsoleOutput: (?s:.*)done\n\nartifacts: Histogram.png, n.txt, never.txt\noutputParameters:\n\$answer\n\[1\] 2\n\n`)
}

// TestBatch calls the example for each row of mtcars.
func TestBatch(t *testing.T) {
	l := localSide(t, runtimes.R)
	cleanUp(t, "batched")
	l.run(loginOnly)
	l.run(`carsModel <- glm(formula = am ~ hp + wt, data = mtcars, family = binomial)
manualTransmission <- function(hp, wt) {
  newdata <- data.frame(hp = hp, wt = wt)
  if (hp == 335) stop("too fast")
  cat(hp, file = "hp.txt")
  predict(carsModel, newdata, type = "response")
}
api <- publishService("batched", code = manualTransmission, model = carsModel, artifacts = "hp.txt",
  inputs = list(hp = "numeric", wt = "numeric"), outputs = list(answer = "numeric"), v = "v1.0.0")
records <- mtcars[, c(4, 6)]
txBatch <- api$batch(records, parallelCount = 4)
is.null(txBatch$id())
txBatch <- txBatch$start()
batchRes <- NULL
while (TRUE) {
  batchRes <- txBatch$results(showPartialResults = TRUE)
  if (batchRes$state == txBatch$STATE$failed || batchRes$state == txBatch$STATE$complete) break
  Sys.sleep(0.05)
}`)
	l.prints(`batchRes`, "<BatchResult>\nstate: Complete\ncompletedItemCount: 32\ntotalItemCount: 32\npublic-functions:\n  execution(index)\n")
	l.prints(`batchRes$execution(1)$outputParameters$answer; batchRes$execution(2)$output("answer"); batchRes$execution(31)$success; batchRes$execution(31)$errorMessage`,
		"[1] 0.8423355\n[1] 0.4047825\n[1] FALSE\n[1] \"Error in (function(hp, wt) { : too fast\"\n")
	l.prints(`here <- sapply(1:32, function(i) unname(predict(carsModel, records[i, ], type = "response")))
there <- sapply(seq(batchRes$totalItemCount)[-31], function(i) batchRes$execution(i)$outputParameters$answer)
identical(there, here[-31])`, "[1] TRUE\n")
	l.fails(`batchRes$execution(33)`, "Error: there is no row 33: they are counted from 1 to 32\n")
	l.fails(`batchRes$execution(31)$output("answer")`, "too fast")
	l.prints(`txBatch$listArtifacts(1); rawToChar(txBatch$artifact(3, "hp.txt")); is.null(txBatch$artifact(1, "nosuch")); dir.create("got"); basename(txBatch$download(1, "hp.txt", dest = "got")); basename(txBatch$download(2, dest = "got")); readLines("got/hp.txt", warn = FALSE)`,
		"[1] \"hp.txt\"\n[1] \"93\"\n[1] TRUE\n[1] \"hp.txt\"\n[1] \"hp.txt\"\n[1] \"110\"\n")
	l.prints(`txBatch$id() %in% api$getBatchExecutions(); api$getBatch(txBatch$id())$results()$completedItemCount`, "[1] TRUE\n[1] 32\n")
	l.run(`txBatch$cancel()`)
	l.fails(`txBatch$results()`, "404 Not Found")
	l.fails(`api$batch(records)$results()`, "Error: the batch is not started: use start()\n")
	l.fails(`api$batch(5)`, "Error: 'inputs' must be a data.frame\n")
	l.fails(`api$batch(data.frame(hp = "many", wt = 1))$start()`, "row 1: service batched/v1.0.0: input \"hp\" (numeric) must be a number, not \"many\"")
}

// TestWrongCalls: what a script can get wrong about services.
func TestWrongCalls(t *testing.T) {
	l := localSide(t, runtimes.R)
	cleanUp(t, "wrong")
	l.fails(`publishService("wrong", code = "1")`, "Error: not logged in: remoteLogin() comes first\n")
	l.run(loginOnly)
	l.run(`api <- publishService("wrong", code = "if (x < 0) stop('below zero'); y <- x", inputs = list(x = "numeric"), outputs = list(y = "numeric"), v = "1")`)
	l.fails(`publishService("wrong", code = "1", v = "1")`, "Error: publishWebServiceVersion: 409 Conflict")
	l.fails(`api$consume("a")`, "Error: service wrong/1: input \"x\" (numeric) must be a number, not \"a\"\n")
	l.fails(`api$consume()`, "Error: service wrong/1: input \"x\" (numeric) is missing\n")
	l.fails(`api$consume(1, z = 2)`, "unused argument (z = 2)")
	l.fails(`api$consume(mean)`, "Error: a value of class \"function\" has no form in JSON\n")
	l.prints(`r <- api$consume(-1); r$success; r$errorMessage`, "[1] FALSE\n[1] \"Error: below zero\"\n")
	l.fails(`r$output("y")`, "Error: below zero\n")
	l.fails(`api$consume(1)$output("z")`, "Error: there is no output 'z' but 'y'\n")
	l.fails(`publishService("wrong")`, "Error: 'code' is needed")
	l.fails(`publishService("wrong", code = function(x) x, inputs = list("numeric"))`, "Error: 'inputs' must be a named list of types")
	l.fails(`publishService("wrong", code = function(x) x, outputs = list(a = "numeric", b = "numeric"))`, "Error: a function has one output, not 2\n")
	l.fails(`publishService("wrong", code = "1", v = 1)`, "Error: 'v' must be a text\n")
	l.fails(`updateService("wrong", "nosuch", descr = "x")`, "404 Not Found")
	l.fails(`publishService("wrong", model = 1, serviceType = "Fast")`, "Error: 'serviceType' is one of")
	l.prints(`serviceTypes(); getValidatedServiceType("realtime"); is.encoding("numeric"); is.encodings(c("numeric", "nosuch"))`,
		"[1] \"Script\"   \"Realtime\"\n[1] \"Realtime\"\n[1] TRUE\n[1] FALSE\n")
	l.run(`remoteLogout()`)
	l.fails(`api$consume(1)`, "Error: not logged in: remoteLogin() comes first\n")
}

// TestPools needs the newest server version, which the test server has.
func TestPools(t *testing.T) {
	l := localSide(t, runtimes.R)
	cleanUp(t, "pooled")
	l.run(loginOnly)
	l.run(`publishService("pooled", code = "y <- 1", outputs = list(y = "numeric"), v = "1")`)
	l.prints(`configureServicePool("pooled", "1", initialPoolSize = 1, maxPoolSize = 2); names(getPoolStatus("pooled", "1")[[1]])`,
		"[1] 200\n[1] \"computeNodeEndpoint\" \"status\"             \n")
	l.fails(`configureServicePool("pooled", "1", 3, 2)`, "need 0 <= initial <= most")
	l.prints(`deleteServicePool("pooled", "1")`, "[1] 200\n")
}
