package zktest_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zktest"
)

// All nodes of a run are below holder, and nearly all below root.
const (
	holder = "/zktest-conformance"
	root   = holder + "/run"
)

// compare runs steps on both servers. It fails at the first step whose result
// differs.
func compare(t *testing.T, e, r *world, next func(embedded *world) (step, bool)) {
	t.Helper()
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

// embedded has the Version of each Apache ZooKeeper that can be installed for tests.
var embedded = map[ensemble.Version]zktest.Version{
	ensemble.V34: zktest.V3_4, ensemble.V35: zktest.V3_5, ensemble.V36: zktest.V3_6, ensemble.V37: zktest.V3_7,
	ensemble.V38: zktest.V3_8, ensemble.V39: zktest.V3_9,
}

// onEachVersion runs f for each version that is to be tested, with the address of a
// new server of Apache ZooKeeper. That server never removes containers by itself, so that it
// runs no transactions of its own.
func onEachVersion(t *testing.T, f func(t *testing.T, v zktest.Version, addr string)) {
	for _, installed := range ensemble.Versions() {
		v, ok := embedded[installed]
		if !ok {
			t.Fatalf("the embedded server has no version like Apache ZooKeeper %s", installed)
		}
		t.Run(v.String(), func(t *testing.T) {
			e := ensemble.Run(t, ensemble.Options{Version: installed, JVM: []string{
				"-Dzookeeper.extendedTypesEnabled=true", "-Dznode.container.checkIntervalMs=86400000", superDigest,
			}})
			f(t, v, e.DirectAddr(0))
		})
	}
}

// TestConformance_Script runs every operation with every error that its authors
// could think of.
func TestConformance_Script(t *testing.T) {
	onEachVersion(t, func(t *testing.T, v zktest.Version, addr string) {
		steps := script(v)
		compare(t, embeddedWorld(t, v), realWorld(t, addr), func(*world) (step, bool) {
			if len(steps) == 0 {
				return step{}, false
			}
			st := steps[0]
			steps = steps[1:]
			return st, true
		})
	})
}

// These environment variables make the random comparison longer: the number of
// seeds, the first seed, and the number of steps of each.
const (
	envSeeds = "ZOOKIT_CONFORMANCE_SEEDS"
	envFirst = "ZOOKIT_CONFORMANCE_FIRST"
	envSteps = "ZOOKIT_CONFORMANCE_STEPS"
)

// TestConformance_Random runs random operations from a seed. They use few paths, so
// that they affect each other.
func TestConformance_Random(t *testing.T) {
	first, seeds, steps := fromEnv(t, envFirst, 0), fromEnv(t, envSeeds, 4), fromEnv(t, envSteps, 1200)
	onEachVersion(t, func(t *testing.T, v zktest.Version, addr string) {
		for seed := first; seed < first+seeds; seed++ {
			t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
				g := generator{rand.New(rand.NewPCG(seed, 1))}
				left := steps
				compare(t, embeddedWorld(t, v), realWorld(t, addr), func(e *world) (step, bool) {
					if left == 0 {
						return step{}, false
					}
					left--
					return g.step(e), true
				})
			})
		}
		t.Logf("compared: %d seeds from %d on, of %d steps each", seeds, first, steps)
	})
}

// fromEnv reads a number from the environment.
func fromEnv(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}
