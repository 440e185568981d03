#!/usr/bin/env bash
# fuzz.sh TIME: runs the fuzz targets, one after the other. TIME is
# a number of runs (50000x) or a duration (1m). Prefer a number: before Go 1.27 a target
# can fail at the end of its duration with "context deadline exceeded"
# (golang/go#75804).
set -euo pipefail
time=${1:-50000x}
for dir in $(grep -rl --include='*_test.go' '^func Fuzz' . | grep -v '/interop/' | xargs -n1 dirname | sort -u); do
	for target in $(grep -h '^func Fuzz' "$dir"/*_test.go | sed -E 's/^func (Fuzz[A-Za-z0-9_]*).*/\1/' | sort -u); do
		echo "fuzz $dir $target $time"
		# Random nonces make some inputs look new. Minimizing each would take a minute.
		(cd "$dir" && go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 1000x .) | tail -n 2
	done
done
