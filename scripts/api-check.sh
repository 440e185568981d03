#!/usr/bin/env bash
# Compares the public packages of each released module with those of its last release:
# the newest tag of its major version below HEAD, without pre-releases.
#
#	scripts/api-check.sh APIDIFF [vX.Y.Z]
#
# A change is incompatible if a program that compiled with the last release may not
# compile any more.
#
#   - From v1 on, an incompatible change fails.
#   - Before v1, the next release may have one if its minor version is higher. Without a
#     version, the changes are printed. With one, or if HEAD has a tag, a version that is
#     too low fails.
#
# It checks the repository of the current folder.
set -euo pipefail
apidiff=$(realpath "$1")
asked=${2:-}
modules=$(realpath "$(dirname "$0")")/modules.sh
if ! top=$(git rev-parse --show-toplevel 2>/dev/null); then
	echo "no git repository, so there is no release to compare with"
	exit 0
fi
cd "$top"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# Prints the packages of the module in the current folder that other programs can import.
public() {
	go list -f '{{if and .GoFiles (ne .Name "main")}}{{.ImportPath}}{{end}}' ./... | grep -vE '(^|/)internal(/|$)' || true
}

# Prints the versions of the module in a folder, from its tags, the newest first.
versions() { # prefix of the tags, major versions as an expression
	git tag --merged HEAD --list "$1v*" | sed "s#^$1##" | grep -E "^v($2)\.[0-9]+\.[0-9]+$" | sort -rV || true
}

# Prints the incompatible changes from the package in the first folder to that in the second.
changes() { # old folder, new folder, import path
	(cd "$1" && "$apidiff" -w "$tmp/old.export" "$3")
	if (cd "$2" && go list "$3" >/dev/null 2>&1); then
		(cd "$2" && "$apidiff" -incompatible "$tmp/old.export" "$3")
	else
		echo "- package removed"
	fi
}

failed=0
for folder in $("$modules"); do
	path=$(sed -n 's/^module //p' "$folder/go.mod")
	majors='0|1'
	if [[ $path =~ /v([0-9]+)$ ]]; then majors=${BASH_REMATCH[1]}; fi
	prefix=
	if [ "$folder" != . ]; then prefix=$folder/; fi

	mapfile -t released < <(versions "$prefix" "$majors")
	next=$asked
	if [ ${#released[@]} -gt 0 ] && [ "$(git rev-parse "$prefix${released[0]}^{commit}")" = "$(git rev-parse HEAD)" ]; then
		next=${released[0]}
		released=("${released[@]:1}")
	fi
	if [ ${#released[@]} -eq 0 ]; then
		echo "$path: there is no earlier release, so there is nothing to compare with"
		continue
	fi
	last=${released[0]}

	old=$tmp/$prefix$last
	mkdir -p "$old"
	git archive "$prefix$last" | tar -x -C "$old"
	report=
	for package in $(cd "$old/$folder" && public); do
		found=$(changes "$old/$folder" "$folder" "$package")
		if [ -n "$found" ]; then report+="$package:"$'\n'"$found"$'\n'; fi
	done
	if [ -z "$report" ]; then
		echo "$path: compatible with $last"
		continue
	fi

	echo "$path: not compatible with $last:"
	echo "$report"
	IFS=. read -r major minor _ <<<"${last#v}"
	if [ "$major" -gt 0 ]; then
		echo "Undo these changes, or release them as a new major version, with a module path that ends in /v$((major + 1))."
		failed=1
	elif [ -z "$next" ]; then
		echo "Before v1 that is permitted. The next version is at least v0.$((minor + 1)).0."
	elif [[ $next == v0.$minor.* ]]; then
		echo "$next is too low: the next version is at least v0.$((minor + 1)).0."
		failed=1
	else
		echo "Before v1 that is permitted for $next."
	fi
done
exit $failed
