#!/usr/bin/env bash
# Runs the tests of packages with the race detector: race.sh COUNT PACKAGE...
#
# In a testing/synctest bubble with many timers, the detector itself sometimes breaks
# down (golang/go#78156). That looks like one of these:
#
#   - "ThreadSanitizer CHECK failed";
#   - a SIGSEGV in the detector's own code on a scheduler's stack, reported for that
#     stack or for the goroutine of the bubble (a SIGSEGV in Go code is a panic);
#   - "unexpected return pc" and a fatal error, since the runtime cannot trace the stack.
#
# It does not mean that the test failed. If no test of the package failed, the script
# runs the package once more without the detector, and that run counts.
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
	/ThreadSanitizer:? CHECK failed/ { broke = 1 }
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
[ ${#again[@]} -gt 0 ] || exit 1 # it did not compile
echo "the race detector broke down (golang/go#78156); again without it: ${again[*]}"
go test -count="$count" "${again[@]}"
