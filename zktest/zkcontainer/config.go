package zkcontainer

import (
	"fmt"
	"strconv"
	"strings"
)

// Paths and ports in the official image.
const (
	confDir    = "/conf"
	dataDir    = "/data"
	clientPort = "2181/tcp"
	securePort = "2281/tcp"
)

// peerName is the name by which the other members know a member.
func peerName(member int) string { return fmt.Sprintf("peer%d", member+1) }

// hostName is the name by which containers on the clients' network know a member.
func hostName(member int) string { return fmt.Sprintf("zk%d", member+1) }

// zooCfg returns the configuration file, which is the same for all members.
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
		// No data outlive the test, and syncing to disk is most of the cost of a
		// write.
		"forceSync=no",
	}
	if s.ttlNodes {
		lines = append(lines, "extendedTypesEnabled=true")
	}
	if s.tls != nil {
		lines = append(lines, s.tlsLines()...)
	}
	if s.members > 1 {
		// A member that is started while it is isolated has no interface with its
		// own address to listen on.
		lines = append(lines, "quorumListenOnAllIPs=true")
		// A peer that it dials then does not answer. By default the member would
		// wait five seconds for it each time.
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

// jvmFlags returns flags that keep a server small and its start fast, and those of
// the option JVM.
func (s *settings) jvmFlags() string {
	flags := []string{"-Xmx128m", "-Xss512k", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"}
	return strings.Join(append(flags, s.jvm...), " ")
}
