package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// program is one of the programs in testdata.
type program struct {
	name     string
	what     string   // for the report
	requires []string // modules and their versions
	fork     bool     // it uses the fork z-division/go-zookeeper
	own      bool     // it is written for zookit, and not for go-zookeeper
	beside   string   // the program of zookit that has the same job
	alone    bool     // it registers, and has no rival
}

var programs = []program{
	{
		name: "gozklock", what: "`zk.NewLock` of go-zookeeper v1.0.4",
		requires: []string{"github.com/go-zookeeper/zk v1.0.4"}, beside: "zookitlock",
	},
	{
		name: "vitesslock", what: "the lock of Vitess v0.24.4, `zk2topo`",
		requires: []string{"vitess.io/vitess v0.24.4"}, fork: true, beside: "zookitlock",
	},
	{
		name: "vitesselection", what: "the election of Vitess v0.24.4, `zk2topo`",
		requires: []string{"vitess.io/vitess v0.24.4"}, fork: true, beside: "zookitelection",
	},
	{
		name: "kvtoolslock", what: "the lock of kvtools/zookeeper v1.0.2 (valkeyrie)",
		requires: []string{"github.com/kvtools/zookeeper v1.0.2", "github.com/kvtools/valkeyrie v1.0.0"}, beside: "zookitlock",
	},
	{
		name: "gokitregistration", what: "the registration of go-kit v0.13.0, `sd/zk`",
		requires: []string{"github.com/go-kit/kit v0.13.0", "github.com/go-kit/log v0.2.0"}, beside: "zookitregistration", alone: true,
	},
	{name: "zookitlock", what: "`recipes/lock` of zookit", own: true},
	{name: "zookitelection", what: "`recipes/election` of zookit", own: true},
	{name: "zookitregistration", what: "`recipes/discovery` of zookit", own: true, alone: true},
}

// suits reports whether a fault is one for a program.
func (p program) suits(f fault) bool { return !p.alone || !f.waiter || f.before }

// The libraries under a program.
const (
	goZookeeper = "go-zookeeper"
	compat      = "compat"
	zookit      = "zookit"
)

// libraries returns those that a program is run with.
func (p program) libraries() []string {
	if p.own {
		return []string{zookit}
	}
	return []string{goZookeeper, compat}
}

// goMod returns the go.mod of a program with a library. root is the folder of zookit.
func (p program) goMod(library, root string) string {
	var b strings.Builder
	b.WriteString("module trial\n\ngo 1.26.0\n\n")
	for _, r := range p.requires {
		fmt.Fprintf(&b, "require %s\n", r)
	}
	ours := func(module, folder string) {
		fmt.Fprintf(&b, "replace %s => %s\n", module, filepath.Join(root, folder))
	}
	switch library {
	case zookit:
		b.WriteString("require github.com/zookit/zookit v0.0.0\n")
		ours("github.com/zookit/zookit", "")
	case compat:
		if p.fork {
			ours("github.com/z-division/go-zookeeper", "compat/gozookeeperfork")
			ours("github.com/zookit/zookit/compat/gozookeeper", "compat/gozookeeper")
		} else {
			ours("github.com/go-zookeeper/zk", "compat/gozookeeper")
		}
		ours("github.com/zookit/zookit", "")
	}
	return b.String()
}

// build builds a program with a library, and returns the path of the binary.
func (p program) build(ctx context.Context, library, root, dir string) (string, error) {
	dir = filepath.Join(dir, p.name+"-"+library)
	if err := os.MkdirAll(filepath.Join(dir, "driver"), 0o755); err != nil {
		return "", err
	}
	for from, to := range map[string]string{
		filepath.Join("testdata", p.name, "main.go"): "main.go",
		filepath.Join("driver", "driver.go"):         "driver/driver.go",
	} {
		text, err := os.ReadFile(from)
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, to), text, 0o644); err != nil {
			return "", err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(p.goMod(library, root)), 0o644); err != nil {
		return "", err
	}
	binary := filepath.Join(dir, p.name)
	cmd := exec.CommandContext(ctx, "go", "build", "-mod=mod", "-o", binary, ".")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s with %s: %w\n%s", p.name, library, err, out)
	}
	return binary, nil
}
