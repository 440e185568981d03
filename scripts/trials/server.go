package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// release is an Apache ZooKeeper.
type release struct {
	version   string // 3.9.5
	classpath string
	jars      string // their folder; empty for Debian's
}

const (
	debianJars = "/usr/share/java"
	installer  = "scripts/install-test-deps.sh"
)

// findRelease finds Debian's package ("3.8"), or the newest release ("3.9"), whose jars are
// in bin/.
func findRelease(root, name string) (release, error) {
	var pattern string
	switch name {
	case "3.8":
		pattern = debianJars + "/zookeeper-[0-9]*.jar"
	case "3.9":
		pattern = filepath.Join(root, "bin", "zookeeper-3.9.*", "pom.xml") // the last file that the installer writes
	default:
		return release{}, fmt.Errorf("-on %s: want 3.8 or 3.9", name)
	}
	found, err := filepath.Glob(pattern)
	if err != nil {
		return release{}, err
	}
	if len(found) == 0 {
		return release{}, fmt.Errorf("no Apache ZooKeeper %s: there is no %s. Run %s", name, pattern, installer)
	}
	file := found[len(found)-1]
	if name == "3.8" {
		version := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "zookeeper-"), ".jar")
		jars := []string{file, debianJars + "/slf4j-simple.jar"} // its manifest names the others
		return release{version: version, classpath: strings.Join(jars, string(filepath.ListSeparator))}, nil
	}
	jars := filepath.Dir(file)
	version := strings.TrimPrefix(filepath.Base(jars), "zookeeper-")
	return release{version: version, classpath: filepath.Join(jars, "*"), jars: jars}, nil
}

// jvm are the flags of a small server that starts fast. Tests need no durable data.
var jvm = []string{
	"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m", "-Djava.awt.headless=true",
	"-Dzookeeper.admin.enableServer=false", "-Dzookeeper.jmx.log4j.disable=true", "-Dzookeeper.forceSync=no",
	"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
}

// start starts a server with an empty data directory below dir, and waits until it serves.
func (r release) start(ctx context.Context, dir string, port int) (stop func(), err error) {
	cfg := filepath.Join(dir, "zoo.cfg")
	text := fmt.Sprintf("tickTime=2000\nclientPortAddress=127.0.0.1\nclientPort=%d\ndataDir=%s\nmaxClientCnxns=0\n4lw.commands.whitelist=*\n",
		port, filepath.ToSlash(filepath.Join(dir, "data")))
	if err := os.WriteFile(cfg, []byte(text), 0o644); err != nil {
		return nil, err
	}
	java := "java"
	if home := os.Getenv("JAVA_HOME"); home != "" {
		java = filepath.Join(home, "bin", "java")
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.CommandContext(ctx, java, append(jvm[:len(jvm):len(jvm)], "-cp", r.classpath, "org.apache.zookeeper.server.quorum.QuorumPeerMain", cfg)...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w: run %s", err, installer)
	}
	stop = func() {
		_ = cmd.Process.Kill() // it may have ended by itself
		_ = cmd.Wait()         // and says that it was killed
	}
	if err := serves(ctx, port); err != nil {
		stop()
		lines, _ := os.ReadFile(log.Name())
		return nil, fmt.Errorf("the server does not start: %w\n%s", err, lines)
	}
	return stop, nil
}

// serves waits until the server answers.
func serves(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		answer, err := ruok(port)
		if answer == "imok" {
			return nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%w: ruok: %q, %v", ctx.Err(), answer, err)
		}
	}
}

func ruok(port int) (string, error) {
	nc, err := net.DialTimeout("tcp", "127.0.0.1:"+strconv.Itoa(port), time.Second)
	if err != nil {
		return "", err
	}
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return "", err
	}
	if _, err := nc.Write([]byte("ruok")); err != nil {
		return "", err
	}
	answer := make([]byte, 4)
	n, err := nc.Read(answer)
	return string(answer[:n]), err
}

// freePorts returns the first of n free ports in a row.
func freePorts(n int) (int, error) {
	for range 100 {
		l, err := net.Listen("tcp", ":0")
		if err != nil {
			return 0, err
		}
		first := l.Addr().(*net.TCPAddr).Port
		l.Close()
		free := 0
		for free < n && isFree(first+free) {
			free++
		}
		if free == n {
			return first, nil
		}
	}
	return 0, fmt.Errorf("no %d free ports in a row", n)
}

// isFree reports whether nothing listens at a port, at any address.
func isFree(port int) bool {
	for _, addr := range []string{":", "127.0.0.1:"} {
		l, err := net.Listen("tcp", addr+strconv.Itoa(port))
		if err != nil {
			return false
		}
		l.Close()
	}
	return true
}
