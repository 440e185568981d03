package ensemble

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// ErrMissing is wrapped by Start's error when this machine has no ZooKeeper
// server or no Java. The text says what to install.
var ErrMissing = errors.New("missing")

// The environment variables that say where a server is.
const (
	envClasspath = "ZOOKIT_ZOOKEEPER_CLASSPATH"
	envHome      = "ZOOKEEPER_HOME"
)

// Where Debian's and Ubuntu's package has its jars. The first is enough for
// plain connections: its manifest names the rest. The others are added when
// present, for log lines and for TLS.
var debianJars = []string{
	"/usr/share/java/zookeeper.jar",
	"/usr/share/java/slf4j-simple.jar",
	"/usr/share/java/netty-codec.jar",
}

// runtimes is what it takes to run a server.
type runtimes struct{ java, classpath string }

// findRuntimes looks for both, and reports both when both are missing. What
// the environment names must be there: it is not passed over for something else.
func findRuntimes() (runtimes, error) {
	cp, errServer := classpath()
	bin, errJava := java()
	return runtimes{java: bin, classpath: cp}, errors.Join(errServer, errJava)
}

// classpath finds Apache ZooKeeper: a class path given by the environment, a
// distribution's folder, or Debian's package.
func classpath() (string, error) {
	if cp := os.Getenv(envClasspath); cp != "" {
		for _, entry := range filepath.SplitList(cp) {
			// A star is Java's way to name all jars of a folder.
			if _, err := os.Stat(strings.TrimSuffix(entry, "*")); err != nil {
				return "", fmt.Errorf("ensemble: %w: %s: %w", ErrMissing, envClasspath, err)
			}
		}
		return cp, nil
	}
	if home := os.Getenv(envHome); home != "" {
		var jars []string
		server := false
		for _, dir := range []string{filepath.Join(home, "lib"), home} {
			entries, err := os.ReadDir(dir)
			if err != nil && dir == home {
				return "", fmt.Errorf("ensemble: %w: %s: %w", ErrMissing, envHome, err)
			}
			for _, e := range entries {
				if strings.HasSuffix(e.Name(), ".jar") {
					jars = append(jars, filepath.Join(dir, e.Name()))
					server = server || strings.HasPrefix(e.Name(), "zookeeper")
				}
			}
		}
		if !server {
			return "", fmt.Errorf("ensemble: %w: no zookeeper*.jar in %s=%s or in its lib folder", ErrMissing, envHome, home)
		}
		return strings.Join(jars, string(filepath.ListSeparator)), nil
	}
	var jars []string
	for _, jar := range debianJars {
		if _, err := os.Stat(jar); err == nil {
			jars = append(jars, jar)
		} else if jar == debianJars[0] {
			return "", fmt.Errorf("ensemble: %w: no Apache ZooKeeper found. On Debian or Ubuntu: "+
				"scripts/install-test-deps.sh (or apt-get install libzookeeper-java). Elsewhere set "+
				"%s to an unpacked distribution, or %s to its jars", ErrMissing, envHome, envClasspath)
		}
	}
	return strings.Join(jars, string(filepath.ListSeparator)), nil
}

// java finds the JVM: JAVA_HOME, then PATH.
func java() (string, error) {
	if home := os.Getenv("JAVA_HOME"); home != "" {
		bin := filepath.Join(home, "bin", "java")
		if _, err := os.Stat(bin); err != nil {
			return "", fmt.Errorf("ensemble: %w: JAVA_HOME: %w", ErrMissing, err)
		}
		return bin, nil
	}
	bin, err := exec.LookPath("java")
	if err != nil {
		return "", fmt.Errorf("ensemble: %w: no java in JAVA_HOME or PATH. On Debian or Ubuntu: "+
			"scripts/install-test-deps.sh (or apt-get install default-jre-headless): %w", ErrMissing, err)
	}
	return bin, nil
}
