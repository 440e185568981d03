#!/usr/bin/env bash
# Runs the tests of packages with the race detector: race.sh COUNT PACKAGE...
#
# Inside a testing/synctest bubble with many timers the detector itself breaks
# down now and then: golang/go#78156. It says "ThreadSanitizer CHECK failed", or
# it dies of a SIGSEGV in its own code, on a scheduler's stack, which is said of that
# or of the goroutine in the bubble that it works for; one in Go code is a panic
# instead. Or the runtime cannot even trace that stack: "unexpected return pc", and
# a fatal error behind it. That says nothing of the test. A package to which it has
# happened, and of which no test has failed, is run once more without the
# detector, and that run counts.
set -euo pipefail
count=$1
shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if go test -race -count="$count" "$@" 2>&1 | tee "$log"; then
	exit 0
fi
again=()
while IFS=$'\t' read -r package verdict; do
	if [ "$verdict" != broke ]; then
		exit 1
	fi
	again+=("$package")
done < <(awk -F'\t' '
	/ThreadSanitizer CHECK failed/ { broke = 1 }
	/^SIGSEGV: segmentation violation/ { outside = 1 }
	outside && /^goroutine 0 / { scheduler = 1 }
	scheduler && /^goroutine (0 |.*\[running).*synctest bubble/ { broke = 1 }
	/^runtime: g [0-9]+: unexpected return pc/ { broke = 1 }
	/^ *--- FAIL|^panic:|WARNING: DATA RACE/ { failed = 1 }
	/^fatal error:/ && !broke { failed = 1 }
	/^(ok|FAIL|\?) *\t/ {
		if ($1 == "FAIL") print $2 "\t" (broke && !failed ? "broke" : "failed")
		broke = failed = outside = scheduler = 0
	}' "$log")
[ ${#again[@]} -gt 0 ] || exit 1 # it did not even compile
echo "the race detector broke down (golang/go#78156); again without it: ${again[*]}"
go test -count="$count" "${again[@]}"
