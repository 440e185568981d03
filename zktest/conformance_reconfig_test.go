package zktest_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zktest"
)

// superDigest makes "super:admin" the super user of Apache ZooKeeper.
const superDigest = "-Dzookeeper.DigestAuthenticationProvider.superDigest=super:xQJmxLMiHGwaqBvst5y6rkB6HQs="

// TestReconfig_AgainstApacheZooKeeper compares reconfigs of three servers. In each world member 1
// of the script is the leader, to which all clients are connected.
func TestReconfig_AgainstApacheZooKeeper(t *testing.T) {
	for _, installed := range ensemble.Versions() {
		v := embedded[installed]
		t.Run(v.String(), func(t *testing.T) {
			steps := scriptReconfig()
			compare(t, embeddedThree(t, v), realThree(t, installed), func(*world) (step, bool) {
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

func embeddedThree(t *testing.T, v zktest.Version) *world {
	s := zktest.Start(t, zktest.Config{Version: v, Servers: 3, ReconfigEnabled: true, SuperPassword: "admin"})
	w := &world{tb: t, name: "embedded", dial: func() (net.Conn, error) { return s.DialContext(context.Background(), "tcp", addr1) }}
	for id := 1; id <= 3; id++ {
		w.members = append(w.members, fmt.Sprintf("server.%d=zk%d:2888:3888:participant;zk%d:2181", id, id, id))
	}
	return w
}

func realThree(t *testing.T, v ensemble.Version) *world {
	e := ensemble.Run(t, ensemble.Options{Version: v, Size: 3, Reconfig: true, JVM: []string{superDigest}})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	leader, err := e.Leader(ctx)
	if err != nil {
		t.Fatal(err)
	}
	w := realWorld(t, e.DirectAddr(leader))
	for i := range 3 {
		w.members = append(w.members, ensemble.ServerLine(e, (leader+i)%3))
	}
	return w
}

// named replaces M1 to M3 by the line of a member, and I1 to I3 by its id.
func (w *world) named(text string) string {
	for i, line := range w.members {
		id, _, _ := strings.Cut(strings.TrimPrefix(line, "server."), "=")
		text = strings.ReplaceAll(text, fmt.Sprintf("M%d", i+1), line)
		text = strings.ReplaceAll(text, fmt.Sprintf("I%d", i+1), id)
	}
	return text
}

// config formats a configuration and the Stat of its node. The addresses of the members
// differ from world to world, and so does the version of a new ensemble.
func (w *world) config(r *proto.Reader) string {
	text := string(r.Buffer())
	var stat proto.Stat
	stat.Decode(r)
	for i, line := range w.members {
		text = strings.ReplaceAll(text, line+"\n", fmt.Sprintf("M%d\n", i+1))
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if n, _ := fmt.Sscanf(line, "version=%x", &w.version); n == 1 {
			lines[i] = "version " + w.since(w.version)
		}
	}
	slices.Sort(lines)
	return fmt.Sprintf("config %s %s", strings.Join(lines, " | "), w.configStat(&stat))
}

// configStat formats the Stat of the node. Its length differs from world to world.
func (w *world) configStat(s *proto.Stat) string {
	return fmt.Sprintf("[czxid %d mzxid %s pzxid %d ctime %d version %d cversion %d aversion %d owner %d children %d]",
		s.Czxid, w.since(s.Mzxid), s.Pzxid, s.Ctime, s.Version, s.Cversion, s.Aversion, s.EphemeralOwner, s.NumChildren)
}

func (w *world) since(zxid int64) string {
	if zxid < w.base {
		return "of a new ensemble"
	}
	return w.zxid(zxid)
}

const (
	null   = "(null)"
	latest = -100 // the version of the configuration that was read last
)

func stReconfig(client int, joining, leaving, members string, version int64) step {
	return step{
		client: client, op: opReconfig, what: fmt.Sprintf("reconfig +%q -%q =%q of version %d", joining, leaving, members, version),
		body: func(w *world) []byte {
			part := func(text string) []byte {
				if text == null {
					return nil
				}
				return []byte(w.named(text))
			}
			version := version
			if version == latest {
				version = w.version
			}
			q := proto.Reconfig{Joining: part(joining), Leaving: part(leaving), NewMembers: part(members), Version: version}
			return q.Append(nil)
		},
	}
}

func scriptReconfig() []step {
	join := func(text string) step { return stReconfig(1, text, null, null, -1) }
	leave := func(text string) step { return stReconfig(1, null, text, null, -1) }
	whole := func(text string) step { return stReconfig(1, null, null, text, -1) }
	read := stRead(2, opGet, "=/zookeeper/config", true)
	steps := []step{
		read, stPath(2, opGetACL, "=/zookeeper/config"),
		leave("I3"),
		stSet(1, "=/zookeeper/config", "", -1),
		stAuth(1, "digest", "super:wrong"),
		leave("I3"),
		stAuth(1, "digest", "super:admin"),
		request(1, opWhoAmI, "", nil),
		stReconfig(1, null, "I3", null, 77),
		read, stReconfig(1, null, "I3", null, latest), read,
		stReconfig(1, null, "I3", null, latest), stReconfig(1, null, "I3", null, 5), read,
		join("M3"), read, join("M3"),
		stReconfig(1, "M3", "I3", null, -1),
		stReconfig(1, null, null, null, -1), stReconfig(1, "", "", null, -1), stReconfig(1, "", "", "", -1),
		leave("I2,I3"), leave("99"), leave(" I3 , ,"), read, leave("x"), leave("I3x"), leave("-1"), leave("+99"),
		join(" M3 "), leave("I2,I3"),
	}
	const a4 = "127.0.0.1:1:2"
	for _, text := range []string{
		"server.4", "server.4=", "server.4=x", "=" + a4 + ";3", "server.x=" + a4 + ";3", "server.4=" + a4, "server.4=" + a4 + ";", "server.4=127.0.0.1:1;3",
		"server.4=127.0.0.1:1:1;3", "server.4=" + a4 + ":leader;3", "server.4=" + a4 + "::;3", "server.4=" + a4 + ":observer:x;3",
		"server.4=127.0.0.1:x:2;3", "server.4=127.0.0.1:1:x;3", "server.4=127.0.0.1:1:2;x", "server.4=127.0.0.1:70000:2;3", "server.4=127.0.0.1:1:2;70000", "server.4=127.0.0.1:1:-2;3",
		"server.4=" + a4 + ";127.0.0.1:3:4", "server.4=" + a4 + ";3;4", "server.4=" + a4 + "|127.0.0.2:1:2;3", "server.4=" + a4 + ";3,server.5=" + a4 + ";3",
		"server.4=[::1:1:2;3", "server.4=[::1];3", "server.4=a=b;3",
	} {
		steps = append(steps, join(text))
	}
	for _, text := range []string{
		"server.4=" + a4 + ":OBSERVER;3", "server.4 = " + a4 + ";127.0.0.1:3", "4=" + a4 + ":participant:;3", "server.4=[::1]:1:2:observer;[::1]:3",
		"server.4=10.9.9.9:1:2:observer;3,server.5=10.9.9.9:3:1:observer;10.9.9.9:9", "server.4=10.9.9.9:1:2:observer;3,server.5=10.9.9.9:3:4:observer;10.9.9.9:1",
		"server.4=10.9.9.9:1:2:observer;10.9.9.9:5,server.5=10.9.9.9:3:4:observer;10.9.9.9:5", "server.4=10.9.9.9:1:2:observer;10.9.9.9:1",
		"server.4=[2001:db8::a:0:1]:1:2:observer;3", "server.4=[::]:1:2:observer;3,server.5=[::]:1:2:observer;[::]:3",
		"x.y.4=" + a4 + ":observer;0.0.0.0:3", "server.4=" + a4 + ":observer;3,server.5=127.0.0.1:3:4:observer;3",
		"server.5=127.0.0.1:3:4;5", "server.6=127.0.0.1:6:7;8", "server.7=127.0.0.1:16:17;8", "server.8=127.0.0.1:26:27;8",
	} {
		steps = append(steps, join(text), read)
	}
	steps = append(steps, leave("4,5,6,7"), read)
	for _, text := range []string{
		"M1,M2", "M1\nM2\nM3\nversion=5", "M1", "", "version=1", "M1,M2,server.4=" + a4, "M1,M2,server.4=" + a4 + ":observer", "M1,M2,x=y", "M1,M2,server.4=x",
		"M1,M2,server.x=" + a4 + ";3", "M1,M2,version=xyz", "M1,server.4=" + a4 + ":observer;3", "server.4=" + a4 + ":observer;3", "# no\n! no\n\n M1\nM2\n", "M1\r\nM2\r\nM3\r\n",
		"M1,M2,M3,server.4=" + a4 + ";3,server.5=" + a4 + ";3", "M1,server.4=" + a4 + ";3,server.5=127.0.0.1:3:4;3",
	} {
		steps = append(steps, whole(text), read)
	}
	return append(steps,
		stReconfig(1, "M3", null, "M1,M2", -1), read,
		stSetACL(1, "=/zookeeper/config", -1, openACL...),
		stReconfig(0, "M3", null, null, -1), read,
		stPath(1, opGetACL, "=/zookeeper/config"),
		stVersion(1, opDelete, "=/zookeeper/config", -1),
	)
}
