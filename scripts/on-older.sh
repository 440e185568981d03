#!/usr/bin/env bash
# on-older.sh VERSION: runs the tests for an older version of Apache ZooKeeper, whose
# jars install-jars.sh has put into bin/: the embedded server against that version.
set -euo pipefail
version=$1
export ZOOKIT_ZOOKEEPER_VERSION=$version
unset ZOOKIT_ZOOKEEPER_CLASSPATH ZOOKEEPER_HOME # they would replace the server of VERSION
go=${GO:-go}
echo "on Apache ZooKeeper $version:"

"$go" test -count=1 -timeout 10m -run '^TestConformance' ./zktest
