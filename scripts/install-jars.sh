#!/usr/bin/env bash
# install-jars.sh POM...: for each pom, such as scripts/jars/zookeeper-3.9.5.xml,
# copies the jars that it names, and their dependencies, to a folder of the same name
# in bin/. It does nothing if the folder is complete and from the same pom.
set -euo pipefail
bin=$(cd "$(dirname "$0")/.." && pwd)/bin
for pom in "$@"; do
	dir=$bin/$(basename "$pom" .xml)
	if cmp -s "$pom" "$dir/pom.xml"; then
		continue
	fi
	echo "fetching the jars of $(basename "$dir")"
	rm -rf "$dir"
	mkdir -p "$dir"
	# Strict checksums: a jar that was damaged in the download is an error.
	mvn -q -B -C -Dstyle.color=never -f "$pom" org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
		-DincludeScope=runtime -DoutputDirectory="$dir"
	cp "$pom" "$dir/pom.xml" # last: its presence means that the folder is complete
done
