#!/usr/bin/env bash
# Runs the module's tests with an image from Debian's packages: no registry takes
# part. It starts an engine if none answers, and ends it again. Whoever wants
# another image names it: ZOOKIT_ZOOKEEPER_IMAGE=zookeeper:3.9 go test ./...
set -euo pipefail
cd "$(dirname "$0")"
export ZOOKIT_ZOOKEEPER_IMAGE=zookit/zookeeper:local
# The reaper is an image of a registry. The tests look for what they leave.
export TESTCONTAINERS_RYUK_DISABLED=true
# One at a time: who is done first would end the engine that others use.
exec 9>"${TMPDIR:-/tmp}/zookit-docker-$(id -u).lock"
flock 9
trap './docker.sh down' EXIT
./docker.sh up
# Where testcontainers-go believes that it runs in a container it looks for the
# published ports at the gateway. An engine that runs beside us has them here.
if grep -qsx dockerd /proc/[0-9]*/comm; then
	export TESTCONTAINERS_HOST_OVERRIDE=${TESTCONTAINERS_HOST_OVERRIDE:-127.0.0.1}
fi
go vet ./...
go test -count=1 -timeout 10m -v ./... "$@" | ../../scripts/quiet.sh
left=$(docker ps -aq --filter label=zookit.ensemble; docker network ls -q --filter label=zookit.ensemble)
if [ -n "$left" ]; then
	echo "left over of the tests:" $left
	exit 1
fi
