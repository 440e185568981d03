#!/usr/bin/env bash
# Applies each patch in internal/test/acceptance/mutants to a copy of the tree. A patch brings
# back a mistake, old or likely. Its line "Test: package name" names the test that must
# then fail. These are errors: a test that passes with its mutant or fails without it,
# and a patch that does not apply or does not compile.
set -euo pipefail
patches=$PWD/internal/test/acceptance/mutants
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -z --cached --others --exclude-standard |
	while IFS= read -r -d '' file; do [ -e "$file" ] && printf '%s\0' "$file"; done |
	xargs -0 cp --parents -t "$copy"
mkdir -p bin && ln -s "$PWD/bin" "$copy/bin" # the servers
cd "$copy"

# runs tests and leaves their output in the file log; a test that hangs has failed.
# Vet has no say here, and takes as long as some of the tests.
try() { go test -count=1 -vet=off -timeout "$3" -v -run "^($2)\$" "$1" >log 2>&1; }

for package in $(sed -n 's/^Test: \(.*\) .*$/\1/p' "$patches"/*.patch | sort -u); do
	mapfile -t tests < <(sed -n "s#^Test: $package \(.*\)\$#\1#p" "$patches"/*.patch | sort -u)
	try "$package" "$(IFS='|' && echo "${tests[*]}")" 5m || true
	for test in "${tests[@]}"; do
		if ! grep -q "^--- PASS: $test " log; then
			echo "without any mutant: $package $test does not pass"
			tail -n 50 log
			exit 1
		fi
	done
done

survived=0
for patch in "$patches"/*.patch; do
	read -r _ package test < <(grep '^Test: ' "$patch")
	patch -s -p1 <"$patch"
	verdict="found out"
	if try "$package" "$test" 30s; then
		verdict=SURVIVED
		survived=1
	elif ! grep -qE "^(--- FAIL: $test|panic: )" log; then
		verdict="BROKEN" # it does not compile
		survived=1
		tail -n 20 log
	fi
	printf '%-50s %-10s %s\n' "$(basename "$patch" .patch)" "$verdict" "$test"
	patch -s -R -p1 <"$patch"
done
exit $survived
