package zktest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/zookit/zookit/internal/proto"
)

// fourLetterWords are the words that the server answers, as Apache ZooKeeper answers them
// on its client port.
var fourLetterWords = map[string]func(c *conn) string{
	"ruok": func(*conn) string { return "imok" },
	"srvr": (*conn).srvr,
	"mntr": (*conn).mntr,
	"cons": (*conn).cons,
	"wchs": (*conn).wchs,
	"dirs": func(*conn) string { return "datadir_size: 0\nlogdir_size: 0\n" },
	"isro": (*conn).isro,
	"conf": (*conn).conf,
	"envi": func(c *conn) string {
		return fmt.Sprintf("Environment:\nzookeeper.version=%s\nhost.name=localhost\n", c.version())
	},
}

// answerWord answers a four-letter word, if the connection begins with one, and then ends
// it. It reports whether it did.
func (c *conn) answerWord() (answered bool, err error) {
	head, err := c.br.Peek(proto.FrameHeader)
	if err != nil {
		return false, nil // the handshake reports it
	}
	word := string(head)
	answer := fourLetterWords[word]
	if answer == nil {
		return false, nil
	}
	if err := c.enter(needMember); err != nil {
		return true, err
	}
	defer c.server.mu.Unlock()
	switch listed := c.server.cfg.FourLetterWords; {
	case listed != nil && !slices.Contains(listed, word):
		c.out.put([]byte(word + " is not executed because it is not in the whitelist.\n"))
	default:
		c.out.put([]byte(answer(c)))
	}
	c.end(thenClose)
	return true, errFinished
}

// What follows needs Server.mu.

func (c *conn) version() string {
	return c.server.cfg.Version.String() + ".0-zktest, built on 2026-01-01 00:00 UTC"
}

// mode returns the role of the member. The first one is the leader.
func (c *conn) mode() string {
	switch {
	case c.member.minority != nil:
		return "read-only"
	case len(c.server.members) == 1:
		return "standalone"
	case c.member.id == 1:
		return "leader"
	}
	return "follower"
}

// notServing is the answer of a member that serves no clients.
const notServing = "This ZooKeeper instance is not currently serving requests\n"

func (c *conn) srvr() string {
	s, m := c.server, c.member
	if m.refuses() {
		return notServing
	}
	n := s.requests.Load()
	return fmt.Sprintf("Zookeeper version: %s\nLatency min/avg/max: 0/0.0/0\nReceived: %d\nSent: %d\nConnections: %d\nOutstanding: 0\nZxid: %#x\nMode: %s\nNode count: %d\n",
		c.version(), n, n, len(m.conns), m.view.zxid, c.mode(), len(m.view.nodes))
}

func (c *conn) mntr() string {
	s, m := c.server, c.member
	var b strings.Builder
	line := func(name string, value any) { fmt.Fprintf(&b, "zk_%s\t%v\n", name, value) }
	line("version", c.version())
	line("server_state", c.mode())
	line("num_alive_connections", len(m.conns))
	line("packets_received", s.requests.Load())
	line("packets_sent", s.requests.Load())
	line("outstanding_requests", 0)
	line("avg_latency", "0.0")
	line("znode_count", len(m.view.nodes))
	_, _, watches := m.countWatches()
	line("watch_count", watches)
	line("global_sessions", len(s.sessions))
	return b.String()
}

func (c *conn) cons() string {
	var b strings.Builder
	for one := range c.member.conns {
		fmt.Fprintf(&b, " /%s:%d[%d](queued=0,recved=0,sent=0", one.addr, 0, 1)
		if one.session != nil {
			fmt.Fprintf(&b, ",sid=%#x,lop=NA,est=%d,to=%d,lcxid=0x0,lzxid=%#x,lresp=0,llat=0,minlat=0,avglat=0,maxlat=0",
				uint64(one.session.id), c.server.start.UnixMilli(), one.timeout.Milliseconds(), c.member.view.zxid)
		}
		b.WriteString(")\n")
	}
	return b.String() + "\n"
}

func (c *conn) wchs() string {
	conns, paths, watches := c.member.countWatches()
	return fmt.Sprintf("%d connections watching %d paths\nTotal watches:%d\n", conns, paths, watches)
}

// countWatches counts the watches of a member's clients. A path that is in both tables
// counts twice among the watches, and once among the paths.
func (m *member) countWatches() (conns, paths, watches int) {
	watching, watched := map[*conn]bool{}, map[string]bool{}
	for _, t := range []*watchTable{&m.data, &m.child} {
		for path, by := range t.paths {
			watched[path] = true
			watches += len(by)
			for c := range by {
				watching[c] = true
			}
		}
	}
	return len(watching), len(watched), watches
}

func (c *conn) isro() string {
	if c.member.minority != nil {
		return "ro"
	}
	return "rw"
}

func (c *conn) conf() string {
	cfg := c.server.cfg
	plain, secure := 2181, -1
	if cfg.TLS != nil {
		plain, secure = secure, plain
	}
	return fmt.Sprintf("clientPort=%d\nsecureClientPort=%d\ntickTime=%d\nmaxClientCnxns=0\nminSessionTimeout=%d\nmaxSessionTimeout=%d\nserverId=%d\n",
		plain, secure, cfg.TickTime.Milliseconds(), cfg.MinSessionTimeout.Milliseconds(), cfg.MaxSessionTimeout.Milliseconds(), c.member.id)
}
