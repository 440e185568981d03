package election_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// standby is a waiting candidate with a session of its own.
type standby struct {
	c     *zk.Client
	leads chan *election.Leadership
}

func waits(t *testing.T, srv *zktest.Server, priority int, change ...func(*zk.Config)) *standby {
	s := &standby{c: connect(t, srv, change...), leads: make(chan *election.Leadership, 1)}
	go func() {
		l, err := election.New(s.c, "/e", election.Config{Priority: priority}).Campaign(t.Context())
		if err == nil {
			s.leads <- l
		}
	}()
	synctest.Wait()
	return s
}

// end ends all campaigns that still wait.
func end(t *testing.T, all ...*standby) {
	for _, s := range all {
		require.NoError(t, s.c.Close(t.Context()))
	}
}

// asked counts the requests of a client until it leads, without heartbeats and
// without requests that remove a watch.
func (s *standby) asked(srv *zktest.Server) func() []string {
	var mu sync.Mutex
	var ops []string
	id := s.c.Session().ID()
	srv.OnRequest(func(r zktest.Request) zktest.Verdict {
		mu.Lock()
		defer mu.Unlock()
		if r.Session == id && len(s.leads) == 0 && !slices.Contains([]string{"ping", "removeWatches"}, r.Op) {
			ops = append(ops, r.Op)
		}
		return zktest.Pass
	})
	return func() []string {
		srv.OnRequest(nil)
		mu.Lock()
		defer mu.Unlock()
		return ops
	}
}

// The next candidate knows beforehand which candidates are behind it and which one is
// named. Between the end of one leadership and the next it sends no request, even if
// candidates have joined or left in the meantime.
func TestCampaign_NextCandidateSendsNoRequest(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		var line []*standby
		for range 5 {
			line = append(line, waits(t, srv, 0))
		}
		for i := range len(line) - 1 {
			time.Sleep(time.Second)
			late := waits(t, srv, 0)
			require.NoError(t, late.c.Close(t.Context()))
			line = append(line, waits(t, srv, 0))
			l := <-line[i].leads
			asked := line[i+1].asked(srv)
			require.NoError(t, l.Resign(t.Context()))
			synctest.Wait()
			require.Len(t, line[i+1].leads, 1)
			require.Empty(t, asked(), "number %d", i+1)
		}
		end(t, line...)
	})
}

// A change right before the end of a leadership counts like an earlier one: a candidate
// of a higher priority that has just joined leads next, and so does one that was just
// named.
func TestCampaign_WhatChangesJustBeforeTheEndCounts(t *testing.T) {
	for name, change := range map[string]func(srv *zktest.Server, last string) error{
		"one comes": func(srv *zktest.Server, _ string) error {
			return srv.Create("/e/_c_01234567-89ab-cdef-0123-456789abcdef-z9-latch-0000000009", nil)
		},
		"one is named": func(srv *zktest.Server, last string) error { return srv.Set("/e", []byte("next="+last)) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *zktest.Server) {
				a, b, c := waits(t, srv, 0), waits(t, srv, 0), waits(t, srv, 0)
				defer end(t, a, b, c)
				time.Sleep(time.Second)
				l := <-a.leads
				last := ""
				for _, n := range srv.Children("/e") {
					if srv.Owner("/e/"+n) == c.c.Session().ID() {
						last = n
					}
				}
				srv.OnRequest(func(r zktest.Request) zktest.Verdict {
					if r.Op == "delete" && r.Path == l.Path() {
						if err := change(srv, last); err != nil {
							t.Error(err)
						}
					}
					return zktest.Pass
				})
				require.NoError(t, l.Resign(t.Context()))
				time.Sleep(time.Second)
				srv.OnRequest(nil)
				require.Empty(t, b.leads, "it had to stand aside")
				for _, n := range srv.Children("/e") {
					if strings.Contains(n, "-z9-") {
						require.Empty(t, c.leads, "and so had this one")
						require.NoError(t, srv.Delete("/e/"+n))
						time.Sleep(time.Second)
						require.Equal(t, 1, len(b.leads)+len(c.leads))
						return
					}
				}
				require.Len(t, c.leads, 1)
			})
		})
	}
}

// A candidate of a higher priority has the leader's session, and its node is deleted
// right after the leader's. The next candidate does not stand aside for it: it lists
// the queue again and keeps its position.
func TestCampaign_NoStandingAsideForACandidateOfTheLeadersSession(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		a, b := waits(t, srv, 0), waits(t, srv, 0)
		defer end(t, b)
		go func() { _, _ = election.New(a.c, "/e", election.Config{Priority: 9}).Campaign(t.Context()) }()
		time.Sleep(time.Second)
		require.Len(t, srv.Children("/e"), 3)
		asked := b.asked(srv)
		require.NoError(t, a.c.Close(t.Context()))
		time.Sleep(time.Second)
		require.Len(t, b.leads, 1)
		heartbeat := func(op string) bool { return op == "sync" }
		require.ElementsMatch(t, []string{"get", "children"}, slices.DeleteFunc(asked(), heartbeat))
	})
}

// On a new connection missed events come in no particular order. A candidate is cut off
// while another one of a higher priority joins and then the leader ends. It must not
// lead before it has read the queue again.
func TestCampaign_WhatWasMissedIsLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{Servers: 2})
		hosts := strings.Split(srv.ConnectString(), ",")
		at := func(i int) func(*zk.Config) { return func(c *zk.Config) { c.Servers = hosts[i] } }
		a, b := waits(t, srv, 0, at(0)), waits(t, srv, 0, at(1))
		l := <-a.leads
		time.Sleep(time.Second)
		srv.Down(2, true)
		c := waits(t, srv, 1, at(0))
		require.NoError(t, l.Resign(t.Context()))
		srv.Down(2, false)
		time.Sleep(time.Second)
		require.Empty(t, b.leads)
		l = <-c.leads

		// If it has missed no change, but its lease has lapsed, it is soon ready again.
		srv.Down(2, true)
		time.Sleep(b.c.Session().Timeout() * 3 / 4)
		srv.Down(2, false)
		time.Sleep(b.c.Session().Timeout() + time.Second)
		require.Positive(t, b.c.Session().Resumed())
		asked := b.asked(srv)
		require.NoError(t, l.Resign(t.Context()))
		synctest.Wait()
		require.Len(t, b.leads, 1)
		require.Empty(t, asked())
		require.NoError(t, (<-b.leads).Resign(t.Context()))
		time.Sleep(time.Minute)
		require.Zero(t, srv.Watches(), fmt.Sprint(srv.WatchPaths()))
	})
}
