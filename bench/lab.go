package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	gozk "github.com/go-zookeeper/zk"

	"github.com/zookit/zookit/internal/test/ensemble"
)

// serverKind names the server on which a workload runs.
type serverKind string

const (
	onStub     serverKind = "stub"
	onServer   serverKind = "server"
	onEnsemble serverKind = "ensemble"
)

var both = []serverKind{onStub, onServer}

// lab holds the servers.
type lab struct {
	addr map[serverKind]string // connect strings
	run  map[serverKind]ensemble.Ensemble
	ends []func()
}

// newLab starts the servers that the workloads need. If servers is not empty, it is
// used instead of a new standalone server.
func newLab(ctx context.Context, kinds map[serverKind]bool, servers string) (_ *lab, err error) {
	l := &lab{addr: map[serverKind]string{}, run: map[serverKind]ensemble.Ensemble{}}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	if kinds[onStub] {
		addr, end, err := startStub()
		if err != nil {
			return nil, err
		}
		l.addr[onStub], l.ends = addr, append(l.ends, end)
	}
	// The server runs as in production, with the optimizing compiler and enough
	// memory. The collector is the one without concurrent threads. Such threads would
	// disturb the client on its cores.
	jvm := []string{"-XX:TieredStopAtLevel=4", "-Xmx512m", "-XX:+UseSerialGC"}
	for kind, size := range map[serverKind]int{onServer: 1, onEnsemble: 3} {
		if !kinds[kind] {
			continue
		}
		if kind == onServer && servers != "" {
			l.addr[kind] = servers
		} else {
			e, err := ensemble.Start(ctx, ensemble.Options{Size: size, TickTime: time.Second, JVM: jvm})
			if err != nil {
				return nil, err
			}
			l.run[kind], l.addr[kind] = e, e.Direct()
			l.ends = append(l.ends, func() { _ = e.Close() })
		}
		if err := l.prepare(kind); err != nil {
			return nil, err
		}
	}
	if kinds[onDistant] {
		e, err := distant(ctx, jvm)
		if err != nil {
			return nil, err
		}
		l.run[onDistant], l.addr[onDistant] = e, e.Servers()
		l.ends = append(l.ends, func() { _ = e.Close() })
		if err := l.prepare(onDistant); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (l *lab) close() {
	for _, end := range l.ends {
		end()
	}
}

// prepare creates the nodes. It also warms the server up, with the reads of the
// workloads and the writes of locks: the server's compiler is still at work during the
// first hundred thousand requests.
func (l *lab) prepare(kind serverKind) error {
	addr, _, _ := strings.Cut(l.addr[kind], ",")
	c, err := connectGozk(addr, timeout, nil)
	if err != nil {
		return err
	}
	defer c.Close()
	open := gozk.WorldACL(gozk.PermAll)
	for path, data := range map[string][]byte{dir: nil} {
		if _, err := c.Create(path, data, 0, open); err != nil && err != gozk.ErrNodeExists {
			return err
		}
	}
	for path, data := range map[string][]byte{
		small: value, big: make([]byte, bigSize), family: nil, watchRoot: nil, strings.TrimSuffix(scratch, "/"): nil,
	} {
		if _, err := c.Create(path, data, 0, open); err != nil && err != gozk.ErrNodeExists {
			return err
		}
	}
	if kind == onServer {
		for _, parent := range []string{family, watchRoot} {
			var next int
			for next < members {
				var ops []any
				for ; next < members && len(ops) < 1000; next++ {
					ops = append(ops, &gozk.CreateRequest{Path: parent + "/" + childName(next), Acl: open})
				}
				if _, err := c.Multi(ops...); err != nil && err != gozk.ErrNodeExists {
					return fmt.Errorf("bench: %s: %w", parent, err)
				}
			}
		}
	}
	for _, client := range clients2 {
		e := &env{client: client, lasts: 4 * time.Second, lab: l}
		if _, err := callers(64)(e, addr); err != nil {
			return err
		}
		if _, err := contending(16, 0)(e, l.addr[kind]); err != nil {
			return err
		}
	}
	return nil
}

// kindOf returns the kind of server to which a connect string leads.
func (l *lab) kindOf(addr string) serverKind {
	for kind, a := range l.addr {
		if a == addr {
			return kind
		}
	}
	return onServer
}

// received returns the number of requests that the servers of a kind have received.
func (l *lab) received(kind serverKind) (float64, error) {
	e := l.run[kind]
	if e == nil {
		return 0, nil
	}
	sum := 0.0
	for m := range e.Size() {
		text, err := e.FourLetter(context.Background(), m, "mntr")
		if err != nil {
			return 0, err
		}
		for line := range strings.Lines(text) {
			if v, ok := strings.CutPrefix(strings.TrimSpace(line), "zk_packets_received\t"); ok {
				n, err := strconv.ParseFloat(v, 64)
				if err != nil {
					return 0, err
				}
				sum += n
			}
		}
	}
	return sum, nil
}
