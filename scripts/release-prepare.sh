#!/usr/bin/env bash
# Writes the version of a release into go.mod of each nested module, and prints what is
# left to do. The replace lines stay: they hold in the tree alone.
#
#	scripts/release-prepare.sh vX.Y.Z
set -euo pipefail
cd "$(dirname "$0")/.."
version=${1:-}
if ! [[ $version =~ ^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]]; then
	echo "usage: scripts/release-prepare.sh vX.Y.Z" >&2
	exit 2
fi

mapfile -t folders < <(scripts/modules.sh)
tags=()
for folder in "${folders[@]}"; do
	for other in "${folders[@]}"; do
		path=$(sed -n 's/^module //p' "$other/go.mod")
		if grep -qE "^(require)?[[:space:]]*$path v" "$folder/go.mod"; then
			go mod edit -require="$path@$version" "$folder/go.mod"
		fi
	done
	if [ "$folder" = . ]; then tags+=("$version"); else tags+=("$folder/$version"); fi
done

cat <<END
go.mod of each nested module requires $version now. What is left to do:

	edit CHANGELOG.md: the heading "Unreleased" becomes "$version"
	git commit -a -m "Release $version"
	make release-check api VERSION=$version
$(printf '\tgit tag %s\n' "${tags[@]}")
	git push origin HEAD ${tags[*]}
END
