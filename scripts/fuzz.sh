#!/bin/sh
# Runs each fuzz target for a while, one after the other: FUZZTIME (30s) of each, or only those that match the argument.
# Prints how many inputs each has tried. Inputs are made smaller for a moment only: that would hold up targets that write files. A finding is written below testdata/fuzz, and ends the run.
set -eu
cd "$(dirname "$0")/.."
only=${1:-.}
time=${FUZZTIME:-30s}
total=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for package in $(grep -rl '^func Fuzz' --include='*_test.go' wrapper scripts | xargs -n1 dirname | sort -u); do
	for target in $(grep -hoE '^func Fuzz[A-Za-z0-9]+' "$package"/*_test.go | cut -c6- | sort -u); do
		case "$package.$target" in *$only*) ;; *) [ "$only" = . ] || continue ;; esac
		if ! go test "./$package" -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 10x -parallel "${FUZZPARALLEL:-2}" >"$log" 2>&1; then
			cat "$log"
			exit 1
		fi
		n=$(sed -n 's/.*execs: \([0-9]*\).*/\1/p' "$log" | tail -n 1)
		total=$((total + n))
		printf '%-34s %-20s %12d\n' "$package" "$target" "$n"
	done
done
printf '%-55s %12d\n' total "$total"
