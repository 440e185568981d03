#!/usr/bin/env bash
# Installs the packages that the tests need on Debian or Ubuntu, if they are missing.
# This is the only list of them.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=()
need() { # package, then a command that succeeds if it is there already
	local package=$1
	shift
	"$@" >/dev/null 2>&1 || packages+=("$package")
}

# The tests use two servers (internal/test/ensemble): Debian's package, which brings the
# jars for its log and for TLS, and the newest release, whose jars Maven copies to
# bin/ at the end of this script. A server that the environment names
# (ZOOKIT_ZOOKEEPER_CLASSPATH, ZOOKEEPER_HOME) replaces Debian's.
if [ -z "${ZOOKIT_ZOOKEEPER_CLASSPATH:-}${ZOOKEEPER_HOME:-}" ]; then
	need libzookeeper-java test -e /usr/share/java/zookeeper.jar
fi
need maven command -v mvn
if [ -z "${JAVA_HOME:-}" ]; then
	need default-jre-headless command -v java
fi
# The race detector needs a C compiler.
need gcc command -v gcc
need libc6-dev test -e /usr/include/stdio.h
# The mutants are patches.
need patch command -v patch
# The peers of interop/: kazoo, and Curator with a compiler for the program that uses
# it. Debian's releases are old; the end of this script puts the newest into bin/.
if [ -d interop ]; then
	need default-jdk-headless test -x "${JAVA_HOME:+$JAVA_HOME/bin/javac}" -o -n "$(command -v javac)"
	need libcurator-recipes-java test -e /usr/share/java/curator-recipes.jar
	need libcurator-discovery-java test -e /usr/share/java/curator-x-discovery.jar
	need python3-kazoo /usr/bin/python3 -c 'import kazoo'
	need python3-venv /usr/bin/python3 -c 'import venv, ensurepip'
fi
# A key distribution centre for contrib/zkkrb5.
if [ -d contrib/zkkrb5 ]; then
	need krb5-kdc test -x /usr/sbin/krb5kdc
	need krb5-admin-server test -x /usr/sbin/kadmin.local
	need krb5-user command -v kinit
fi
# With CONTAINERS set: Docker's engine for zktest/zkcontainer, and the packages from
# which its image is made.
if [ -n "${CONTAINERS:-}" ]; then
	need docker.io sh -c 'command -v dockerd || docker version'
	need default-jdk-headless test -x "${JAVA_HOME:+$JAVA_HOME/bin/jlink}" -o -n "$(command -v jlink)"
	need libzookeeper-java test -e /usr/share/java/zookeeper.jar
	need busybox-static command -v busybox
fi
# Go fetches modules over TLS.
need ca-certificates test -e /etc/ssl/certs/ca-certificates.crt

# promtool tests the alert rules of contrib/zkprom. Its package also has a server, which
# its installation would start, and needs a dozen packages for that server's pages. So
# only the tool is taken out of the package, into bin/.
promtool=
if [ -d contrib/zkprom ] && ! command -v promtool >/dev/null && [ ! -x bin/promtool ]; then
	promtool=promtool
fi

install() {
	if ! command -v apt-get >/dev/null; then
		echo "Missing (Debian's names): ${packages[*]} ${promtool:+promtool (of the package prometheus)}" >&2
		echo "Install them, or set ZOOKEEPER_HOME to an unpacked Apache ZooKeeper and JAVA_HOME to a Java." >&2
		exit 1
	fi
	local as_root=()
	if [ "$(id -u)" -ne 0 ]; then
		if ! command -v sudo >/dev/null; then
			echo "Installing needs root, and there is no sudo. Run this script as root, or install by hand: ${packages[*]} $promtool" >&2
			exit 1
		fi
		as_root=(sudo)
	fi
	echo "installing ${packages[*]} $promtool"
	# Another apt may be running, for instance on a machine that has just booted.
	local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -qq)
	"${apt[@]}" update
	if ! command -v docker >/dev/null && [[ " ${packages[*]} " == *" docker.io "* ]] && apt-cache show docker-cli >/dev/null 2>&1; then
		packages+=(docker-cli) # a separate package since Debian 13
	fi
	if [ ${#packages[@]} -gt 0 ]; then
		"${apt[@]}" install -y --no-install-recommends "${packages[@]}" >/dev/null </dev/null
	fi
	if [ -n "$promtool" ]; then
		unpack_promtool
	fi
}
unpack_promtool() {
	local dir
	dir=$(mktemp -d)
	(
		cd "$dir"
		apt-get -qq -o APT::Sandbox::User=root download prometheus
		dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool
	)
	mkdir -p bin
	mv "$dir/usr/bin/promtool" bin/promtool
	rm -r "$dir"
}
if [ ${#packages[@]} -gt 0 ] || [ -n "$promtool" ]; then
	install
fi

# The newest releases, from Maven Central and PyPI.
scripts/install-jars.sh scripts/jars/zookeeper-*.xml
if [ -d interop ]; then
	scripts/install-jars.sh scripts/jars/curator-*.xml
	kazoo=2.11.0
	if ! bin/kazoo-$kazoo/bin/python -c "import kazoo.version as v; exit(v.__version__ != '$kazoo')" 2>/dev/null; then
		echo "installing kazoo $kazoo"
		/usr/bin/python3 -m venv --clear bin/kazoo-$kazoo
		bin/kazoo-$kazoo/bin/python -m pip install -q --disable-pip-version-check kazoo==$kazoo
	fi
fi
