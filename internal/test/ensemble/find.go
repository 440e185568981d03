package ensemble

import (
	"cmp"
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

// Version selects one of the server releases that the tests run on.
type Version string

// The server releases. Default is the one that the environment names, or else V38.
const (
	Default Version = ""
	V38     Version = "3.8" // Debian's package, 3.8.0 and later
	V39     Version = "3.9" // the newest release, in bin/ of the repository

	// The last releases of older lines, in bin/ of the repository. `make versions` runs
	// the tests on them.
	V34 Version = "3.4"
	V35 Version = "3.5"
	V36 Version = "3.6"
	V37 Version = "3.7"
)

// Versions lists the releases that every run of the tests has, for tests that compare
// them. If the environment names an older one, Versions lists that alone.
func Versions() []Version {
	if v := Version(os.Getenv(envVersion)); folders[v] != "" && v != V39 {
		return []Version{v}
	}
	return []Version{V38, V39}
}

// Current is the version of the default server, unless the environment names the jars of
// another.
func Current() Version { return Default.resolve() }

// resolve returns the version that the environment names in the place of Default.
func (v Version) resolve() Version {
	if v == Default {
		return cmp.Or(Version(os.Getenv(envVersion)), V38)
	}
	return v
}

// The environment variables that select the default server.
const (
	envClasspath = "ZOOKIT_ZOOKEEPER_CLASSPATH"
	envHome      = "ZOOKEEPER_HOME"
	envVersion   = "ZOOKIT_ZOOKEEPER_VERSION"
)

// The places of the jars in the packages of Debian and Ubuntu. The first is enough
// for plain connections, because its manifest names the rest. The others are added
// if present, for log lines and for TLS.
var debianJars = []string{
	"/usr/share/java/zookeeper.jar",
	"/usr/share/java/slf4j-simple.jar",
	"/usr/share/java/netty-codec.jar",
}

// installer installs the two servers of every run. newest is the folder of V39's jars,
// which the installer fills. It is named after the file in scripts/jars that lists
// them. Both are relative to the root of the repository.
const (
	installer = "scripts/install-test-deps.sh"
	newest    = "bin/zookeeper-3.9.5"
)

// folders are the folders of the jars that come from Maven Central. Those of the older
// releases are named after the files in scripts/jars/older, and `make versions` fills
// them.
var folders = map[Version]string{
	V34: "bin/zookeeper-3.4.14",
	V35: "bin/zookeeper-3.5.10",
	V36: "bin/zookeeper-3.6.4",
	V37: "bin/zookeeper-3.7.2",
	V39: newest,
}

// runtimes are the two things that a server needs.
type runtimes struct{ java, classpath string }

// findRuntimes finds both, and reports both if both are missing. If the environment
// names a path that is missing, findRuntimes fails and uses no other.
func findRuntimes(v Version) (runtimes, error) {
	cp, errServer := classpath(v)
	bin, errJava := java()
	return runtimes{java: bin, classpath: cp}, errors.Join(errServer, errJava)
}

// classpath finds the jars of a server. The default is, in this order, a class path
// from the environment, a distribution's folder, the version that the environment
// names, or Debian's package. A test that asks for a version gets it, whatever the
// environment says.
func classpath(v Version) (string, error) {
	if v == Default {
		if cp := os.Getenv(envClasspath); cp != "" {
			return givenClasspath(cp)
		}
		if home := os.Getenv(envHome); home != "" {
			return distribution(home)
		}
		v = v.resolve()
	}
	if v == V38 {
		return debian()
	}
	if folder, ok := folders[v]; ok {
		return fetched(v, folder)
	}
	return "", fmt.Errorf("ensemble: %w: Apache ZooKeeper %q: want one of %s to %s (Options.Version, %s)",
		ErrMissing, v, V34, V39, envVersion)
}

// givenClasspath checks that every entry exists.
func givenClasspath(cp string) (string, error) {
	for _, entry := range filepath.SplitList(cp) {
		// In Java a star stands for all jars of a folder.
		if _, err := os.Stat(strings.TrimSuffix(entry, "*")); err != nil {
			return "", fmt.Errorf("ensemble: %w: %s: %w", ErrMissing, envClasspath, err)
		}
	}
	return cp, nil
}

// distribution lists the jars of an unpacked Apache ZooKeeper.
func distribution(home string) (string, error) {
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

func debian() (string, error) {
	var jars []string
	for _, jar := range debianJars {
		if _, err := os.Stat(jar); err == nil {
			jars = append(jars, jar)
		} else if jar == debianJars[0] {
			return "", fmt.Errorf("ensemble: %w: no Apache ZooKeeper found. On Debian or Ubuntu: "+
				"%s (or apt-get install libzookeeper-java). Elsewhere set "+
				"%s to an unpacked distribution, or %s to its jars", ErrMissing, installer, envHome, envClasspath)
		}
	}
	return strings.Join(jars, string(filepath.ListSeparator)), nil
}

// fetched finds the jars of a version, which were fetched to a folder. A test runs in
// the folder of its package, so the repository's root is that folder or one above it.
func fetched(v Version, folder string) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("ensemble: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, installer)); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("ensemble: %w: %s is looked for in the repository, and this folder is not in it", ErrMissing, folder)
		}
		dir = filepath.Dir(dir)
	}
	dir = filepath.Join(dir, folder)
	// The installer copies the list of jars last, so the list says that the folder
	// is complete.
	if _, err := os.Stat(filepath.Join(dir, "pom.xml")); err != nil {
		how := installer
		if folder != newest {
			how = "make versions"
		}
		return "", fmt.Errorf("ensemble: %w: the jars of Apache ZooKeeper %s: run %s: %w", ErrMissing, v, how, err)
	}
	return filepath.Join(dir, "*"), nil
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
			"%s (or apt-get install default-jre-headless): %w", ErrMissing, installer, err)
	}
	return bin, nil
}
