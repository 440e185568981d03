package ensemble

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// logback configures the log of releases since 3.8, which otherwise contains every
// debug line. Debian's package uses slf4j-simple instead.
const logback = `<configuration>
  <appender name="OUT" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d{HH:mm:ss.SSS} %-5level %logger{0} %msg%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="OUT"/></root>
</configuration>
`

// configure writes the member's folder. peers has a line for every member, with the
// addresses that this member must use. Without peers the server runs standalone.
func (m *member) configure(o Options, peers []string) error {
	lines := []string{
		"tickTime=" + strconv.FormatInt(o.TickTime.Milliseconds(), 10),
		"initLimit=" + strconv.Itoa(o.InitLimit),
		"syncLimit=" + strconv.Itoa(o.SyncLimit),
		"minSessionTimeout=" + strconv.FormatInt(o.MinTimeout.Milliseconds(), 10),
		"maxSessionTimeout=" + strconv.FormatInt(o.MaxTimeout.Milliseconds(), 10),
		"dataDir=" + m.data(),
		"maxClientCnxns=0",
		"admin.enableServer=false",
		"4lw.commands.whitelist=*",
		"extendedTypesEnabled=true",
		// Tests need no durable data, and syncing to disk is most of the cost of a
		// write.
		"forceSync=no",
	}
	if len(peers) == 0 || o.Version.resolve() == V34 { // from 3.5 on, the line of a member has its client port
		host, port, err := net.SplitHostPort(m.addr())
		if err != nil {
			return fmt.Errorf("ensemble: %w", err)
		}
		lines = append(lines, "clientPortAddress="+host, "clientPort="+port)
	}
	lines = append(lines, peers...)
	lines = append(lines, o.Extra...)
	if err := os.MkdirAll(m.data(), 0o755); err != nil {
		return fmt.Errorf("ensemble: %w", err)
	}
	for name, text := range map[string]string{
		m.config():                          strings.Join(lines, "\n") + "\n",
		filepath.Join(m.dir, "logback.xml"): logback,
		filepath.Join(m.data(), "myid"):     strconv.Itoa(m.index+1) + "\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			return fmt.Errorf("ensemble: %w", err)
		}
	}
	return nil
}

func (m *member) config() string { return filepath.Join(m.dir, "zoo.cfg") }
func (m *member) log() string    { return filepath.Join(m.dir, "log") }
func (m *member) data() string   { return filepath.Join(m.dir, "data") }

// args returns the command line of the server: a small JVM that starts fast, with
// the simple collector and only the quick compiler.
func (m *member) args(o Options) []string {
	args := []string{
		"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-Xmx128m", "-Xss512k",
		"-Djava.awt.headless=true",
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
		"-Dorg.slf4j.simpleLogger.showDateTime=true",
		"-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
		"-Dzookeeper.jmx.log4j.disable=true", // 3.4 would need log4j itself
		"-Dlogback.configurationFile=" + filepath.Join(m.dir, "logback.xml"),
	}
	args = append(args, o.JVM...)
	return append(args, "-cp", m.rt.classpath, "org.apache.zookeeper.server.quorum.QuorumPeerMain", m.config())
}
