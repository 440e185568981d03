#!/usr/bin/env bash
# Starts the engine and builds the image for the tests, on a machine that has neither.
#
#	docker.sh up     start Docker's engine if none answers, build the image
#	docker.sh down   end the engine that up started
#	docker.sh image  build only the image; the engine must run
#
# The engine is Debian's docker.io, which scripts/install-test-deps.sh installs.
set -euo pipefail
cd "$(dirname "$0")"
state=$(cd ../.. && pwd)/tmp/docker
image=${ZOOKIT_ZOOKEEPER_IMAGE:-zookit/zookeeper:local}

answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

as_root=()
if [ "$(id -u)" -ne 0 ]; then
	as_root=(sudo)
fi

start() {
	if ! command -v dockerd >/dev/null; then
		echo "no container engine answers, and there is no dockerd: scripts/install-test-deps.sh installs it" >&2
		exit 1
	fi
	mkdir -p "$state"
	(
		# The engine gets a new session and inherits no open file. Otherwise a
		# caller that reads this script's output to its end would wait for the
		# engine to end.
		exec </dev/null >"$state/log" 2>&1
		cd /
		for fd in /proc/self/fd/*; do
			fd=${fd##*/}
			if [ "$fd" -gt 2 ]; then
				eval "exec $fd>&-" || true
			fi
		done
		"${as_root[@]}" setsid --fork dockerd --pidfile "$state/pid" --group "$(id -gn)"
	)
	for _ in $(seq 300); do
		if answers; then
			return
		fi
		sleep 0.1
	done
	echo "dockerd does not answer; the end of its log:" >&2
	tail -n 30 "$state/log" >&2
	exit 1
}

down() {
	if [ ! -e "$state/pid" ]; then
		return # another program has started the engine
	fi
	pid=$(cat "$state/pid")
	"${as_root[@]}" kill "$pid" 2>/dev/null || true
	for _ in $(seq 300); do
		if ! [ -e "/proc/$pid" ]; then
			"${as_root[@]}" rm -f "$state/pid"
			return
		fi
		sleep 0.1
	done
	echo "dockerd ($pid) does not end; its log is $state/log" >&2
	exit 1
}

case ${1:-} in
up)
	answers || start
	./image.sh "$image"
	;;
down) down ;;
image) ./image.sh "$image" ;;
*)
	sed -n '2,/^set/{/^#/!d;s/^# \{0,1\}//;p}' "$0" >&2
	exit 2
	;;
esac
