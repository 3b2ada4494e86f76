#!/bin/sh
# Looks in Go's vulnerability database for what this project calls. The database is https://vuln.go.dev; where only Go modules can be
# had, the module golang.org/x/vulndb, of which it is made; or the copy that GOVULNDB names (file:///a/copy, the files of
# https://vuln.go.dev/vulndb.zip). Without a database nothing is known, and this fails: of a folder that is none, govulncheck itself
# would say that there are no vulnerabilities.
set -u
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
log=$work/log
unchecked() {
	echo "vulncheck: NOT CHECKED: $1" >&2
	exit 1
}

db=${GOVULNDB:-https://vuln.go.dev}
source=$db
# Pinned, and run from the module cache: it is no requirement of this module.
scan() { go run golang.org/x/vuln/cmd/govulncheck@v1.9.0 -db "$db" ./... >"$log" 2>&1; }
has_database() { [ -s "$1/index/db.json" ] && [ -s "$1/index/modules.json" ]; }

scan
status=$?
if [ $status -ne 0 ] && [ -z "${GOVULNDB:-}" ] && ! grep -q '^Vulnerability #' "$log"; then
	echo "vulncheck: $db does not answer, the database is made of the module golang.org/x/vulndb: this takes a minute or more" >&2
	module=$(go mod download -json golang.org/x/vulndb@latest) || unchecked "neither $db nor the module golang.org/x/vulndb can be had: GOVULNDB=file:///a/copy names a copy"
	field() { printf '%s\n' "$module" | sed -n 's/.*"'"$1"'": "\(.*\)".*/\1/p'; }
	db=file://$work/db
	source="golang.org/x/vulndb $(field Version)"
	(cd "$work" && go run "golang.org/x/vulndb/cmd/indexdb@$(field Version)" -vulns "$(field Dir)/data/osv" -out "$work/db") || unchecked "the database could not be made of golang.org/x/vulndb"
	scan
	status=$?
fi
case $db in
file://*) has_database "${db#file://}" || unchecked "GOVULNDB=$db has no index/db.json and index/modules.json: unpack https://vuln.go.dev/vulndb.zip there" ;;
esac
cat "$log"
if grep -q '^Vulnerability #' "$log"; then
	echo "vulncheck: this project calls what is named above: update those modules, or Go" >&2
	exit 1
fi
[ $status -eq 0 ] || unchecked "see above; GOVULNDB=file:///a/copy names a copy of the database"
echo "vulncheck: nothing with a known vulnerability is called, says $source"
