#!/usr/bin/env bash
# Builds the image $1 from files of Debian's packages on this machine: the server's
# jars, a Java runtime with only the modules that they need, and a shell. It needs no
# registry and no network. If the image exists and this recipe has not changed since,
# it does nothing.
#
# The engine must run (docker.sh up).
set -euo pipefail
image=$1
cd "$(dirname "$0")"

recipe=$(cat image.sh entrypoint.sh | sha256sum | cut -d ' ' -f 1)
if [ "$(docker image inspect -f '{{index .Config.Labels "zookit.recipe"}}' "$image" 2>/dev/null)" = "$recipe" ]; then
	exit 0
fi

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{bin,conf,data,dev,etc,opt/zookeeper,proc,sys,tmp}
chmod 1777 "$root/tmp"

jlink=${JAVA_HOME:+$JAVA_HOME/bin/}jlink
modules=java.base,java.logging,java.management,java.naming,java.security.jgss,java.security.sasl
modules+=,java.sql,java.xml,jdk.crypto.ec,jdk.management,jdk.security.auth,jdk.security.jgss,jdk.unsupported
"$jlink" --add-modules "$modules" --no-man-pages --no-header-files --output "$root/opt/java"
# Without its archive of loaded classes the server starts half a second later.
"$root/opt/java/bin/java" -Xshare:dump >/dev/null

# The server, its log, and what its port for TLS needs.
for jar in zookeeper zookeeper-jute slf4j-api slf4j-simple metrics-core snappy-java commons-cli jline \
	netty-buffer netty-codec netty-common netty-handler netty-resolver netty-transport \
	netty-transport-classes-epoll netty-transport-native-epoll netty-transport-native-unix-common; do
	# Not every release has all of them; the server says what it misses.
	if [ -e "/usr/share/java/$jar.jar" ]; then
		cp -L "/usr/share/java/$jar.jar" "$root/opt/zookeeper/"
	fi
done

cp "$(command -v busybox)" "$root/bin/busybox"
for name in sh cat ls nc ps sleep; do
	ln -s busybox "$root/bin/$name"
done

# The shared libraries that these are linked with, the loader included. ldd
# complains of what is linked statically.
find "$root/opt/java" "$root/bin" -type f \( -name '*.so' -o -perm -100 \) -exec sh -c 'ldd "$@" 2>/dev/null || true' ldd {} + |
	grep -oE '(^|[[:space:]])/[^[:space:]:]+' | sort -u |
	while read -r lib; do
		case $lib in "$root"/*) continue ;; esac
		mkdir -p "$root$(dirname "$lib")"
		cp -L "$lib" "$root$lib"
	done

echo 'root:x:0:0:root:/:/bin/sh' >"$root/etc/passwd"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
install -m 755 entrypoint.sh "$root/entrypoint.sh"

tar -C "$root" --owner=0 --group=0 -c . | docker import \
	-c 'ENTRYPOINT ["/entrypoint.sh"]' \
	-c 'ENV PATH=/opt/java/bin:/bin' \
	-c 'EXPOSE 2181 2888 3888' \
	-c 'VOLUME /data' \
	-c "LABEL zookit.recipe=$recipe" \
	- "$image" >/dev/null
echo "built the image $image"
