package election_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// failures: 76: the leader changes a thousand times, each time while all connections
// are cut three times within 100 ms. Each time there is one leader in the end, and one
// node for each candidate.
func TestRun_FlapsWhileTheLeaderChanges(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := newCrew(t, srv)
		for i, id := range []string{"a", "b", "c", "d", "e"} {
			c.join(id, i%2)
		}
		sessions := srv.Sessions()
		rnd := rand.New(rand.NewPCG(76, 0))
		// Where a cut hits a handshake, the session has little of its lease left after
		// each later reconnect (zk.Session.Guard). A leader may then lose its lease and
		// stand again, and the next one may have to wait for its own. A session timeout
		// after the last cut all of that is over.
		settles := c.clients["a"].Session().Timeout()
		for round := range 1000 {
			_, l := c.leader()
			var flaps sync.WaitGroup
			flaps.Go(func() {
				for range 3 {
					time.Sleep(time.Duration(rnd.IntN(33)) * time.Millisecond)
					srv.CutConnections(1)
				}
			})
			time.Sleep(time.Duration(round%100) * time.Millisecond)
			require.NoError(t, l.HandOver(t.Context(), ""))
			flaps.Wait()
			time.Sleep(settles)
			id, next := c.leader()
			require.NotEqual(t, l.Path(), next.Path())
			require.Equal(t, c.clients[id].Session().ID(), srv.Owner(next.Path()))
			require.Len(t, c.order(), 5)
		}
		require.Equal(t, sessions, srv.Sessions(), "no session ended")
		c.end()
		c.runs.Wait()
	})
}

// failures: 78: one step of a candidate fails with an unknown outcome, and Run retries
// it. A refusal ends Run with an error that names it, and the candidate leaves the
// queue. This is tested for each step.
func TestRun_FailedStepIsRepeated(t *testing.T) {
	const connectionLoss, operationTimeout, noAuth = -4, -7, -102
	for _, op := range []string{"create", "children", "exists", "get", "multi"} {
		for nth := int64(1); nth <= 2; nth++ {
			for _, v := range []zktest.Verdict{zktest.Fail(connectionLoss), zktest.Fail(operationTimeout), zktest.CutBefore, zktest.DropReplyAndCut} {
				t.Run(fmt.Sprint(op, nth), func(t *testing.T) {
					inBubble(t, func(t *testing.T, srv *zktest.Server) {
						c := newCrew(t, srv)
						c.join("a", 0)
						_, a := c.leader()
						// b joins and stands aside for c once. Then both leave, one after the
						// other.
						var seen atomic.Int64
						b := connect(t, srv)
						srv.OnRequest(func(r zktest.Request) zktest.Verdict {
							if r.Op == op && r.Session == b.Session().ID() && seen.Add(1) == nth {
								return v
							}
							return zktest.Pass
						})
						led := make(chan error, 1)
						go func() {
							led <- election.New(b, "/e", election.Config{ID: "b"}).Run(t.Context(), func(context.Context, *election.Leadership) error {
								return nil
							})
						}()
						time.Sleep(time.Minute)
						c.join("c", 1)
						require.NoError(t, a.Resign(t.Context()))
						id, l := c.leader()
						require.Equal(t, "c", id)
						require.NoError(t, l.Resign(t.Context()))
						require.NoError(t, <-led)
						c.runs.Wait()
					})
				})
			}
		}
	}
	t.Run("refused", func(t *testing.T) {
		inBubble(t, func(t *testing.T, srv *zktest.Server) {
			c := connect(t, srv)
			var once sync.Once
			srv.OnRequest(func(r zktest.Request) zktest.Verdict {
				v := zktest.Pass
				if r.Op == "create" && r.Path != "/e" {
					once.Do(func() { v = zktest.Fail(noAuth) })
				}
				return v
			})
			err := election.New(c, "/e", election.Config{}).Run(t.Context(), func(context.Context, *election.Leadership) error { return nil })
			require.ErrorIs(t, err, zk.ErrNoAuth)
			require.ErrorContains(t, err, "/e")
		})
	})
}

// failures: 80: the leadership is lost before lead has begun. Run still calls lead, with
// a context that has ended, and campaigns again.
func TestRun_LossBeforeLeadBeginsIsReported(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		e, rival := election.New(connect(t, srv), "/e", election.Config{}), election.New(connect(t, srv), "/e", election.Config{})
		l, err := rival.Campaign(t.Context())
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = e.Campaign(ctx) // after it has seen others, it watches its own node from the start
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, l.Resign(t.Context()))
		synctest.Wait() // until the candidate that gave up is out of the queue
		require.Empty(t, srv.Children("/e"))
		var once sync.Once
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "exists" { // the watch on the leader's own node
				once.Do(func() { require.NoError(t, srv.Delete(r.Path)) })
			}
			return zktest.Pass
		})
		var causes []error
		err = e.Run(t.Context(), func(ctx context.Context, l *election.Leadership) error {
			if len(causes) == 1 {
				return nil
			}
			<-ctx.Done()
			causes = append(causes, context.Cause(ctx))
			return errors.New("of a lost term: logged, not returned")
		})
		require.NoError(t, err)
		require.Len(t, causes, 1)
		require.ErrorIs(t, causes[0], election.ErrDeleted)
	})
}

// failures: 80: Run waits for a slow lead before it campaigns again, and does not
// return before lead has.
func TestRun_WaitsForLead(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		ctx, cancel := context.WithCancel(t.Context())
		running := 0
		done := make(chan error, 1)
		go func() {
			done <- election.New(c, "/e", election.Config{}).Run(ctx, func(ctx context.Context, _ *election.Leadership) error {
				running++
				require.Equal(t, 1, running)
				<-ctx.Done()
				require.NotContains(t, srv.Children("/e"), "another candidacy")
				time.Sleep(10 * time.Second)
				running--
				return nil
			})
		}()
		synctest.Wait()
		require.NoError(t, srv.ExpireSession(c.Session().ID()))
		time.Sleep(9 * time.Second)
		require.Empty(t, srv.Children("/e"), "it campaigns while it leads")
		time.Sleep(20 * time.Second)
		require.Len(t, srv.Children("/e"), 1)
		cancel()
		synctest.Wait()
		require.Empty(t, done)
		require.NoError(t, <-done)
		require.Zero(t, running)
	})
}

// failures: 79: a leader resigns without a connection and campaigns again in the same
// session. The old node is deleted, and does not block the new one.
func TestRun_OldNodeOfTheSameSessionDoesNotBlock(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		session := c.Session()
		e := election.New(c, "/e", election.Config{})
		l, err := e.Campaign(t.Context())
		require.NoError(t, err)
		srv.Down(1, true)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, l.Resign(ctx), zk.ErrUnconfirmed)
		require.True(t, srv.Exists(l.Path()))
		again := make(chan *election.Leadership, 1)
		go func() {
			l, err := e.Campaign(t.Context())
			require.NoError(t, err)
			again <- l
		}()
		time.Sleep(time.Second)
		srv.Down(1, false)
		start := time.Now()
		next := <-again
		require.Less(t, time.Since(start), 3*time.Second)
		require.Equal(t, session, c.Session())
		require.Len(t, srv.Children("/e"), 1)
		require.NoError(t, next.Resign(t.Context()))
	})
}

// During a disconnect the leader's node is replaced by one of the same name that is not
// ours. The leader loses its leadership: it checks its node after each reconnect.
func TestElection_IsVerifiedAfterAReconnect(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		l, err := election.New(c, "/e", election.Config{}).Campaign(t.Context())
		require.NoError(t, err)
		synctest.Wait()
		srv.Down(1, true)
		require.NoError(t, srv.Delete(l.Path()))
		require.NoError(t, srv.Create(l.Path(), nil))
		time.Sleep(time.Second)
		require.NoError(t, l.Context().Err())
		srv.Down(1, false)
		require.NoError(t, c.Sync(t.Context(), "/"))
		synctest.Wait()
		require.ErrorIs(t, context.Cause(l.Context()), election.ErrDeleted)
		require.NoError(t, srv.Delete(l.Path()))
		require.NoError(t, l.Resign(t.Context()))
	})
}

// failures: 83: a slow lead and an observer that hangs do not keep another election of
// the same client waiting.
func TestElection_SlowCallersDelayNoOtherElection(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		block := make(chan struct{})
		var slow sync.WaitGroup
		slow.Go(func() {
			require.NoError(t, election.New(c, "/slow", election.Config{}).Run(t.Context(), func(context.Context, *election.Leadership) error {
				<-block
				return nil
			}))
		})
		slow.Go(func() {
			for _, err := range election.New(c, "/e", election.Config{}).Observe(t.Context()) {
				require.NoError(t, err)
				<-block
				return
			}
		})
		synctest.Wait()
		start := time.Now()
		for range 100 {
			l, err := election.New(c, "/e", election.Config{}).Campaign(t.Context())
			require.NoError(t, err)
			require.NoError(t, l.Resign(t.Context()))
		}
		require.Less(t, time.Since(start), time.Second)
		close(block)
		slow.Wait()
	})
}
