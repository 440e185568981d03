package zktest_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/zookit/zookit/internal/ensemble"
)

// All nodes of a run are in holder, nearly all in root.
const (
	holder = "/zktest-conformance"
	root   = holder + "/run"
)

// compare runs steps on both servers and fails at the first that differs.
func compare(t *testing.T, next func(embedded *world) (step, bool)) {
	t.Helper()
	e, r := embeddedWorld(t), realWorld(t, realServer(t))
	for _, w := range []*world{e, r} {
		w.clean(true)
		w.begin(3)
	}
	var trail []string
	for n := 1; ; n++ {
		st, ok := next(e)
		if !ok {
			break
		}
		got, want := e.run(st), r.run(st)
		line := fmt.Sprintf("%d. client %d: %s", n, st.client, st.what)
		trail = append(trail, line+"\n\t"+want)
		if got != want {
			t.Fatalf("%s\nembedded:\n\t%s\nApache ZooKeeper:\n\t%s\nbefore it:\n%s",
				line, got, want, strings.Join(trail[max(0, len(trail)-12):], "\n"))
		}
	}
	e.end()
	r.end()
}

// realServer runs a new one. The interval at which it removes containers is out
// of reach, so that no transaction happens by itself.
func realServer(t *testing.T) string {
	e := ensemble.Run(t, ensemble.Options{JVM: []string{
		"-Dzookeeper.extendedTypesEnabled=true", "-Dznode.container.checkIntervalMs=86400000",
	}})
	return e.DirectAddr(0)
}

// TestConformance_Script runs every operation and every refusal that could be
// thought of.
func TestConformance_Script(t *testing.T) {
	steps := script()
	compare(t, func(*world) (step, bool) {
		if len(steps) == 0 {
			return step{}, false
		}
		st := steps[0]
		steps = steps[1:]
		return st, true
	})
}

// TestConformance_Random runs operations that a seeded generator makes up on a
// few paths, so that they meet.
func TestConformance_Random(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			g := generator{rand.New(rand.NewPCG(seed, 1))}
			left := 1200
			compare(t, func(e *world) (step, bool) {
				left--
				return g.step(e), left >= 0
			})
		})
	}
}
