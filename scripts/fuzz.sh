#!/usr/bin/env bash
# Runs every fuzz target of the root module for the given time, one by one.
set -euo pipefail
time=${1:-5s}
for dir in $(grep -rl --include='*_test.go' '^func Fuzz' . | grep -v '/interop/' | xargs -n1 dirname | sort -u); do
	for target in $(grep -h '^func Fuzz' "$dir"/*_test.go | sed -E 's/^func (Fuzz[A-Za-z0-9_]*).*/\1/' | sort -u); do
		echo "fuzz $dir $target $time"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$dir" | tail -n 2
	done
done
