package election_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/internal/work"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// The named candidate leads next, and nobody leads in between. The candidates that were
// ahead queue behind it in the order that they had. The old leader is a candidate
// again.
func TestHandOver_ToTheNamedCandidate(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := newCrew(t, srv)
		for _, id := range []string{"a", "b", "c", "d", "e"} {
			c.join(id, 0)
		}
		_, a := c.leader()
		require.Equal(t, "abcde", c.order())
		c.onceEach()
		c.leaves("a") // for a moment
		require.NoError(t, a.HandOver(t.Context(), "d"))
		require.ErrorIs(t, context.Cause(a.Context()), election.ErrHandedOver)
		require.False(t, srv.Exists(a.Path()))
		id, d := c.leader()
		require.Equal(t, "d", id)
		order := c.order()
		require.Equal(t, "de", order[:2])
		require.ElementsMatch(t, []byte("abcde"), []byte(order))
		require.Less(t, strings.Index(order, "b"), strings.Index(order, "c"))
		require.Equal(t, []string{"a", "d"}, c.terms, "no candidate led in between")

		c.leaves("d")
		require.NoError(t, d.HandOver(t.Context(), ""))
		id, _ = c.leader()
		require.Equal(t, "e", id)
		c.leaves("b", "c", "e")
		c.end()
		c.runs.Wait()
	})
}

// A hand-over that is not possible is refused, and we still lead.
func TestHandOver_RefusedChangesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		ctx := t.Context()
		one := connect(t, srv)
		l, err := election.New(one, "/e", election.Config{ID: "a"}).Campaign(ctx)
		require.NoError(t, err)
		require.ErrorIs(t, l.HandOver(ctx, ""), election.ErrNoCandidate)
		require.ErrorIs(t, l.HandOver(ctx, "b"), election.ErrNoCandidate)
		require.ErrorIs(t, l.HandOver(ctx, "a"), election.ErrNoCandidate, "to oneself")
		err = l.HandOver(ctx, "nobody")
		require.ErrorContains(t, err, `"nobody"`)

		// A node of Curator's LeaderLatch, and a candidate of this package behind it.
		foreign, err := connect(t, srv).Create(ctx, "/e/_c_01234567-89ab-cdef-0123-456789abcdef-latch-", []byte("java"), zk.EphemeralSequential)
		require.NoError(t, err)
		c := newCrew(t, srv)
		c.join("b", 0)
		err = l.HandOver(ctx, "b")
		require.ErrorIs(t, err, election.ErrForeignAhead)
		require.ErrorContains(t, err, foreign.Path)
		list, err := election.New(one, "/e", election.Config{}).Candidates(ctx)
		require.NoError(t, err)
		require.Equal(t, []bool{false, true, false}, []bool{list[0].Foreign, list[1].Foreign, list[2].Foreign})
		data, _ := srv.Get("/e")
		require.Empty(t, data)
		require.NoError(t, srv.Delete(foreign.Path))

		require.NoError(t, srv.Set("/e", []byte("somebody's")))
		require.ErrorIs(t, l.HandOver(ctx, "b"), election.ErrForeign)
		data, _ = srv.Get("/e")
		require.Equal(t, "somebody's", string(data))
		require.NoError(t, srv.Set("/e", nil))

		acl := append(zk.WorldACL(zk.PermAll&^zk.PermWrite), zk.DigestACL(zk.PermAll, "admin", "x")...)
		_, err = one.SetACL(ctx, "/e", acl, zk.AnyVersion)
		require.NoError(t, err)
		require.ErrorIs(t, l.HandOver(ctx, "b"), zk.ErrNoAuth)

		require.NoError(t, l.Context().Err())
		require.Empty(t, c.terms)
		require.NoError(t, l.HandOver(ctx, ""), "no name is needed for the next candidate")
		id, _ := c.leader()
		require.Equal(t, "b", id)
		require.ErrorIs(t, l.HandOver(ctx, "b"), election.ErrNotLeader)
		require.NoError(t, l.Resign(ctx))
		c.end()
		c.runs.Wait()
	})
}

// A leader can hand over to a foreign candidate that is next in the queue: it leads
// next anyway.
func TestHandOver_ToAForeignCandidate(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		ctx := t.Context()
		other := connect(t, srv)
		c := newCrew(t, srv)
		c.join("a", 0)
		c.join("b", 0)
		foreign, err := other.Create(ctx, "/e/_c_01234567-89ab-cdef-0123-456789abcdef-latch-", []byte("java"), zk.EphemeralSequential)
		require.NoError(t, err)
		c.join("c", 9)
		_, a := c.leader()
		require.NoError(t, a.HandOver(ctx, "java"))
		time.Sleep(time.Second)
		require.Equal(t, []string{"a"}, c.terms)
		first, err := election.New(other, "/e", election.Config{}).Leader(ctx)
		require.NoError(t, err)
		require.Equal(t, foreign.Path, first.Path)
		require.NoError(t, other.Delete(ctx, foreign.Path, zk.AnyVersion))
		id, _ := c.leader()
		require.Equal(t, "c", id)
		c.end()
		c.runs.Wait()
	})
}

// Different faults happen while b and c stand aside for d. No candidate is in the queue
// twice, and nobody leads out of turn. Soon d leads, or another candidate if d has left.
func TestHandOver_UnderFaults(t *testing.T) {
	faults := map[string]struct {
		verdict zktest.Verdict
		do      func(c *crew, r zktest.Request)
		want    string
	}{
		"the reply is lost":                        {zktest.DropReplyAndCut, nil, "d"},
		"the request is lost":                      {zktest.CutBefore, nil, "d"},
		"the reply is cut short":                   {zktest.CutReplyAfter(9), nil, "d"},
		"no answer":                                {zktest.Hang, nil, "d"},
		"session of a candidate that stands aside": {zktest.CutBefore, func(c *crew, r zktest.Request) { _ = c.srv.ExpireSession(r.Session) }, "d"},
		"expired behind a lost reply":              {zktest.DropReplyAndCut, func(c *crew, r zktest.Request) { go func() { _ = c.srv.ExpireSession(r.Session) }() }, "d"},
		"session of who was named":                 {zktest.Pass, func(c *crew, _ zktest.Request) { _ = c.srv.ExpireSession(c.clients["d"].Session().ID()) }, "bcae"},
		"all connections":                          {zktest.CutBefore, func(c *crew, _ zktest.Request) { go c.srv.CutConnections(1) }, "d"},
		"node of a candidate that stands aside":    {zktest.Pass, func(c *crew, r zktest.Request) { c.deleteOf(r.Session) }, "d"},
		"node of who was named":                    {zktest.Pass, func(c *crew, _ zktest.Request) { c.deleteOf(c.clients["d"].Session().ID()) }, "bcae"},
		"refused once, and node stays":             {zktest.Fail(-7), nil, "d"}, // OperationTimeout: unknown outcome
	}
	for name, f := range faults {
		for nth := int32(1); nth <= 2; nth++ { // b stands aside, then c
			t.Run(name, func(t *testing.T) {
				inBubble(t, func(t *testing.T, srv *zktest.Server) {
					c := newCrew(t, srv)
					for _, id := range []string{"a", "b", "c", "d", "e"} {
						c.join(id, 0)
					}
					_, a := c.leader()
					var multis atomic.Int32
					srv.OnRequest(func(r zktest.Request) zktest.Verdict {
						// The first multi is that of a. It names d.
						if r.Op != "multi" || multis.Add(1) != nth+1 {
							return zktest.Pass
						}
						if f.do != nil {
							f.do(c, r)
						}
						return f.verdict
					})
					err := a.HandOver(t.Context(), "d")
					if f.want == "d" {
						require.NoError(t, err)
					} else {
						require.ErrorIs(t, err, election.ErrNotFirst)
					}
					time.Sleep(10 * time.Second)
					id, _ := c.leader()
					require.Contains(t, f.want, id)
					require.Greater(t, multis.Load(), nth, "it never came to the fault")
					require.Len(t, c.terms, 2, "terms: %v", c.terms)
					srv.OnRequest(nil)
					require.ElementsMatch(t, []byte("abcde"), []byte(c.order()), "queue")
					c.end()
					c.runs.Wait()
				})
			})
		}
	}
}

func (c *crew) deleteOf(session int64) {
	for _, name := range c.srv.Children("/e") {
		if path := zk.Join("/e", name); c.srv.Owner(path) == session {
			_ = c.srv.Delete(path)
		}
	}
}

// The named candidate is gone when the leader is about to name it. The leader still
// leads.
func TestHandOver_NamedCandidateIsGone(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := newCrew(t, srv)
		for _, id := range []string{"a", "b", "c"} {
			c.join(id, 0)
		}
		_, a := c.leader()
		var once sync.Once
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "multi" {
				once.Do(func() { _ = srv.ExpireSession(c.clients["c"].Session().ID()) })
			}
			return zktest.Pass
		})
		require.ErrorIs(t, a.HandOver(t.Context(), "c"), election.ErrNoCandidate)
		require.NoError(t, a.Context().Err())
		id, _ := c.leader()
		require.Equal(t, "a", id)
		c.end()
		c.runs.Wait()
	})
}

// The reply to the request that names the successor is lost. HandOver sends it again,
// and it counts once. If the leader's own session expires in between, HandOver says that
// it leads no longer.
func TestHandOver_NamingIsSettled(t *testing.T) {
	for name, expire := range map[string]bool{"reply lost": false, "session lost": true} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *zktest.Server) {
				c := newCrew(t, srv)
				for _, id := range []string{"a", "b", "c"} {
					c.join(id, 0)
				}
				_, a := c.leader()
				c.expires = expire
				var once sync.Once
				srv.OnRequest(func(r zktest.Request) zktest.Verdict {
					v := zktest.Pass
					if r.Op == "multi" {
						once.Do(func() {
							v = zktest.DropReplyAndCut
							if expire {
								v = zktest.CutBefore
								_ = srv.ExpireSession(r.Session)
							}
						})
					}
					return v
				})
				err := a.HandOver(t.Context(), "c")
				id, _ := c.leader()
				if expire {
					require.ErrorIs(t, err, election.ErrNotLeader)
					require.Equal(t, "b", id)
				} else {
					require.NoError(t, err)
					require.Equal(t, "c", id)
				}
				c.end()
				c.runs.Wait()
			})
		})
	}
}

// Of many hand-overs at once one succeeds, and the others return an error.
func TestHandOver_OnlyOneCounts(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := newCrew(t, srv)
		for _, id := range []string{"a", "b", "c", "d"} {
			c.join(id, 0)
		}
		_, a := c.leader()
		srv.Delay(1, 5*time.Millisecond)
		var mu sync.Mutex
		var done []string
		var all sync.WaitGroup
		for _, to := range []string{"b", "c", "d", "c", "d"} {
			all.Go(func() {
				err := a.HandOver(t.Context(), to)
				if err != nil {
					require.ErrorIs(t, err, election.ErrNotLeader)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				done = append(done, to)
			})
		}
		all.Wait()
		require.Len(t, done, 1)
		id, _ := c.leader()
		require.Equal(t, done[0], id)
		c.end()
		c.runs.Wait()
	})
}

// A candidate gives up at any moment while it stands aside. It leaves nothing behind,
// and the hand-over continues without it.
func TestHandOver_CandidateGivesUpWhileItStandsAside(t *testing.T) {
	for after := range 30 {
		inBubble(t, func(t *testing.T, srv *zktest.Server) {
			c := newCrew(t, srv)
			c.join("a", 0)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			b := connect(t, srv)
			gone := make(chan error, 1)
			go func() {
				_, err := election.New(b, "/e", election.Config{ID: "b"}).Campaign(ctx)
				gone <- err
			}()
			synctest.Wait()
			c.join("c", 0)
			_, a := c.leader()
			srv.Delay(1, time.Millisecond)
			require.NoError(t, a.HandOver(t.Context(), "c"))
			time.Sleep(time.Duration(after) * time.Millisecond / 3)
			cancel()
			start := time.Now()
			require.ErrorIs(t, <-gone, context.Canceled)
			require.LessOrEqual(t, time.Since(start), 3*time.Millisecond)
			id, _ := c.leader()
			require.Equal(t, "c", id)
			for _, name := range srv.Children("/e") {
				data, _ := srv.Get(zk.Join("/e", name))
				require.NotEqual(t, "b", string(data), "left behind after %d", after)
			}
			require.True(t, slices.Contains(srv.Sessions(), b.Session().ID()))
			c.end()
			c.runs.Wait()
		})
	}
}

// The context of Run ends while HandOver, which was called with the context of lead,
// waits for a candidate that is slow to stand aside. Run returns at once, although the
// context of lead had ended before.
func TestHandOver_StopsWhenTheContextOfRunEnds(t *testing.T) {
	for name, derive := range map[string]func(lead context.Context) (context.Context, func()){
		"the context of lead": func(lead context.Context) (context.Context, func()) { return lead, func() {} },
		"one with a timeout": func(lead context.Context) (context.Context, func()) {
			ctx, cancel := context.WithTimeout(lead, time.Hour)
			return ctx, cancel
		},
		"under another hold": func(lead context.Context) (context.Context, func()) {
			ctx, stop := work.Under(context.Background(), lead)
			return ctx, stop
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *zktest.Server) {
				a, b, c := connect(t, srv), connect(t, srv), connect(t, srv)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				start, handed, done := make(chan struct{}), make(chan error, 1), make(chan error, 1)
				go func() {
					done <- election.New(a, "/e", election.Config{}).Run(ctx, func(lead context.Context, l *election.Leadership) error {
						<-start
						ctx, stop := derive(lead)
						defer stop()
						handed <- l.HandOver(ctx, "c")
						return nil
					})
				}()
				time.Sleep(time.Second)
				next := campaigns(t, b, election.Config{})
				last := campaigns(t, c, election.Config{ID: "c"})
				time.Sleep(time.Second)
				slow := b.Session().ID()
				srv.OnRequest(func(r zktest.Request) zktest.Verdict {
					if r.Session == slow && r.Op == "multi" {
						time.Sleep(7 * time.Second)
					}
					return zktest.Pass
				})
				close(start)
				time.Sleep(500 * time.Millisecond)
				require.Empty(t, handed, "HandOver waits for no one")
				ended := time.Now()
				cancel()
				require.NoError(t, <-done)
				assert.Less(t, time.Since(ended), 100*time.Millisecond, "Run was late")
				err := <-handed
				require.ErrorIs(t, err, election.ErrNotFirst)
				assert.ErrorIs(t, err, context.Canceled)
				srv.OnRequest(nil)
				l := <-last.leads
				require.NoError(t, l.Resign(t.Context()))
				require.NoError(t, (<-next.leads).Resign(t.Context()))
			})
		})
	}
}
