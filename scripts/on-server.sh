#!/usr/bin/env bash
# on-server.sh VERSION: runs every test that needs a real server, on that version:
#
#   - the packages in ALONE, whole, since they need the machine for themselves;
#   - in the other packages, the tests of each file that imports internal/test/ensemble;
#   - interop/.
#
# It leaves out the tests of zktest/, which run on both versions themselves. on-older.sh
# is for versions before 3.8.
set -euo pipefail
version=$1
export ZOOKIT_ZOOKEEPER_VERSION=$version
unset ZOOKIT_ZOOKEEPER_CLASSPATH ZOOKEEPER_HOME # they would replace the server of VERSION
go=${GO:-go}
echo "on Apache ZooKeeper $version:"

# shellcheck disable=SC2086 # a list of packages
"$go" test -race -count=1 -p 1 -timeout 20m -v $ALONE | scripts/quiet.sh

for dir in recipes recipes/* examples; do
	files=$(grep -l '/internal/test/ensemble"' "$dir"/*_test.go 2>/dev/null) || continue
	# shellcheck disable=SC2086
	tests=$(sed -n 's/^func \(Test[A-Za-z0-9_]*\)(t \*testing\.T.*/\1/p' $files | paste -sd '|')
	scripts/race.sh 1 -run "^($tests)\$" "./$dir"
done

if [ -d interop ]; then
	cd interop
	"$go" test -count=1 -timeout 15m ./...
fi
