package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/zookit/zookit/internal/test/ensemble"
)

// install is the hint in the error for a missing peer.
const install = "on Debian or Ubuntu, scripts/install-test-deps.sh installs the peers; " +
	"elsewhere see doc.go"

// newest reports whether the tests run on the newest server, with the newest peers:
// Curator 5.9.0 and kazoo 2.11.0, which the script puts into bin. Otherwise server and
// peers are Debian's: 3.8, Curator 5.4 and kazoo 2.8.
var newest = os.Getenv("ZOOKIT_ZOOKEEPER_VERSION") == string(ensemble.V39)

// The folders of the newest peers.
var (
	newestCurator = filepath.Join("..", "bin", "curator-5.9.0", "*")
	newestKazoo   = filepath.Join("..", "bin", "kazoo-2.11.0", "bin", "python")
)

// library is another library that has recipes.
type library string

// The libraries.
const (
	goZookeeper library = "go-zookeeper"
	curator     library = "Curator"
	kazoo       library = "kazoo"
)

// command returns the peer's program, without its arguments.
func (l library) command() (*exec.Cmd, error) {
	switch l {
	case curator:
		return curatorCommand()
	case kazoo:
		return kazooCommand()
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), asPeer+"=1")
	return cmd, nil
}

func kazooCommand() (*exec.Cmd, error) {
	// Not the python3 of PATH: Debian's package is for Debian's interpreter.
	python := os.Getenv("ZOOKIT_KAZOO_PYTHON")
	switch {
	case python != "":
	case newest:
		python = newestKazoo
	default:
		python = "/usr/bin/python3"
	}
	// Without -B Python would write its compiled files beside the program.
	return exec.Command(python, "-B", filepath.Join("peers", "kazoo", "peer.py")), nil
}

func curatorCommand() (*exec.Cmd, error) {
	java, err := jdkTool("java")
	if err != nil {
		return nil, err
	}
	classpath, err := curatorPath()
	if err != nil {
		return nil, err
	}
	return exec.Command(
		java, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-Xmx128m",
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", classpath, "Peer"), nil
}

// The jars of the Curator peer, in Debian's folder.
const debianJars = "/usr/share/java/"

var curatorJars = []string{
	"curator-recipes.jar", "curator-framework.jar", "curator-client.jar", "curator-x-discovery.jar",
	"jackson-databind.jar", "jackson-core.jar", "jackson-annotations.jar",
	"zookeeper.jar", "zookeeper-jute.jar", "guava.jar", "slf4j-simple.jar",
}

// classes is the folder with the compiled program of the Curator peer.
var classes string

func removeClasses() {
	if classes != "" {
		_ = os.RemoveAll(classes)
	}
}

// curatorPath compiles the Curator peer, once, and returns its class path.
var curatorPath = sync.OnceValues(func() (string, error) {
	jars := os.Getenv("ZOOKIT_CURATOR_CLASSPATH")
	switch {
	case jars != "":
	case newest:
		// The list of jars is copied last: its presence means that the folder is complete.
		if _, err := os.Stat(filepath.Join(filepath.Dir(newestCurator), "pom.xml")); err != nil {
			return "", err
		}
		jars = newestCurator
	default:
		var found []string
		for _, jar := range curatorJars {
			if _, err := os.Stat(debianJars + jar); err != nil {
				return "", err
			}
			found = append(found, debianJars+jar)
		}
		jars = strings.Join(found, string(filepath.ListSeparator))
	}
	javac, err := jdkTool("javac")
	if err != nil {
		return "", err
	}
	sources, err := filepath.Glob(filepath.Join("peers", "curator", "*.java"))
	if err != nil {
		return "", err
	}
	if classes, err = os.MkdirTemp("", "zookit-interop-"); err != nil {
		return "", err
	}
	out, err := exec.Command(javac, append([]string{"-nowarn", "-d", classes, "-cp", jars}, sources...)...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("javac: %w\n%s", err, out)
	}
	return classes + string(filepath.ListSeparator) + jars, nil
})

// jdkTool returns the path of a program of the Java development kit, from JAVA_HOME or
// else from PATH.
func jdkTool(name string) (string, error) {
	if home := os.Getenv("JAVA_HOME"); home != "" {
		if bin := filepath.Join(home, "bin", name); isFile(bin) {
			return bin, nil
		}
	}
	return exec.LookPath(name)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
