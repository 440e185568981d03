#!/usr/bin/env bash
# Checks that what a release publishes can be used. It serves the modules of HEAD at a
# version from a folder, as the module proxy would, and downloads each of them again.
# There, outside of the tree, it drops the replace lines of the nested modules, and
# builds and vets them against the served root.
#
#	scripts/release-check.sh [vX.Y.Z]
#
# Without a version, a placeholder stands for it. With one, go.mod of each nested module
# must name it already: scripts/release-prepare.sh writes it.
#
# Other modules come from the module cache, and only those that it lacks from GOPROXY.
# The modules are unpacked into a cache of their own, so that no trial version stays on
# the machine.
set -euo pipefail
cd "$(dirname "$0")/.."
version=${1:-}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
tree=$tmp/tree proxy=$tmp/proxy
mkdir "$tree" "$proxy"
go build -o "$tmp/release" ./scripts/release
if git rev-parse -q --verify HEAD >/dev/null 2>&1; then
	git archive HEAD | tar -x -C "$tree"
else # an unpacked archive
	tar -c --exclude=./bin --exclude=./.git . | tar -x -C "$tree"
fi

cd "$tree"
mapfile -t folders < <(scripts/modules.sh)
paths=()
for folder in "${folders[@]}"; do
	paths+=("$(sed -n 's/^module //p' "$folder/go.mod")")
done
root=${paths[0]}
[[ $root =~ /v([0-9]+)$ ]] && placeholder=v${BASH_REMATCH[1]}.0.0-check || placeholder=v0.0.0-check

# The modules require each other at the version.
for folder in "${folders[@]}"; do
	for path in "${paths[@]}"; do
		required=$(sed -nE "s#^(require)?[[:space:]]*$path (v[^ ]+).*#\2#p" "$folder/go.mod")
		if [ -z "$required" ]; then continue; fi
		if [ -n "$version" ] && [ "$required" != "$version" ]; then
			echo "$folder/go.mod requires $path $required, not $version: run scripts/release-prepare.sh $version" >&2
			exit 1
		fi
		go mod edit -require="$path@${version:-$placeholder}" "$folder/go.mod"
	done
done
version=${version:-$placeholder}

for i in "${!folders[@]}"; do
	"$tmp/release" -dir "${folders[i]}" -licence LICENSE -module "${paths[i]}" -version "$version" -proxy "$proxy"
done

# What is not in the module cache of this run comes from the folder, then from the
# machine's cache, then from the network. go.sum of each module has the checksums of the
# others. The checksum database does not know the trial version.
cache=$(go env GOMODCACHE)/cache/download
GOPROXY="file://$proxy,file://$cache,$(go env GOPROXY)"
GOFLAGS="$(go env GOFLAGS) -mod=mod -modcacherw -trimpath"
export GOPROXY GOFLAGS GOMODCACHE=$tmp/mod GOSUMDB=off GONOPROXY=none GOWORK=off

failed=0
for i in "${!paths[@]}"; do
	path=${paths[i]}
	if ! (cd "$tmp" && go mod download -json "$path@$version") >"$tmp/log" 2>&1; then
		cat "$tmp/log" >&2
		echo "$path@$version: cannot be downloaded" >&2
		failed=1
		continue
	fi
	outside=$tmp/outside/$i # not below the root's, which a replace could find
	mkdir -p "$outside"
	cp -r "$GOMODCACHE/$path@$version/." "$outside"
	cd "$outside"
	for other in "${paths[@]}"; do
		go mod edit -dropreplace="$other"
	done
	if grep '=>' go.mod >&2; then
		echo "$path: go.mod replaces a module, which holds in the tree alone" >&2
		failed=1
	fi
	if [ "$path" = "$root" ]; then
		checks='go build ./...' # make unit vets it
	else
		checks='go build ./... && go vet ./...'
	fi
	if eval "$checks" >"$tmp/log" 2>&1; then
		echo "$path@$version: builds outside of the tree"
	else
		grep -v '^go: downloading ' "$tmp/log" >&2
		echo "$path@$version: does not build outside of the tree" >&2
		failed=1
	fi
done
exit $failed
