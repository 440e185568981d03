#!/usr/bin/env bash
# ports.sh [kvtools] [zk2topo]: programs that were moved from go-zookeeper/zk to zookit.
#
# For each program it fetches the sources through the module proxy, makes two copies,
# applies the patch of compat/ports to one of them, and runs on Apache ZooKeeper 3.8 and
# 3.9
#
#   - the program's own tests, unchanged but for what the head of the patch says;
#   - TestPort of compat/ports/testdata: what the program does when connections and
#     sessions end.
#
# It prints how many passed, before and after the move. It fails if a test fails after
# it. PORTS_AFTER=1 leaves out the runs before it. PORTS_ON=3.8 leaves out the other
# server. PORTS_BUILD=1 runs nothing, and only checks that the program compiles after the
# move. The logs are in the folder PORTS_DIR, if it is set.
#
# It needs the servers of `make deps`, java, and the ports 2181 (kvtools) and 6708 to
# 6710 (zk2topo).
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
go=${GO:-go}
export GOFLAGS=-mod=mod
export ZK_JAVA_OPTS="-Xmx256m -Dzookeeper.admin.enableServer=false"
unset CI # some of the tests are skipped where it is set

if [ -n "${PORTS_DIR:-}" ]; then
	mkdir -p "$PORTS_DIR"
	work=$(cd "$PORTS_DIR" && pwd)
else
	work=$(mktemp -d)
fi
server=
finish() {
	[ -z "$server" ] || kill "$server" 2>/dev/null || true
	[ -n "${PORTS_DIR:-}" ] || rm -rf "$work"
}
trap finish EXIT

# version ON: the full version of the server. jars ON: its class path.
version() { if [ "$1" = 3.8 ]; then echo 3.8.0; else echo 3.9.5; fi; }
jars() {
	if [ "$1" = 3.8 ]; then
		echo /usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar
	else
		echo "$root/bin/zookeeper-3.9.5/*"
	fi
}

# start ON: starts a server at port 2181.
start() {
	if (exec 3<>/dev/tcp/127.0.0.1/2181) 2>/dev/null; then
		echo "port 2181 is in use: stop the server there" >&2
		exit 1
	fi
	rm -rf "$work/data"
	java -Xmx256m -Dzookeeper.admin.enableServer=false -cp "$(jars "$1")" org.apache.zookeeper.server.ZooKeeperServerMain 2181 "$work/data" 1000 >"$work/server-$1.log" 2>&1 &
	server=$!
	for _ in $(seq 100); do
		if (exec 3<>/dev/tcp/127.0.0.1/2181) 2>/dev/null; then
			return
		fi
		sleep 0.2
	done
	echo "ZooKeeper $1 does not start: $work/server-$1.log" >&2
	exit 1
}

stop() {
	kill "$server"
	wait "$server" 2>/dev/null || true
	server=
}

# copies NAME MODULE@VERSION PATH...: makes $work/NAME-before and $work/NAME-after of
# those paths of the module, the latter with the patch.
copies() {
	local name=$1 module=$2 from file lines
	shift 2
	from=$(cd "$work" && "$go" mod download -json "$module" | sed -n 's/^.*"Dir": "\(.*\)".*$/\1/p')
	for side in before after; do
		rm -rf "${work:?}/$name-$side"
		mkdir "$work/$name-$side"
		(cd "$from" && tar -cf - "$@") | tar -xf - -C "$work/$name-$side"
		chmod -R u+w "$work/$name-$side"
	done
	cd "$work/$name-after"
	sed -n 's/^Remove: //p' "$root/compat/ports/$name.patch" | while read -r file; do rm "$file"; done
	sed -n 's/^Cut: //p' "$root/compat/ports/$name.patch" | while read -r file lines; do sed -i "${lines}d" "$file"; done
	patch -s -p1 <"$root/compat/ports/$name.patch"
	"$go" mod edit -require=github.com/zookit/zookit@v0.0.0 -replace=github.com/zookit/zookit="$root"
	cd "$root"
}

# tests NAME FOLDER PACKAGE: copies our tests to a folder of both sides.
tests() {
	for side in before after; do
		for file in proxy "$1"; do
			sed "s/^package port$/package $3/" "$root/compat/ports/testdata/${file}_test.go" >"$work/$1-$side/$2/port_${file}_test.go"
		done
	done
}

failed=0
# run NAME SIDE ON PACKAGE...: runs the tests and prints how many passed.
run() {
	local name=$1 side=$2 on=$3 log=$work/$1-$2-$3.log
	shift 3
	[ "$side" = after ] || [ -z "${PORTS_AFTER:-}" ] || return 0
	(cd "$work/$name-$side" && "$go" test -count=1 -vet=off -timeout=10m -v "$@") >"$log" 2>&1 || true
	own=$(grep -cE '^--- (PASS|SKIP): Test' "$log" || true)
	owns=$(grep -cE '^=== RUN +Test[A-Za-z0-9_]+$' "$log" || true)
	port=$(grep -c '^    --- PASS: TestPort/' "$log" || true)
	ports=$(grep -cE '^=== RUN +TestPort/' "$log" || true)
	! grep -q '^--- PASS: TestPort ' "$log" || own=$((own - 1))
	printf '%-8s %-7s ZooKeeper %-6s own tests: %d of %d, TestPort: %d of %d\n' \
		"$name" "$side" "$(version "$on")" "$own" "$((owns - 1))" "$port" "$ports"
	[ "$side" = before ] || if [ "$own" != "$((owns - 1))" ] || [ "$port" != "$ports" ] || [ "$ports" = 0 ] || grep -q '^FAIL' "$log"; then
		grep -A20 -E '^ *--- FAIL|^panic:|\.go:[0-9]+:[0-9]+: ' "$log" | head -60 >&2 || true
		failed=1
	fi
}

lines() { # NAME PATH...: the lines of the program's Go files without tests
	local name=$1
	shift
	for side in before after; do
		(cd "$work/$name-$side" && find "$@" -name '*.go' ! -name '*_test.go' -exec cat {} + | wc -l)
	done | paste -sd ' ' | sed "s/\([0-9]*\) *\([0-9]*\)/$name: \1 lines before, \2 after/"
}

# builds NAME PACKAGE...: compiles the program, with PORTS_BUILD. It returns false without.
builds() {
	[ -n "${PORTS_BUILD:-}" ] || return 1
	local name=$1
	shift
	(cd "$work/$name-after" && "$go" vet "$@") || failed=1
}

servers=${PORTS_ON:-3.8 3.9}
[ $# -gt 0 ] || set -- kvtools zk2topo
for name in "$@"; do
	case $name in
	kvtools)
		copies kvtools github.com/kvtools/zookeeper@v1.0.2 .
		tests kvtools . zookeeper
		lines kvtools .
		builds kvtools . && continue
		for on in $servers; do
			for side in before after; do
				start "$on"
				run kvtools $side "$on" .
				stop
			done
		done
		;;
	zk2topo)
		copies zk2topo vitess.io/vitess@v0.24.4 go go.mod go.sum config/zkcfg
		tests zk2topo go/vt/topo/zk2topo zk2topo
		lines zk2topo go/vt/topo/zk2topo go/cmd/zk
		builds zk2topo ./go/vt/topo/zk2topo ./go/cmd/zk/... && continue
		for on in $servers; do
			# The folder in which Vitess looks for ZooKeeper.
			export VTROOT=$work/vtroot-$on VTDATAROOT=$work/vtdata-$on ZK_VERSION
			ZK_VERSION=$(version "$on")
			rm -rf "$VTROOT" "$VTDATAROOT"
			mkdir -p "$VTROOT/bin" "$VTROOT/dist/vt-zookeeper-$ZK_VERSION" "$VTDATAROOT"
			cp -R "$work/zk2topo-after/config" "$VTROOT/"
			cp "$work/zk2topo-after/go/vt/zkctl/zksrv.sh" "$VTROOT/bin/"
			chmod +x "$VTROOT/bin/zksrv.sh"
			[ "$on" = 3.8 ] || ln -s "$root/bin/zookeeper-$ZK_VERSION" "$VTROOT/dist/vt-zookeeper-$ZK_VERSION/lib"
			for side in before after; do
				run zk2topo $side "$on" ./go/vt/topo/zk2topo ./go/cmd/zk/...
			done
		done
		;;
	*)
		echo "no program $name: want kvtools or zk2topo" >&2
		exit 1
		;;
	esac
done
exit $failed
