#!/usr/bin/env bash
# Tests api-check.sh on a repository of its own, with tags.
#
#	scripts/api-check-test.sh APIDIFF
set -euo pipefail
apidiff=$(realpath "$1")
check=$(realpath "$(dirname "$0")")/api-check.sh
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"

# The user's configuration of git, such as a signature for each tag, does not count.
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
export GIT_AUTHOR_NAME=test GIT_AUTHOR_EMAIL=test@example.org GIT_COMMITTER_NAME=test GIT_COMMITTER_EMAIL=test@example.org
export GOWORK=off

commit() { # what is in the package of the root, what is in that of the nested module
	echo "package m; $1" >m.go
	echo "package n; $2" >contrib/n/n.go
	git add -A
	git commit -q --allow-empty -m "$1 | $2"
}

expect() { # 0 or 1, a text of the output, then arguments of api-check.sh
	local want=$1 text=$2 got=0
	shift 2
	"$check" "$apidiff" "$@" >out 2>&1 || got=$?
	if [ "$got" != "$want" ] || ! grep -qF -- "$text" out; then
		echo "$(git log -1 --format=%s) ($*): exit $got, want $want, with the text \"$text\":"
		cat out
		exit 1
	fi
	rm out
}

git init -q .
mkdir -p contrib/n internal/x
printf 'module example.org/m\n\ngo 1.21\n' >go.mod
printf 'module example.org/m/contrib/n\n\ngo 1.21\n' >contrib/n/go.mod
echo 'package x; func Internal() {}' >internal/x/x.go

commit 'func F() {}' 'func G() {}'
expect 0 'example.org/m: there is no earlier release'

git tag v0.1.0
git tag contrib/n/v0.1.0
expect 0 'example.org/m: there is no earlier release' # HEAD is the first one
commit 'func F() {}; func New() {}' 'func G() {}'
expect 0 'example.org/m: compatible with v0.1.0'
commit 'func F(int) {}' 'func G() {}'
expect 0 'Before v1 that is permitted. The next version is at least v0.2.0.'
expect 0 'Before v1 that is permitted for v0.2.0.' v0.2.0
expect 1 'v0.1.1 is too low' v0.1.1
git tag v0.1.1
expect 1 'v0.1.1 is too low' # HEAD has it
git tag -d v0.1.1 >/dev/null

git tag v1.0.0-rc.1 # counts as no release
git tag v1.0.0
git tag contrib/n/v1.0.0
expect 0 'Before v1 that is permitted for v1.0.0.'
echo 'package x; func Other() {}' >internal/x/x.go
commit 'func F(int) {}; type T struct{ A int }' 'func G() {}'
expect 0 'example.org/m: compatible with v1.0.0'
git tag v1.1.0
commit 'func F(int) {}; type T struct{ A string }' 'func G() {}'
expect 1 'T.A: changed from int to string'
expect 1 'a module path that ends in /v2' v1.2.0
commit 'func F(int) {}; type T struct{ A int }' 'func H() {}'
expect 1 'example.org/m: compatible with v1.1.0'
expect 1 'G: removed' # in the nested module

mkdir contrib/n/sub
git mv contrib/n/n.go contrib/n/sub/n.go
git commit -q -m 'no package n any more'
expect 1 'package removed'

# The next major version is another module.
printf 'module example.org/m/v2\n\ngo 1.21\n' >go.mod
printf 'module example.org/m/contrib/n/v2\n\ngo 1.21\n' >contrib/n/go.mod
git rm -qr contrib/n/sub
commit 'func F(string) {}' 'func H() {}'
expect 0 'example.org/m/v2: there is no earlier release'
echo "api-check.sh: its tests pass"
