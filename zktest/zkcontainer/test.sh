#!/usr/bin/env bash
# Runs the module's tests with an image from Debian's packages, without a registry. It
# starts an engine if none answers, and ends it again. To use another image, run
# ZOOKIT_ZOOKEEPER_IMAGE=zookeeper:3.9 go test ./...
set -euo pipefail
cd "$(dirname "$0")"
export ZOOKIT_ZOOKEEPER_IMAGE=zookit/zookeeper:local
# The reaper is an image that only a registry has. The tests check themselves that
# they leave nothing.
export TESTCONTAINERS_RYUK_DISABLED=true
# Only one run at a time: the first to finish would end the engine that others use.
exec 9>"${TMPDIR:-/tmp}/zookit-docker-$(id -u).lock"
flock 9
trap './docker.sh down' EXIT
./docker.sh up
# If testcontainers-go takes this machine for a container, it looks for the published
# ports at the gateway. But an engine on this machine publishes them here.
if grep -qsx dockerd /proc/[0-9]*/comm; then
	export TESTCONTAINERS_HOST_OVERRIDE=${TESTCONTAINERS_HOST_OVERRIDE:-127.0.0.1}
fi
go vet ./...
go test -count=1 -timeout 10m -v ./... "$@" | ../../scripts/quiet.sh
left=$(docker ps -aq --filter label=zookit.ensemble; docker network ls -q --filter label=zookit.ensemble)
if [ -n "$left" ]; then
	echo "the tests left these containers and networks:" $left
	exit 1
fi
