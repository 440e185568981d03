#!/bin/sh
# Runs the server of the small image. It uses /conf/zoo.cfg, ZOO_MY_ID and JVMFLAGS as
# the official image does, because zkcontainer relies on these.
set -e
if [ ! -f /conf/zoo.cfg ]; then
	printf '%s\n' tickTime=2000 dataDir=/data clientPort=2181 admin.enableServer=false >/conf/zoo.cfg
fi
if [ ! -f /data/myid ]; then
	echo "${ZOO_MY_ID:-1}" >/data/myid
fi
# shellcheck disable=SC2086 # JVMFLAGS has several words
exec java -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
	-Dorg.slf4j.simpleLogger.showDateTime=true \
	-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS \
	$JVMFLAGS -cp '/opt/zookeeper/*' org.apache.zookeeper.server.quorum.QuorumPeerMain /conf/zoo.cfg
