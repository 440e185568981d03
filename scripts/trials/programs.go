package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// program is a program whose own tests are run.
type program struct {
	name     string
	module   string // with its version
	uses     string // the module through which it uses ZooKeeper
	standsIn string // the folder of the module of zookit that replaces it
	test     []string

	// server starts what the tests need, and returns the environment that tells them so.
	server func(ctx context.Context, at place, r release) (env []string, stop func(), err error)
}

// place has the folders of one run.
type place struct {
	temp string // empty
	dir  string // the program
}

var programs = []program{
	{
		name: "go-kit", module: "github.com/go-kit/kit@v0.13.0",
		uses: "github.com/go-zookeeper/zk", standsIn: "compat/gozookeeper",
		test: []string{"-tags=integration", "./sd/zk"}, server: forGoKit,
	},
	{
		name: "kvtools", module: "github.com/kvtools/zookeeper@v1.0.2",
		uses: "github.com/go-zookeeper/zk", standsIn: "compat/gozookeeper",
		test: []string{"."}, server: forKvtools,
	},
	{
		name: "vitess", module: "vitess.io/vitess@v0.24.4",
		uses: "github.com/z-division/go-zookeeper", standsIn: "compat/gozookeeperfork",
		test: []string{"./go/vt/topo/zk2topo"}, server: forVitess,
	},
}

// forGoKit starts a server at any port.
func forGoKit(ctx context.Context, at place, r release) ([]string, func(), error) {
	port, err := freePorts(1)
	if err != nil {
		return nil, nil, err
	}
	stop, err := r.start(ctx, at.temp, port)
	return []string{"ZK_ADDR=127.0.0.1:" + strconv.Itoa(port)}, stop, err
}

// kvtoolsPort is written in the tests of kvtools.
const kvtoolsPort = 2181

func forKvtools(ctx context.Context, at place, r release) ([]string, func(), error) {
	if !isFree(kvtoolsPort) {
		return nil, nil, fmt.Errorf("port %d is in use, and the tests of kvtools want an empty server at localhost:%d. "+
			"Stop what listens there, or leave kvtools out: go run ./scripts/trials -only go-kit,vitess", kvtoolsPort, kvtoolsPort)
	}
	stop, err := r.start(ctx, at.temp, kvtoolsPort)
	return nil, stop, err
}

// forVitess makes an installation of Vitess, whose tests start and kill the server by a
// script in it.
func forVitess(_ context.Context, at place, r release) ([]string, func(), error) {
	for from, to := range map[string]string{
		"go/vt/zkctl/zksrv.sh": "bin/zksrv.sh",
		"config/zkcfg/zoo.cfg": "config/zkcfg/zoo.cfg",
	} {
		text, err := os.ReadFile(filepath.Join(at.dir, from))
		if err != nil {
			return nil, nil, err
		}
		to = filepath.Join(at.temp, to)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return nil, nil, err
		}
		if err := os.WriteFile(to, text, 0o755); err != nil {
			return nil, nil, err
		}
	}
	if r.jars != "" { // Debian's are where the script also looks
		dist := filepath.Join(at.temp, "dist", "vt-zookeeper-"+r.version)
		if err := os.MkdirAll(dist, 0o755); err != nil {
			return nil, nil, err
		}
		if err := os.Symlink(r.jars, filepath.Join(dist, "lib")); err != nil {
			return nil, nil, err
		}
	}
	port, err := freePorts(3)
	if err != nil {
		return nil, nil, err
	}
	data := filepath.Join(at.temp, "data")
	return []string{
		"VTROOT=" + at.temp, "VTDATAROOT=" + data, "ZK_VERSION=" + r.version,
		"VTPORTSTART=" + strconv.Itoa(port-8), // they use this one and the next two
		"ZK_JAVA_OPTS=" + strings.Join(jvm, " "),
	}, func() { killVitess(data) }, nil
}

// killVitess ends a server that the tests have left behind.
func killVitess(data string) {
	files, _ := filepath.Glob(filepath.Join(data, "*", "zk.pid")) // the pattern is valid
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			continue
		}
		if p, err := os.FindProcess(pid); err == nil {
			_ = p.Kill() // it has ended already
		}
	}
}
