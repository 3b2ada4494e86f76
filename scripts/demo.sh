#!/usr/bin/env bash
# The whole job, step by step, with the command line tool and a generated Go client, against a development server that runs
# real R and Python. Every answer is checked: the first wrong one ends it with an error.
set -euo pipefail
cd "$(dirname "$0")/.."

work=bin/demo # below the module, so that the generated client can be compiled; git ignores bin/
rm -rf "$work" && mkdir -p "$work"
export MLS_CONFIG_DIR=$PWD/$work/config PATH=$PWD/bin:$PATH
unset MLS_ENDPOINT MLS_USERNAME MLS_PASSWORD MLS_PASSWORD_FILE MLS_TOKEN MLS_API_VERSION MLS_CA_FILE MLS_PROFILE

server=
finish() {
	local status=$?
	[ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server"; } || true
	if [ $status -ne 0 ]; then
		echo "demo: FAILED at: $title" >&2
		[ ! -s "$work/server.log" ] || { echo "the server said:" >&2; tail -n 20 "$work/server.log" >&2; }
	fi
	rm -rf "$work"
	exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM

n=0 title=
step() { n=$((n + 1)) title=$1; printf '\n== %d. %s\n' $n "$title"; }

# run COMMAND...: shows it, runs it, shows what it said, and keeps that in $said.
run() {
	printf '$'
	local word
	for word in "$@"; do case $word in *[!a-zA-Z0-9_./:=@-]*) printf " '%s'" "$word" ;; *) printf ' %s' "$word" ;; esac; done
	echo
	said=$("$@") || { local status=$?; printf '%s\n' "$said"; return $status; }
	[ -z "$said" ] || printf '%s\n' "$said"
}

# want TEXT: what was said must contain it.
want() {
	case $said in
	*"$1"*) ;;
	*) echo "demo: want $1 in the answer above" >&2; exit 1 ;;
	esac
}

step "Generate the client of server version 9.3.0 from its API document, and build the programs"
echo "(the first run fetches and compiles the generator: a minute or two)"
run make --no-print-directory generate VERSION=9.3.0
run make --no-print-directory build

step "Start a development server"
mls devserver --listen 127.0.0.1:0 --ready-file "$work/server.json" >"$work/server.log" 2>&1 &
server=$!
for _ in $(seq 300); do
	[ ! -s "$work/server.json" ] || break
	kill -0 $server 2>/dev/null || { cat "$work/server.log" >&2; exit 1; }
	sleep 0.1
done
field() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" "$work/server.json"; }
address=$(field endpoint)
(umask 077 && field password >"$work/password")
echo "it listens at $address"

step "Sign in, and see that the server is well"
run mls login "$address" --username admin --password-file "$work/password"
run mls whoami
want admin
run mls status
want pass

step "Python session: train a classifier on the iris flowers, predict for two plants"
run mls session create --name 'Session 1' --runtime python
session=$said
run mls exec --session "$session" -e 'from sklearn import svm, datasets'
run mls exec --session "$session" -e 'clf = svm.SVC(gamma="auto"); iris = datasets.load_iris()'
run mls exec --session "$session" --in 'plant_1=[7,3.2,4.7,1.4]' --in 'plant_2=[3,2.6,3,2.5]' --out result --out other_result \
	-e 'clf.fit(iris.data, iris.target)
result = clf.predict([plant_1])
other_result = clf.predict([plant_2])' -o json
compact=$(printf '%s' "$said" | tr -d ' \n')
said=$compact want '"result":[1]' # versicolor
said=$compact want '"other_result":[2]' # virginica
run mls session close "$session"

step "R session: fit a model of the cars with manual transmission, keep it as a snapshot"
run mls session create --runtime r
session=$said
run mls exec --session "$session" -e 'model <- glm(am ~ hp + wt, data = mtcars, family = binomial)
predict(model, data.frame(hp = 120, wt = 2.8), type = "response")'
want 0.6418125
run mls snapshot create "$session" --name transmission-model
snapshot=$said
run mls session close "$session"

step "Publish it as a service, and call it"
run mls service publish transmission --version 1.0.0 --snapshot "$snapshot" --alias manualTransmission \
	--input hp=numeric --input wt=numeric --output answer=numeric \
	--code 'answer <- predict(model, data.frame(hp = hp, wt = wt), type = "response")'
run mls service call transmission/1.0.0 hp=120 wt=2.8
want 0.6418125

step "Publish a Python service, and call it"
run mls service publish iris --version 1.0 --runtime python --input flower_data=vector --output iris_species=vector \
	--init 'from sklearn import svm, datasets
iris = datasets.load_iris()
clf = svm.SVC(gamma="auto").fit(iris.data, iris.target)
names = {0: "I. setosa", 1: "I. versicolor", 2: "I. virginica"}' \
	--code 'iris_species = [names[x] for x in clf.predict([flower_data])]'
run mls service call iris/1.0 'flower_data=[7,3.2,4.7,1.4]'
want 'I. versicolor'
run mls service list
want transmission
want iris

step "Generate a typed Go client from the service's own API document, compile it, call it"
run mls service generate transmission/1.0.0 --out "$work/transmission"
cat >"$work/main.go" <<'GO'
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/mlserver-go/mls/bin/demo/transmission"
	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

func main() {
	ctx := context.Background()
	client, err := mlserver.New(mlserver.Config{
		Address: os.Getenv("ADDRESS"),
		Auth:    auth.Login{Username: "admin", Password: os.Getenv("PASSWORD")},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Logout(ctx)
	out, err := transmission.New(client.Transport()).ManualTransmission(ctx, transmission.Inputs{HP: 120, Wt: 2.8})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("manual transmission with a probability of %.7f\n", out.Answer)
}
GO
sed -n '/mlserver.New/,/^}/p' "$work/main.go"
export ADDRESS=$address PASSWORD=$(<"$work/password")
run go run "./$work"
want 0.6418125
unset PASSWORD

step "Clean up and sign out"
run mls service rm transmission/1.0.0
run mls service rm iris/1.0
run mls snapshot rm "$snapshot"
run mls logout

printf '\ndemo: all answers were right\n'
