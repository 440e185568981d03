#!/usr/bin/env bash
# Filters the output of `go test -v`. It keeps failed tests with their logs, and the
# lines that the acceptance suite prints for people.
set -euo pipefail
exec grep -vE '^=== (RUN|PAUSE|CONT|NAME)'
