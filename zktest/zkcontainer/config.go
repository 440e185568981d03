package zkcontainer

import (
	"fmt"
	"strconv"
	"strings"
)

// What the official image has inside.
const (
	confDir    = "/conf"
	dataDir    = "/data"
	clientPort = "2181/tcp"
	securePort = "2281/tcp"
)

// peerName is a member's name among its peers, hostName the one that containers
// on the clients' network know it by.
func peerName(member int) string { return fmt.Sprintf("peer%d", member+1) }
func hostName(member int) string { return fmt.Sprintf("zk%d", member+1) }

// zooCfg is the configuration file, the same for all members.
func (s *settings) zooCfg() string {
	number, _, _ := strings.Cut(clientPort, "/")
	lines := []string{
		"tickTime=" + strconv.FormatInt(s.tick.Milliseconds(), 10),
		"initLimit=" + strconv.Itoa(s.initLimit),
		"syncLimit=" + strconv.Itoa(s.syncLimit),
		"minSessionTimeout=" + strconv.FormatInt(s.minTimeout.Milliseconds(), 10),
		"maxSessionTimeout=" + strconv.FormatInt(s.maxTimeout.Milliseconds(), 10),
		"dataDir=" + dataDir,
		"clientPort=" + number,
		"maxClientCnxns=0",
		"admin.enableServer=false",
		"4lw.commands.whitelist=" + strings.Join(append([]string{"srvr"}, s.words...), ","),
		// Nothing here outlives the test, and syncing to disk is most of what a
		// write costs.
		"forceSync=no",
	}
	if s.ttlNodes {
		lines = append(lines, "extendedTypesEnabled=true")
	}
	if s.tls != nil {
		lines = append(lines, s.tlsLines()...)
	}
	if s.members > 1 {
		// Started while it is isolated, a member has no interface with its own
		// address on which to listen.
		lines = append(lines, "quorumListenOnAllIPs=true")
		// And a peer that it dials then is one that will not answer: by default
		// it is waited for five seconds, each time.
		lines = append(lines, "cnxTimeout=1000")
		for i := range s.members {
			lines = append(lines, fmt.Sprintf("server.%d=%s:2888:3888", i+1, peerName(i)))
		}
	}
	return strings.Join(append(lines, s.config...), "\n") + "\n"
}

func (s *settings) tlsLines() []string {
	number, _, _ := strings.Cut(securePort, "/")
	lines := []string{
		"secureClientPort=" + number,
		"serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory",
		"authProvider.x509=org.apache.zookeeper.server.auth.X509AuthenticationProvider",
		"ssl.clientAuth=" + s.tls.ClientAuth,
		"ssl.keyStore.location=" + stored("KeyStore", s.tls.KeyStore),
		"ssl.trustStore.location=" + stored("TrustStore", s.tls.TrustStore),
	}
	if s.tls.KeyPassword != "" {
		lines = append(lines, "ssl.keyStore.password="+s.tls.KeyPassword)
	}
	if s.tls.TrustPassword != "" {
		lines = append(lines, "ssl.trustStore.password="+s.tls.TrustPassword)
	}
	return lines
}

// jvmFlags keep a server small and its start fast.
func (s *settings) jvmFlags() string {
	flags := []string{"-Xmx128m", "-Xss512k", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"}
	return strings.Join(append(flags, s.jvm...), " ")
}
