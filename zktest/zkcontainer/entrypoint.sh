#!/bin/sh
# Runs the server of the small image. It keeps to what the official image does
# of the things that zkcontainer relies on: /conf/zoo.cfg, ZOO_MY_ID, JVMFLAGS.
set -e
if [ ! -f /conf/zoo.cfg ]; then
	printf '%s\n' tickTime=2000 dataDir=/data clientPort=2181 admin.enableServer=false >/conf/zoo.cfg
fi
if [ ! -f /data/myid ]; then
	echo "${ZOO_MY_ID:-1}" >/data/myid
fi
# shellcheck disable=SC2086 # JVMFLAGS are several
exec java -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
	-Dorg.slf4j.simpleLogger.showDateTime=true \
	-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS \
	$JVMFLAGS -cp '/opt/zookeeper/*' org.apache.zookeeper.server.quorum.QuorumPeerMain /conf/zoo.cfg
