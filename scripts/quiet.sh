#!/usr/bin/env bash
# Passes on what matters of `go test -v`: what failed with its log, and the
# lines that the acceptance suite prints for people.
set -euo pipefail
exec grep -vE '^=== (RUN|PAUSE|CONT|NAME)'
