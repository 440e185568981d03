package zktest_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zktest"
)

// TestQuotas_AgainstApacheZooKeeper compares quotas, counted alone and enforced.
func TestQuotas_AgainstApacheZooKeeper(t *testing.T) {
	for _, installed := range ensemble.Versions() {
		for _, enforced := range []bool{true, false} {
			v := embedded[installed]
			t.Run(fmt.Sprintf("%v enforced %v", v, enforced), func(t *testing.T) {
				e := ensemble.Run(t, ensemble.Options{Version: installed, JVM: []string{
					"-Dzookeeper.extendedTypesEnabled=true", "-Dznode.container.checkIntervalMs=86400000",
					fmt.Sprintf("-Dzookeeper.enforceQuota=%v", enforced),
				}})
				s := zktest.Start(t, zktest.Config{Version: v, TickTime: 200 * time.Millisecond, EnforceQuota: enforced})
				w := &world{tb: t, name: "embedded", dial: func() (net.Conn, error) {
					return s.DialContext(context.Background(), "tcp", addr1)
				}}
				steps := scriptQuotas()
				compare(t, w, realWorld(t, e.DirectAddr(0)), func(*world) (step, bool) {
					if len(steps) == 0 {
						return step{}, false
					}
					st := steps[0]
					steps = steps[1:]
					return st, true
				})
			})
		}
	}
}

// quotaPath is the path of a part of the quota of a node below root.
func quotaPath(path, part string) string { return "=/zookeeper/quota" + root + path + part }

// stQuota creates the nodes of a quota.
func stQuota(path, limits, stats string) []step {
	return []step{
		stCreate(0, opCreate, quotaPath(path, ""), "", 0, 0),
		stCreate(0, opCreate, quotaPath(path, "/zookeeper_limits"), limits, 0, 0),
		stCreate(0, opCreate, quotaPath(path, "/zookeeper_stats"), stats, 0, 0),
	}
}

func scriptQuotas() []step {
	stats := func(path string) step { return stRead(2, opGet, quotaPath(path, "/zookeeper_stats"), true) }
	steps := []step{
		stCreate(0, opCreate, "=/zookeeper/quota"+holder, "", 0, 0),
		stCreate(0, opCreate, quotaPath("", ""), "", 0, 0),
		stCreate(0, opCreate, "/q", "data", 0, 0),
		stCreate(0, opCreate, "/q/a", "abc", 0, 0),
		stCreate(0, opCreate, "/qq", "not below", 0, 0),
	}
	steps = append(steps, stQuota("/q", "count=5,bytes=20;byteHardLimit=30;countHardLimit=6", "")...)
	steps = append(
		steps,
		stats("/q"),
		stCreate(0, opCreate, "/q/b", "", 0, 0), stCreate(1, opCreate2, "/q/e", "12345", 1, 0), stats("/q"),
		stCreate(1, opCont, "/q/c", "", 4, 0), stCreate(1, opTTL, "/q/t-", "", 6, 1<<30), stats("/q"),
		stCreate(0, opCreate, "/q/too", "", 0, 0),
		stCreate(0, opCreate, "/q/a", "", 0, 0),
		stCreate(0, opCreate, "/q/e/x", "", 0, 0),
		stCreate(0, opCreate, "/q/s-", "", 2, 0),
		stSet(0, "/q/a", "a datum that is much too long for it", 7),
		stSet(0, "/q/a", "a datum that is much too long for it", -1),
		stSet(0, "/q/a", "longer", -1), stats("/q"),
		stSet(0, "/q/a", "", -1), stats("/q"),
		step{client: 1, op: stepDrop, what: "close and open again"}, stats("/q"),
		stVersion(0, opDelete, "/q/b", -1), stats("/q"),
		stMulti(0, proto.MultiOp{Op: opCreate, Path: "/q/m1"}, proto.MultiOp{Op: opCreate, Path: "/q/m2"}, proto.MultiOp{Op: opCreate, Path: "/q/m3"}), stats("/q"),
		stMulti(0, proto.MultiOp{Op: opDelete, Path: "/q/a", Version: -1}, proto.MultiOp{Op: opCreate, Path: "/q/m4"}), stats("/q"),
		stMulti(0, proto.MultiOp{Op: opCreate, Path: "/q/m5", Data: []byte("12345678901234567890")}, proto.MultiOp{Op: proto.OpSetData, Path: "/q/m5", Data: []byte("123456789012345678901234567890"), Version: -1}), stats("/q"),
		stMulti(0, proto.MultiOp{Op: proto.OpSetData, Path: "/q", Data: []byte("12345678901234567890"), Version: -1}, proto.MultiOp{Op: proto.OpSetData, Path: "/q", Data: []byte("1234567890"), Version: -1}), stats("/q"),
		stVersion(0, opDelete, "/q/m1", -1), stVersion(0, opDelete, "/q/m2", -1),
	)
	for _, limits := range []string{
		"count=1,bytes=1", "count=-1,bytes=-1", "count=1,bytes=1;countHardLimit=-1", "countHardLimit=4", "byteHardLimit=0", "countHardLimit=100,byteHardLimit=14", "x=5;;count=3,countHardLimit=2", "",
	} {
		steps = append(steps,
			stSet(0, quotaPath("/q", "/zookeeper_limits"), limits, -1),
			stCreate(0, opCreate, "/q/n", "1234", 0, 0), stats("/q"),
			stSet(0, "/q/n", "12345", -1), stSet(0, "/q/n", "", -1), stats("/q"),
			stVersion(0, opDelete, "/q/n", -1), stats("/q"),
		)
	}
	// A quota in a quota: the nearest counts.
	steps = append(steps, stCreate(0, opCreate, "/q/in", "in", 0, 0), stCreate(0, opCreate, "/q/in/a", "a", 0, 0))
	steps = append(steps, stQuota("/q/in", "count=-1,bytes=-1;countHardLimit=3", "count=77,bytes=77")...)
	steps = append(
		steps,
		stats("/q/in"), stats("/q"),
		stCreate(0, opCreate, "/q/in/b", "b", 0, 0), stats("/q/in"), stats("/q"),
		stCreate(0, opCreate, "/q/in/c", "c", 0, 0), stats("/q/in"), stats("/q"),
		stSet(0, quotaPath("/q/in", "/zookeeper_stats"), "count=1,bytes=1;extra=5", -1), stats("/q/in"),
		stCreate(0, opCreate, "/q/in/d", "d", 0, 0), stats("/q/in"),
		stVersion(0, opDelete, quotaPath("/q/in", "/zookeeper_stats"), -1),
		stCreate(0, opCreate, "/q/in/f", "f", 0, 0), stats("/q"),
		stVersion(0, opDelete, quotaPath("/q/in", "/zookeeper_limits"), -1),
		stCreate(0, opCreate, "/q/in/g", "g", 0, 0), stats("/q"),
		stVersion(0, opDelete, quotaPath("/q/in", ""), -1),
		// A quota of a node that does not exist yet.
		stCreate(0, opCreate, quotaPath("/later", ""), "", 0, 0),
		stCreate(0, opCreate, quotaPath("/later", "/zookeeper_stats"), "", 0, 0), stats("/later"),
		stCreate(0, opCreate, quotaPath("/later", "/zookeeper_limits"), "countHardLimit=1", 0, 0),
		stCreate(0, opCreate, "/later", "xy", 0, 0), stats("/later"),
		stCreate(0, opCreate, "/later/a", "", 0, 0), stats("/later"),
		stPath(0, opCountAll, "=/zookeeper/quota"),
	)
	return append(steps, randomQuotaSteps()...)
}

// randomQuotaSteps changes random nodes under the quotas of scriptQuotas.
func randomQuotaSteps() []step {
	g := generator{rand.New(rand.NewPCG(7, 7))}
	steps := []step{stSet(0, quotaPath("/q", "/zookeeper_limits"), "countHardLimit=12,byteHardLimit=60", -1)}
	for range 300 {
		path := pick(g, "/q", "/q/in", "/later", "/q/in/a") + pick(g, "/x", "/y", "/z", "")
		data := pick(g, "", "1", "12345", "a long one of 23 bytes.")
		switch g.IntN(5) {
		case 0:
			steps = append(steps, stCreate(g.IntN(3), opCreate, path, data, int32(g.IntN(4)), 0))
		case 1:
			steps = append(steps, stSet(g.IntN(3), path, data, -1))
		case 2:
			steps = append(steps, stVersion(g.IntN(3), opDelete, path, -1))
		case 3:
			steps = append(steps, stMulti(0, g.quotaOp(path, data), g.quotaOp(path+"/m", data)))
		default:
			steps = append(steps, stRead(2, opGet, quotaPath(pick(g, "/q", "/later"), "/zookeeper_stats"), false))
		}
	}
	return steps
}

func (g generator) quotaOp(path, data string) proto.MultiOp {
	return proto.MultiOp{Op: pick(g, opCreate, opDelete, proto.OpSetData), Path: path, Data: []byte(data), Version: -1}
}
