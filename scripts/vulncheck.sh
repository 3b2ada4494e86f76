#!/bin/sh
# Looks in Go's vulnerability database for what this project calls: https://vuln.go.dev, or the copy of it that GOVULNDB names
# (file:///a/copy, the files of https://vuln.go.dev/vulndb.zip). Without a database nothing is known, and this fails: of a folder
# that is none, govulncheck itself would say that there are no vulnerabilities.
set -u
cd "$(dirname "$0")/.."
db=${GOVULNDB:-https://vuln.go.dev}
case $db in
file://*)
	for index in index/db.json index/modules.json; do
		if ! [ -s "${db#file://}/$index" ] && ! [ -s "${db#file://}/$index.gz" ]; then
			echo "vulncheck: NOT CHECKED: GOVULNDB=$db has no $index: unpack https://vuln.go.dev/vulndb.zip there" >&2
			exit 1
		fi
	done
	;;
esac
# Pinned, and run from the module cache: it is no requirement of this module.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
go run golang.org/x/vuln/cmd/govulncheck@v1.9.0 -db "$db" ./... >"$log" 2>&1
status=$?
cat "$log"
case $status in
0) echo "vulncheck: nothing found in $db" ;;
*)
	if grep -q '^Vulnerability #' "$log"; then
		echo "vulncheck: this project calls what is named above: update those modules" >&2
	else
		echo "vulncheck: NOT CHECKED, see above. Where $db cannot be reached, GOVULNDB=file:///a/copy names a copy of it" >&2
	fi
	exit 1
	;;
esac
