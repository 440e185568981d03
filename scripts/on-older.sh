#!/usr/bin/env bash
# on-older.sh VERSION: runs tests on an older version of Apache ZooKeeper, whose jars
# install-jars.sh has put into bin/:
#
#   - the embedded server against that version;
#   - what a client can do at its level, and creates without create2;
#   - every recipe at its level, and the recipes' own tests on a real server.
set -euo pipefail
version=$1
export ZOOKIT_ZOOKEEPER_VERSION=$version
unset ZOOKIT_ZOOKEEPER_CLASSPATH ZOOKEEPER_HOME # they would replace the server of VERSION
go=${GO:-go}
echo "on Apache ZooKeeper $version:"

packages=(./recipes ./recipes/barrier ./recipes/lock ./recipes/election)
case $version in
3.4 | 3.5) ;; # the tests of these two set recursive watches themselves, or count on them
*) packages+=(./recipes/groupmembership ./recipes/discovery) ;;
esac

"$go" test -count=1 -timeout 10m -run '^TestConformance_(Script|Random)$' ./zktest
"$go" test -count=1 -timeout 10m -run '^TestCore_(LevelsOfServers|CreatesWithoutCreate2)$' ./internal/test/core
"$go" test -count=1 -timeout 10m -p 1 -run Real "${packages[@]}"
