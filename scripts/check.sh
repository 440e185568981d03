#!/usr/bin/env bash
# Static checks. The first argument is the folder with gofumpt and staticcheck.
set -euo pipefail
bin=$1
failed=0

unformatted=$("$bin/gofumpt" -l .)
if [ -n "$unformatted" ]; then
	echo "not formatted (make fmt):" $unformatted
	failed=1
fi

modules=$(find . -name go.mod -not -path './bin/*' -printf '%h\n' | sort)
for module in $modules; do
	(cd "$module" && go vet ./... && "$bin/staticcheck" ./... && go mod tidy -diff) || {
		echo "in $module: fix the findings above"
		failed=1
	}
done

# The code must also build for other systems, on which it cannot run here, and with
# 32-bit ints.
for target in windows/amd64 darwin/arm64 linux/386; do
	for module in $modules; do
		(cd "$module" && GOOS=${target%/*} GOARCH=${target#*/} go vet ./...) || {
			echo "in $module for $target: fix the findings above"
			failed=1
		}
	done
done

skipped=$(grep -rnE --include='*.go' '\b(t|b|f|tb)\.Skip(Now|f)?\(|testing\.Short\(\)' . || true)
if [ -n "$skipped" ]; then
	echo "tests that skip:" "$skipped"
	failed=1
fi

# A change moves lines that a mutant patches. `make mutants` would notice it much later.
for patch in internal/test/acceptance/mutants/*.patch; do
	patch -s -f -p1 --dry-run <"$patch" >/dev/null || {
		echo "$patch does not apply"
		failed=1
	}
done

# Only tests import internal/test, they share one way to connect, and no document has a
# dead link.
go run ./scripts/layout || failed=1

# docs/licences.md has the modules of all go.mod files.
go run ./scripts/licences || failed=1

# Prints the size of each package. Only a function of product code has a limit.
go run ./scripts/limits || failed=1
exit $failed
